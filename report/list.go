package report

import (
	"fmt"
	"iter"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// list is a table of any length: a header, then a row for each row. What does
// not fit on one sheet goes on to "name 2".
type list struct {
	*book
	part           // as it is for every part
	none    string // said in place of rows
	columns []listColumn
	sheet   *part // that is being written
	parts   int
	rows    int
	buf     []byte
}

// part is a sheet of a list. Its rows are streamed into the file, and everything
// else is what excelize makes of this.
type part struct {
	layout
	list    string
	columns int
	rows    int                       // with the header
	wide    bool                      // its second row is one cell
	finish  func(*book, *sheet) error // what else the sheet has
}

func (b *book) list(name string, frozen int, columns []column) *list {
	l := &list{book: b, part: part{list: name, layout: layout{name: name, frozenCols: frozen, frozenRows: 1, paper: paperA3, pages: 2}, columns: len(columns)}}
	for i, c := range columns {
		letter, _ := excelize.ColumnNumberToName(i + 1)
		l.widths = append(l.widths, c.width)
		l.columns = append(l.columns, listColumn{column: c, start: `<c r="` + letter, made: map[look][]byte{}})
	}
	return l
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

// begin opens the next sheet and writes its header.
func (l *list) begin() error {
	l.parts++
	p := l.part
	p.name = sheetPart(l.name, l.parts)
	l.sheet = &p
	head, err := l.beginPart(l.sheet)
	l.buf = append(l.buf[:0], head...)
	lines := 1
	for i := range l.columns {
		c := &l.columns[i]
		c.shown = false
		if err := c.set(str(c.header), look{role: header, kind: c.kind, wrap: true}, 2, l.book.styles); err != nil {
			return err
		}
		lines = max(lines, c.lines)
	}
	l.line(max(20, heightOf(lines)))
	return err
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
	lines, past := 1, r.past()
	for i := range l.columns {
		c := &l.columns[i]
		if err := c.show(r, past, l.book.styles); err != nil {
			return err
		}
		lines = max(lines, c.lines)
	}
	l.rows++
	l.line(heightOf(lines))
	return l.flush(32 << 10)
}

// mostLines is what a row of a list may take; text in more lines is cut by the cell.
const mostLines = 5

// line appends the row that the columns are set to.
func (l *list) line(height float64) {
	l.sheet.rows++
	l.startRow(height)
	var digits [10]byte
	line := strconv.AppendInt(digits[:0], int64(l.sheet.rows), 10)
	for i := range l.columns {
		c := &l.columns[i]
		l.buf = append(append(append(l.buf, c.start...), line...), c.rest...)
	}
	l.buf = append(l.buf, "</row>"...)
}

func (l *list) startRow(height float64) {
	l.buf = strconv.AppendInt(append(l.buf, `<row r="`...), int64(l.sheet.rows), 10)
	l.buf = strconv.AppendFloat(append(l.buf, `" ht="`...), height, 'f', -1, 64)
	l.buf = append(l.buf, `" customHeight="1">`...)
}

// flush writes the rows down if there are as many bytes.
func (l *list) flush(bytes int) error {
	if len(l.buf) < bytes {
		return nil
	}
	_, err := l.archive.Write(l.buf)
	l.buf = l.buf[:0]
	return err
}

// end says so where there are no rows: an empty table might as well be a failure.
func (l *list) end() error {
	if l.rows == 0 && l.none != "" {
		if err := l.say(l.none); err != nil {
			return err
		}
	}
	return l.close()
}

// say writes a row of one cell.
func (l *list) say(text string) error {
	l.sheet.rows++
	l.sheet.wide = true
	id, err := l.book.styles.id(look{})
	if err != nil {
		return err
	}
	l.startRow(20)
	for i, c := range l.columns {
		l.buf = fmt.Appendf(l.buf, `%s%d" s="%d"`, c.start, l.sheet.rows, id)
		if i > 0 {
			text = ""
		}
		l.buf = appendInline(l.buf, text, 0)
	}
	l.buf = append(l.buf, "</row>"...)
	return nil
}

func (l *list) close() error {
	if err := l.flush(0); err != nil {
		return err
	}
	return l.endPart(l.sheet)
}
