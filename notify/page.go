package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// Page is the first page of a review, for outputs that have room for it: the terminal and
// mail. It has the names and the order of the first page of the report. Names from outside
// are made visible.
type Page struct {
	Headline string
	Coverage string // "complete", and what else is to know of it
	Compared string // what the figures are compared with
	// Campaigns are how each stands, and what is overdue and proven of it.
	Campaigns     []Campaign
	MoreCampaigns string // counts those that are left out; empty if none are
	Figures       []Figure
	// Inventory counts the active write tokens; empty if the check is off.
	Inventory string
	Replaced  string // which tokens others took the place of; empty for none
	Alarms    []Line // what was not seen, and what else readers have to know of the figures
	Decide    []Decision
	// DecideNote says why the tokens of Decide may be more than those that need action.
	DecideNote string
	// News and Late: there is a review to compare with, and something is overdue.
	News, Late bool
	Who        []Person
	MoreWho    string // counts those that are left out; empty if none are
	Others     string // what was found besides
}

// Campaign is how one of them stands, in words.
type Campaign struct {
	Words string
	Late  bool // a revocation is overdue
	Notes []audit.CampaignNote
}

// Figure is a number of the review, and its change since the review before.
type Figure struct {
	Name   string
	N      int
	Change string // "+9, was 9", "unchanged"; empty where there is nothing to compare with
	// NotKnown: nothing could be read, and a zero would read as a result.
	NotKnown bool
}

// String is the number, or a question mark where it is not known.
func (f Figure) String() string {
	if f.NotKnown {
		return "?"
	}
	return audit.Number(f.N)
}

// Decision is a check by which something needs action.
type Decision struct {
	Check, Title, Severity string
	Where                  string // the targets, of a check that is about no token
	Tokens                 int    // or findings, of a check that is about no token
	Server                 bool
	New, Overdue           int       // New is 0 at the first review
	Oldest, Due            time.Time // zero for none
}

// Person is one of those who have something to do.
type Person struct {
	Name                 string
	About                string // the users and the target, where the name does not say it
	Tokens, New, Overdue int
	Oldest               time.Time
}

// Limits of what the page says of campaigns, how many and of how many tokens of each kind, and
// of replaced tokens.
const (
	mostCampaigns = 5
	mostNotes     = 5
	mostReplaced  = 5
)

// NewPage words the first page, with at most so many people.
func NewPage(m Message, people int) Page {
	s := m.Summary
	p := Page{Headline: s.Headline(), Coverage: s.Coverage.Words(), News: s.Previous != nil, Compared: compared(m), Figures: figures(s), Inventory: s.InventoryWords(), Replaced: m.Highlights.ReplacedWords(mostReplaced), Alarms: pageAlarms(m), Others: others(s)}
	news := func(n int) int {
		if !p.News { // all are, which says nothing
			return 0
		}
		return n
	}
	for _, c := range s.Campaigns[:min(len(s.Campaigns), mostCampaigns)] {
		p.Campaigns = append(p.Campaigns, Campaign{c.Words(m.Day), c.Revocations.Overdue > 0, c.Notes(mostNotes, m.Day)})
	}
	p.MoreCampaigns = andMore(len(s.Campaigns)-len(p.Campaigns), "more campaign", m.Evidence)
	counted := 0
	for _, d := range s.Decide() {
		p.Decide = append(p.Decide, Decision{
			Check: Show(d.Check.ID, 24, "unknown"), Title: title(d.Check), Severity: severity(d.Severity), Where: m.Highlights.Where(d),
			Tokens: d.Tokens, Server: d.Check.Server, New: news(d.New), Overdue: d.Overdue, Oldest: d.Oldest, Due: d.Due,
		})
		p.Late = p.Late || d.Overdue > 0
		if !d.Check.Server {
			counted += d.Tokens
		}
	}
	if counted > s.NeedsAction.Tokens {
		p.DecideNote = "A token can count in several checks."
	}
	owners := m.Highlights.Owners
	if len(owners)+m.Highlights.MoreOwners == people+1 { // the line that counts one takes its place
		people++
	}
	for _, o := range owners[:min(len(owners), people)] {
		p.Who = append(p.Who, Person{personName(o), aboutPerson(s, o), o.Tokens, news(o.New), o.Overdue, o.Oldest})
	}
	p.MoreWho = andMore(len(owners)+m.Highlights.MoreOwners-len(p.Who), "more owner", m.Evidence)
	return p
}

// aboutPerson tells people of one name apart: IDs and names of users repeat between targets.
func aboutPerson(s audit.Summary, o audit.OwnerHighlights) string {
	var words []string
	switch user := userName(o.Owner); {
	case o.Owner.IsNone():
	case o.Users > 1:
		words = append(words, "for "+audit.Plural(o.Users, "InfluxDB user"))
	case user != personName(o):
		words = append(words, "for "+user)
	}
	if len(s.Coverage.Targets) > 1 && o.Users <= 1 {
		words = append(words, "in "+Show(o.Target, 60, "unnamed target"))
	}
	return strings.Join(words, " ")
}

func compared(m Message) string {
	p := m.Summary.Previous
	if p == nil {
		return "This is the first review of this job: there is nothing to compare with."
	}
	text := "Compared with the review " + p.Trigger.When() + " " + m.Time(p.Slot) + ". "
	if len(m.Summary.PolicyChanges) > 0 {
		return text + "The policy changed since; both are counted under the new one."
	}
	return text + "Policy unchanged."
}

// figures are those of every output, in the order in which they matter.
func figures(s audit.Summary) []Figure {
	a, before := s.NeedsAction, s.Previous
	var out []Figure
	if a.Known() {
		out = append(out, Figure{Name: "Needs action", N: a.Tokens})
		overdue := Figure{Name: "Overdue", N: a.Overdue}
		if before != nil {
			out[0].Change = audit.Difference(a.Before(), a.Before()+a.Change())
			out = append(out, Figure{Name: "New", N: a.New, Change: "tokens that newly need action"}, Figure{Name: "Fixed", N: a.Fixed})
			if a.First > 0 {
				out = append(out, Figure{Name: "In targets reviewed for the first time", N: a.First})
			}
			if before.NeedsAction.Known() && len(s.PolicyChanges) == 0 {
				overdue.Change = audit.Difference(before.NeedsAction.Overdue, a.Overdue)
			}
		}
		out = append(out, overdue)
	}
	for i := range out {
		if f := &out[i]; s.Unread(f.N) {
			f.NotKnown, f.Change = true, ""
		}
	}
	exceptions, gaps := Figure{Name: "Exceptions", N: s.Exceptions}, Figure{Name: "Accepted gaps", N: s.Coverage.AcceptedGaps}
	if before != nil {
		exceptions.Change, gaps.Change = audit.Difference(before.Exceptions, exceptions.N), audit.Difference(before.AcceptedGaps, gaps.N)
	}
	exceptions.configured(len(s.Policy.Exceptions))
	gaps.configured(len(s.Policy.AcceptedGaps))
	return append(out, exceptions, gaps)
}

// configured says of how many the figure counts those in force, unless it is all.
func (f *Figure) configured(n int) {
	if n == f.N {
		return
	}
	if f.Change != "" {
		f.Change += ", "
	}
	f.Change += "of " + audit.Number(n) + " configured"
}

// maxReasons is how many reasons for which something was not seen a mail lists.
const maxReasons = 10

// pageAlarms are what was not seen, one line for each distinct reason, then the alarms.
func pageAlarms(m Message) []Line {
	lines := coverageLines(m.Summary.Coverage)
	if more := len(lines) - maxReasons; more > 0 {
		lines = slices.Clone(lines[:maxReasons])
		lines[maxReasons-1].More = " · " + andMore(more, "more reason", m.Evidence)
	}
	return append(lines, alarms(m)...)
}

// others say in few words what was found that needs no action.
func others(s audit.Summary) string {
	var found []string
	for _, c := range s.Policy.Checks {
		if n := s.Findings.ByCheck[c.Check] - s.NeedsAction.ByCheck[c.Check].Tokens; n > 0 {
			found = append(found, Show(c.Check, 60, "unknown check")+" "+audit.Number(n))
		}
	}
	switch {
	case len(found) > 0 && s.NeedsAction.Known():
		return "Findings that need no action, by check: " + strings.Join(found, ", ")
	case len(found) > 0:
		return "Findings by check: " + strings.Join(found, ", ")
	case s.Findings.Total > 0:
		return ""
	case s.Coverage.Verdict != audit.Complete:
		return "No findings in what was seen. This is not a pass."
	}
	return fmt.Sprintf("No findings: %s reviewed.", audit.Plural(s.Authorizations.Total, "token"))
}
