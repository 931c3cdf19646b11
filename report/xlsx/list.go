package xlsx

import (
	"fmt"
	"iter"
	"slices"
	"strconv"

	excelize "github.com/xuri/excelize/v2"

	"tokenaudit/report/table"
)

// bookFindingColumns are the columns of a finding, in the order in which a person
// reads them.
func bookFindingColumns() []table.Column {
	columns := byName(table.FindingColumns(),
		"severity", "check", "title", "state", "since", "description", "authorization_id", "status", "owner", "owner_state", "org", "target",
		"detail", "what_to_do", "why", "created", "age_days", "owner_id")
	for i := range columns {
		switch columns[i].Name {
		case "what_to_do", "why":
			columns[i].Width = 130 // one line, nearly always
		case "detail":
			columns[i].Width, columns[i].Limit = 62, 250
		case "title":
			columns[i].Width = 34
		}
	}
	return columns
}

// authorizationColumns of the workbook say in addition what the permissions come
// to and which controls the findings relate to.
func (b *Workbook) authorizationColumns() []table.Column {
	columns := table.AuthorizationColumns()
	at := slices.IndexFunc(columns, func(c table.Column) bool { return c.Name == "may_write" })
	columns = slices.Insert(columns, at, table.Column{Name: "permission_summary", Header: "Permission summary", Width: 19, Value: func(r *table.Row) table.Value { return table.Str(r.Reach) }})
	return append(columns, table.Column{Name: "controls", Header: "Related controls", Width: 44, Limit: 1000, Value: func(r *table.Row) table.Value { return table.Str(r.ControlNames) }})
}

// byName picks columns in the order of the names.
func byName(columns []table.Column, names ...string) []table.Column {
	var out []table.Column
	for _, name := range names {
		if at := slices.IndexFunc(columns, func(c table.Column) bool { return c.Name == name }); at >= 0 {
			out = append(out, columns[at])
		}
	}
	return out
}

// list is a table of any length: a header, then a row for each row. What does
// not fit on one sheet goes on to "name 2".
type list struct {
	*Workbook
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
	rows    int                           // with the header
	wide    bool                          // its second row is one cell
	finish  func(*Workbook, *sheet) error // what else the sheet has
}

func (b *Workbook) list(name string, frozen int, columns []table.Column) *list {
	l := &list{Workbook: b, part: part{list: name, layout: layout{name: name, frozenCols: frozen, frozenRows: 1, paper: paperA3, pages: 2}, columns: len(columns)}}
	for i, c := range columns {
		letter, _ := excelize.ColumnNumberToName(i + 1)
		l.widths = append(l.widths, c.Width)
		l.columns = append(l.columns, listColumn{Column: c, start: `<c r="` + letter, made: map[look][]byte{}})
	}
	return l
}

func (l *list) fill(rows iter.Seq2[*table.Row, error]) error {
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
		if err := c.set(table.Str(c.Header), look{role: header, kind: c.Kind, wrap: true}, 2, l.Workbook.styles); err != nil {
			return err
		}
		lines = max(lines, c.lines)
	}
	l.line(max(20, heightOf(lines)))
	return err
}

func (l *list) add(r *table.Row) error {
	if l.sheet.rows == l.maxRows {
		if err := l.close(); err != nil {
			return err
		}
		if err := l.begin(); err != nil {
			return err
		}
	}
	lines, past := 1, r.Past()
	for i := range l.columns {
		c := &l.columns[i]
		if err := c.show(r, past, l.Workbook.styles); err != nil {
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
	id, err := l.Workbook.styles.id(look{})
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

// listColumn is a column of a sheet, with the cell that was written last: most
// cells say what the one above them says.
type listColumn struct {
	table.Column
	start string          // of a cell, up to its row
	made  map[look][]byte // styles
	shown bool            // last and past are those of a row
	last  table.Value
	past  bool
	look  look
	style []byte // of look
	rest  []byte // of the cell, from behind its row
	lines int    // that it takes, where it wraps
}

// show makes the cell of a row: what is past is faded and has lost its colour.
func (c *listColumn) show(r *table.Row, past bool, s *styles) error {
	v := table.Value{}
	if c.Value != nil {
		v = table.Known(c.Value(r))
	}
	if c.shown && v == c.last && past == c.past {
		return nil
	}
	c.shown, c.last, c.past = true, v, past
	return c.set(v, c.lookOf(v, past), mostLines, s)
}

func (c *listColumn) lookOf(v table.Value, past bool) look {
	l := look{role: entry, kind: c.Kind, wrap: c.Wrap, past: past}
	if c.Value == nil { // for the reviewer
		l.open, l.past = true, false
	}
	if !past {
		l.word = paintedBy(c.Column, v)
	}
	return l
}

// paintedBy is the word that colours a cell: its own, or where it counts something
// the column's.
func paintedBy(c table.Column, v table.Value) string {
	switch {
	case c.Kind == table.Severity:
		return v.Text
	case c.Kind == table.Tally && v.Number != 0:
		return c.Word
	}
	return ""
}

// set makes a cell, of at most as many lines.
func (c *listColumn) set(v table.Value, l look, most int, s *styles) (err error) {
	if c.style == nil || l != c.look {
		if c.style, err = c.styleOf(l, s); err != nil {
			return err
		}
		c.look = l
	}
	c.rest, c.lines = appendContent(append(c.rest[:0], c.style...), v, c.Limit), 0
	if v.Type == table.TextValue && l.wrap {
		c.lines = linesIn(v.Text, c.Width, most)
	}
	return nil
}

func (c *listColumn) styleOf(l look, s *styles) ([]byte, error) {
	if made, ok := c.made[l]; ok {
		return made, nil
	}
	id, err := s.id(l)
	c.made[l] = append(strconv.AppendInt([]byte(`" s="`), int64(id), 10), '"')
	return c.made[l], err
}
