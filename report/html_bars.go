package report

import (
	"strings"

	"tokenaudit/jobs/audit"
)

// The geometry of the bars, in units of the drawing: a line of words, and the bar
// below it.
const (
	barSpace = 359 // of the longest bar
	barStep  = 44
	barBelow = 21 // the words
)

// barChart is one bar per word. Words say the same as the drawing.
type barChart struct {
	ID, Title, Words string
	Height           int
	Bars             []bar
	Note             string
}

type bar struct {
	Label, Class, Value string
	TextY, Y, Width     int
	Was                 int // where a mark stands for the previous review, else 0
}

// barValue is one bar before it is drawn; was is below zero where it is not known.
type barValue struct {
	label, class string
	n, was       int
}

func severityChart(s audit.Summary) barChart {
	var ms []barValue
	for _, sev := range audit.Severities() {
		m := barValue{string(sev), string(sev), s.Findings.BySeverity[sev], -1}
		if s.Previous != nil {
			m.was = previously(s.Previous, sev)
		}
		ms = append(ms, m)
	}
	c := draw("chart-severity", "Findings by severity", ms)
	if s.Previous != nil {
		c.Note = "The mark across a bar is the previous review."
	}
	return c
}

func ownerChart(count map[audit.OwnerState]int) barChart {
	classes := map[audit.OwnerState]string{
		audit.OwnerDeleted: "critical", audit.OwnerInactive: "high", audit.OwnerNotMember: "medium", audit.OwnerUnknown: "unknown", audit.OwnerPresent: "low",
	}
	var ms []barValue
	for _, st := range ownerStates() {
		ms = append(ms, barValue{ownerWords(st), classes[st], count[st], -1})
	}
	c := draw("chart-owners", "Tokens by the state of their owner", ms)
	c.Note = "Unknown: the owner could not be seen; never the same as deleted."
	return c
}

func draw(id, title string, ms []barValue) barChart {
	c := barChart{ID: id, Title: title, Height: barStep * len(ms)}
	most := 1
	for _, m := range ms {
		most = max(most, m.n, m.was)
	}
	var words []string
	for i, m := range ms {
		b := m.bar(i, most)
		c.Bars, words = append(c.Bars, b), append(words, m.label+" "+b.Value)
	}
	c.Words = strings.Join(words, "; ")
	return c
}

func (m barValue) bar(at, most int) bar {
	top := at * barStep
	b := bar{Label: m.label, Class: m.class, Value: grouped(m.n), TextY: top + barBelow - 8, Y: top + barBelow, Width: m.n * barSpace / most}
	if m.n > 0 {
		b.Width = max(b.Width, 3)
	}
	if m.was >= 0 {
		b.Value += " (was " + grouped(m.was) + ")"
		b.Was = min(max(m.was*barSpace/most, 1), barSpace-1)
	}
	return b
}
