package xlsx

import (
	"errors"
	"fmt"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// chartRow is the height of the lines beside and under the charts.
const chartRow = 14.25

// chartData are the figures that the charts draw, in columns of their own.
type chartData struct {
	severities [][]cell
	states     [][]cell
	trend      [][]cell
}

func (o *overview) chartData() chartData {
	d := chartData{
		severities: o.diagonal(),
		states:     [][]cell{{left("Owner state"), right("Authorizations")}},
		trend:      [][]cell{{left("Review")}},
	}
	for _, sev := range audit.Severities() {
		d.trend[0] = append(d.trend[0], right(table.Capital(string(sev))))
	}
	for _, state := range table.OwnerStates() {
		d.states = append(d.states, []cell{words(stateWords(state)), number(o.authorizations(func(k kind) bool { return k.exists() && k.owner == state }).all)})
	}
	for _, p := range append(o.in.Trend[:len(o.in.Trend):len(o.in.Trend)], o.sum.Point()) {
		d.trend = append(d.trend, trendLine(p))
	}
	return d
}

// diagonal has a column for each severity, so that its bar has its colour.
func (o *overview) diagonal() [][]cell {
	lines := [][]cell{{left("Severity")}}
	for i, sev := range audit.Severities() {
		lines[0] = append(lines[0], right(table.Capital(string(sev))))
		line := append([]cell{words(table.Capital(string(sev)))}, make([]cell, len(audit.Severities()))...)
		line[i+1] = number(o.sum.Findings.BySeverity[sev])
		lines = append(lines, line)
	}
	return lines
}

func trendLine(p audit.TrendPoint) []cell {
	name := p.Slot.UTC().Format("2 Jan")
	if p.Verdict != audit.Complete {
		name += " *" // not all was seen
	}
	cells := []cell{words(name)}
	for _, sev := range audit.Severities() {
		cells = append(cells, number(p.BySeverity[sev]))
	}
	return cells
}

func stateWords(s audit.OwnerState) string {
	if s == audit.OwnerNotMember {
		return "Not a member"
	}
	return table.Capital(string(s))
}

func (d chartData) lines() int { return max(len(d.severities), len(d.states), len(d.trend)) }

// line is the line i of all of them, beside each other.
func (d chartData) line(i int) []cell {
	gap, two, five := cell{look: look{role: title}}, make([]cell, 2), make([]cell, 5)
	out := []cell{gap}
	for _, part := range []struct{ lines, none []cell }{{at(d.severities, i), five}, {at(d.states, i), two}, {at(d.trend, i), five}} {
		if part.lines == nil {
			part.lines = blanks(part.none)
		}
		out = append(append(out, part.lines...), gap)
	}
	return out[:len(out)-1]
}

func blanks(cells []cell) []cell {
	for i := range cells {
		cells[i].look.role = title
	}
	return cells
}

// charts draws over the free cells between the lines first and last.
func (o *overview) charts(d chartData, first, last int) error {
	const column, row = 60, 19 // pixels
	upper := (last - first + 1) * 9 / 20
	small := excelize.ChartDimension{Width: 6*column - 6, Height: uint(upper*row - 4)}
	wide := excelize.ChartDimension{Width: 12 * column, Height: uint((last-first+1-upper)*row - 4)}
	return errors.Join(
		o.chart(half+2, first, o.severityChart(first, small)),
		o.chart(half+8, first, o.stateChart(first, len(d.states)-1, small)),
		o.chart(half+2, first+upper, o.trendChart(first, len(d.trend)-1, wide)),
	)
}

func (o *overview) chart(column, row int, c *excelize.Chart) error {
	name, err := excelize.CoordinatesToCellName(column, row)
	return errors.Join(err, o.AddChart(sheetSummary, name, c))
}

// span is n cells of a column of the figures, below their header.
func span(column, header, n int) string {
	letter, _ := excelize.ColumnNumberToName(column)
	return fmt.Sprintf("'%s'!$%s$%d:$%s$%d", sheetSummary, letter, header+1, letter, header+n)
}

func headerOf(column, header int) string {
	letter, _ := excelize.ColumnNumberToName(column)
	return fmt.Sprintf("'%s'!$%s$%d", sheetSummary, letter, header)
}

func (o *overview) severityChart(header int, size excelize.ChartDimension) *excelize.Chart {
	c := barsChart(excelize.BarStacked, "Findings by severity", size)
	c.Series = severitySeries(severityAt, header, len(audit.Severities()))
	return c
}

func (o *overview) stateChart(header, n int, size excelize.ChartDimension) *excelize.Chart {
	c := barsChart(excelize.Bar, "Authorizations by state of the owner", size)
	c.Series = []excelize.ChartSeries{{
		Name: headerOf(stateAt+1, header), Categories: span(stateAt, header, n), Values: span(stateAt+1, header, n), Fill: solid("627D98"),
	}}
	return c
}

// trendChart stacks the severities, the worst at the bottom.
func (o *overview) trendChart(header, n int, size excelize.ChartDimension) *excelize.Chart {
	c := plainChart(excelize.ColStacked, "Findings, review by review (* not everything was seen)", size)
	c.Legend, c.XAxis.ReverseOrder = excelize.ChartLegend{Position: "right", Font: chartFont(8)}, false
	c.YAxis = excelize.ChartAxis{MajorGridLines: true, Font: *chartFont(8)}
	c.Series = severitySeries(trendAt, header, n)
	return c
}

// severitySeries are the columns of the severities, behind the one of the categories.
func severitySeries(column, header, n int) []excelize.ChartSeries {
	var out []excelize.ChartSeries
	for i, sev := range audit.Severities() {
		s := excelize.ChartSeries{Name: headerOf(column+1+i, header), Categories: span(column, header, n), Values: span(column+1+i, header, n), Fill: solid(chartColour(sev))}
		if sev == audit.Critical {
			s.DataLabel.Font.Color = white // on the darkest of fills
		}
		out = append(out, s)
	}
	return out
}

func barsChart(kind excelize.ChartType, title string, size excelize.ChartDimension) *excelize.Chart {
	c := plainChart(kind, title, size)
	c.Legend.Position, c.XAxis.ReverseOrder, c.YAxis.None = "none", true, true
	c.PlotArea.ShowVal = true
	return c
}

func plainChart(kind excelize.ChartType, title string, size excelize.ChartDimension) *excelize.Chart {
	gap := uint(60)
	return &excelize.Chart{
		Type: kind, Dimension: size, GapWidth: &gap,
		Title:  excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: title, Font: &excelize.Font{Family: fontFamily, Size: 9, Bold: true, Color: slate}}}},
		XAxis:  excelize.ChartAxis{Font: *chartFont(8)},
		Format: excelize.GraphicOptions{AltText: title, Positioning: "oneCell", OffsetY: 4},
		Border: excelize.LineOptions{Type: excelize.LineNone},
	}
}

func chartFont(size float64) *excelize.Font {
	return &excelize.Font{Family: fontFamily, Size: size, Color: ink}
}

func solid(colour string) excelize.Fill {
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}
}

// chartColour is the fill of the severity; the palest would not show on white.
func chartColour(s audit.Severity) string {
	if s == audit.Low {
		return "B6CBE0"
	}
	return paints[string(s)].fill
}
