package notify

import (
	"cmp"
	"time"

	"tokenaudit/jobs/audit"
)

// payloadVersion counts changes that a receiver must know of. New keys are none.
const payloadVersion = 1

// hookPayload is the body of a webhook. All of it is bounded; text from outside is
// made visible, on one line. A receiver ignores keys that it does not know.
type hookPayload struct {
	Type      string    `json:"type"` // review.finished
	Version   int       `json:"version"`
	Timestamp time.Time `json:"timestamp"` // when the review finished
	Data      hookData  `json:"data"`
}

type hookData struct {
	Run      string    `json:"run"` // job and slot
	Job      string    `json:"job"`
	Slot     time.Time `json:"slot"`    // when it was due
	Trigger  string    `json:"trigger"` // schedule, catch-up or manual
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	Missed   int       `json:"missed"`             // reviews before this one that nobody made
	Previous string    `json:"previous,omitempty"` // the run that it is compared with
	Title    string    `json:"title"`              // one line for people
	// ToActOn counts findings that stand and are rated critical or high, but those
	// that an exception allows. Zero says nothing unless the coverage is complete.
	ToActOn        int                       `json:"to_act_on"`
	Coverage       hookCoverage              `json:"coverage"`
	Authorizations audit.AuthorizationCounts `json:"authorizations"`
	Findings       audit.FindingCounts       `json:"findings"`
	News           hookNews                  `json:"news"`
	Evidence       string                    `json:"evidence"` // a folder or a URL
	Tool           audit.Tool                `json:"tool"`
}

type hookCoverage struct {
	Verdict     audit.Verdict `json:"verdict"` // complete, partial or unknown
	Reasons     []string      `json:"reasons"` // why it is not complete
	MoreReasons int           `json:"more_reasons"`
	Targets     []hookTarget  `json:"targets"`
	MoreTargets int           `json:"more_targets"`
}

type hookTarget struct {
	Name    string        `json:"name"`
	Verdict audit.Verdict `json:"verdict"`
	Listed  int           `json:"listed"`
	Hidden  int           `json:"hidden"`
	Unseen  int           `json:"unseen"`
}

// hookNews is what is new or back since the previous review.
type hookNews struct {
	Findings       int         `json:"findings"`
	Authorizations int         `json:"authorizations"`
	Worst          []hookToken `json:"worst"`  // worst first
	Owners         []hookOwner `json:"owners"` // with something to do, worst first
	MoreOwners     int         `json:"more_owners"`
}

type hookToken struct {
	Target       string        `json:"target"`
	Org          string        `json:"org"`
	ID           string        `json:"id"` // of the authorization; never its token
	Description  string        `json:"description"`
	Status       string        `json:"status"`
	Owner        hookPerson    `json:"owner"`
	Findings     []hookFinding `json:"findings"` // worst first
	MoreFindings int           `json:"more_findings"`
}

type hookPerson struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"` // present, inactive, deleted, not_member or unknown
}

type hookFinding struct {
	Check    string `json:"check"`
	Title    string `json:"title"`
	Severity string `json:"severity"` // critical, high, medium or low
	State    string `json:"state"`    // new or reopened
	Detail   string `json:"detail"`
}

type hookOwner struct {
	hookPerson
	Worst    string `json:"worst"` // severity
	Tokens   int    `json:"tokens"`
	Findings int    `json:"findings"`
}

// Limits of what a payload lists; the rest is in the evidence.
const (
	maxHookReasons  = 20
	maxHookTargets  = 100
	maxHookFindings = 5
)

func payloadOf(m Message) hookPayload {
	s := m.Summary
	d := hookData{
		Run: name(s.ID), Job: name(s.Job), Slot: s.Slot, Trigger: name(string(s.Trigger)), Started: s.Started, Finished: s.Finished, Missed: s.Missed,
		Title: title(s), ToActOn: urgent(s), Coverage: hookCoverageOf(s.Coverage), Authorizations: s.Authorizations, Findings: s.Findings,
		News: hookNewsOf(m.News), Evidence: audit.Line(m.Evidence, 300), Tool: s.Tool,
	}
	if s.Previous != nil {
		d.Previous = name(s.Previous.ID)
	}
	d.Findings.ByCheck = map[string]int{}
	for check, n := range s.Findings.ByCheck {
		d.Findings.ByCheck[name(check)] = n
	}
	return hookPayload{Type: "review.finished", Version: payloadVersion, Timestamp: s.Finished, Data: d}
}

// name makes a name from outside safe to show.
func name(s string) string { return audit.Line(s, 120) }

func hookCoverageOf(c audit.TotalCoverage) hookCoverage {
	out := hookCoverage{Verdict: c.Verdict, Reasons: []string{}, Targets: []hookTarget{}}
	for _, reason := range c.Reasons[:min(len(c.Reasons), maxHookReasons)] {
		out.Reasons = append(out.Reasons, audit.Line(reason, 300))
	}
	for _, t := range c.Targets[:min(len(c.Targets), maxHookTargets)] {
		out.Targets = append(out.Targets, hookTarget{name(t.Target), t.Verdict, t.Listed, t.Hidden, t.Unseen})
	}
	out.MoreReasons, out.MoreTargets = len(c.Reasons)-len(out.Reasons), len(c.Targets)-len(out.Targets)
	return out
}

func hookNewsOf(n audit.News) hookNews {
	out := hookNews{Findings: n.Findings, Authorizations: n.Authorizations, Worst: []hookToken{}, Owners: []hookOwner{}, MoreOwners: n.MoreOwners}
	for _, h := range n.Worst {
		out.Worst = append(out.Worst, hookTokenOf(h))
	}
	for _, o := range n.Owners {
		worst := name(string(o.Worst[0].Findings[0].Severity))
		out.Owners = append(out.Owners, hookOwner{person(o.Owner, ""), worst, o.Tokens, o.Findings})
	}
	return out
}

func hookTokenOf(h audit.Highlight) hookToken {
	r := h.Record
	t := hookToken{
		Target: name(r.Target), Org: name(cmp.Or(r.Org, r.OrgID)), ID: name(r.ID), Description: name(r.Description), Status: name(string(r.Status)),
		Owner: person(r.Owner, r.User), MoreFindings: max(0, len(h.Findings)-maxHookFindings),
	}
	for _, f := range h.Findings[:min(len(h.Findings), maxHookFindings)] {
		t.Findings = append(t.Findings, hookFinding{name(f.Check), name(audit.CheckOf(f.Check).Title), name(string(f.Severity)), name(string(f.State)), audit.Line(f.Detail, 200)})
	}
	return t
}

func person(o audit.Owner, user string) hookPerson {
	return hookPerson{name(o.ID), name(cmp.Or(o.Name, user)), name(string(o.State))}
}
