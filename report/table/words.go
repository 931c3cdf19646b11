package table

import (
	"cmp"
	"strings"
	"time"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
)

func StoredWords(s *audit.Stored) []string {
	if s == nil {
		return nil
	}
	return []string{strings.Join([]string{audit.Plural(s.Authorizations, "authorization"), audit.Plural(s.Users, "user"), audit.Plural(s.Orgs, "org")}, ", ")}
}

func Capital(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:size]) + s[size:]
}

// OwnerStates are the states of owners, the one to worry about most first.
func OwnerStates() []audit.OwnerState {
	return []audit.OwnerState{audit.OwnerDeleted, audit.OwnerInactive, audit.OwnerNotMember, audit.OwnerPresent, audit.OwnerUnknown, audit.OwnerNone}
}

// TriggerWords say why a review began.
func TriggerWords(t audit.Trigger) string {
	switch t {
	case audit.Scheduled:
		return "scheduled"
	case audit.CatchUp:
		return "caught up"
	case audit.Manual:
		return "run by hand"
	case audit.DryRun:
		return "dry run"
	}
	return OneLine(string(t))
}

// MissedWords say how many slots before a review passed without one.
func MissedWords(n int) string {
	if n == 0 {
		return "none"
	}
	return audit.Plural(n, "slot") + " before this one passed without a review"
}

// OfConfigured is how many exceptions or accepted gaps are configured, where that is more
// than are in force; else empty.
func OfConfigured(inForce, configured int) string {
	if configured <= inForce {
		return ""
	}
	return "of " + audit.Number(configured) + " configured"
}

// NoDescription stands for an empty one where people read; CSV has an empty cell.
const NoDescription = "(no description)"

// NoOwner stands for the owner where a token has none and people read; CSV has an empty cell.
const NoOwner = "(no owner)"

// PolicyWords introduce the changes of the policy; empty without any.
func PolicyWords(s audit.Summary) string {
	if len(s.PolicyChanges) == 0 || s.Previous == nil {
		return ""
	}
	return "Policy changed since " + OneLine(s.Previous.ID) + ". Differences are counted under the present policy. Findings that only the change removed are not judged, and not resolved."
}

// Alarm is the word that colours the headline: the worst severity that needs action, else
// how much was seen.
func Alarm(s audit.Summary) string {
	for _, sev := range audit.Severities() {
		if s.NeedsAction.BySeverity[sev] > 0 {
			return string(sev)
		}
	}
	if s.NeedsAction.Server > 0 {
		return string(audit.High)
	}
	return string(s.Coverage.Verdict)
}

// FixWithinWords say how long a finding may stand before it is overdue.
func FixWithinWords(p audit.AppliedPolicy) string {
	var words []string
	for _, sev := range audit.Severities() {
		if d := p.Policy().FixWithin[sev]; d > 0 {
			words = append(words, string(sev)+" "+audit.SpanWords(d))
		}
	}
	return cmp.Or(strings.Join(words, ", "), "no due dates are set")
}

func SeverityWords(s audit.Summary) string {
	var parts []string
	for _, sev := range audit.Severities() {
		if n := s.Findings.BySeverity[sev]; n > 0 {
			parts = append(parts, audit.Number(n)+" "+string(sev))
		}
	}
	return strings.Join(parts, ", ")
}

// CoverageWords say how much was seen, and what was accepted for it.
func CoverageWords(c audit.TotalCoverage) string {
	accepted := audit.AcceptedWords(c.Accepted())
	with := ""
	if accepted != "" {
		with = ", with " + accepted
	}
	switch {
	case c.Verdict == audit.Complete && accepted != "":
		return "Coverage is complete" + with + ": everything else that was asked for was seen."
	case c.Verdict == audit.Complete:
		return "Coverage is complete: everything that was asked for was seen."
	case c.Verdict == audit.Partial:
		return "Coverage is partial" + with + ": some tokens may be missing."
	}
	return "Coverage is unknown" + with + ": an empty answer proves nothing."
}

func Moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// DayOf is the day of a moment in UTC; empty where none is known.
func DayOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func OneLine(s string) string { return audit.Line(s, 100) }
