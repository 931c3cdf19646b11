package notify

import (
	"fmt"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// title never sounds clean unless all that was asked for was seen.
func title(s audit.Summary) string {
	review := "InfluxDB token review"
	if s.Trigger == audit.Sample {
		review = "TEST of " + review // nothing was reviewed
	}
	n := urgent(s)
	switch {
	case s.Coverage.Verdict == audit.Complete && n == 0:
		return review + ": nothing urgent"
	case s.Coverage.Verdict == audit.Complete:
		return fmt.Sprintf("%s: %d to act on", review, n)
	case n > 0:
		return fmt.Sprintf("%s INCOMPLETE: %d to act on", review, n)
	case s.Coverage.Verdict == audit.Partial:
		return review + " INCOMPLETE: nothing urgent in what was seen"
	}
	return review + " INCOMPLETE: nothing can be said"
}

// urgent counts what is "to act on": current findings rated critical or high, but
// those that an exception allows.
func urgent(s audit.Summary) int {
	return s.Findings.Actionable(audit.Critical) + s.Findings.Actionable(audit.High)
}

// standing says what "to act on" counts.
func standing(s audit.Summary) string {
	const rated = "rated critical or high"
	switch n := urgent(s); {
	case n == 0 && s.Coverage.Verdict == audit.Complete:
		return "Nothing to act on: no finding that stands now is " + rated + "."
	case n == 0 && s.Coverage.Verdict == audit.Partial:
		return "No finding that stands now is " + rated + ", as far as the review could see."
	case n == 0:
		return "What was asked for could not be seen: a zero below proves nothing."
	case n == 1:
		return "1 to act on: the finding that stands now and is " + rated + "."
	default:
		return fmt.Sprintf("%d to act on: the findings that stand now and are %s. A token can have several.", n, rated)
	}
}

func facts(s audit.Summary, stamp func(time.Time) string) []string {
	targets := s.Coverage.Targets
	out := []string{slot(s, stamp), plural(s.Authorizations.Total, "token") + " in " + plural(len(targets), "target")}
	if n := hidden(targets); n > 0 {
		out = append(out, fmt.Sprintf("%d hidden from InfluxDB's list", n))
	}
	if s.Coverage.Verdict != audit.Complete {
		out = append(out, fmt.Sprintf("%d of %s seen completely", complete(targets), plural(len(targets), "target")))
	}
	if n := blindSpots(targets); n > 0 {
		out = append(out, plural(n, "known blind spot")+", in the evidence")
	}
	switch s.Trigger {
	case audit.CatchUp:
		out = append(out, "caught up"+late(s.Started.Sub(s.Slot)))
	case audit.Manual:
		out = append(out, "run by hand")
	case audit.Sample:
		out = append(out, "made-up figures: nothing was reviewed")
	}
	return out
}

func slot(s audit.Summary, stamp func(time.Time) string) string {
	if s.Trigger == audit.Manual || s.Trigger == audit.DryRun {
		return "at " + stamp(s.Slot)
	}
	return "due " + stamp(s.Slot)
}

func hidden(targets []audit.Coverage) int {
	n := 0
	for _, t := range targets {
		n += t.Hidden
	}
	return n
}

func blindSpots(targets []audit.Coverage) int {
	n := 0
	for _, t := range targets {
		n += len(t.BlindSpots)
	}
	return n
}

// mayRepeat warns of a double, which beats a message that is lost.
const mayRepeat = "this may repeat an earlier message"

func alarms(m Message) []string {
	var out []string
	switch n := m.Summary.Missed; {
	case n == 1:
		out = append(out, "1 earlier review was missed")
	case n > 1:
		out = append(out, fmt.Sprintf("%d earlier reviews were missed", n))
	}
	if m.repeats {
		out = append(out, mayRepeat)
	}
	return out
}

func moreOwners(n audit.News) string {
	if n.MoreOwners == 0 {
		return ""
	}
	return fmt.Sprintf("The replies name the %d owners with the worst findings; %s in the evidence.", len(n.Owners), plural(n.MoreOwners, "more owner"))
}

// unchanged is all that there is to say about a quiet week.
func unchanged(s audit.Summary, stamp func(time.Time) string) string {
	return fmt.Sprintf("InfluxDB token review: no finding came, came back or went since the review due %s; %d to act on; %s, seen completely",
		stamp(s.Previous.Slot), urgent(s), plural(s.Authorizations.Total, "token"))
}

func complete(targets []audit.Coverage) int {
	n := 0
	for _, t := range targets {
		if t.Verdict == audit.Complete {
			n++
		}
	}
	return n
}

func late(d time.Duration) string {
	switch {
	case d < time.Minute:
		return ""
	case d < time.Hour:
		return ", " + plural(int(d/time.Minute), "minute") + " late"
	case d < 48*time.Hour:
		return ", " + plural(int(d/time.Hour), "hour") + " late"
	}
	return ", " + plural(int(d/(24*time.Hour)), "day") + " late"
}

func changes(s audit.Summary, stamp func(time.Time) string) string {
	if s.Previous == nil {
		return "First review of this job: there is nothing to compare with."
	}
	by := s.Findings.ByState
	text := fmt.Sprintf("Since the review due %s: %d new", stamp(s.Previous.Slot), by[audit.New])
	if n := by[audit.Reopened]; n > 0 {
		text += fmt.Sprintf(", %d reopened", n)
	}
	return text + fmt.Sprintf(", %d still open, %d resolved.", by[audit.Open], by[audit.Resolved])
}

func change(by int) string {
	if by == 0 {
		return "(no change)"
	}
	return fmt.Sprintf("(%+d)", by)
}

// freshLine introduces the table, wherever a client draws it.
func freshLine(m Message, rows int) string {
	n, tokens := m.News.Findings, m.News.Authorizations
	if n == 0 {
		if m.Summary.Coverage.Verdict != audit.Complete {
			return "none in what was seen."
		}
		return "none."
	}
	what := fmt.Sprintf("%d on %s", n, plural(tokens, "token"))
	switch {
	case rows == 0:
		return what + "; see the evidence."
	case rows < tokens:
		return fmt.Sprintf("%s; the table shows the worst %d, the rest is in the evidence.", what, rows)
	}
	return what + "."
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func capital(s audit.Severity) string {
	return strings.ToUpper(string(s[:1])) + string(s[1:])
}

// shown makes text from outside safe on one line, or says instead what is missing:
// Slack refuses empty text.
func shown(s string, max int, instead string) string {
	if line := audit.Line(s, max); strings.TrimSpace(line) != "" {
		return line
	}
	return instead
}
