package report

import (
	"iter"
	"time"
)

// list is a table of any length: a header, then a row for each row. What does
// not fit on one sheet goes on to "name 2".
type list struct {
	*book
	name    string
	frozen  int
	columns []column
	paper   int
	pages   int    // that its width is printed on
	none    string // said in place of rows
	finish  func(*sheet) error
	cells   []cell
	sheet   *sheet
	parts   int
	rows    int
}

func (b *book) list(name string, frozen int, columns []column) *list {
	return &list{
		book: b, name: name, frozen: frozen, columns: columns, paper: paperA3, pages: 2,
		finish: func(*sheet) error { return nil }, cells: make([]cell, len(columns)),
	}
}

func (l *list) fill(rows iter.Seq2[*row, error]) error {
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
	page := layout{name: sheetPart(l.name, l.parts), frozenCols: l.frozen, frozenRows: 1, paper: l.paper, pages: l.pages}
	for i, c := range l.columns {
		page.widths = append(page.widths, c.width)
		l.cells[i] = cell{value: c.header, look: look{role: header, kind: c.kind, wrap: true}}
	}
	if l.sheet, err = l.open(page); err != nil {
		return err
	}
	return l.sheet.add(max(20, l.sheet.fit(2, l.cells)), l.cells...)
}

func (l *list) add(r *row) error {
	if l.sheet.rows == l.maxRows {
		if err := l.close(); err != nil {
			return err
		}
		if err := l.begin(); err != nil {
			return err
		}
	}
	for i, c := range l.columns {
		l.cells[i] = c.cell(r)
	}
	l.rows++
	return l.sheet.add(l.sheet.fit(mostLines, l.cells), l.cells...)
}

// mostLines is what a row of a list may take; text in more lines is cut by the cell.
const mostLines = 5

// cell of a column: what is past is faded and has lost its colour.
func (c column) cell(r *row) cell {
	if c.value == nil {
		return cell{look: look{role: entry, kind: c.kind, wrap: c.wrap, open: true}}
	}
	made := cell{value: known(c.value(r)), limit: c.limit, look: look{role: entry, kind: c.kind, wrap: c.wrap, past: r.past()}}
	if !r.past() {
		made.look.word = c.paint(made.value)
	}
	return made
}

// paint is the word that colours a cell: its own, or where it counts something
// the column's.
func (c column) paint(v any) string {
	word, _ := v.(string)
	switch {
	case c.kind == severity:
		return word
	case c.kind == tally && v != 0:
		return c.word
	}
	return ""
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

// end says so where there are no rows: an empty table might as well be a failure.
func (l *list) end() error {
	if l.rows == 0 && l.none != "" {
		if err := l.sheet.add(20, cell{value: l.none, over: len(l.columns)}); err != nil {
			return err
		}
	}
	return l.close()
}

func (l *list) close() error {
	if err := l.repeatHeader(l.sheet, len(l.columns), l.frozen); err != nil {
		return err
	}
	if err := l.finish(l.sheet); err != nil {
		return err
	}
	return l.sheet.Flush()
}
