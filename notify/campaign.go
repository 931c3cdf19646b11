package notify

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// CampaignNotifier is a notifier that tells people of campaigns.
type CampaignNotifier interface {
	// Tells reports whether a recipient can be told: a Slack ID is nothing for mail.
	Tells(recipient string) bool
	// SendCampaign sends a message, under the rules of Notifier.Send.
	SendCampaign(ctx context.Context, m CampaignMessage) (ref string, err error)
}

// Kinds of a CampaignMessage, as package campaign has them.
const (
	CampaignOpen       = "open"
	CampaignReminder   = "reminder"
	CampaignOverdue    = "overdue"
	CampaignEscalation = "escalation"
)

// CampaignMessage is what a reviewer, or who is told that items are overdue, hears of a
// campaign.
type CampaignMessage struct {
	Campaign string // NAME/OPENED
	Name     string
	Kind     string
	// Delivery names the message, the same whenever it is tried: NAME/OPENED/3d/REVIEWER.
	Delivery string
	// Manifest is the SHA-256 of that of the review that the items are of. It tells campaigns
	// of one name in several installations apart.
	Manifest  string
	Recipient string // e-mail address of a reviewer, or a Slack user or channel ID
	Reviewer  string // empty for an escalation
	// Items are those of the reviewer, or else of the campaign, and Undecided those of them
	// that are to be decided. BySeverity counts the undecided ones; "" are those without a
	// finding.
	Items, Undecided int
	BySeverity       map[audit.Severity]int
	Due              time.Time
	Zone             *time.Location // of the job; nil is UTC
	Worst            []CampaignItem // of the undecided ones, at most MaxCampaignItems
	// Reviewers of an escalation have undecided items, worst first, at most
	// MaxCampaignReviewers; MoreReviewers are left out.
	Reviewers     []ReviewerCount
	MoreReviewers int
	// Left are reviewers who are no longer active in the roster.
	Left []string
	// File is the name of the workbook of the reviewer, which Open opens; nil where there is
	// none.
	File string
	Open func(ctx context.Context) (io.ReadCloser, error)
	// How is the command by which the decided workbook is imported.
	How string

	// Again, Since and Repeats are as in Message.
	Again   bool
	Since   time.Time
	Repeats bool
}

// Limits of what a CampaignMessage names.
const (
	MaxCampaignItems     = 10
	MaxCampaignReviewers = 20
)

// CampaignItem is a token to decide on.
type CampaignItem struct {
	Target, Authorization, Description, Owner string
	Severity                                  audit.Severity // of the worst finding, "" without one
	Why                                       string         // that finding, such as "high: all-access"
}

// ReviewerCount is how much a reviewer has to decide.
type ReviewerCount struct {
	Reviewer         string
	Items, Undecided int
}

// ID is the same whenever the message is tried.
func (m CampaignMessage) ID() string { return m.Delivery + "/" + m.Manifest }

// Day is a date in the time zone of the job.
func (m CampaignMessage) Day(t time.Time) string { return Message{Zone: m.Zone}.Day(t) }

// CampaignNote is what a CampaignMessage says, in the words that every channel uses. All of it
// is bounded, and each text is one line. Names are made visible.
type CampaignNote struct {
	Title     string // with the name of the campaign
	Plain     string // the same in our own words and numbers only
	For       string // the reviewer; empty for an escalation
	Counts    string // the undecided items by severity
	Why       string
	Worst     []CampaignLine
	Who       []string // of an escalation: reviewers with what they have to decide
	Left      string   // what to do for reviewers who have left; empty if none have
	Steps     []string // of a reviewer
	tokens    int
	reviewers int
}

// CampaignLine is a token to decide on, in words.
type CampaignLine struct{ Severity, Name, ID, Where, Owner, Why string }

// WhyDecide is why a campaign matters.
const WhyDecide = "A token keeps its access until somebody decides that it must go, and it works for anyone who has it."

// NewCampaignNote words a message, with the workbook or without.
func NewCampaignNote(m CampaignMessage, withFile bool) CampaignNote {
	n := CampaignNote{Why: WhyDecide, Counts: severityCounts(m.BySeverity), tokens: m.Undecided}
	all, due := audit.Number(m.Undecided)+" of "+audit.Plural(m.Items, "token"), m.Day(m.Due)
	switch m.Kind {
	case CampaignOpen:
		n.Plain = "please decide on " + audit.Plural(m.Undecided, "token") + " by " + due
	case CampaignReminder:
		n.Plain = "reminder, " + all + " undecided, due " + due
	case CampaignOverdue:
		n.Plain = "OVERDUE, " + all + " undecided since " + due
	default:
		n.Plain = "ESCALATION, " + all + " undecided since " + due
	}
	n.Title = "Campaign " + Show(m.Name, 60, "without a name") + ": " + n.Plain
	for _, it := range m.Worst[:min(len(m.Worst), MaxCampaignItems)] {
		n.Worst = append(n.Worst, CampaignLine{
			Severity: Show(string(it.Severity), 10, "no finding"), Name: Show(it.Description, 80, "(no description)"), ID: Show(it.Authorization, 40, "unknown"),
			Where: Show(it.Target, 40, "unnamed target"), Owner: Show(it.Owner, 80, "unknown"), Why: Show(strings.TrimPrefix(it.Why, string(it.Severity)+": "), 200, ""),
		})
	}
	if len(m.Left) > 0 {
		n.Left = "No longer active in the roster: " + audit.Names(m.Left, 5) + ". Give their items to others: tokenaudit campaign assign."
	}
	if m.Kind == CampaignEscalation {
		n.reviewers = len(m.Reviewers) + m.MoreReviewers
		for _, r := range m.Reviewers[:min(len(m.Reviewers), MaxCampaignReviewers)] {
			n.Who = append(n.Who, fmt.Sprintf("%s: %s of %s undecided", Show(r.Reviewer, 80, "nobody"), audit.Number(r.Undecided), audit.Number(r.Items)))
		}
		return n
	}
	n.For = Show(m.Reviewer, 80, "nobody")
	file := Show(m.File, 120, "FILE")
	open := "Your workbook is attached: " + file
	if !withFile {
		open = "Ask the security team for your workbook. They make it with: tokenaudit campaign export --reviewer " + n.For
	}
	n.Steps = append(n.Steps, open,
		"Fill in the column Decision: keep, revoke, modify or not mine. Justify each modify, and each keep of a critical or high token.",
		"Sign the workbook: ssh-keygen -Y sign -n tokenaudit-review -f KEY "+file,
		"Reply with "+file+" and "+file+".sig to those who run this review. They import both: "+Show(m.How, 300, "tokenaudit campaign import FILE"),
	)
	return n
}

// More counts the tokens that are left out where so many are shown; empty if none are, or
// the message names none.
func (n CampaignNote) More(shown int) string {
	if len(n.Worst) == 0 {
		return ""
	}
	return andMore(n.tokens-shown, "more token", "")
}

// MoreWho counts the reviewers that are left out where so many are shown.
func (n CampaignNote) MoreWho(shown int) string {
	return andMore(n.reviewers-shown, "more reviewer", "")
}

// severityCounts are "Undecided: 1 critical, 3 high, 4 without a finding".
func severityCounts(by map[audit.Severity]int) string {
	var out []string
	for _, s := range append(audit.Severities(), "") {
		if n := by[s]; n > 0 {
			out = append(out, audit.Number(n)+" "+cmp.Or(string(s), "without a finding"))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "Undecided: " + strings.Join(out, ", ")
}

// Limits of what the summary says of campaigns: the revocations that are overdue, those that
// are proven, and the campaigns.
const (
	maxRevocations = 3
	maxProven      = 2
	maxCampaigns   = 2
)

// campaignsToTell are those with something overdue, then open ones, then those with something to
// revoke. One that is closed with nothing left is told once, after its end.
func campaignsToTell(s audit.Summary) []audit.CampaignStatus {
	told := slices.DeleteFunc(slices.Clone(s.Campaigns), func(c audit.CampaignStatus) bool {
		return c.Problem == "" && !c.Closed.IsZero() && c.Quiet() && s.Previous != nil && c.Closed.Before(s.Previous.Slot)
	})
	place := func(c audit.CampaignStatus) int {
		open := c.Closed.IsZero()
		switch {
		case c.Problem != "", c.Revocations.Overdue > 0, open && c.Undecided > 0 && s.Started.After(c.Due):
			return 0
		case open:
			return 1
		case c.Revocations.Outstanding > 0:
			return 2
		}
		return 3
	}
	slices.SortStableFunc(told, func(x, y audit.CampaignStatus) int { return place(x) - place(y) })
	return told
}

// campaignLines are the revocations that are overdue, and how each campaign stands with those
// that this review is the first to prove.
func campaignLines(m Message) (late, others []Line) {
	var stand, proven []Line
	overdue, campaigns := 0, campaignsToTell(m.Summary)
	for _, c := range campaigns {
		overdue += c.Revocations.Overdue
		for _, r := range c.Overdue {
			late = append(late, Line{Label: "Revocation overdue", Text: Show(r.Token()+": "+r.OverdueWords(m.Day), 400, ""), Alarm: true})
		}
		for _, r := range c.Proven {
			proven = append(proven, Line{Label: "Proven", Text: Show(r.Token()+": "+r.ProvenWords(), 400, "")})
		}
		label, words, _ := strings.Cut(c.Words(m.Day), ": ")
		stand = append(stand, Line{Label: label, Text: words})
	}
	first := func(lines []Line, most, all int) []Line {
		lines = lines[:min(len(lines), most)]
		if len(lines) > 0 {
			lines[len(lines)-1].More = othersMore(all - len(lines))
		}
		return lines
	}
	return first(late, maxRevocations, overdue), append(first(stand, maxCampaigns, len(campaigns)), first(proven, maxProven, len(proven))...)
}
