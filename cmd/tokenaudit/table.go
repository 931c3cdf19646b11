package main

import (
	"fmt"
	"slices"
	"strings"

	pretty "github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// column is a column of a table for people.
type column struct {
	name  string
	right bool // for numbers
	// shrink is the least width to which its texts are broken into lines where there is no
	// room; 0 breaks none. Words are broken where leaving out columns is not enough.
	shrink int
	// drop says which column is left out first where that is not enough: 1, then 2; 0 stays.
	drop int
}

// textTable is a plain table: columns aligned, no lines. A column without any text is not
// shown.
type textTable struct {
	columns []column
	rows    [][]string
}

func newTable(columns ...column) *textTable { return &textTable{columns: columns} }

// row adds a row; there are as many cells as columns.
func (t *textTable) row(cells ...any) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = fmt.Sprint(cell)
	}
	t.rows = append(t.rows, row)
}

const columnGap = 2

// render fits the table into a width; 0 is without limit. It shortens columns before it
// leaves any out, and ends with the line that says which.
func (t *textTable) render(width int) string {
	natural := t.widths()
	shown := slices.Clone(natural)
	var left []string
	for n := 1; width > 0 && !t.shorten(shown, natural, t.words(), width); n++ {
		at := slices.IndexFunc(t.columns, func(c column) bool { return c.drop == n })
		if at < 0 { // no more can be left out
			t.shorten(shown, natural, make([]int, len(shown)), width)
			break
		}
		if natural[at] > 0 {
			left = append(left, t.columns[at].name)
		}
		natural[at] = 0
	}
	out := t.draw(shown)
	if len(left) > 0 {
		out += "\n" + hanging("", fmt.Sprintf("Left out for lack of width: %s. %d columns show all.", strings.Join(left, ", "), lineWidth(t.widths())), width)
	}
	return out
}

// lineWidth is that of a row of columns of some widths.
func lineWidth(columns []int) int {
	sum := -columnGap
	for _, w := range columns {
		if w > 0 {
			sum += w + columnGap
		}
	}
	return sum
}

// widths are those of the columns; that of one without any text is 0.
func (t *textTable) widths() []int {
	out := make([]int, len(t.columns))
	for _, row := range t.rows {
		for i, cell := range row {
			out[i] = max(out[i], text.LongestLineLen(cell))
		}
	}
	for i, c := range t.columns {
		if out[i] > 0 || len(t.rows) == 0 {
			out[i] = max(out[i], text.StringWidth(c.name))
		}
	}
	return out
}

// words are the widths of the longest words of the columns, as far as names and IDs are long.
func (t *textTable) words() []int {
	const longest = 24
	out := make([]int, len(t.columns))
	for _, row := range t.rows {
		for i, cell := range row {
			for word := range strings.FieldsSeq(cell) {
				out[i] = max(out[i], min(text.StringWidthWithoutEscSequences(word), longest))
			}
		}
	}
	return out
}

// shorten sets the widths with which the columns fit into a line, the widest made narrower
// first, but not below the least. It reports whether they do.
func (t *textTable) shorten(shown, natural, least []int, width int) bool {
	copy(shown, natural)
	for over := lineWidth(natural) - width; over > 0; over-- {
		widest := -1
		for i, c := range t.columns {
			if c.shrink > 0 && shown[i] > max(c.shrink, least[i], text.StringWidth(c.name)) && (widest < 0 || shown[i] > shown[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		shown[widest]--
	}
	return true
}

func (t *textTable) draw(widths []int) string {
	w := pretty.NewWriter()
	style := pretty.StyleDefault
	style.Options = pretty.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", strings.Repeat(" ", columnGap)
	style.Format.Header = text.FormatDefault
	w.SetStyle(style)
	w.SuppressTrailingSpaces()
	header, named := pretty.Row{}, false
	var configs []pretty.ColumnConfig
	for i, c := range t.columns {
		header, named = append(header, c.name), named || c.name != ""
		config := pretty.ColumnConfig{Number: i + 1, Hidden: widths[i] == 0}
		if c.right {
			config.Align, config.AlignHeader = text.AlignRight, text.AlignRight
		}
		if c.shrink > 0 && widths[i] > 0 {
			config.WidthMax, config.WidthMaxEnforcer = widths[i], text.WrapSoft
		}
		configs = append(configs, config)
	}
	if named {
		w.AppendHeader(header)
	}
	w.SetColumnConfigs(configs)
	for _, row := range t.rows {
		cells := pretty.Row{}
		for _, cell := range row {
			cells = append(cells, cell)
		}
		w.AppendRow(cells)
	}
	return w.Render()
}
