package report

import (
	"iter"
	"strconv"
	"time"
)

// list is a table of any length: a header, then a row for each row. What does
// not fit on one sheet goes on to "name 2".
type list struct {
	*book
	name    string
	frozen  int
	height  float64
	columns []column
	cells   []cell
	sheet   *sheet
	parts   int
}

func (b *book) list(name string, frozen int, height float64, columns []column, rows iter.Seq2[*row, error]) error {
	l := &list{book: b, name: name, frozen: frozen, height: height, columns: columns, cells: make([]cell, len(columns))}
	if err := l.begin(); err != nil {
		return err
	}
	for r, err := range rows {
		if err != nil {
			return err
		}
		if err := l.add(r); err != nil {
			return err
		}
	}
	return l.end()
}

func (l *list) begin() (err error) {
	l.parts++
	name := l.name
	if l.parts > 1 {
		name += " " + strconv.Itoa(l.parts)
	}
	page := layout{name: name, frozenCols: l.frozen, frozenRows: 1, paper: paperA3, pages: 2}
	for i, c := range l.columns {
		page.widths = append(page.widths, c.width)
		l.cells[i] = cell{value: c.header, look: look{role: header, kind: c.kind}}
	}
	if l.sheet, err = l.open(page); err != nil {
		return err
	}
	return l.sheet.add(20, l.cells...)
}

func (l *list) add(r *row) error {
	if l.sheet.rows == l.maxRows {
		if err := l.end(); err != nil {
			return err
		}
		if err := l.begin(); err != nil {
			return err
		}
	}
	for i, c := range l.columns {
		l.cells[i] = c.cell(r)
	}
	return l.sheet.add(l.height, l.cells...)
}

// cell of a column: what is past is faded and has lost its colour.
func (c column) cell(r *row) cell {
	made := cell{value: known(c.value(r)), limit: c.limit, look: look{role: entry, kind: c.kind, wrap: c.wrap, past: r.past()}}
	if word, ok := made.value.(string); ok && c.kind == severity && !r.past() {
		made.look.word = word
	}
	return made
}

// unknown stands for a date or number that is not known: over an empty cell the
// long text beside it would run on.
const unknown = "–"

func known(v any) any {
	if t, ok := v.(time.Time); v == nil || ok && t.IsZero() {
		return unknown
	}
	return v
}

func (l *list) end() error {
	if err := l.repeatHeader(l.sheet, len(l.columns), l.frozen); err != nil {
		return err
	}
	return l.sheet.Flush()
}
