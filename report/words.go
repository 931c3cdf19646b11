package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// verdict says in words what the review came to. Without complete coverage it
// never reads as a clean result.
func verdict(s audit.Summary) string {
	found := foundWords(s)
	switch s.Coverage.Verdict {
	case audit.Complete:
		return found
	case audit.Partial:
		return found + " Part of the population was not seen: there may be more."
	}
	return found + " What the targets showed proves nothing: the true number is not known."
}

func foundWords(s audit.Summary) string {
	a := s.Authorizations
	switch {
	case s.Findings.Total > 0:
		return fmt.Sprintf("%s on %s of %s: %s.", plural(s.Findings.Total, "finding"), grouped(a.Flagged), plural(a.Total, "authorization"), severityWords(s))
	case s.Coverage.Verdict != audit.Complete:
		return "No findings among the " + plural(a.Total, "authorization") + " that could be seen."
	}
	return "No findings: " + plural(a.Total, "authorization") + " reviewed, every one passes every check."
}

func severityWords(s audit.Summary) string {
	var parts []string
	for _, sev := range audit.Severities() {
		if n := s.Findings.BySeverity[sev]; n > 0 {
			parts = append(parts, grouped(n)+" "+string(sev))
		}
	}
	return strings.Join(parts, ", ")
}

func coverageWords(v audit.Verdict) string {
	switch v {
	case audit.Complete:
		return "Coverage is complete: everything that was asked for was seen."
	case audit.Partial:
		return "Coverage is partial: something is known to be missing."
	}
	return "Coverage is unknown: an empty answer proves nothing."
}

// alarm is the word that colours the verdict: the worst severity found, else how
// much was seen.
func alarm(s audit.Summary) string {
	for _, sev := range audit.Severities() {
		if s.Findings.BySeverity[sev] > 0 {
			return string(sev)
		}
	}
	return string(s.Coverage.Verdict)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func oneLine(s string) string { return audit.Line(s, 100) }

// footer is text for the foot of a page, where an ampersand begins a code.
func footer(s string) string { return strings.ReplaceAll(oneLine(s), "&", "&&") }
