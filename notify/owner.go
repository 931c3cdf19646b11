package notify

import (
	"cmp"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

// Owner is what there is to say to one person about the tokens that need action. All of it
// is bounded; names are made visible.
type Owner struct {
	Name  string
	Of    string  // the InfluxDB user that the tokens are of, or how many; empty where Name says it
	Need  string  // see Need
	New   []Token // told in full
	Older []Token // that they heard of: a line each
	total int

	evidence string // that of the message
}

// NewOwner words what one person has to act on.
func NewOwner(m Message, o audit.OwnerHighlights) Owner {
	out := Owner{Name: personName(o), Need: Need(m, o), total: o.Tokens, evidence: m.Evidence}
	switch user := userName(o.Owner); {
	case o.Owner.IsNone() && (o.Users > 1 || o.Contact.Responsible == ""):
	case o.Owner.IsNone():
		out.Of = "for tokens of " + Show(o.Target, 60, "unnamed target")
	case o.Users > 1:
		out.Of = "for " + audit.Plural(o.Users, "InfluxDB user")
	case user != out.Name:
		out.Of = "for InfluxDB user " + user
	}
	said := told{}
	for _, h := range o.Worst {
		if t := newToken(m, h); h.New {
			said.once(t.Found)
			out.New = append(out.New, t)
		} else {
			out.Older = append(out.Older, t)
		}
	}
	for i := range out.Older {
		said.once(out.Older[i].Found[:1])
	}
	return out
}

// More says what is left out where so many tokens are shown; empty if nothing is.
func (o Owner) More(shown int) string { return andMore(o.total-shown, "more token", o.evidence) }

// Need is "4 tokens need action (1 new, 2 overdue)".
func Need(m Message, o audit.OwnerHighlights) string {
	text, parts := audit.Plural(o.Tokens, "token")+" need action", []string(nil)
	if o.Tokens == 1 {
		text = "1 token needs action"
	}
	if o.New > 0 && m.Summary.Previous != nil { // at the first review all are
		parts = append(parts, audit.Number(o.New)+" new")
	}
	if o.Overdue > 0 {
		parts = append(parts, audit.Number(o.Overdue)+" overdue")
	}
	if len(parts) > 0 {
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	return text
}

// OlderTitle stands between the new tokens of an owner and the older ones.
const OlderTitle = "Open since earlier reviews:"

// HowToAnswer tells an owner what to do with what they are told.
const HowToAnswer = "Reply for each token: keep (with a reason and a ticket), or done. An exception needs two people: tokenaudit help exceptions."

// HowToName tells how owners are made known.
const HowToName = "Name who answers for them under owners in the configuration (tokenaudit help slack)."

// Unclaimed is what there is to say about owners of whom nobody is known who answers for
// them.
type Unclaimed struct {
	Title  string
	Owners []UnclaimedOwner
	more   int // that are not among Owners

	evidence string // that of the message
}

// UnclaimedOwner is one of them, with the worst tokens.
type UnclaimedOwner struct {
	Name, Words string
	Worst       []Token // at most MaxUnclaimedTokens
	total       int
	evidence    string // that of the message
}

// MaxUnclaimedTokens is how many tokens of each are named.
const MaxUnclaimedTokens = 5

// More says what is left out where so many tokens are shown; empty if nothing is.
func (o UnclaimedOwner) More(shown int) string {
	return andMore(o.total-shown, "more token", o.evidence)
}

// NewUnclaimed words owners. Those that a review found and left out of its highlights are
// counted.
func NewUnclaimed(m Message, owners []audit.OwnerHighlights) Unclaimed {
	u := Unclaimed{more: m.Highlights.MoreOwners, evidence: m.Evidence}
	tokens, said := 0, told{}
	for _, o := range owners {
		tokens += o.Tokens
		out := UnclaimedOwner{Name: userName(o.Owner) + " in " + Show(o.Target, 40, "unnamed target"), Words: Need(m, o) + m.oldest(o.Oldest), total: o.Tokens, evidence: m.Evidence}
		if o.Contact.Team != "" {
			out.Name += ", " + Show(o.Contact.Team, 40, "")
		}
		for _, h := range o.Worst[:min(len(o.Worst), MaxUnclaimedTokens)] {
			t := newToken(m, h)
			said.once(t.Found[:1])
			out.Worst = append(out.Worst, t)
		}
		u.Owners = append(u.Owners, out)
	}
	switch {
	case len(owners) == 0:
		u.Title = "Not every owner is told in a reply of their own"
	case tokens == 1:
		u.Title = "No contact is known for the owner of 1 token that needs action"
	default:
		u.Title = "No contact is known for " + audit.Plural(len(owners), "owner") + " with " + audit.Plural(tokens, "token") + " that need action"
	}
	return u
}

// More counts the owners that are left out where so many are shown.
func (u Unclaimed) More(shown int) string {
	return andMore(len(u.Owners)-shown+u.more, "more owner", u.evidence)
}

// Token is a token that needs action, in words.
type Token struct {
	New      bool
	Severity string
	Name     string // its description
	ID       string
	Where    string // the org, and the target where there are several
	Owner    string // the InfluxDB user
	Found    []Found
	More     string // findings that are left out of Found
	Open     string // "open for 9 weeks"; empty for one that is new
	Due      string // "due 30 Nov 2026", or "overdue since 3 Nov 2026"; empty without a date
	Overdue  bool
}

// Found is a finding in words.
type Found struct {
	Title  string
	Detail string // what was found
	Why    string // empty where an earlier token of the owner says it, like Fix
	Fix    string
	// Command ends what was found, of the worst finding for which there is one. Before says
	// when and where to run it, up to the colon.
	Command, Before string
	New             bool // it is newer than the review before
}

// maxFound is how many findings of one token are shown.
const maxFound = 3

// NewTokens word tokens with why that matters and what to do, which is said once for each check.
func NewTokens(m Message, all []audit.Highlight) []Token {
	var out []Token
	said := told{}
	for _, h := range all {
		t := newToken(m, h)
		said.once(t.Found)
		out = append(out, t)
	}
	return out
}

// ServerFinding is a finding that is about no token, in words.
type ServerFinding struct {
	Severity, Target, Title, Detail string
	Fix                             string // empty where one before says it
	New                             bool   // no review before had it
}

// Words are the finding on one line, without the severity and how to fix it.
func (f ServerFinding) Words() string {
	words := f.Target + ": " + f.Title
	if f.Detail != "" {
		words += ": " + f.Detail
	}
	if f.New {
		words += " (new)"
	}
	return words
}

// maxServerFindings is how many of them a message tells.
const maxServerFindings = 15

// NewServerFindings word those that need action, worst first; more counts those that are left
// out, and is empty if none are.
func NewServerFindings(m Message) (all []ServerFinding, more string) {
	type found struct {
		audit.Finding
		target  string
		product audit.Product
	}
	var worst []found
	for _, h := range m.Highlights.Server {
		for _, f := range h.Findings {
			worst = append(worst, found{f, h.Record.Target, h.Record.Product})
		}
	}
	slices.SortStableFunc(worst, func(a, b found) int {
		return slices.Index(audit.Severities(), a.Severity) - slices.Index(audit.Severities(), b.Severity)
	})
	said := map[string]bool{}
	for _, f := range worst[:min(len(worst), maxServerFindings)] {
		check := audit.CheckOf(f.Check).On(f.product)
		shown := ServerFinding{
			Severity: severity(f.Severity), Target: Show(f.target, 60, "unnamed target"), Title: title(check), Detail: Show(f.Detail, 200, ""),
			New: f.Fresh() && m.Summary.Previous != nil,
		}
		if fix := cmp.Or(check.Fix, "see the evidence"); !said[fix] {
			said[fix], shown.Fix = true, fix
		}
		all = append(all, shown)
	}
	return all, andMore(m.Summary.NeedsAction.Server-len(all), "more server finding", m.Evidence)
}

// told are the checks of which a message said why they matter and how to fix what they find.
type told map[string]bool

// once takes away what was said before.
func (t told) once(found []Found) {
	for i := range found {
		f := &found[i]
		words := f.Title + f.Why + f.Fix // products have their own
		if t[words] {
			f.Why, f.Fix = "", ""
		}
		t[words] = true
	}
}

// newToken words a token with its findings that need action, worst first.
func newToken(m Message, h audit.Highlight) Token {
	r := h.Record
	t := Token{
		New: h.New, Severity: severity(h.Findings[0].Severity), Name: Show(r.Description, 80, "(no description)"), ID: Show(r.ID, 40, "unknown"),
		Where: Show(cmp.Or(r.Org, r.OrgID), 40, "unknown org"), Owner: OwnerName(r),
	}
	switch {
	case r.Product != "": // without orgs
		t.Where = Show(r.Target, 40, "unnamed target")
	case len(m.Summary.Coverage.Targets) > 1: // names of orgs repeat between servers
		t.Where += " (" + Show(r.Target, 40, "unnamed target") + ")"
	}
	command := ""
	for _, f := range h.Findings[:min(len(h.Findings), maxFound)] {
		check := audit.CheckOf(f.Check).On(r.Product)
		found := Found{
			Title: title(check), Detail: Show(f.Detail, 200, ""), Why: check.Why, Fix: cmp.Or(check.Fix, "see the evidence"),
			New: f.Fresh() && m.Summary.Previous != nil,
		}
		if command == "" {
			command = audit.Command(&r, f)
			found.Command = command
		}
		if found.Command != "" {
			found.Before = m.before(r, f)
		}
		t.Found = append(t.Found, found)
	}
	t.More = andMore(len(h.Findings)-len(t.Found), "more finding", m.Evidence)
	if oldest := h.Oldest(); !h.New && !oldest.IsZero() {
		t.Open = "open since today"
		if age := m.Age(oldest); age != "" {
			t.Open = "open for " + age
		}
	}
	t.Due, t.Overdue = due(m, h.Findings)
	return t
}

// before names the target where there are several: the command is right on one server only.
func (m Message) before(r audit.Record, f audit.Finding) string {
	words := audit.BeforeCommand(&r, f)
	if len(m.Summary.Coverage.Targets) > 1 {
		where := "n " + Show(r.Target, 40, "unnamed target")
		if words == "" {
			return "O" + where
		}
		words += ", o" + where
	}
	return words
}

// due is the first date by which one of the findings has to be fixed.
func due(m Message, findings []audit.Finding) (text string, overdue bool) {
	var first audit.Finding
	for _, f := range findings {
		if !f.Due.IsZero() && (first.Due.IsZero() || f.Due.Before(first.Due)) {
			first = f
		}
	}
	switch {
	case first.Due.IsZero():
		return "", false
	case first.Overdue(m.Summary.Started):
		return "overdue since " + m.Day(first.Due), true
	}
	return "due " + m.Day(first.Due), false
}

// Worst is the finding that decides what to do.
func (t Token) Worst() Found { return t.Found[0] }

// Titles are those of what was found, with those that are new marked.
func (t Token) Titles() string {
	var out []string
	for _, f := range t.Found {
		title := f.Title
		if f.New && !t.New {
			title += " (new)"
		}
		out = append(out, title)
	}
	if t.More != "" {
		out = append(out, t.More)
	}
	return strings.Join(out, "; ")
}

// TokenName is the description of a token, or else its ID.
func TokenName(r audit.Record, limit int) string {
	return Show(r.Description, limit, "token "+Show(r.ID, 20, "without an ID"))
}

// personName is who answers for the tokens: a person, or else the InfluxDB user.
func personName(o audit.OwnerHighlights) string {
	if o.Users <= 1 && strings.EqualFold(o.Contact.Responsible, cmp.Or(o.Owner.Name, o.Owner.ID)) {
		return userName(o.Owner)
	}
	return Show(o.Contact.Responsible, 80, userName(o.Owner))
}

// OwnerName is the name of the owner of a token; see userName.
func OwnerName(r audit.Record) string {
	o := r.Owner
	o.Name, o.ID = cmp.Or(o.Name, r.User), cmp.Or(o.ID, r.UserID)
	return userName(o)
}

// userName is the name of an InfluxDB user, and why they cannot be an owner any more.
func userName(o audit.Owner) string {
	if o.IsNone() {
		return "no owner"
	}
	name := Show(cmp.Or(o.Name, o.ID), 80, "unknown")
	switch o.State {
	case audit.OwnerDeleted:
		return name + " (deleted)"
	case audit.OwnerInactive:
		return name + " (inactive)"
	case audit.OwnerNotMember:
		return name + " (not in the org)"
	case audit.OwnerUnknown, audit.OwnerNone:
		return name + " (state unknown)"
	}
	return name
}
