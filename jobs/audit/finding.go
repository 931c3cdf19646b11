package audit

import (
	"slices"
	"time"
)

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

// judge gives the findings of s by every check that is not off, worst check first,
// compared with those of the previous review. A check that was switched off since then
// takes its findings with it: they are neither open nor resolved. One that could not
// be judged keeps them as they were.
func (s *Subject) judge(before []Finding) []Finding {
	var out []Finding
	server := s.IsServer()
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
		if s.replayed && c.Momentary {
			outcome = Unknown
		}
		at := slices.IndexFunc(before, func(f Finding) bool { return f.Check == c.ID })
		switch {
		case outcome == Fail:
			f := Finding{Check: c.ID, Severity: severity, Detail: detail, State: New, Since: s.Now}
			if at >= 0 && before[at].Current() {
				f.State, f.Since = Open, before[at].Since
			} else if at >= 0 {
				f.State = Reopened
			}
			out = append(out, f)
		case at < 0: // nothing now and nothing before, as nearly always
		case outcome == Unknown:
			out = append(out, before[at].keep())
		default:
			out = append(out, before[at].resolve(s.Now))
		}
	}
	s.except(out)
	return out
}

// keep is a finding that could not be judged again.
func (f Finding) keep() Finding {
	if f.Current() {
		f.State, f.Approval = Open, nil
	}
	return f
}

// resolve is a finding of which nothing was found at the given time.
func (f Finding) resolve(at time.Time) Finding {
	if f.Current() {
		f.State, f.Since, f.Approval = Resolved, at, nil
	}
	return f
}
