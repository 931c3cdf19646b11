package xlsx

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
)

// chartRow is the height of the lines beside the charts.
const chartRow = 15

// points are the reviews of the trend, this one last.
func (o *overview) points() []audit.TrendPoint {
	return append(slices.Clone(o.in.Trend), o.sum.Point())
}

// counted reports whether a review knows how many tokens need action: earlier versions did
// not count, and nothing that could be read is no zero.
func counted(p audit.TrendPoint) bool {
	return p.NeedsAction.Known() && (p.Verdict != audit.NotKnown || p.NeedsAction.Tokens > 0)
}

// trend are the figures that the charts draw. A review that does not know leaves a gap.
func (o *overview) trend() [][]cell {
	lines := [][]cell{{left("Review"), right("Need action"), right("Critical"), right("High"), right("Overdue only")}}
	points, days := o.points(), map[string]int{}
	for _, p := range points {
		days[p.Slot.UTC().Format(time.DateOnly)]++
	}
	for _, p := range points {
		name := p.Slot.UTC().Format("2 Jan")
		if days[p.Slot.UTC().Format(time.DateOnly)] > 1 {
			name = p.Slot.UTC().Format("2 Jan 15:04")
		}
		if p.Verdict != audit.Complete {
			name += " *" // not all was seen
		}
		a, line := p.NeedsAction, []cell{words(name)}
		critical, high := a.BySeverity[audit.Critical], a.BySeverity[audit.High]
		for _, n := range []int{a.Tokens, critical, high, a.Tokens - critical - high} {
			c := number(n)
			if !counted(p) {
				c.value = nil
			}
			line = append(line, c)
		}
		lines = append(lines, line)
	}
	return lines
}

// overdueOnly reports whether tokens need action for no other reason than a due date.
func overdueOnly(p audit.TrendPoint) bool {
	a := p.NeedsAction
	return counted(p) && a.Tokens > a.BySeverity[audit.Critical]+a.BySeverity[audit.High]
}

// charts draws n reviews over the free cells from a line on; the header of the figures is
// in that line.
func (o *overview) charts(header, n int) error {
	const column, row = 33, 20 // pixels
	size := excelize.ChartDimension{Width: half / 2 * column, Height: 12*row - 8}

	name, from := "All", o.axis()
	if from != nil {
		name += fmt.Sprintf(", the axis begins at %s", audit.Number(int(*from)))
	}
	if slices.ContainsFunc(o.points(), func(p audit.TrendPoint) bool { return p.Verdict != audit.Complete }) {
		name += " (* not everything was seen)"
	}
	highest, low := o.highest(), 0.0
	if from != nil {
		low = *from
	}
	all := newChart(excelize.Line, name, size, wholeUnit(highest-low))
	all.YAxis.Minimum = from
	all.Legend.Position = "none"
	all.PlotArea.ShowVal = true
	line := series(trendAt, trendAt+1, header, n, slate)
	line.Line = excelize.LineOptions{Type: excelize.LineSolid, Width: 2, Fill: line.Fill}
	line.Marker = excelize.ChartMarker{Symbol: "circle", Size: 5, Fill: line.Fill}
	line.DataLabelPosition = excelize.ChartDataLabelsPositionAbove
	all.Series = []excelize.ChartSeries{line}

	bySeverity := newChart(excelize.ColStacked, "By the worst finding", size, wholeUnit(highest))
	bySeverity.Legend = excelize.ChartLegend{Position: "bottom", Font: chartFont(8)}
	for i, colour := range []string{paints[string(audit.Critical)].Fill, paints[string(audit.High)].Fill, paints[string(audit.Medium)].Fill} {
		if i == 2 && !slices.ContainsFunc(o.points(), overdueOnly) {
			break // nor a legend of what no review has
		}
		bySeverity.Series = append(bySeverity.Series, series(trendAt, trendAt+2+i, header, n, colour))
	}
	draw := func(column int, c *excelize.Chart) error {
		name, err := excelize.CoordinatesToCellName(column, header)
		return errors.Join(err, o.AddChart(sheetSummary, name, c))
	}
	return errors.Join(draw(1, all), draw(1+half/2, bySeverity))
}

// axis is where the axis of the trend begins, so that a change shows: as far below the
// lowest figure as the figures differ. It is nil for zero.
func (o *overview) axis() *float64 {
	lowest, highest := math.MaxInt, 0
	for _, p := range o.points() {
		if counted(p) {
			lowest, highest = min(lowest, p.NeedsAction.Tokens), max(highest, p.NeedsAction.Tokens)
		}
	}
	span := max(highest-lowest, highest/100, 1)
	step := math.Pow(10, math.Floor(math.Log10(float64(span))))
	from := math.Floor(float64(lowest-span)/step) * step
	if lowest == math.MaxInt || from <= 0 {
		return nil
	}
	return &from
}

// highest is the largest figure of the trend.
func (o *overview) highest() float64 {
	most := 0
	for _, p := range o.points() {
		if counted(p) {
			most = max(most, p.NeedsAction.Tokens)
		}
	}
	return float64(most)
}

// wholeUnit is 1, 2 or 5 with zeros, so that about five lines cover a span of tokens.
func wholeUnit(span float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(max(span/5, 1))))
	for _, n := range []float64{1, 2, 5} {
		if n*unit*5 >= span {
			return n * unit
		}
	}
	return 10 * unit
}

// series are n figures of a column, below their header, with the words of another.
func series(words, column, header, n int, colour string) excelize.ChartSeries {
	letter, _ := excelize.ColumnNumberToName(column)
	span := func(letter string) string {
		return fmt.Sprintf("'%s'!$%s$%d:$%s$%d", sheetSummary, letter, header+1, letter, header+n)
	}
	categories, _ := excelize.ColumnNumberToName(words)
	return excelize.ChartSeries{
		Name: fmt.Sprintf("'%s'!$%s$%d", sheetSummary, letter, header), Categories: span(categories), Values: span(letter),
		Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}},
	}
}

// newChart has an axis of whole numbers, with a line at every unit.
func newChart(kind excelize.ChartType, title string, size excelize.ChartDimension, unit float64) *excelize.Chart {
	gap := uint(60)
	return &excelize.Chart{
		Type: kind, Dimension: size, GapWidth: &gap, ShowBlanksAs: "gap",
		Title:  excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: title, Font: &excelize.Font{Family: fontFamily, Size: 9, Bold: true, Color: slate}}}},
		XAxis:  excelize.ChartAxis{Font: *chartFont(8)},
		YAxis:  excelize.ChartAxis{MajorGridLines: true, Font: *chartFont(8), MajorUnit: unit},
		Format: excelize.GraphicOptions{AltText: title, Positioning: "oneCell", OffsetY: 4},
		Border: excelize.LineOptions{Type: excelize.LineNone},
	}
}

func chartFont(size float64) *excelize.Font {
	return &excelize.Font{Family: fontFamily, Size: size, Color: ink}
}
