package xlsx

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

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

// mostPrinted is how many rows of a long list are printed. All of them are in the CSV
// files, and nobody reads them on paper.
const mostPrinted = 200

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
	columns []table.ColumnOf[T]
	cells   []cell // used again for every row
}

// newList begins the sheet of a list, of which it will have so many rows at most.
func newList[T any](b *Workbook, lay layout, columns []table.ColumnOf[T], most, of int, allIn string) (*list[T], error) {
	l := &list[T]{Workbook: b, layout: lay, file: excelize.NewFile(excelize.Options{TmpDir: b.staging.Path}), columns: columns, cells: make([]cell, len(columns))}
	l.Shown = table.Shown{File: File, Table: lay.name, Rows: min(most, of), Of: of, AllIn: allIn}
	l.first = 2
	if !l.Whole() || lay.note != "" {
		l.first = 3
	}
	l.frozenRows = l.first - 1
	for i, c := range columns {
		l.widths, l.headers = append(l.widths, c.Width), append(l.headers, c.Header)
		l.cells[i] = cell{value: c.Header, look: look{role: header, kind: c.Kind, wrap: true}}
	}
	b.files = append(b.files, l.file)
	_, err := l.file.NewSheet(l.name) // beside the first, which is the one that a program shows
	if err == nil {
		l.sheet, err = b.open(l.file, l.layout)
	}
	if err != nil {
		return nil, err
	}
	if l.first == 3 {
		words, warns := lay.note, ""
		if !l.Whole() {
			words, warns = strings.TrimSpace(l.Words()+" "+l.order+" "+words), string(audit.Partial)
		}
		note := make([]cell, len(columns)) // not one cell: part of it may be frozen
		for i := range note {
			note[i].look = look{role: band, word: warns}
		}
		note[0].value = words
		if err := l.sheet.add(22, note...); err != nil {
			return nil, err
		}
	}
	return l, l.sheet.add(max(20, l.sheet.fit(2, l.cells)), l.cells...)
}

// add writes a row: what is past is faded and has lost its colour.
func (l *list[T]) add(row T, past bool) error {
	for i, c := range l.columns {
		made := cell{limit: c.Limit, look: look{role: entry, kind: c.Kind, wrap: c.Wrap, past: past}}
		if c.Value == nil { // for the reviewer
			made.look.open, made.look.past = true, false
		} else if made.value = c.Value(row); made.value == nil {
			made.value = table.Unknown
		} else if at, ok := made.value.(time.Time); ok && c.Kind == table.Day {
			made.value = dayOf(at)
		}
		switch {
		case past:
		case c.Kind == table.Severity:
			made.look.word, _ = made.value.(string)
		case made.value != 0:
			made.look.word = c.Word
		}
		l.cells[i] = made
	}
	return l.sheet.add(l.sheet.fit(l.lines, l.cells), l.cells...)
}

// end ends the sheet. A list without rows says so: an empty table might as well be a
// failure.
func (l *list[T]) end(none string) (listed, error) {
	var err error
	if l.Of == 0 && none != "" {
		err = l.sheet.add(20, cell{value: none, over: len(l.columns)})
	}
	last, _ := excelize.ColumnNumberToName(len(l.columns))
	all, head, in := fmt.Sprintf("A%d:%s%d", l.first-1, last, l.sheet.rows), strconv.Itoa(l.first-1), "'"+l.name+"'!"
	err = errors.Join(
		err,
		l.print(in),
		l.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: l.name, RefersTo: in + "$1:$" + head}),
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

// print sets which cells are printed. Of a long list the first rows are enough on
// paper, and the foot of the page says so.
func (l *list[T]) print(in string) error {
	rows, part := l.sheet.rows, ""
	if n := l.sheet.rows - l.first + 1; l.printedRows > 0 && n > l.printedRows {
		rows = l.first + l.printedRows - 1
		part = fmt.Sprintf(": the first %s of %s rows are printed", audit.Number(l.printedRows), audit.Number(n))
	}
	last, _ := excelize.ColumnNumberToName(cmp.Or(l.printed, len(l.columns)))
	return errors.Join(
		l.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Area", Scope: l.name, RefersTo: fmt.Sprintf("%s$A$1:$%s$%d", in, last, rows)}),
		l.paper().print(l.file, l.name, part),
	)
}

// listFile is the file of a list while it is staged.
func listFile(sheet string) string { return sheet + ".xlsx" }
