package html

import (
	"fmt"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
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
			m.was = table.Previously(s.Previous, sev)
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
	b := bar{Label: m.label, Class: m.class, Value: table.Grouped(m.n), TextY: top + barBelow - 8, Y: top + barBelow, Width: m.n * barSpace / most}
	if m.n > 0 {
		b.Width = max(b.Width, 3)
	}
	if m.was >= 0 {
		b.Value += " (was " + table.Grouped(m.was) + ")"
		b.Was = min(max(m.was*barSpace/most, 1), barSpace-1)
	}
	return b
}

// The geometry of the trend, in units of the drawing.
const (
	trendWidth  = 360
	trendFloor  = 150
	trendSpace  = 122 // of the highest column
	trendColumn = 44  // the widest
)

// trendChart is one column per review, oldest first, this one last.
type trendChart struct {
	Words  string
	Points []trendPoint
	Width  int
	Most   string
}

type trendPoint struct {
	audit.TrendPoint
	X, Middle, TopY int
	Total, Label    string // Total never claims more than the coverage allows
	Counts          []int  // by severity, worst first
	Parts           []trendPart
}

type trendPart struct {
	Class     string
	Y, Height int
}

func newTrend(points []audit.TrendPoint) trendChart {
	most := 1
	for _, p := range points {
		most = max(most, total(p))
	}
	step := min(trendWidth/len(points), trendColumn+10)
	c := trendChart{Width: min(step-6, trendColumn), Most: table.Grouped(most)}
	var words []string
	for i, p := range points {
		drawn := drawPoint(p, most)
		drawn.X = (trendWidth-step*len(points))/2 + i*step + (step-c.Width)/2
		drawn.Middle = drawn.X + c.Width/2
		if (len(points)-1-i)%labelEvery(len(points)) == 0 {
			drawn.Label = p.Slot.UTC().Format("01-02")
		}
		c.Points, words = append(c.Points, drawn), append(words, day(p.Slot)+" "+drawn.Total)
	}
	c.Words = strings.Join(words, "; ")
	return c
}

// labelEvery leaves out dates where they would touch.
func labelEvery(points int) int { return 1 + points/9 }

func drawPoint(p audit.TrendPoint, most int) trendPoint {
	p.Run = table.OneLine(p.Run)
	t := trendPoint{TrendPoint: p, Total: atLeast(p.Verdict, total(p))}
	y := trendFloor
	for _, s := range audit.Severities() {
		t.Counts = append(t.Counts, p.BySeverity[s])
		if h := p.BySeverity[s] * trendSpace / most; h > 0 {
			y -= h
			t.Parts = append(t.Parts, trendPart{string(s), y, h})
		}
	}
	t.TopY = y - 5
	return t
}

// atLeast: without complete coverage a number is a lower bound, and without any
// it is nothing at all.
func atLeast(v audit.Verdict, n int) string {
	switch v {
	case audit.Complete:
		return short(n)
	case audit.Partial:
		return "≥" + short(n)
	}
	return "?"
}

func short(n int) string {
	switch {
	case n >= 1_000_000:
		return fmt.Sprintf("%.1fM", float64(n)/1e6)
	case n >= 10_000:
		return fmt.Sprintf("%dk", n/1000)
	case n >= 1000:
		return fmt.Sprintf("%.1fk", float64(n)/1000)
	}
	return fmt.Sprint(n)
}

func total(p audit.TrendPoint) int {
	n := 0
	for _, s := range audit.Severities() {
		n += p.BySeverity[s]
	}
	return n
}

// Newest are the points for the table below the drawing, this review first.
func (c trendChart) Newest() []trendPoint {
	out := slices.Clone(c.Points)
	slices.Reverse(out)
	return out
}
