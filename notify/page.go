package notify

import (
	"time"

	"tokenaudit/jobs/audit"
)

// page is what a message says, before it becomes blocks or text. All of it is
// bounded. Fields marked as names hold text from outside, made visible; the
// others hold our words and numbers only.
type page struct {
	title      string
	job        string // name
	facts      []string
	alarms     []string
	unseen     []string // names; empty if the coverage is complete
	standing   string
	levels     []level
	changes    string
	steps      []step
	moreSteps  string
	fresh      string
	rows       [][]string // names
	moreOwners string
	evidence   string // name
}

// level is one severity: how many findings stand, and the change.
type level struct {
	severity audit.Severity
	count    int
	change   string // "(+1)"; empty without an earlier review
}

// step is what to do about one check.
type step struct{ check, fix string }

// newPage words a message with its first findings. Dates are written by stamp,
// as Slack shows each reader their own time zone.
func newPage(m Message, findings int, stamp func(time.Time) string) page {
	s := m.Summary
	steps, more := stepsFor(s)
	return page{
		title: title(s), job: shown(s.Job, 80, "job without a name"),
		facts: facts(s, stamp), alarms: alarms(m), unseen: unseen(s.Coverage),
		standing: standing(s), levels: levels(s), changes: changes(s, stamp),
		steps: steps, moreSteps: more,
		fresh: freshLine(m, findings), rows: rows(m, findings),
		moreOwners: moreOwners(m.News),
		evidence:   shown(m.Evidence, 300, ""),
	}
}

func levels(s audit.Summary) []level {
	var out []level
	for _, severity := range audit.Severities() {
		n := s.Findings.BySeverity[severity]
		l := level{severity: severity, count: n}
		if s.Previous != nil {
			l.change = change(n - s.Previous.BySeverity[severity])
		}
		out = append(out, l)
	}
	return out
}

// The reasons that a message names; more do not fit, and do not help.
const (
	maxReasons = 8
	maxReason  = 140
)

func unseen(c audit.TotalCoverage) []string {
	if c.Verdict == audit.Complete {
		return nil
	}
	var out []string
	for _, reason := range c.Reasons[:min(len(c.Reasons), maxReasons)] {
		out = append(out, shown(reason, maxReason, "a reason without words"))
	}
	switch more := len(c.Reasons) - len(out); {
	case more > 0:
		out = append(out, "and "+plural(more, "more reason")+", in the evidence")
	case len(out) == 0 && len(c.Targets) == 0:
		out = []string{"no target was reviewed"}
	case len(out) == 0:
		out = []string{"the review gave no reason"}
	}
	return out
}

// maxSteps keeps the list to what a person does first.
const maxSteps = 4

// stepsFor tells what to do about everything that stands, not only about what is
// new, in the order of the policy: worst first.
func stepsFor(s audit.Summary) (steps []step, more string) {
	found, rest := s.Findings.ByCheck, 0
	for _, n := range found {
		rest += min(n, 1)
	}
	for _, applied := range s.Policy.Checks {
		check := audit.CheckOf(applied.Check)
		if n := found[check.ID]; n > 0 && len(steps) < maxSteps {
			steps = append(steps, step{check.Title + " (" + plural(n, "token") + ")", check.Fix})
			rest--
		}
	}
	if rest > 0 {
		more = "and " + plural(rest, "more check") + " with findings, in the evidence"
	}
	return steps, more
}
