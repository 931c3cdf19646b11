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
	ID, Title, Words, Note string
	Height                 int
	Bars                   []bar
}

type bar struct {
	Label, Class, Value string
	TextY, Y, Width     int
	Was                 int // where a mark stands for the previous review, else 0
}

// figure is what a bar shows; was is below zero where it is not known.
type figure struct {
	label, class string
	n, was       int
}

func severityChart(s audit.Summary) barChart {
	var figures []figure
	for _, sev := range audit.Severities() {
		was := -1
		if s.Previous != nil {
			was = table.Previously(s.Previous, sev)
		}
		figures = append(figures, figure{string(sev), string(sev), s.Findings.BySeverity[sev], was})
	}
	c := drawBars("chart-severity", "Findings by severity", figures)
	if s.Previous != nil {
		c.Note = "The mark across a bar is the previous review."
	}
	return c
}

func ownerChart(count map[audit.OwnerState]int) barChart {
	classes := map[audit.OwnerState]string{
		audit.OwnerDeleted: "critical", audit.OwnerInactive: "high", audit.OwnerNotMember: "medium", audit.OwnerUnknown: "unknown", audit.OwnerNone: "unknown", audit.OwnerPresent: "low",
	}
	var figures []figure
	for _, st := range ownerStates() {
		if st == audit.OwnerNone && count[st] == 0 {
			continue
		}
		figures = append(figures, figure{plain(string(st)), classes[st], count[st], -1})
	}
	c := drawBars("chart-owners", "Tokens by the state of their owner", figures)
	c.Note = "Unknown: the owner could not be seen; never the same as deleted."
	if count[audit.OwnerNone] > 0 {
		c.Note += " None: the product does not tell what became of it."
	}
	return c
}

func drawBars(id, title string, figures []figure) barChart {
	most := 1
	for _, f := range figures {
		most = max(most, f.n, f.was)
	}
	c := barChart{ID: id, Title: title, Height: barStep * len(figures)}
	var words []string
	for i, f := range figures {
		top := i * barStep
		b := bar{Label: f.label, Class: f.class, Value: table.Grouped(f.n), TextY: top + barBelow - 8, Y: top + barBelow, Width: f.n * barSpace / most}
		if f.n > 0 {
			b.Width = max(b.Width, 3)
		}
		if f.was >= 0 {
			b.Value += " (was " + table.Grouped(f.was) + ")"
			b.Was = min(max(f.was*barSpace/most, 1), barSpace-1)
		}
		c.Bars, words = append(c.Bars, b), append(words, f.label+" "+b.Value)
	}
	c.Words = strings.Join(words, "; ")
	return c
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
	most, totals := 1, make([]int, len(points))
	for i, p := range points {
		for _, s := range audit.Severities() {
			totals[i] += p.BySeverity[s]
		}
		most = max(most, totals[i])
	}
	step := min(trendWidth/len(points), trendColumn+10)
	labelEvery := 1 + len(points)/9 // dates would touch
	c := trendChart{Width: min(step-6, trendColumn)}
	var words []string
	for i, p := range points {
		t := trendPoint{TrendPoint: p, Total: atLeast(p.Verdict, totals[i])}
		t.X = (trendWidth-step*len(points))/2 + i*step + (step-c.Width)/2
		t.Middle = t.X + c.Width/2
		if (len(points)-1-i)%labelEvery == 0 {
			t.Label = p.Slot.UTC().Format("01-02")
		}
		y := trendFloor
		for _, s := range audit.Severities() {
			t.Counts = append(t.Counts, p.BySeverity[s])
			if h := p.BySeverity[s] * trendSpace / most; h > 0 {
				y -= h
				t.Parts = append(t.Parts, trendPart{string(s), y, h})
			}
		}
		t.TopY = y - 5
		c.Points, words = append(c.Points, t), append(words, day(p.Slot)+" "+t.Total)
	}
	c.Words = strings.Join(words, "; ")
	return c
}

// Newest are the points for the table below the drawing, this review first.
func (c trendChart) Newest() []trendPoint {
	out := slices.Clone(c.Points)
	slices.Reverse(out)
	return out
}

// atLeast is short: without complete coverage a number is a lower bound, and without
// any it is nothing at all.
func atLeast(v audit.Verdict, n int) string {
	text := fmt.Sprint(n)
	switch {
	case n >= 1_000_000:
		text = fmt.Sprintf("%.1fM", float64(n)/1e6)
	case n >= 10_000:
		text = fmt.Sprintf("%dk", n/1000)
	case n >= 1000:
		text = fmt.Sprintf("%.1fk", float64(n)/1000)
	}
	switch v {
	case audit.Complete:
		return text
	case audit.Partial:
		return "≥" + text
	}
	return "?"
}
