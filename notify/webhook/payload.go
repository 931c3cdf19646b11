package webhook

import (
	"cmp"
	"encoding/json"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// payloadVersion counts changes that a receiver must know of. New keys are none.
const payloadVersion = 1

// payload is the body of a webhook. All of it is bounded; text from outside is
// made visible, on one line. A receiver ignores keys that it does not know.
type payload struct {
	Type      string    `json:"type"` // review.finished
	Version   int       `json:"version"`
	Timestamp time.Time `json:"timestamp"` // when the review finished
	Data      data      `json:"data"`
}

type data struct {
	Run      string    `json:"run"` // job and slot
	Job      string    `json:"job"`
	Slot     time.Time `json:"slot"`    // when it was due
	Trigger  string    `json:"trigger"` // schedule, catch-up or manual
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	Missed   int       `json:"missed"`             // reviews before this one that nobody made
	Previous string    `json:"previous,omitempty"` // the run that it is compared with
	Title    string    `json:"title"`              // one line for people
	// PolicyChanges say what of the policy is not as it was at the previous run. Changes of
	// the figures are counted under the policy of now.
	PolicyChanges []string `json:"policy_changes"`
	PolicySHA256  string   `json:"policy_sha256"`
	// ToActOn counts findings that stand and are rated critical or high, but those
	// that an exception allows. A token can have several: NeedsAction counts tokens, and is
	// the figure of all other outputs.
	ToActOn        int                       `json:"to_act_on"`
	Coverage       coverage                  `json:"coverage"`
	Authorizations audit.AuthorizationCounts `json:"authorizations"`
	Findings       audit.FindingCounts       `json:"findings"`
	News           news                      `json:"news"`
	Evidence       string                    `json:"evidence"` // the folder, or the URL of the bucket
	Tool           audit.Tool                `json:"tool"`

	Headline string `json:"headline"` // the title without what it is a title of
	// NeedsAction counts the tokens that need action. It is null in a review by an earlier
	// version, which did not count. Zero proves nothing unless the coverage is complete.
	NeedsAction *audit.ActionCounts `json:"needs_action"`
	// Inventory counts the active write tokens. It is null if the check active-write is off.
	Inventory *audit.Inventory `json:"inventory"`
	// Retired are the sources that are not followed any more since the previous run.
	Retired     []audit.RetiredSource `json:"retired"`
	MoreRetired int                   `json:"more_retired"`
	// NotJudged are the checks that could not be judged, and why.
	NotJudged []audit.Unjudged `json:"not_judged"`
	// Campaigns are how those of the job stand, as in summary.json. The key is missing where
	// there are none.
	Campaigns   []audit.CampaignStatus `json:"campaigns,omitempty"`
	EvidenceURL string                 `json:"evidence_url"` // that a reader can open; empty if none is configured
}

type coverage struct {
	Verdict     audit.Verdict `json:"verdict"` // complete, partial or unknown
	Reasons     []string      `json:"reasons"` // why it is not complete
	MoreReasons int           `json:"more_reasons"`
	Targets     []target      `json:"targets"`
	MoreTargets int           `json:"more_targets"`
	// AcceptedGaps do not lower the verdict; so many there are in all.
	AcceptedGaps []acceptedGap `json:"accepted_gaps"`
	Accepted     int           `json:"accepted"`
}

type acceptedGap struct {
	Target     string    `json:"target"` // empty for the job as a whole
	Gap        string    `json:"gap"`    // its ID
	Reason     string    `json:"reason"`
	ApprovedBy string    `json:"approved_by"`
	Ticket     string    `json:"ticket,omitempty"`
	Expires    time.Time `json:"expires"` // the first moment at which it lowers the verdict again
}

type target struct {
	Name    string        `json:"name"`
	Verdict audit.Verdict `json:"verdict"`
	Listed  int           `json:"listed"`
	Hidden  int           `json:"hidden"`
	Unseen  int           `json:"unseen"`
	// LastSeen is when the newest review began that saw anything of a target of which this
	// one saw nothing.
	LastSeen time.Time     `json:"last_seen,omitzero"`
	Product  audit.Product `json:"product,omitempty"` // oss, cloud, core, enterprise, cloud-dedicated, clustered or v1
}

// news is what is new or back since the previous review.
type news struct {
	Findings       int     `json:"findings"`
	Authorizations int     `json:"authorizations"`
	Worst          []token `json:"worst"`  // worst first
	Owners         []owner `json:"owners"` // with something to do, worst first
	MoreOwners     int     `json:"more_owners"`
}

type token struct {
	Target       string    `json:"target"`
	Org          string    `json:"org"`
	ID           string    `json:"id"` // of the authorization; never its token
	Description  string    `json:"description"`
	Status       string    `json:"status"`
	Owner        person    `json:"owner"`
	Findings     []finding `json:"findings"` // worst first
	MoreFindings int       `json:"more_findings"`
}

type person struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"` // present, inactive, deleted, not_member, unknown or none
}

type finding struct {
	Check    string `json:"check"`
	Title    string `json:"title"`
	Severity string `json:"severity"` // critical, high, medium, low or info
	State    string `json:"state"`    // new, open or reopened
	Detail   string `json:"detail"`
}

type owner struct {
	person
	Worst    string `json:"worst"` // severity
	Tokens   int    `json:"tokens"`
	Findings int    `json:"findings"`

	Target      string `json:"target"`      // of the user; equal IDs on two targets are two users
	Responsible string `json:"responsible"` // who answers for the user, if that is known
	Team        string `json:"team"`
	New         int    `json:"new"`     // of Tokens: needed no action at the previous run
	Overdue     int    `json:"overdue"` // of Tokens
}

// Limits of what a payload lists; the rest is in the evidence.
const (
	maxReasons     = 20
	maxAccepted    = 20
	maxTargets     = 100
	maxFindings    = 5
	maxOwners      = 30
	maxRetired     = 20
	maxCampaigns   = 5
	maxRevocations = 5 // of one campaign, overdue or proven
)

// JSON is the body of the post, indented.
func JSON(m notify.Message) ([]byte, error) {
	data, err := json.MarshalIndent(newPayload(m), "", "  ")
	return append(data, '\n'), err
}

func newPayload(m notify.Message) payload {
	s := m.Summary
	d := data{
		Run: name(s.ID), Job: name(s.Job), Slot: s.Slot, Trigger: name(string(s.Trigger)), Started: s.Started, Finished: s.Finished, Missed: s.Missed,
		Title: notify.Title(s), ToActOn: s.Findings.Actionable(audit.Critical) + s.Findings.Actionable(audit.High), Coverage: newCoverage(s.Coverage), Authorizations: s.Authorizations, Findings: s.Findings,
		News: newNews(s, m.Highlights), Evidence: audit.Line(m.Location, 300), Tool: s.Tool,
		Headline: s.Headline(), NeedsAction: newNeedsAction(s.NeedsAction), Retired: []audit.RetiredSource{}, NotJudged: []audit.Unjudged{}, EvidenceURL: m.EvidenceURL(),
	}
	if s.NeedsAction.Known() && s.InventoryWords() != "" {
		d.Inventory = &s.Inventory
	}
	retired := s.Coverage.AllRetired()
	for _, r := range retired[:min(len(retired), maxRetired)] {
		r.Source, r.Reason = name(r.Source), audit.Line(r.Reason, 300)
		d.Retired = append(d.Retired, r)
	}
	d.MoreRetired = len(retired) - len(d.Retired)
	for _, u := range s.NotJudged {
		d.NotJudged = append(d.NotJudged, audit.Unjudged{Check: name(u.Check), Why: audit.Line(u.Why, 300)})
	}
	for _, c := range s.Campaigns[:min(len(s.Campaigns), maxCampaigns)] {
		c.Name, c.ID, c.Overdue, c.Proven = name(c.Name), name(c.ID), revocations(c.Overdue), revocations(c.Proven)
		d.Campaigns = append(d.Campaigns, c)
	}
	d.PolicyChanges, d.PolicySHA256 = []string{}, s.Policy.SHA256
	for _, change := range s.PolicyChanges {
		d.PolicyChanges = append(d.PolicyChanges, audit.Line(change, 300))
	}
	if s.Previous != nil {
		d.Previous = name(s.Previous.ID)
	}
	d.Findings.ByCheck = map[string]int{}
	for check, n := range s.Findings.ByCheck {
		d.Findings.ByCheck[name(check)] = n
	}
	return payload{Type: "review.finished", Version: payloadVersion, Timestamp: s.Finished, Data: d}
}

func newNeedsAction(a audit.ActionCounts) *audit.ActionCounts {
	if !a.Known() {
		return nil
	}
	byCheck := map[string]audit.CheckAction{}
	for check, n := range a.ByCheck {
		byCheck[name(check)] = n
	}
	a.ByCheck = byCheck
	return &a
}

// revocations are the worst, with what comes from outside made visible.
func revocations(all []audit.Revocation) (out []audit.Revocation) {
	for _, r := range all[:min(len(all), maxRevocations)] {
		for _, text := range []*string{&r.Target, &r.Authorization, &r.Description, &r.User, &r.Responsible, &r.Reviewer, &r.Decision, &r.State} {
			*text = audit.Line(*text, 60)
		}
		r.Evidence = audit.Line(r.Evidence, 200)
		out = append(out, r)
	}
	return out
}

// name makes a name from outside safe to show.
func name(s string) string { return audit.Line(s, 120) }

func newCoverage(c audit.TotalCoverage) coverage {
	out := coverage{Verdict: c.Verdict, Reasons: []string{}, Targets: []target{}, AcceptedGaps: []acceptedGap{}}
	accepted := c.Accepted()
	out.Accepted = len(accepted)
	for _, g := range accepted[:min(len(accepted), maxAccepted)] {
		by := g.Accepted
		out.AcceptedGaps = append(out.AcceptedGaps, acceptedGap{name(g.Target), name(g.ID), audit.Line(by.Reason, 300), name(by.ApprovedBy), name(by.Ticket), by.Expires})
	}
	for _, reason := range c.Reasons[:min(len(c.Reasons), maxReasons)] {
		out.Reasons = append(out.Reasons, audit.Line(reason, 300))
	}
	for _, t := range c.Targets[:min(len(c.Targets), maxTargets)] {
		out.Targets = append(out.Targets, target{name(t.Target), t.Verdict, t.Listed, t.Hidden, t.Unseen, t.LastSeen, t.Product})
	}
	out.MoreReasons, out.MoreTargets = len(c.Reasons)-len(out.Reasons), len(c.Targets)-len(out.Targets)
	return out
}

func newNews(s audit.Summary, n audit.Highlights) news {
	out := news{Findings: s.Findings.ByState[audit.New] + s.Findings.ByState[audit.Reopened], Authorizations: s.NeedsAction.New, Worst: []token{}, Owners: []owner{}, MoreOwners: n.MoreOwners}
	for _, h := range n.New {
		out.Worst = append(out.Worst, newToken(h))
	}
	for _, o := range n.Owners[:min(len(n.Owners), maxOwners)] {
		worst, findings := name(string(o.Worst[0].Findings[0].Severity)), 0
		for _, h := range o.Worst {
			findings += len(h.Findings)
		}
		out.Owners = append(out.Owners, owner{
			person: newPerson(o.Owner, ""), Worst: worst, Tokens: o.Tokens, Findings: findings,
			Target: name(o.Target), Responsible: name(o.Contact.Responsible), Team: name(o.Contact.Team), New: o.New, Overdue: o.Overdue,
		})
	}
	out.MoreOwners += len(n.Owners) - len(out.Owners)
	return out
}

func newToken(h audit.Highlight) token {
	r := h.Record
	t := token{
		Target: name(r.Target), Org: name(cmp.Or(r.Org, r.OrgID)), ID: name(r.ID), Description: name(r.Description), Status: name(string(r.Status)),
		Owner: newPerson(r.Owner, r.User), MoreFindings: max(0, len(h.Findings)-maxFindings),
	}
	for _, f := range h.Findings[:min(len(h.Findings), maxFindings)] {
		t.Findings = append(t.Findings, finding{name(f.Check), name(audit.CheckOf(f.Check).On(r.Product).Title), name(string(f.Severity)), name(string(f.State)), audit.Line(f.Detail, 200)})
	}
	return t
}

func newPerson(o audit.Owner, user string) person {
	return person{name(o.ID), name(cmp.Or(o.Name, user)), name(string(o.State))}
}
