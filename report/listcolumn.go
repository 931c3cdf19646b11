package report

import "strconv"

// listColumn is a column of a sheet, with the cell that was written last: most
// cells say what the one above them says.
type listColumn struct {
	column
	start string          // of a cell, up to its row
	made  map[look][]byte // styles
	shown bool            // last and past are those of a row
	last  value
	past  bool
	look  look
	style []byte // of look
	rest  []byte // of the cell, from behind its row
	lines int    // that it takes, where it wraps
}

// show makes the cell of a row: what is past is faded and has lost its colour.
func (c *listColumn) show(r *row, past bool, s *styles) error {
	v := value{}
	if c.value != nil {
		v = known(c.value(r))
	}
	if c.shown && v == c.last && past == c.past {
		return nil
	}
	c.shown, c.last, c.past = true, v, past
	return c.set(v, c.lookOf(v, past), mostLines, s)
}

func (c *listColumn) lookOf(v value, past bool) look {
	l := look{role: entry, kind: c.kind, wrap: c.wrap, past: past}
	if c.value == nil { // for the reviewer
		l.open, l.past = true, false
	}
	if !past {
		l.word = c.paint(v)
	}
	return l
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

// set makes a cell, of at most as many lines.
func (c *listColumn) set(v value, l look, most int, s *styles) (err error) {
	if c.style == nil || l != c.look {
		if c.style, err = c.styleOf(l, s); err != nil {
			return err
		}
		c.look = l
	}
	c.rest, c.lines = appendContent(append(c.rest[:0], c.style...), v, c.limit), 0
	if v.is == aText && l.wrap {
		c.lines = linesIn(v.text, c.width, most)
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
