package audit

import "time"

// FindingState compares a finding with the previous review of the same target.
type FindingState string

const (
	New      FindingState = "new"      // not there before
	Open     FindingState = "open"     // there before and still there
	Reopened FindingState = "reopened" // resolved before, back again
	Resolved FindingState = "resolved" // there before, gone now
	Excepted FindingState = "excepted" // there, and allowed for a while by an exception
)

// Finding is a check that matched an authorization.
type Finding struct {
	Check    string       `json:"check"`
	Severity Severity     `json:"severity"`
	Detail   string       `json:"detail,omitempty"`
	State    FindingState `json:"state"`
	// Since is the time of the review that gave the finding its present life: the
	// first one that saw it, the one that saw it again, or the one that saw it gone.
	Since time.Time `json:"since"`
	// Approval is there for an excepted finding.
	Approval *Approval `json:"approval,omitempty"`
}

// Current reports whether the finding stands, that is, is not resolved.
func (f Finding) Current() bool { return f.State != Resolved }

// Actionable reports whether somebody should act on it now.
func (f Finding) Actionable() bool { return f.Current() && f.State != Excepted }

// Reported reports whether the finding belongs in the report of the review at
// the given time: it stands, or that very review saw it resolved.
func (f Finding) Reported(at time.Time) bool { return f.Current() || f.Since.Equal(at) }

// judgement is what one check says of one authorization, and its finding in the
// previous review, nil if there was none.
type judgement struct {
	check    *Check
	severity Severity
	detail   string
	outcome  Outcome
	before   *Finding
}

// judge runs every check that is not off, and appends what it says to out. Most
// find nothing now and found nothing before: there is nothing to say.
func judge(out []judgement, s *Subject, before []Finding) []judgement {
	checks, server := theChecks(), s.IsServer()
	for i := range checks {
		c := &checks[i]
		if c.Server != server {
			continue
		}
		severity := s.Policy.severityOf(c)
		if severity == Off {
			continue
		}
		detail, outcome := c.Match(s)
		old := findingOf(before, c.ID)
		if outcome == Fail || old != nil {
			out = append(out, judgement{c, severity, detail, outcome, old})
		}
	}
	return out
}

// carry turns judgements into findings. A check that was switched off since the
// previous review takes its findings with it: they are neither open nor resolved.
// One that could not be judged keeps them as they were.
func carry(now []judgement, at time.Time) []Finding {
	if len(now) == 0 {
		return nil
	}
	out := make([]Finding, 0, len(now))
	for i := range now {
		j := &now[i]
		switch {
		case j.outcome == Fail:
			out = append(out, matched(j, at))
		case j.before == nil:
		case j.outcome == Unknown:
			out = append(out, stand(*j.before))
		default:
			out = append(out, resolve(*j.before, at))
		}
	}
	return out
}

func matched(j *judgement, at time.Time) Finding {
	f := Finding{Check: j.check.ID, Severity: j.severity, Detail: j.detail, State: New, Since: at}
	switch {
	case j.before == nil:
	case j.before.Current():
		f.State, f.Since = Open, j.before.Since
	default:
		f.State = Reopened
	}
	return f
}

// stand keeps a finding that could not be judged again.
func stand(f Finding) Finding {
	if f.Current() {
		f.State, f.Approval = Open, nil
	}
	return f
}

func resolve(f Finding, at time.Time) Finding {
	if f.Current() {
		f.State, f.Since, f.Approval = Resolved, at, nil
	}
	return f
}

func findingOf(fs []Finding, check string) *Finding {
	for i := range fs {
		if fs[i].Check == check {
			return &fs[i]
		}
	}
	return nil
}
