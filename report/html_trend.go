package report

import (
	"fmt"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

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
	c := trendChart{Width: min(step-6, trendColumn), Most: grouped(most)}
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
	p.Run = oneLine(p.Run)
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
