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
	// ByPolicy is there, and would have been there before under the policy of now: no
	// token changed, the policy did.
	ByPolicy FindingState = "by policy"
	// NotJudged was there before, and under the policy of before it still would be: it is
	// out of sight, and not resolved.
	NotJudged FindingState = "not judged"
)

// FindingStates are all of them, in the order in which they are counted.
func FindingStates() []FindingState {
	return []FindingState{New, Open, Reopened, ByPolicy, Excepted, Resolved, NotJudged}
}

// Finding is a check that matched an authorization.
type Finding struct {
	Check    string       `json:"check"`
	Severity Severity     `json:"severity"`
	Detail   string       `json:"detail,omitempty"`
	State    FindingState `json:"state"`
	// Since is the time of the review that gave the finding its present life: the
	// first one that saw it, the one that saw it again, or the one that saw it gone.
	Since time.Time `json:"since"`
	// Due is when it has to be fixed; zero for no date.
	Due time.Time `json:"due,omitzero"`
	// Approval is there for an excepted finding.
	Approval *Approval `json:"approval,omitempty"`
}

// Current reports whether the finding stands, that is, is neither resolved nor out of
// sight by a change of policy.
func (f Finding) Current() bool { return f.State.Current() }

// Current reports whether findings in the state stand.
func (s FindingState) Current() bool { return s != Resolved && s != NotJudged }

// Actionable reports whether somebody should act on it now.
func (f Finding) Actionable() bool { return f.Current() && f.State != Excepted }

// Overdue reports whether it should have been fixed before the given time.
func (f Finding) Overdue(at time.Time) bool {
	return f.Actionable() && !f.Due.IsZero() && f.Due.Before(at)
}

// NeedsAction reports whether it is one that somebody has to act on: critical or high, or
// overdue.
func (f Finding) NeedsAction(at time.Time) bool {
	return f.Actionable() && f.Severity.AtLeast(High) || f.Overdue(at)
}

// setDue gives every finding that stands its due date.
func (p *Policy) setDue(fs []Finding) {
	for i := range fs {
		f := &fs[i]
		f.Due = time.Time{}
		if within, ok := p.FixWithin[f.Severity]; ok && f.Current() {
			f.Due = f.Since.Add(within)
		}
	}
}

// Reported reports whether the finding belongs in the report of the review at
// the given time: it stands, or that very review saw it resolved or left it out.
func (f Finding) Reported(at time.Time) bool { return f.Current() || f.Since.Equal(at) }

// judge gives the findings of s by every check that is not off, worst check first,
// compared with those of the previous review. One that could not be judged keeps them as
// they were. Those of a check that was switched off since are not judged, and neither
// are those that only a change of policy takes away.
func (s *Subject) judge(before []Finding) []Finding {
	var out []Finding
	server, exempt := s.IsServer(), exempted[s.Product]
	for i := range checks {
		c := &checks[i]
		if c.Server != server {
			continue
		}
		severity := s.Policy.severityOf(c)
		at := slices.IndexFunc(before, func(f Finding) bool { return f.Check == c.ID })
		if _, is := exempt[c.ID]; is || severity == Off {
			if at >= 0 && before[at].Current() {
				out = append(out, before[at].end(NotJudged, s.Now))
			}
			continue
		}
		detail, outcome := c.Match(s)
		if s.replayed && c.Momentary {
			outcome = Unknown
		}
		switch {
		case outcome == Fail:
			f := Finding{Check: c.ID, Severity: severity, Detail: detail, State: New, Since: s.Now}
			if c.Expected != nil && c.Expected(s) {
				f.Severity = Info
			}
			switch {
			case at >= 0 && before[at].Current() && !c.Event:
				f.State, f.Since = Open, before[at].Since
			case s.foundBefore(c):
				f.State = ByPolicy
			case at >= 0 && before[at].State == Resolved:
				f.State = Reopened
			}
			out = append(out, f)
		case at < 0: // nothing now and nothing before, as nearly always
		case outcome == Unknown:
			out = append(out, before[at].keep(s.Policy.severityKept(c, before[at])))
		case before[at].Current() && s.failsUnderOld(c):
			out = append(out, before[at].end(NotJudged, s.Now))
		default:
			out = append(out, before[at].end(Resolved, s.Now))
		}
	}
	for _, f := range before {
		if f.Current() && CheckPlace(f.Check) < 0 { // of another version
			out = append(out, f.end(NotJudged, s.Now))
		}
	}
	s.except(out, before)
	s.Policy.setDue(out)
	return out
}

// keep is a finding that could not be judged again, as the policy rates it now.
func (f Finding) keep(severity Severity) Finding {
	if f.Current() {
		f.State, f.Severity, f.Approval = Open, severity, nil
	}
	return f
}

// end is a finding that stands no more since the given time.
func (f Finding) end(state FindingState, at time.Time) Finding {
	if f.Current() {
		f.State, f.Since, f.Approval = state, at, nil
	}
	return f
}

// firstReport is a finding that another job saw first: it is as old as it is, and new to
// those who read of this one.
func (f Finding) firstReport() Finding {
	if f.State == Open || f.State == ByPolicy {
		f.State = New
	}
	return f
}

// stand is a finding of an authorization of which nothing is known now.
func (rv *Review) stand(f Finding) Finding {
	place := CheckPlace(f.Check)
	if place < 0 { // of another version
		return f.keep(f.Severity)
	}
	severity := rv.Policy.severityKept(&checks[place], f)
	if severity == Off {
		return f.end(NotJudged, rv.Now)
	}
	return f.keep(severity)
}
