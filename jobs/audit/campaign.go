package audit

import (
	"fmt"
	"strings"
	"time"
)

// MaxCampaignTokens is how many tokens a CampaignStatus names of each kind; the rest is in
// the evidence of the campaign.
const MaxCampaignTokens = 10

// CampaignStatus is how a campaign stood at the end of a review.
type CampaignStatus struct {
	Name   string    `json:"name"`
	ID     string    `json:"campaign"` // NAME/OPENED
	Due    time.Time `json:"due"`
	Closed time.Time `json:"closed,omitzero"` // zero while it is open
	Items  int       `json:"items"`
	// Undecided are the items without a signed decision that are not gone either. Conflicts
	// are those of them on which two reviewers disagree.
	Undecided   int              `json:"undecided"`
	Conflicts   int              `json:"conflicts,omitempty"`
	Revocations RevocationCounts `json:"revocations"`
	// Overdue are the worst of those that are overdue. Proven are those that this review is
	// the first to prove done. At most MaxCampaignTokens each.
	Overdue []Revocation `json:"overdue,omitempty"`
	Proven  []Revocation `json:"proven,omitempty"`
	// Problem is why the evidence of the campaign could not be read. Nothing else is known
	// of it then.
	Problem string `json:"problem,omitempty"`
}

// RevocationCounts count the tokens that people decided to revoke or to modify, and signed.
// Decided is Done plus Outstanding.
type RevocationCounts struct {
	Decided     int `json:"decided"`
	Done        int `json:"done"` // proven by a review
	Outstanding int `json:"outstanding"`
	Overdue     int `json:"overdue"`  // of Outstanding
	Unproven    int `json:"unproven"` // of Outstanding: the newest review did not see what became of them
}

// Revocation is a signed decision to revoke or to modify a token, and what became of it.
type Revocation struct {
	Target        string    `json:"target"`
	Authorization string    `json:"authorization"` // its ID
	Description   string    `json:"description"`
	User          string    `json:"user"`                  // of InfluxDB
	Responsible   string    `json:"responsible,omitempty"` // who answers for the user
	Reviewer      string    `json:"reviewer"`              // who decided
	Decision      string    `json:"decision"`              // revoke or modify
	Decided       time.Time `json:"decided"`
	Due           time.Time `json:"due"`
	State         string    `json:"state"` // done, ended, deactivated, still-there, hidden, unproven, undone or replaced
	// Days are the whole days from the decision to the review, as in remediation.jsonl, and
	// DaysOverdue those past the due date where it is overdue.
	Days        int    `json:"days"`
	DaysOverdue int    `json:"days_overdue,omitempty"`
	Evidence    string `json:"evidence,omitempty"` // the answer by which it is proven
}

// Words are the campaign on one line: "Campaign quarterly: 31 of 243 undecided, due 30 Nov
// 2026; 2 revocations overdue". The days are written as day has it.
func (c CampaignStatus) Words(day func(time.Time) string) string {
	text, r := "Campaign "+Line(c.Name, 80)+": ", c.Revocations
	if c.Problem != "" {
		return text + "its evidence cannot be read: " + Line(c.Problem, 200)
	}
	var revoked string
	switch {
	case r.Decided == 0:
		revoked = "nothing to revoke"
	case r.Done == r.Decided:
		revoked = Plural(r.Done, "revocation") + " done"
	default:
		revoked = Number(r.Done) + " of " + Plural(r.Decided, "revocation") + " done"
		if r.Overdue > 0 {
			revoked += ", " + Number(r.Overdue) + " overdue"
		}
		if r.Unproven > 0 {
			revoked += ", " + Number(r.Unproven) + " unproven"
		}
	}
	switch {
	case !c.Closed.IsZero():
		text += "closed on " + day(c.Closed)
		if c.Undecided > 0 {
			text += " with " + Number(c.Undecided) + " of " + Number(c.Items) + " undecided"
		}
		return text + "; " + revoked
	case c.Items == 0:
		return text + "nothing to decide, due " + day(c.Due)
	case c.Undecided == 0:
		return text + "all " + Number(c.Items) + " decided; " + revoked
	}
	text += Number(c.Undecided) + " of " + Number(c.Items) + " undecided"
	if c.Conflicts > 0 {
		text += " (" + Number(c.Conflicts) + " in conflict)"
	}
	text += ", due " + day(c.Due)
	switch {
	case r.Overdue > 0:
		text += "; " + Plural(r.Overdue, "revocation") + " overdue"
	case r.Decided > 0:
		text += "; " + revoked
	}
	return text
}

// Token names the token of r: its description, its target and its ID.
func (r Revocation) Token() string {
	name := "(no description)"
	if !blank(r.Description) {
		name = Line(r.Description, 60)
	}
	return name + " (" + Line(r.Target, 40) + ", " + Line(r.Authorization, 40) + ")"
}

// revocationStates are the states in words; another one is shown as it is.
var revocationStates = map[string]string{
	"done": "deleted", "ended": "expired or revoked", "deactivated": "set inactive", "still-there": "still there", "hidden": "hidden by the server",
	"unproven": "not seen", "undone": "active again", "replaced": "replaced by a token with the same permissions",
}

// OverdueWords say of one that is overdue since when, who decided it and whose token it is:
// "revoke, overdue since 28 Oct 2026 (3 days), still there; decided by ben@example.com, owner
// telegraf-writer (anna@example.com)".
func (r Revocation) OverdueWords(day func(time.Time) string) string {
	since := day(r.Due)
	if r.DaysOverdue > 0 {
		since += " (" + Plural(r.DaysOverdue, "day") + ")"
	}
	text := fmt.Sprintf("%s, overdue since %s, %s; decided by %s, owner %s",
		Line(r.Decision, 20), since, r.stateWords(), Line(r.Reviewer, 60), Names([]string{r.User}, 1))
	if !blank(r.Responsible) && !strings.EqualFold(r.Responsible, r.User) {
		text += " (" + Line(r.Responsible, 60) + ")"
	}
	return text
}

// ProvenWords say of one that is proven how long it took, and by which answer that is known:
// "deleted within 5 days after ben@example.com decided to revoke it; proven by: …".
func (r Revocation) ProvenWords() string {
	after := "within " + Plural(r.Days, "day") + " after"
	if r.Days == 0 {
		after = "on the day on which"
	}
	text := fmt.Sprintf("%s %s %s decided to %s it", r.stateWords(), after, Line(r.Reviewer, 60), Line(r.Decision, 20))
	if !blank(r.Evidence) {
		text += "; proven by: " + Line(r.Evidence, 200)
	}
	return text
}

func (r Revocation) stateWords() string {
	if words, known := revocationStates[r.State]; known {
		return words
	}
	return Line(r.State, 40)
}

// CampaignNote is what to know of a campaign besides its Words, on one line.
type CampaignNote struct {
	Label string // Overdue or Proven
	Text  string
	Alarm bool // it is overdue
}

// Notes name what is overdue and then what this review proved, at most so many of each. The
// last of each counts what is left out.
func (c CampaignStatus) Notes(most int, day func(time.Time) string) []CampaignNote {
	var out []CampaignNote
	more := func(n int) {
		if n > 0 {
			last := &out[len(out)-1]
			last.Text += "; and " + Number(n) + " more, see the evidence of the campaign"
		}
	}
	late, proven := c.Overdue[:min(len(c.Overdue), most)], c.Proven[:min(len(c.Proven), most)]
	for _, r := range late {
		out = append(out, CampaignNote{"Overdue", r.Token() + ": " + r.OverdueWords(day), true})
	}
	if len(late) > 0 {
		more(c.Revocations.Overdue - len(late))
	}
	for _, r := range proven {
		out = append(out, CampaignNote{"Proven", r.Token() + ": " + r.ProvenWords(), false})
	}
	more(len(c.Proven) - len(proven))
	return out
}

// Quiet reports whether there is nothing to say of a campaign: it could be read, and has
// nothing to decide, nothing outstanding, and nothing that this review is the first to prove.
func (c CampaignStatus) Quiet() bool {
	decided := c.Undecided == 0 || !c.Closed.IsZero()
	return c.Problem == "" && decided && c.Revocations.Outstanding == 0 && len(c.Proven) == 0
}
