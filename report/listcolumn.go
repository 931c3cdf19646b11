package report

import "strconv"

// listColumn is a column of a sheet, with the cell that was written last: most
// cells say what the one above them says.
type listColumn struct {
	column
	start   string // of a cell, up to its row
	styles  map[look][]byte
	fixed   [2][]byte // the styles of cells without a colour: of the past, and others
	last    value
	most    int
	style   []byte // from behind the row to the end of the style
	content []byte // from there to the end of the cell
	lines   int    // that it takes, where it wraps
}

// cell of a column: what is past is faded and has lost its colour.
func (c *listColumn) cell(r *row, past bool) (value, look) {
	if c.value == nil {
		return value{}, look{role: entry, kind: c.kind, wrap: c.wrap, open: true}
	}
	v, l := known(c.value(r)), look{role: entry, kind: c.kind, wrap: c.wrap, past: past}
	if !past {
		l.word = c.paint(v)
	}
	return v, l
}

// paint is the word that colours a cell: its own, or where it counts something
// the column's.
func (c column) paint(v value) string {
	switch {
	case c.kind == severity:
		return v.text
	case c.kind == tally && v.number != 0:
		return c.word
	}
	return ""
}

// unknown stands for a date or number that is not known: over an empty cell the
// long text beside it would run on.
const unknown = "–"

func known(v value) value {
	if v.is == noValue {
		return str(unknown)
	}
	return v
}

// set makes the cell, of at most as many lines.
func (c *listColumn) set(v value, l look, most int, s *styles) (err error) {
	if c.style, err = c.styleOf(l, s); err != nil {
		return err
	}
	if c.content != nil && v == c.last && most == c.most {
		return nil
	}
	c.last, c.most, c.lines = v, most, 0
	c.content = appendContent(c.content[:0], v, c.limit)
	if v.is == aText && l.wrap {
		c.lines = linesIn(v.text, c.width, most)
	}
	return nil
}

// styleOf finds the style of a cell; those of a column differ by little.
func (c *listColumn) styleOf(l look, s *styles) ([]byte, error) {
	plain := l.word == "" && l.role == entry
	at := 0
	if l.past {
		at = 1
	}
	if plain && c.fixed[at] != nil {
		return c.fixed[at], nil
	}
	if made, ok := c.styles[l]; ok {
		return made, nil
	}
	id, err := s.id(l)
	made := append(strconv.AppendInt([]byte(`" s="`), int64(id), 10), '"')
	c.styles[l] = made
	if plain {
		c.fixed[at] = made
	}
	return made, err
}
