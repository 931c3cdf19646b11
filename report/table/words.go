package table

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
)

func StoredWords(s *audit.Stored) []string {
	if s == nil {
		return nil
	}
	return []string{strings.Join([]string{Plural(s.Authorizations, "authorization"), Plural(s.Users, "user"), Plural(s.Orgs, "org")}, ", ")}
}

func Capital(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:size]) + s[size:]
}

// OwnerStates are the states of owners, the one to worry about most first.
func OwnerStates() []audit.OwnerState {
	return []audit.OwnerState{audit.OwnerDeleted, audit.OwnerInactive, audit.OwnerNotMember, audit.OwnerPresent, audit.OwnerUnknown, audit.OwnerNone}
}

func Days(days int) string {
	if days == 0 {
		return "never"
	}
	return Plural(days, "day")
}

func Previously(p *audit.Previous, sev audit.Severity) int {
	if p == nil {
		return 0
	}
	return p.BySeverity[sev]
}

// Verdict says in words what the review came to. Without complete coverage it
// never reads as a clean result.
func Verdict(s audit.Summary) string {
	found := foundWords(s)
	switch {
	case s.Coverage.Verdict == audit.Partial:
		return found + " Part of the population was not seen: there may be more."
	case s.Coverage.Verdict != audit.Complete:
		return found + " What the targets showed proves nothing: the true number is not known."
	case len(s.Coverage.Accepted()) > 0:
		return found + " It was accepted that part of the population cannot be seen."
	}
	return found
}

// PolicyWords introduce the changes of the policy; empty without any.
func PolicyWords(s audit.Summary) string {
	if len(s.PolicyChanges) == 0 || s.Previous == nil {
		return ""
	}
	return "Policy changed since " + OneLine(s.Previous.ID) + ". Differences are counted under the policy of now; what only the change took away is not judged, and not resolved."
}

func foundWords(s audit.Summary) string {
	a := s.Authorizations
	switch {
	case s.Findings.Total > 0:
		return fmt.Sprintf("%s on %s of %s: %s.", Plural(s.Findings.Total, "finding"), Grouped(a.Flagged), Plural(a.Total, "authorization"), SeverityWords(s))
	case s.Coverage.Verdict != audit.Complete:
		return "No findings among the " + Plural(a.Total, "authorization") + " that could be seen."
	}
	passes := "every one passes every check"
	if len(s.NotJudged) > 0 {
		passes += " that could be judged; " + Plural(len(s.NotJudged), "check") + " could not"
	}
	return "No findings: " + Plural(a.Total, "authorization") + " reviewed, " + passes + "."
}

func SeverityWords(s audit.Summary) string {
	var parts []string
	for _, sev := range audit.Severities() {
		if n := s.Findings.BySeverity[sev]; n > 0 {
			parts = append(parts, Grouped(n)+" "+string(sev))
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
		return "Coverage is partial" + with + ": something is known to be missing."
	}
	return "Coverage is unknown" + with + ": an empty answer proves nothing."
}

// Alarm is the word that colours the verdict: the worst severity found, else how
// much was seen.
func Alarm(s audit.Summary) string {
	for _, sev := range audit.Severities() {
		if s.Findings.BySeverity[sev] > 0 {
			return string(sev)
		}
	}
	return string(s.Coverage.Verdict)
}

func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Grouped(n) + " " + noun + "s"
}

// Grouped writes 1234567 as 1,234,567.
func Grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func Moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func OneLine(s string) string { return audit.Line(s, 100) }
