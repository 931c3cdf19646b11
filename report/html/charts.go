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
			was = s.Previous.BySeverity[sev]
		}
		figures = append(figures, figure{string(sev), string(sev), s.Findings.BySeverity[sev], was})
	}
	c := drawBars("chart-severity", "Findings by severity", figures)
	if s.Previous != nil {
		c.Note = markNote
	}
	return c
}

func ownerChart(count map[audit.OwnerState]int) barChart {
	classes := map[audit.OwnerState]string{
		audit.OwnerDeleted: "critical", audit.OwnerInactive: "high", audit.OwnerNotMember: "medium", audit.OwnerUnknown: "unknown", audit.OwnerNone: "unknown", audit.OwnerPresent: "low",
	}
	var figures []figure
	for _, st := range table.OwnerStates() {
		if st == audit.OwnerNone && count[st] == 0 {
			continue
		}
		figures = append(figures, figure{plain(string(st)), classes[st], count[st], -1})
	}
	c := drawBars("chart-owners", "Tokens by the state of their owner", figures)
	c.Note = ownerNote(count[audit.OwnerNone] > 0)
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
		b := bar{Label: f.label, Class: f.class, Value: audit.Number(f.n), TextY: top + barBelow - 8, Y: top + barBelow, Width: f.n * barSpace / most}
		if f.n > 0 {
			b.Width = max(b.Width, 3)
		}
		if f.was >= 0 {
			b.Value += " (was " + audit.Number(f.was) + ")"
			b.Was = min(max(f.was*barSpace/most, 1), barSpace-1)
		}
		c.Bars, words = append(c.Bars, b), append(words, f.label+" "+b.Value)
	}
	c.Words = strings.Join(words, "; ")
	return c
}

// The geometry of the trend, in units of the drawing. Each line has a strip of its own.
const (
	trendWidth  = 420
	trendStrip  = 82
	trendTop    = 42 // of the highest point in its strip
	trendSpace  = 30 // from the highest point to the lowest
	trendMargin = 22 // left and right of the points
	trendBottom = 20 // the dates
)

// trendChart has a line for all tokens that need action, and one for each of the worst
// severities: one point per review, oldest first, this one last. Each line has a scale of
// its own, so that a change shows, and breaks where a review does not know.
type trendChart struct {
	Words  string
	Height int
	Dates  []trendDate
	Lines  []trendLine
	Points []trendPoint
	Gaps   bool // earlier versions did not count
}

type trendDate struct {
	X, Y  int
	Label string
}

type trendLine struct {
	Label, Class string
	TextY, Base  int
	Path         string
	Dots         []trendDot
}

type trendDot struct {
	X, Y, TextY int // Y is 0 where nothing could be read
	Label       string
	Sure        bool // coverage was complete
}

type trendPoint struct {
	audit.TrendPoint
	Known bool
}

// Figure is a number of the run; a question mark where nothing could be read.
func (p trendPoint) Figure(n int) string {
	return audit.Summary{Coverage: audit.TotalCoverage{Verdict: p.Verdict}}.Figure(n)
}

func (p trendPoint) Critical() int { return p.NeedsAction.BySeverity[audit.Critical] }
func (p trendPoint) High() int     { return p.NeedsAction.BySeverity[audit.High] }

func newTrend(points []audit.TrendPoint) trendChart {
	c := trendChart{}
	var words []string
	for _, p := range points {
		known := p.NeedsAction.Known()
		c.Points, c.Gaps = append(c.Points, trendPoint{p, known}), c.Gaps || !known
		if known {
			words = append(words, table.DayOf(p.Slot)+" "+atLeast(p.Verdict, p.NeedsAction.Tokens))
		}
	}
	c.Words = strings.Join(words, "; ")
	for i, line := range []struct {
		label, class string
		of           func(audit.ActionCounts) int
	}{
		{"All that need action", "all", func(a audit.ActionCounts) int { return a.Tokens }},
		{"Critical", "critical", func(a audit.ActionCounts) int { return a.BySeverity[audit.Critical] }},
		{"High", "high", func(a audit.ActionCounts) int { return a.BySeverity[audit.High] }},
	} {
		c.Lines = append(c.Lines, drawLine(line.label, line.class, i*trendStrip, c.Points, line.of))
	}
	c.Height = len(c.Lines)*trendStrip + trendBottom
	labelEvery := 1 + len(points)/9 // dates would touch
	for i, p := range points {
		if (len(points)-1-i)%labelEvery == 0 {
			c.Dates = append(c.Dates, trendDate{trendX(i, len(points)), c.Height - 5, p.Slot.UTC().Format("01-02")})
		}
	}
	return c
}

func trendX(i, n int) int {
	if n == 1 {
		return trendWidth / 2
	}
	return trendMargin + i*(trendWidth-2*trendMargin)/(n-1)
}

func drawLine(label, class string, top int, points []trendPoint, of func(audit.ActionCounts) int) trendLine {
	l := trendLine{Label: label, Class: class, TextY: top + 14, Base: top + trendTop + trendSpace + 8}
	least, most, first := 0, 0, true
	for _, p := range points {
		if !p.Known || p.Verdict == audit.NotKnown {
			continue
		}
		n := of(p.NeedsAction)
		if first {
			least, most, first = n, n, false
		}
		least, most = min(least, n), max(most, n)
	}
	span := max(most-least, most/5, 4) // a change of little is drawn as little
	drawn := false
	for i, p := range points {
		if !p.Known || p.Verdict == audit.NotKnown {
			if drawn = false; p.Known {
				l.Dots = append(l.Dots, trendDot{X: trendX(i, len(points)), TextY: top + trendTop + trendSpace/2, Label: "?"})
			}
			continue
		}
		x, y := trendX(i, len(points)), top+trendTop+(most-of(p.NeedsAction))*trendSpace/span
		step := "M"
		if drawn {
			step = "L"
		}
		l.Path, drawn = l.Path+fmt.Sprintf("%s%d %d", step, x, y), true
		l.Dots = append(l.Dots, trendDot{X: x, Y: y, TextY: y - 8, Label: atLeast(p.Verdict, of(p.NeedsAction)), Sure: p.Verdict == audit.Complete})
	}
	return l
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
	text := audit.Number(n)
	if n >= 10_000 {
		text = fmt.Sprintf("%dk", n/1000)
	}
	switch v {
	case audit.Complete:
		return text
	case audit.Partial:
		return "≥" + text
	}
	return "?"
}
