package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// Content is what the summary of a run says, in the words that every channel uses. All of
// it is bounded, and each text is one line. It may hold names from outside, made visible:
// a channel shows it where nothing is parsed.
type Content struct {
	Title string // what it is, and the headline
	Job   string
	Lines []Line // in the order in which they are read
	// Facts are the job, when it was due and how late it was, and what was seen: the last
	// line, together with Evidence.
	Facts    []string
	Evidence string // where a reader opens the reports
	Link     string // the same, if it is a URL
}

// Line is one line of the summary.
type Line struct {
	Label string // empty where that of the line before goes on
	Text  string
	Fix   string // how to fix it, never cut off; empty where that is not known
	More  string // counts what is left out; comes last
	Alarm bool   // it must not be overlooked
	// In place of Text and Fix where it shares a line.
	short, shortFix string
}

// NewContent words a message in at most so many lines, the title and the facts among
// them. It takes eight to say all that there can be; with more, less is left to the evidence.
func NewContent(m Message, most int) Content {
	s := m.Summary
	c := Content{Title: Title(s), Job: Show(s.Job, 80, "job without a name"), Facts: facts(m), Evidence: Show(m.Evidence, 300, "")}
	if url := m.EvidenceURL(); url == c.Evidence { // and nothing of it is cut or made visible
		c.Link = url
	}
	late, campaigns := campaignLines(m)
	groups := []group{
		{lines: late, joins: maxRevocations},
		{lines: coverageLines(s.Coverage), joins: 1, noun: "more reason"},
		{lines: alarms(m), joins: 5},
		{lines: decisions(m), joins: mostDecisions, most: mostDecisions, noun: "more check"},
		{lines: overdue(m)},
		{lines: campaigns, joins: len(campaigns)},
		{lines: newTokens(m)}, {lines: inventory(m), joins: 2},
	}
	// Where there are more groups than lines, the tokens share one, and then the campaigns.
	for _, shared := range [][2]int{{6, 7}, {0, 5}} {
		into, from := &groups[shared[0]], &groups[shared[1]]
		full := 0
		for _, g := range groups {
			full += min(len(g.lines), 1)
		}
		if full > maxGroups {
			into.lines, from.lines = append(into.lines, from.lines...), nil
			into.joins = len(into.lines)
		}
	}
	left := most - 2
	for i := range groups {
		groups[i].evidence = m.Evidence
		groups[i].room = min(len(groups[i].lines), 1)
		left -= groups[i].room
	}
	for given := true; given && left > 0; {
		given = false
		for i := range groups {
			if g := &groups[i]; g.room < len(g.lines) && (g.most == 0 || g.room < g.most) && left > 0 {
				g.room, left, given = g.room+1, left-1, true
			}
		}
	}
	for _, g := range groups {
		lines := g.fit()
		for i := range lines[min(1, len(lines)):] {
			if l := &lines[i+1]; l.Label == lines[0].Label && !l.Alarm {
				l.Label = ""
			}
		}
		c.Lines = append(c.Lines, lines...)
	}
	return c
}

// maxGroups have a line each among eight.
const maxGroups = 6

// mostDecisions is how many checks the summary names.
const mostDecisions = 5

// group is lines of one kind, of which there may be more than there is room for.
type group struct {
	lines    []Line
	evidence string // that of the message
	room     int
	joins    int    // how many of them the last line takes
	most     int    // how many of them are said at all; 0 is all
	noun     string // what those are that are left out
}

func (g group) fit() []Line {
	if len(g.lines) <= g.room {
		return g.lines
	}
	out := slices.Clone(g.lines[:g.room])
	last, rest := &out[g.room-1], g.lines[g.room:]
	joined := min(len(rest), g.joins-1)
	if g.most > 0 {
		joined = min(joined, g.most-g.room)
	}
	for _, l := range rest[:joined] {
		last.Text += last.More + " · "
		if l.Label != last.Label {
			last.Text += l.Label + ": "
		}
		last.Text += cmp.Or(l.short, l.Text)
		last.More = l.More
		last.Fix = strings.TrimSpace(last.Fix + " " + l.shortFix)
		last.Alarm = last.Alarm || l.Alarm
	}
	if more := len(rest) - joined; more > 0 {
		last.More = " · " + andMore(more, g.noun, g.evidence)
	}
	return out
}

// Title never sounds clean unless all that was asked for was seen.
func Title(s audit.Summary) string {
	review := "InfluxDB token review"
	if s.Trigger == audit.Sample {
		review = "TEST of " + review // nothing was reviewed
	}
	return review + ": " + s.Headline()
}

// Changed is what a notification has to say besides the headline; empty if that is all.
func Changed(s audit.Summary) string {
	var out []string
	if len(s.PolicyChanges) > 0 {
		out = append(out, "The policy changed.")
	}
	if n := len(s.Coverage.AllRetired()); n > 0 {
		out = append(out, "Retired: "+audit.Plural(n, "source")+".")
	}
	overdue := 0
	for _, c := range s.Campaigns {
		overdue += c.Revocations.Overdue
	}
	if overdue > 0 {
		out = append(out, "Overdue: "+audit.Plural(overdue, "revocation")+".")
	}
	return strings.Join(out, " ")
}

// coverageLines are what was not seen: one line for each distinct reason, however many
// targets share it.
func coverageLines(c audit.TotalCoverage) []Line {
	if c.Verdict == audit.Complete {
		return nil
	}
	var out []Line
	for _, l := range c.Lines() {
		if l.Accepted != nil {
			continue
		}
		words := strings.TrimSuffix(Show(l.Words, 160, "a reason without words"), ".")
		if len(l.Targets) > 0 {
			words = audit.Names(l.Targets, 3) + ": " + words
		}
		out = append(out, Line{Label: "Not seen", Text: words, Fix: Show(l.Remedy, audit.MaxRemedy, ""), Alarm: true})
	}
	if len(out) == 0 {
		for _, reason := range c.Reasons {
			out = append(out, Line{Label: "Not seen", Text: Show(reason, 160, "a reason without words"), Alarm: true})
		}
	}
	switch {
	case len(out) == 0 && len(c.Targets) == 0:
		out = []Line{{Label: "Not seen", Text: "no target was reviewed", Alarm: true}}
	case len(out) == 0:
		out = []Line{{Label: "Not seen", Text: "the review gave no reason", Alarm: true}}
	}
	return out
}

// alarms are what readers of the figures have to know before they compare them.
func alarms(m Message) []Line {
	s := m.Summary
	var out []Line
	if len(s.PolicyChanges) > 0 && s.Previous != nil {
		out = append(out, Line{Label: "Policy changed since " + m.Time(s.Previous.Slot), Text: shownAll(s.PolicyChanges, 3, 100, "a change without words", m.Evidence), Alarm: true})
	}
	if retired := s.Coverage.RetiredWords(2); len(retired) > 0 {
		out = append(out, Line{Label: "Retired", Text: shownAll(retired, len(retired), 250, "a source without a name", m.Evidence), Alarm: true})
	}
	if gaps := s.Coverage.Accepted(); len(gaps) > 0 {
		var ids []string
		for _, g := range gaps {
			ids = append(ids, strings.TrimPrefix(g.Target+" ", " ")+g.ID)
		}
		out = append(out, Line{Label: "Gaps", Text: audit.AcceptedWords(gaps) + ": " + audit.Names(ids, 3)})
	}
	if s.Missed > 0 {
		out = append(out, Line{Label: "Missed", Text: audit.Plural(s.Missed, "earlier review"), Alarm: true})
	}
	if m.Repeats {
		out = append(out, Line{Label: "Note", Text: MayRepeat, Alarm: true})
	}
	return out
}

// MayRepeat warns of a double, which beats a message that is lost.
const MayRepeat = "this may repeat an earlier message"

// decisions are what is to be decided, by check: what is critical about servers, then what is
// new, then the others, each worst first.
func decisions(m Message) []Line {
	rank := func(d audit.Decision) int {
		switch {
		case d.Leads():
			return 0
		case d.New > 0 && m.Summary.Previous != nil:
			return 1
		}
		return 2
	}
	all := m.Summary.Decide()
	slices.SortStableFunc(all, func(a, b audit.Decision) int { return rank(a) - rank(b) })
	var out []Line
	for _, d := range all {
		noun := "token"
		if d.Check.Server {
			noun = "finding"
		}
		text := severity(d.Severity) + ", " + title(d.Check) + ": " + audit.Plural(d.Tokens, noun)
		if where := m.Highlights.Where(d); where != "" {
			text += " in " + where
		}
		short, due := text, ""
		if d.New > 0 && m.Summary.Previous != nil {
			text += ", " + audit.Number(d.New) + " new"
		}
		text += m.oldest(d.Oldest)
		switch {
		case d.Overdue > 0:
			due = ", " + audit.Number(d.Overdue) + " overdue since " + m.Day(d.Due)
		case !d.Due.IsZero():
			due = ", due " + m.Day(d.Due)
		}
		line := Line{Label: "Decide", Text: text + due, short: short + due}
		if d.Check.Server && d.Check.Fix != "" { // no owner is told
			line.Fix, line.shortFix = d.Check.Fix, title(d.Check)+": "+d.Check.Fix
		}
		out = append(out, line)
	}
	return out
}

// overdue says how much is late, and who has most of it.
func overdue(m Message) []Line {
	a := m.Summary.NeedsAction
	if a.Overdue == 0 {
		return nil
	}
	text := audit.Plural(a.Overdue, "token")
	var due time.Time
	for _, c := range a.ByCheck {
		if c.Overdue > 0 && (due.IsZero() || c.Due.Before(due)) {
			due = c.Due
		}
	}
	if !due.IsZero() {
		text += ", the oldest since " + m.Day(due)
	}
	late := slices.DeleteFunc(slices.Clone(m.Highlights.Owners), func(o audit.OwnerHighlights) bool { return o.Overdue == 0 })
	slices.SortStableFunc(late, func(a, b audit.OwnerHighlights) int { return b.Overdue - a.Overdue })
	var who []string
	for _, o := range late {
		name := personName(o)
		if o.Contact.Responsible == "" {
			name += m.in(o.Target)
		}
		who = append(who, name+" ("+audit.Number(o.Overdue)+")")
	}
	if len(who) > 0 {
		text += ": " + audit.Names(who, 3)
	}
	return []Line{{Label: "Overdue", Text: text, Alarm: true}}
}

// Limits of the new tokens in the summary: how many are named, and the characters of each.
const (
	maxNamed = 5
	maxName  = 32
)

// newTokens name the worst of the tokens that newly need action; at the first review, of all
// that do.
func newTokens(m Message) []Line {
	n, worst := m.Summary.NeedsAction.New, m.Highlights.New
	label, text := "New", audit.Plural(n, "token")+" newly need action: "
	if n == 1 {
		text = "1 token newly needs action: "
	}
	if m.Summary.Previous == nil {
		n, label, text = m.Summary.NeedsAction.Tokens, "Worst", ""
	}
	if n == 0 || len(worst) == 0 {
		return nil
	}
	worst = worst[:min(len(worst), maxNamed)]
	return []Line{{Label: label, Text: text + byOwner(m, worst), More: othersMore(n - len(worst))}}
}

// byOwner names tokens, those of one owner and severity together.
func byOwner(m Message, tokens []audit.Highlight) string {
	var groups []string
	named := map[string][]string{}
	for _, h := range tokens {
		group := severity(h.Findings[0].Severity) + ", of " + OwnerName(h.Record) + m.in(h.Record.Target) + ": "
		if len(named[group]) == 0 {
			groups = append(groups, group)
		}
		named[group] = append(named[group], TokenName(h.Record, maxName))
	}
	for i, group := range groups {
		groups[i] += strings.Join(named[group], " · ")
	}
	return strings.Join(groups, "; ")
}

// in is " in plant" where there are several targets: names of users repeat between them.
func (m Message) in(target string) string {
	if len(m.Summary.Coverage.Targets) <= 1 {
		return ""
	}
	return " in " + Show(target, 40, "unnamed target")
}

// maxReplaced is how many replaced tokens are named.
const maxReplaced = 3

// inventory counts the active write tokens and names new ones, and says which tokens others
// took the place of.
func inventory(m Message) []Line {
	var lines []Line
	if words := m.Highlights.ReplacedWords(maxReplaced); words != "" {
		lines = append(lines, Line{Label: "Replaced", Text: words})
	}
	line := Line{Label: "Inventory", Text: m.Summary.InventoryWords()}
	if line.Text == "" {
		return lines
	}
	if named := m.Highlights.NewWrites; m.Summary.Previous != nil && len(named) > 0 {
		var names []string
		for _, h := range named {
			names = append(names, TokenName(h.Record, maxName))
		}
		line.Text += ". New: " + strings.Join(names, " · ")
		line.More = othersMore(m.Summary.Inventory.New - len(named))
	}
	return append([]Line{line}, lines...)
}

// othersMore counts what is not named in a line.
func othersMore(n int) string {
	if n <= 0 {
		return ""
	}
	return " · and " + audit.Number(n) + " more"
}

func facts(m Message) []string {
	s := m.Summary
	var hidden, limits, complete int
	for _, t := range s.Coverage.Targets {
		hidden, limits = hidden+t.Hidden, limits+len(t.BlindSpots)
		if t.Verdict == audit.Complete {
			complete++
		}
	}
	targets := audit.Plural(len(s.Coverage.Targets), "target")
	if n := s.Coverage.Products(); n > 1 {
		targets += " of " + audit.Plural(n, "product")
	}
	seen := "coverage " + s.Coverage.Words()
	if s.Coverage.Verdict != audit.Complete {
		seen = fmt.Sprintf("%d of %s seen completely", complete, targets)
	}
	out := []string{Show(s.Job, 80, "job without a name"), s.Trigger.When() + " " + m.Time(s.Slot), audit.Plural(s.Authorizations.Total, "token") + " in " + targets + ", " + seen}
	if hidden > 0 {
		out = append(out, audit.Number(hidden)+" hidden from InfluxDB's list")
	}
	if limits > 0 {
		out = append(out, audit.Plural(limits, "limit")+", see Coverage")
	}
	if s.Previous == nil && s.Trigger != audit.Sample {
		out = append(out, "first review: nothing to compare with")
	}
	switch s.Trigger {
	case audit.CatchUp:
		out = append(out, "caught up, "+s.Run().LateWords())
	case audit.Manual:
		out = append(out, "run by hand")
	case audit.Sample:
		out = append(out, "example figures: nothing was reviewed")
	}
	return out
}

// Unchanged is all that there is to say about a quiet week.
func Unchanged(m Message) string {
	s := m.Summary
	text := fmt.Sprintf("%s. Nothing changed since the review %s %s. %s, seen completely", Title(s), s.Previous.Trigger.When(), m.Time(s.Previous.Slot), audit.Plural(s.Authorizations.Total, "token"))
	if words := audit.AcceptedWords(s.Coverage.Accepted()); words != "" {
		text += " but for " + words
	}
	return text + "."
}

// shownAll joins the first of some texts from outside, and counts the rest.
func shownAll(all []string, most, limit int, instead, evidence string) string {
	var out []string
	for _, text := range all[:min(len(all), most)] {
		out = append(out, Show(text, limit, instead))
	}
	if more := len(all) - most; more > 0 {
		out = append(out, seeEvidence("and "+audit.Number(more)+" more", evidence))
	}
	return strings.Join(out, "; ")
}

func severity(s audit.Severity) string { return Show(string(s), 10, "not rated") }

func title(c audit.Check) string { return Show(c.Title, 60, "unknown check") }

// seeEvidence refers to the evidence, unless there is none, as after a dry run.
func seeEvidence(text, evidence string) string {
	if evidence == "" {
		return text
	}
	return text + ", see the evidence"
}

// andMore is "and 5 more tokens, see the evidence"; empty if there are none.
func andMore(n int, noun, evidence string) string {
	if n <= 0 {
		return ""
	}
	return seeEvidence("and "+audit.Plural(n, noun), evidence)
}

// Show makes text from outside safe on one line, or says instead what is missing:
// Slack refuses empty text.
func Show(text string, limit int, instead string) string {
	if line := audit.Line(text, limit); strings.TrimSpace(line) != "" {
		return line
	}
	return instead
}
