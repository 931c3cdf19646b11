package xlsx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

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
		severities: [][]cell{{left("Severity")}},
		states:     [][]cell{{left("Owner state"), right("Authorizations")}},
		trend:      [][]cell{{left("Review")}},
	}
	for i, sev := range audit.Severities() {
		name := table.Capital(string(sev))
		d.severities[0], d.trend[0] = append(d.severities[0], right(name)), append(d.trend[0], right(name))
		// A column for each severity, so that its bar has its colour.
		line := append([]cell{words(name)}, make([]cell, len(audit.Severities()))...)
		line[i+1] = number(o.sum.Findings.BySeverity[sev])
		d.severities = append(d.severities, line)
	}
	for _, state := range table.OwnerStates() {
		name := table.Capital(strings.ReplaceAll(string(state), "not_member", "not a member"))
		n := o.authorizations(func(k kind) bool { return k.exists() && k.owner == state }).all
		if n > 0 || state != audit.OwnerNone {
			d.states = append(d.states, []cell{words(name), number(n)})
		}
	}
	for _, p := range append(slices.Clone(o.in.Trend), o.sum.Point()) {
		name := p.Slot.UTC().Format("2 Jan")
		if p.Verdict != audit.Complete {
			name += " *" // not all was seen
		}
		line := []cell{words(name)}
		for _, sev := range audit.Severities() {
			line = append(line, number(p.BySeverity[sev]))
		}
		d.trend = append(d.trend, line)
	}
	return d
}

func (d chartData) lines() int { return max(len(d.severities), len(d.states), len(d.trend)) }

// line is the line i of all of them, beside each other, each behind a gap.
func (d chartData) line(i int) []cell {
	var out []cell
	for _, part := range [][][]cell{d.severities, d.states, d.trend} {
		out = append(out, cell{look: look{role: title}})
		if i < len(part) {
			out = append(out, part[i]...)
			continue
		}
		for range part[0] {
			out = append(out, cell{look: look{role: title}})
		}
	}
	return out
}

// charts draws over the free cells between the lines first and last; the header of
// the figures is in the first.
func (o *overview) charts(d chartData, first, last int) error {
	const column, row = 60, 19 // pixels
	upper := (last - first + 1) * 9 / 20
	small := excelize.ChartDimension{Width: 6*column - 6, Height: uint(upper*row - 4)}
	wide := excelize.ChartDimension{Width: 12 * column, Height: uint((last-first+1-upper)*row - 4)}

	severities := newChart(excelize.BarStacked, "Findings by severity", small)
	severities.Series = severitySeries(severityAt, first, len(d.severities)-1)
	states := newChart(excelize.Bar, "Authorizations by state of the owner", small)
	states.Series = []excelize.ChartSeries{series(stateAt, stateAt+1, first, len(d.states)-1, "627D98")}
	for _, c := range []*excelize.Chart{severities, states} {
		c.Legend.Position, c.XAxis.ReverseOrder, c.YAxis.None = "none", true, true
		c.PlotArea.ShowVal = true
	}
	// The trend stacks the severities, the worst at the bottom.
	trend := newChart(excelize.ColStacked, "Findings, review by review (* not everything was seen)", wide)
	trend.Legend = excelize.ChartLegend{Position: "right", Font: chartFont(8)}
	trend.YAxis = excelize.ChartAxis{MajorGridLines: true, Font: *chartFont(8)}
	trend.Series = severitySeries(trendAt, first, len(d.trend)-1)

	draw := func(column, row int, c *excelize.Chart) error {
		name, err := excelize.CoordinatesToCellName(column, row)
		return errors.Join(err, o.AddChart(sheetSummary, name, c))
	}
	return errors.Join(draw(half+2, first, severities), draw(half+8, first, states), draw(half+2, first+upper, trend))
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

// severitySeries are the columns of the severities, behind the one of the words.
func severitySeries(words, header, n int) []excelize.ChartSeries {
	var out []excelize.ChartSeries
	for i, sev := range audit.Severities() {
		colour := paints[string(sev)].fill
		if sev == audit.Low {
			colour = "B6CBE0" // its own would not show on white
		}
		s := series(words, words+1+i, header, n, colour)
		if sev == audit.Critical {
			s.DataLabel.Font.Color = white // on the darkest of fills
		}
		out = append(out, s)
	}
	return out
}

func newChart(kind excelize.ChartType, title string, size excelize.ChartDimension) *excelize.Chart {
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
