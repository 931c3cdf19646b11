package notify

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// Content is what the summary of a run says, in the words that every channel uses.
// All of it is bounded. Fields marked as names hold text from outside, made
// visible; the others hold our words and numbers only.
type Content struct {
	Title      string
	Policy     string   // that it changed, and when it did not yet; empty if it did not
	Changed    []string // names: what of the policy changed
	Retired    []string // names: what is not followed any more
	Job        string   // name
	Facts      []string
	Alarms     []string
	Unseen     []string // names; empty if the coverage is complete
	Accepted   string   // name: what was not seen and is accepted, empty for nothing
	Standing   string
	Levels     []Level
	Changes    string
	Steps      []Step
	MoreSteps  string
	New        string     // introduces Rows
	Rows       [][]string // names; as Columns has them
	MoreOwners string
	Evidence   string // name
}

// Level is one severity: how many findings stand, and the change.
type Level struct {
	Severity audit.Severity
	Count    int
	Change   string // "(+1)"; empty without an earlier review
}

// String is "High 2".
func (l Level) String() string {
	return fmt.Sprintf("%s%s %d", strings.ToUpper(string(l.Severity[:1])), l.Severity[1:], l.Count)
}

// Step is what to do about one check.
type Step struct{ Check, Fix string }

// Titles of lists.
const (
	UnseenTitle = "Not seen, so not covered by this evidence"
	StepsTitle  = "What to do"
)

// Limits of what a message lists; more does not fit, and does not help.
const (
	MaxSteps  = 4
	maxUnseen = 8
	maxTitles = 3 // findings of one token
)

// NewContent words a message with its first findings. Dates are written by stamp,
// as Slack shows each reader their own time zone.
func NewContent(m Message, findings int, stamp func(time.Time) string) Content {
	s := m.Summary
	c := Content{
		Title: Title(s), Policy: policy(s, stamp), Changed: changed(s), Retired: retired(s.Coverage), Job: Show(s.Job, 80, "job without a name"), Facts: facts(s, stamp), Unseen: unseen(s.Coverage), Accepted: accepted(s.Coverage),
		Standing: standing(s), Changes: changes(s, stamp), New: NewFindings(m, findings), Evidence: Show(m.Evidence, 300, ""),
	}
	switch {
	case s.Missed == 1:
		c.Alarms = append(c.Alarms, "1 earlier review was missed")
	case s.Missed > 1:
		c.Alarms = append(c.Alarms, fmt.Sprintf("%d earlier reviews were missed", s.Missed))
	}
	if m.Repeats {
		c.Alarms = append(c.Alarms, MayRepeat)
	}
	for _, severity := range audit.Severities() {
		l := Level{Severity: severity, Count: s.Findings.BySeverity[severity]}
		if s.Previous != nil {
			l.Change = "(no change)"
			if by := l.Count - s.Previous.BySeverity[severity]; by != 0 {
				l.Change = fmt.Sprintf("(%+d)", by)
			}
		}
		c.Levels = append(c.Levels, l)
	}
	c.Steps, c.MoreSteps = steps(s)
	for _, h := range m.Highlights.New[:findings] {
		c.Rows = append(c.Rows, Row(m, h))
	}
	if m.Highlights.MoreOwners > 0 {
		c.MoreOwners = fmt.Sprintf("The replies name the %d owners with the worst findings; %s in the evidence.", len(m.Highlights.Owners), audit.Plural(m.Highlights.MoreOwners, "more owner"))
	}
	return c
}

// MayRepeat warns of a double, which beats a message that is lost.
const MayRepeat = "this may repeat an earlier message"

// Title never sounds clean unless all that was asked for was seen.
func Title(s audit.Summary) string {
	review := "InfluxDB token review"
	if s.Trigger == audit.Sample {
		review = "TEST of " + review // nothing was reviewed
	}
	return review + ": " + s.Headline()
}

// ToActOn counts the tokens that need action.
func ToActOn(s audit.Summary) int { return s.NeedsAction.Tokens }

// standing says what "to act on" counts.
func standing(s audit.Summary) string {
	const rated = "rated critical or high"
	switch n := ToActOn(s); {
	case n == 0 && s.Coverage.Verdict == audit.Complete:
		return "Nothing to act on: no finding that stands now is " + rated + "."
	case n == 0 && s.Coverage.Verdict == audit.Partial:
		return "No finding that stands now is " + rated + ", as far as the review could see."
	case n == 0:
		return "What was asked for could not be seen: a zero below proves nothing."
	case n == 1:
		return "1 to act on: the finding that stands now and is " + rated + "."
	default:
		return fmt.Sprintf("%d to act on: the findings that stand now and are %s. A token can have several.", n, rated)
	}
}

// policy says that the figures are not due to the tokens alone.
func policy(s audit.Summary, stamp func(time.Time) string) string {
	if len(s.PolicyChanges) == 0 || s.Previous == nil {
		return ""
	}
	return "Policy changed since the review " + s.Previous.Trigger.When() + " " + stamp(s.Previous.Slot)
}

func changed(s audit.Summary) []string {
	const most = 5
	var out []string
	for _, change := range s.PolicyChanges[:min(len(s.PolicyChanges), most)] {
		out = append(out, Show(change, 100, "a change without words"))
	}
	if more := len(s.PolicyChanges) - most; more > 0 {
		out = append(out, "and more, in the evidence")
	}
	return out
}

// retired says what is not followed any more since the review before.
func retired(c audit.TotalCoverage) []string {
	const most = 3
	var out []string
	for _, words := range c.RetiredWords(most) {
		out = append(out, Show("retired: "+words, 250, ""))
	}
	return out
}

func facts(s audit.Summary, stamp func(time.Time) string) []string {
	var hidden, blind, complete int
	for _, t := range s.Coverage.Targets {
		hidden, blind = hidden+t.Hidden, blind+len(t.BlindSpots)
		if t.Verdict == audit.Complete {
			complete++
		}
	}
	targets := audit.Plural(len(s.Coverage.Targets), "target")
	out := []string{s.Trigger.When() + " " + stamp(s.Slot), audit.Plural(s.Authorizations.Total, "token") + " in " + targets}
	if hidden > 0 {
		out = append(out, fmt.Sprintf("%d hidden from InfluxDB's list", hidden))
	}
	if s.Coverage.Verdict != audit.Complete {
		out = append(out, fmt.Sprintf("%d of %s seen completely", complete, targets))
	}
	if blind > 0 {
		out = append(out, audit.Plural(blind, "known blind spot")+", in the evidence")
	}
	switch s.Trigger {
	case audit.CatchUp:
		out = append(out, "caught up"+late(s.Started.Sub(s.Slot)))
	case audit.Manual:
		out = append(out, "run by hand")
	case audit.Sample:
		out = append(out, "made-up figures: nothing was reviewed")
	}
	return out
}

func late(d time.Duration) string {
	switch {
	case d < time.Minute:
		return ""
	case d < time.Hour:
		return ", " + audit.Plural(int(d/time.Minute), "minute") + " late"
	case d < 48*time.Hour:
		return ", " + audit.Plural(int(d/time.Hour), "hour") + " late"
	}
	return ", " + audit.Plural(int(d/(24*time.Hour)), "day") + " late"
}

func unseen(c audit.TotalCoverage) []string {
	if c.Verdict == audit.Complete {
		return nil
	}
	var out []string
	for _, reason := range c.Reasons[:min(len(c.Reasons), maxUnseen)] {
		out = append(out, Show(reason, 140, "a reason without words"))
	}
	switch more := len(c.Reasons) - len(out); {
	case more > 0:
		out = append(out, "and "+audit.Plural(more, "more reason")+", in the evidence")
	case len(out) == 0 && len(c.Targets) == 0:
		out = []string{"no target was reviewed"}
	case len(out) == 0:
		out = []string{"the review gave no reason"}
	}
	return out
}

// accepted says in one line how many gaps people accepted, which ones, and until when.
func accepted(c audit.TotalCoverage) string {
	const most = 3
	gaps := c.Accepted()
	if len(gaps) == 0 {
		return ""
	}
	var names []string
	for _, g := range gaps[:min(len(gaps), most)] {
		names = append(names, Show(strings.TrimPrefix(g.Target+" ", " ")+g.ID, 60, "a gap without a name"))
	}
	if more := len(gaps) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	words := c.Words()
	return strings.ToUpper(words[:1]) + words[1:] + ": " + strings.Join(names, ", ")
}

func changes(s audit.Summary, stamp func(time.Time) string) string {
	if s.Previous == nil {
		return "First review of this job: there is nothing to compare with."
	}
	by := s.Findings.ByState
	since := "Since the review " + s.Previous.Trigger.When() + " " + stamp(s.Previous.Slot)
	if len(s.PolicyChanges) > 0 {
		since += ", both under the policy of now"
	}
	text := fmt.Sprintf("%s: %d new", since, by[audit.New])
	if n := by[audit.Reopened]; n > 0 {
		text += fmt.Sprintf(", %d reopened", n)
	}
	if n := by[audit.ByPolicy]; n > 0 {
		text += fmt.Sprintf(", %d found by the change of policy", n)
	}
	text += fmt.Sprintf(", %d still open, %d resolved", by[audit.Open], by[audit.Resolved])
	if n := by[audit.NotJudged]; n > 0 {
		text += fmt.Sprintf(", %d not judged any more", n)
	}
	return text + "."
}

// Unchanged is all that there is to say about a quiet week.
func Unchanged(s audit.Summary, stamp func(time.Time) string) string {
	text := fmt.Sprintf("InfluxDB token review: no finding came, came back or went since the review %s %s; %d to act on; %s, seen completely",
		s.Previous.Trigger.When(), stamp(s.Previous.Slot), ToActOn(s), audit.Plural(s.Authorizations.Total, "token"))
	if words := audit.AcceptedWords(s.Coverage.Accepted()); words != "" {
		text += " but for " + words
	}
	return text
}

// steps tells what to do about everything that stands, not only about what is new,
// in the order of the policy: worst first.
func steps(s audit.Summary) (out []Step, more string) {
	found, rest := s.Findings.ByCheck, 0
	for _, n := range found {
		rest += min(n, 1)
	}
	for _, applied := range s.Policy.Checks {
		check := audit.CheckOf(applied.Check)
		if n := found[check.ID]; n > 0 && len(out) < MaxSteps {
			out = append(out, Step{check.Title + " (" + audit.Plural(n, "token") + ")", check.Fix})
			rest--
		}
	}
	if rest > 0 {
		more = "and " + audit.Plural(rest, "more check") + " with findings, in the evidence"
	}
	return out, more
}

// NewFindings introduces the table of that many rows, wherever a client draws it.
func NewFindings(m Message, rows int) string {
	n := m.Summary.NeedsAction.New
	what := audit.Plural(n, "token")
	switch {
	case n == 0 && m.Summary.Coverage.Verdict != audit.Complete:
		return "none in what was seen."
	case n == 0:
		return "none."
	case rows == 0:
		return what + "; see the evidence."
	case rows < n:
		return fmt.Sprintf("%s; the table shows the worst %d, the rest is in the evidence.", what, rows)
	}
	return what + "."
}

// Columns head the table of tokens with news.
func Columns() []string {
	return []string{"Severity", "Token", "Owner", "Org", "New findings", "Age"}
}

// Row is a token with news, one cell for each of Columns.
func Row(m Message, h audit.Highlight) []string {
	r := h.Record
	owner := r.Owner
	owner.Name, owner.ID = cmp.Or(owner.Name, r.User), cmp.Or(owner.ID, r.UserID)
	org := Show(cmp.Or(r.Org, r.OrgID), 32, "unknown")
	if len(m.Summary.Coverage.Targets) > 1 { // names of orgs repeat between servers
		org += " (" + Show(r.Target, 24, "unnamed target") + ")"
	}
	var titles []string
	for _, f := range h.Findings[:min(len(h.Findings), maxTitles)] {
		title := Show(audit.CheckOf(f.Check).Title, 60, "unknown check")
		if f.State == audit.Reopened {
			title += " (reopened)"
		}
		titles = append(titles, title)
	}
	if more := len(h.Findings) - maxTitles; more > 0 {
		titles = append(titles, fmt.Sprintf("and %d more", more))
	}
	age := "unknown"
	if !r.CreatedAt.IsZero() {
		age = fmt.Sprintf("%d d", max(0, int(m.Summary.Started.Sub(r.CreatedAt).Hours()/24)))
	}
	return []string{
		Show(string(h.Findings[0].Severity), 10, "unrated"),
		Show(r.Description, 48, "(no description)") + ", id " + Show(r.ID, 20, "unknown"),
		Owner(owner), org, strings.Join(titles, "; "), age,
	}
}

// Owner is the name of an owner, and why they cannot be one any more.
func Owner(o audit.Owner) string {
	name := Show(cmp.Or(o.Name, o.ID), 36, "unknown")
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

// PlainTime is a time where no reader's time zone is known.
func PlainTime(t time.Time) string { return t.UTC().Format("Mon 2 Jan 2006 15:04 UTC") }

// Show makes text from outside safe on one line, or says instead what is missing:
// Slack refuses empty text.
func Show(text string, limit int, instead string) string {
	if line := audit.Line(text, limit); strings.TrimSpace(line) != "" {
		return line
	}
	return instead
}
