package campaign

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// Kind is what a reviewer decides.
type Kind string

const (
	Keep    Kind = "keep"
	Revoke  Kind = "revoke"
	Modify  Kind = "modify"   // in place of the token comes one that may do less
	NotMine Kind = "not mine" // somebody else has to decide
)

// Kinds are all of them, as the workbook offers them.
func Kinds() []string {
	return []string{string(Keep), string(Revoke), string(Modify), string(NotMine)}
}

// Decision is a row that was taken: a line of decisions.jsonl.
type Decision struct {
	Import   int       `json:"import"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Signed   bool      `json:"signed"`
	Item     string    `json:"item"`
	Decision Kind      `json:"decision"`

	Justification string `json:"justification,omitempty"`
	UntilOrScope  string `json:"until_or_scope,omitempty"`
	Ticket        string `json:"ticket,omitempty"`
	Fingerprint   string `json:"fingerprint"` // of the token that was decided on
	// Conflict: somebody else had decided otherwise.
	Conflict bool `json:"conflict,omitempty"`
}

// sameAs reports whether both say the same of an item.
func (d Decision) sameAs(o Decision) bool {
	return d.Decision == o.Decision && d.Justification == o.Justification && d.UntilOrScope == o.UntilOrScope && d.Ticket == o.Ticket && Same(d.By, o.By)
}

// Code says why a row was refused.
type Code string

const (
	UnknownItem        Code = "unknown-item"
	IDIsNumber         Code = "id-is-number" // a spreadsheet made a number of the ID
	OtherCampaign      Code = "other-campaign"
	Stale              Code = "stale"        // the token is not as the file has it
	FactsEdited        Code = "facts-edited" // a cell that is not for the reviewer was changed
	NotYours           Code = "not-yours"
	SelfReview         Code = "self-review"
	UnknownDecision    Code = "unknown-decision"
	NeedsJustification Code = "needs-justification"
	NeedsScope         Code = "needs-scope"
	NeedsTicket        Code = "needs-ticket"
	PastDate           Code = "past-date" // until when it is kept
	CannotGo           Code = "cannot-go" // the operator token of InfluxDB 3
	OfReviews          Code = "of-reviews"
	Duplicate          Code = "duplicate"
	Conflict           Code = "conflict" // kept, and counts once it is resolved
	Final              Code = "final"    // signed before, and decided otherwise now
	Closed             Code = "closed"
)

// Refusal is a row that was refused: a line of refused.csv.
type Refusal struct {
	Import int
	At     time.Time
	File   string
	Line   int // in the file, from 1
	Item   string
	Code   Code
	Reason string
}

// Row is a row of a file that a reviewer sends back, as it stands there. What a file
// lacks is "".
type Row struct {
	Line        int
	Campaign    string
	Item        string
	Fingerprint string
	FactsSHA256 string
	Reviewer    string
	Facts       map[string]string // the cells that are not for the reviewer, by column

	Decision, Justification, UntilOrScope, Ticket string
}

// Import is a file that was imported: a line of imports.jsonl.
type Import struct {
	Import   int       `json:"import"` // from 1
	At       time.Time `json:"at"`
	File     string    `json:"file"` // in the folder of the campaign
	Name     string    `json:"name"` // as it was given
	SHA256   string    `json:"sha256"`
	Reviewer string    `json:"reviewer"`
	// Signed files have a signature beside them, by the key of that fingerprint.
	Signed bool   `json:"signed"`
	Key    string `json:"key,omitempty"`
	// Rows with a decision are taken, refused, or say what was decided before. A row may be
	// of several tokens.
	Rows    int `json:"rows"`
	Taken   int `json:"taken"`
	Refused int `json:"refused"`
	// Assigned and Seen are how many lines of assignments.jsonl and remediation.jsonl there
	// were when its rows were judged.
	Assigned int `json:"assigned"`
	Seen     int `json:"seen"`
	// Closed: the campaign was closed by then.
	Closed bool `json:"closed,omitempty"`
}

// Outcome is what becomes of the rows of a file. Each is taken, refused, unchanged or
// empty. One that is refused for a conflict, or for some of its tokens, may have decisions
// all the same.
type Outcome struct {
	Decisions []Decision
	Refused   []Refusal
	Taken     int // rows
	Unchanged int // rows that say what was decided before
	Empty     int // rows without a decision
}

// Judge takes or refuses the rows of a file, as the book stands. All of them are of the
// reviewer of the import, whomever a row names. It changes nothing.
func (b *Book) Judge(in Import, rows []Row) Outcome {
	j := judging{Book: b, in: in, status: map[string]*Status{}, lines: map[string]Line{}, met: map[string]*met{}}
	all := b.Status()
	for i := range all {
		j.status[all[i].Item.ID] = &all[i]
	}
	for _, l := range b.Lines(itemsOf(all, in.Reviewer)) {
		j.lines[l.ID] = l
	}
	for _, r := range rows {
		switch m := j.met[r.Item]; {
		case r.decision() == "":
		case m == nil:
			j.met[r.Item] = &met{first: r}
		default:
			m.differ = m.differ || !m.first.decidesAs(r)
		}
	}
	for _, r := range rows {
		j.row(r)
	}
	return j.out
}

type judging struct {
	*Book
	in     Import
	status map[string]*Status // by item
	lines  map[string]Line    // of the reviewer, by ID
	met    map[string]*met    // by ID
	out    Outcome
}

// met are the rows of one ID that have a decision.
type met struct {
	first  Row
	differ bool
}

func folded(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func (r Row) decision() Kind { return Kind(folded(r.Decision)) }

// row takes a row, or refuses it with the first reason that there is.
func (j *judging) row(r Row) {
	if r.decision() == "" {
		j.out.Empty++
		return
	}
	by := j.in.Reviewer
	line, code, reason := j.find(r, by)
	if code == "" {
		code, reason = j.Campaign.lacks(r, line, j.in.At)
	}
	if code == "" {
		code, reason = j.doubled(r)
	}
	if code != "" {
		j.refuse(r, code, reason)
		return
	}
	taken := false
	for _, it := range line.Items {
		d := Decision{
			Import: j.in.Import, At: j.in.At, By: by, Signed: j.in.Signed, Item: it.ID, Decision: r.decision(), Fingerprint: it.Fingerprint,
			Justification: strings.TrimSpace(r.Justification), UntilOrScope: strings.TrimSpace(r.UntilOrScope), Ticket: strings.TrimSpace(r.Ticket),
		}
		switch earlier := j.status[it.ID].by(by); {
		case earlier != nil && earlier.Signed && !earlier.sameAs(d) && earlier.Decision != NotMine:
			code, reason = Final, "signed on "+day(earlier.At)+" as "+string(earlier.Decision)+"; a new decision needs campaign assign"
			continue
		case earlier != nil && earlier.sameAs(d) && (earlier.Signed || !d.Signed):
			continue
		}
		if other := j.status[it.ID].otherwise(d); other != nil {
			d.Conflict = true
			code, reason = Conflict, other.By+" decided "+string(other.Decision)+"; campaign assign says who decides"
		}
		j.out.Decisions = append(j.out.Decisions, d)
		taken = true
	}
	switch {
	case code != "":
		j.refuse(r, code, reason)
	case taken:
		j.out.Taken++
	default:
		j.out.Unchanged++
	}
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// find is the row of the campaign that a row of a file is about, if it may be decided by
// whom the file is of and is as the file has it.
func (j *judging) find(r Row, by string) (line Line, code Code, reason string) {
	switch {
	case r.Campaign != "" && r.Campaign != j.ID():
		return line, OtherCampaign, "the row is of campaign " + audit.Line(r.Campaign, 100)
	case j.Closing != nil:
		return line, Closed, "the campaign was closed on " + day(j.Closing.At)
	case isNumber(r.Item):
		return line, IDIsNumber, "a spreadsheet made the number " + audit.Line(r.Item, 40) + " of the ID; export again and keep the hidden columns as they are"
	}
	line, yours := j.lines[r.Item]
	if !yours {
		switch s, known := j.of(r.Item); {
		case !known:
			return line, UnknownItem, "the campaign has no such item"
		case s.Item.ID == r.Item && s.Item.isSelf(by):
			return line, SelfReview, by + " is the owner, or responsible"
		case s.Item.ID == r.Item && s.Item.Group != "" && Same(s.Reviewer, by):
			return line, Stale, "the token is now in a row with others; export again"
		case s.Item.ID != r.Item && Same(s.Reviewer, by):
			return line, Stale, "the row has other tokens now; export again"
		default:
			return line, NotYours, "the reviewer is " + cmp.Or(s.Reviewer, "not named yet")
		}
	}
	if slices.ContainsFunc(line.Items, func(it Item) bool { return it.isSelf(by) }) {
		return line, SelfReview, by + " is the owner, or responsible"
	}
	if r.Fingerprint != line.Fingerprint {
		return line, Stale, "the token is not as the file has it; export again"
	}
	if name := edited(r, line); name != "" {
		return line, FactsEdited, "the column " + name + " was changed; decide in the columns that are yours"
	}
	return line, "", ""
}

// of is the item with an ID, or the first one of the group with it.
func (j *judging) of(id string) (*Status, bool) {
	s := j.status[strings.TrimPrefix(id, groupPrefix)]
	return s, s != nil && (s.Item.ID == id || s.Item.Group == id)
}

// edited names a column that is not as it was written, "" if all are that are there.
func edited(r Row, l Line) string {
	if r.FactsSHA256 != l.FactsSHA256 {
		return "Facts"
	}
	for _, f := range l.Facts {
		shown, there := r.Facts[f.Name]
		if there && strings.TrimSpace(shown) != strings.TrimSpace(f.Text) {
			return f.Name
		}
	}
	return ""
}

// lacks says what a decision needs besides, at a time.
func (c Campaign) lacks(r Row, l Line, at time.Time) (Code, string) {
	critical := slices.ContainsFunc(l.Items, Item.NeedsJustification)
	until, err := time.Parse(time.DateOnly, strings.TrimSpace(r.UntilOrScope))
	switch kind := r.decision(); {
	case !slices.Contains(Kinds(), string(kind)):
		return UnknownDecision, "known are " + strings.Join(Kinds(), ", ")
	case (kind == Revoke || kind == Modify) && slices.ContainsFunc(l.Items, Item.IsOperator):
		return CannotGo, "the operator token of InfluxDB 3 can be neither deleted nor narrowed: keep it, with the plan to regenerate its value as the justification"
	case kind == Revoke && slices.ContainsFunc(l.Items, func(it Item) bool { return it.OfReview }):
		return OfReviews, "the reviews ask with it: keep it, or choose modify to replace it, and give the reviews the new one first"
	case strings.TrimSpace(r.Justification) == "" && strings.TrimSpace(r.UntilOrScope) == "" && kind == Modify:
		return NeedsJustification, "modify needs a justification, and what the new token may do"
	case strings.TrimSpace(r.Justification) == "" && (kind == Modify || kind == Keep && critical):
		return NeedsJustification, string(kind) + " needs a justification"
	case strings.TrimSpace(r.UntilOrScope) == "" && kind == Modify:
		return NeedsScope, "modify needs what the new token may do"
	case kind == Keep && err == nil && day(until) < day(at):
		return PastDate, "it cannot be kept until " + day(until) + ", which is over"
	case strings.TrimSpace(r.Ticket) == "" && c.TicketRequired && (kind == Revoke || kind == Modify):
		return NeedsTicket, string(kind) + " needs a ticket"
	}
	return "", ""
}

// doubled refuses all rows of an item but the first, and all of them if they differ.
func (j *judging) doubled(r Row) (Code, string) {
	switch m := j.met[r.Item]; {
	case m.differ:
		return Duplicate, "the file has it more than once, with different decisions"
	case m.first.Line != r.Line:
		return Duplicate, "the file has it more than once"
	}
	return "", ""
}

// decidesAs reports whether both rows say the same in the columns of the reviewer.
func (r Row) decidesAs(o Row) bool {
	same := func(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }
	return r.decision() == o.decision() && same(r.Justification, o.Justification) && same(r.UntilOrScope, o.UntilOrScope) && same(r.Ticket, o.Ticket)
}

// refuse names what the campaign has; any other text of a file is shortened, and in quotes
// so that no spreadsheet takes it for a formula.
func (j *judging) refuse(r Row, code Code, reason string) {
	item := r.Item
	if _, known := j.of(item); !known && item != "" {
		item = `"` + item + `"`
	}
	j.out.Refused = append(j.out.Refused, Refusal{Import: j.in.Import, At: j.in.At, File: j.in.File, Line: r.Line, Item: audit.Line(item, 300), Code: code, Reason: reason})
}

// isNumber reports whether text is what a spreadsheet makes of digits: 1.1E+15.
func isNumber(id string) bool {
	return id != "" && strings.Trim(id, "0123456789.,eE+-") == "" && !strings.Contains(id, "/")
}
