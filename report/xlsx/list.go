package xlsx

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// listed is what the rest of the workbook knows of a list.
type listed struct {
	table.Shown
	headers []string
	first   int // line of the first row
}

// list is a table of many rows: a header, then a line for each row. What does not
// fit is counted, and the first line says so. It is written in a file of its own,
// of which the workbook gets the sheet: excelize keeps 16 MiB or more of every
// stream of a file until all of it is saved.
type list[T any] struct {
	*Workbook
	listed
	layout
	file    *excelize.File
	sheet   *sheet
	columns []listColumn[T]
	cells   []any // pointers to those of the columns
}

// listColumn is a column with the cell that was written last: most cells say what
// the one above them says.
type listColumn[T any] struct {
	table.ColumnOf[T]
	cell  excelize.Cell
	shown bool // last and past are those of a row
	last  table.Value
	past  bool
	lines int // that the cell takes, where it wraps
}

// newList begins the sheet of a list, of which it will have so many rows at most.
func newList[T any](b *Workbook, lay layout, columns []table.ColumnOf[T], most, of int, allIn string) (*list[T], error) {
	l := &list[T]{Workbook: b, layout: lay, file: excelize.NewFile(excelize.Options{TmpDir: b.staging.Path}), columns: make([]listColumn[T], len(columns))}
	l.Shown = table.Shown{File: File, Table: lay.name, Rows: min(most, of), Of: of, AllIn: allIn}
	l.first = 2
	if !l.Whole() {
		l.first = 3
	}
	l.frozenRows = l.first - 1
	for i, c := range columns {
		l.columns[i].ColumnOf = c
		l.widths, l.headers = append(l.widths, c.Width), append(l.headers, c.Header)
		l.cells = append(l.cells, &l.columns[i].cell)
	}
	b.files = append(b.files, l.file)
	_, err := l.file.NewSheet(l.name) // beside the first, which is the one that a program shows
	if err == nil {
		l.sheet, err = b.open(l.file, l.layout)
	}
	if err != nil {
		return nil, err
	}
	if !l.Whole() {
		note := make([]cell, len(columns)) // not one cell: part of it may be frozen
		for i := range note {
			note[i].look = look{role: band, word: string(audit.Partial)}
		}
		note[0].value = strings.TrimSpace(l.Words() + " " + l.order)
		if err := l.sheet.add(22, note...); err != nil {
			return nil, err
		}
	}
	lines := 1
	for i := range l.columns {
		c := &l.columns[i]
		if err := c.set(table.Str(c.Header), look{role: header, kind: c.Kind, wrap: true}, 2, b.styles); err != nil {
			return nil, err
		}
		lines = max(lines, c.lines)
	}
	return l, l.sheet.write(max(20, heightOf(lines)), l.cells)
}

// mostLines is what a row of a list may take; text in more lines is cut by the cell.
const mostLines = 5

// add writes a row: what is past is faded and has lost its colour.
func (l *list[T]) add(row T, past bool) error {
	lines := 1
	for i := range l.columns {
		c := &l.columns[i]
		v := table.Value{}
		if c.Value != nil {
			v = c.Value(row).Known()
		}
		if !c.shown || v != c.last || past != c.past {
			c.shown, c.last, c.past = true, v, past
			if err := c.set(v, c.lookOf(v, past), mostLines, l.Workbook.styles); err != nil {
				return err
			}
		}
		lines = max(lines, c.lines)
	}
	return l.sheet.write(heightOf(lines), l.cells)
}

func (c *listColumn[T]) lookOf(v table.Value, past bool) look {
	l := look{role: entry, kind: c.Kind, wrap: c.Wrap, past: past}
	switch {
	case c.Value == nil: // for the reviewer
		l.open, l.past = true, false
	case past:
	case c.Kind == table.Severity:
		l.word = v.Text
	case c.Kind == table.Tally && v.Number != 0:
		l.word = c.Word
	}
	return l
}

// set makes the cell, of at most as many lines.
func (c *listColumn[T]) set(v table.Value, l look, most int, s *styles) (err error) {
	c.cell = excelize.Cell{Value: valueContent(v, c.Limit), Formula: v.Formula}
	if c.lines = 0; v.Type == table.TextValue && l.wrap {
		c.lines = linesIn(v.Text, c.Width, most)
	}
	c.cell.StyleID, err = s.id(l)
	return err
}

// end ends the sheet. A list without rows says so: an empty table might as well be a
// failure.
func (l *list[T]) end(none string) (listed, error) {
	var err error
	if l.Of == 0 && none != "" {
		err = l.sheet.add(20, cell{value: none, over: len(l.columns)})
	}
	last, _ := excelize.ColumnNumberToName(len(l.columns))
	fixed, _ := excelize.ColumnNumberToName(l.frozenCols)
	all, head, in := fmt.Sprintf("A%d:%s%d", l.first-1, last, l.sheet.rows), strconv.Itoa(l.first-1), "'"+l.name+"'!"
	err = errors.Join(
		err,
		l.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: l.name, RefersTo: in + "$A:$" + fixed + "," + in + "$1:$" + head}),
		l.Workbook.AutoFilter(l.name, all, nil), // which names the range
		l.file.AutoFilter(l.name, all, nil),
		l.file.AddIgnoredErrors(l.name, all, excelize.IgnoredErrorsNumberStoredAsText),
		l.sheet.Flush(),
	)
	if err == nil {
		err = l.saveAs(l.file, listFile(l.name))
	}
	err = errors.Join(err, l.file.Close())
	l.sheet, l.file = nil, nil // and with them the buffer of the stream
	return l.listed, err
}

// listFile is the file of a list while it is staged.
func listFile(sheet string) string { return sheet + ".xlsx" }
