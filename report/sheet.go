package report

import (
	"cmp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// cell is a value and its look; over is how many columns it takes, if more than one.
type cell struct {
	value any
	look  look
	limit int
	over  int
}

// sheet takes its rows one after the other, from the top.
type sheet struct {
	*excelize.StreamWriter
	styles *styles
	name   string
	widths []float64
	rows   int
	row    []any // used again for every row
}

// add writes one row. Every row has a height: otherwise a description of many
// lines would be given as many by the reading program.
func (s *sheet) add(height float64, cells ...cell) error {
	s.rows++
	s.row = s.row[:0]
	column := 1
	for _, c := range cells {
		if err := s.put(c, column); err != nil {
			return err
		}
		column += max(c.over, 1)
	}
	return s.SetRow("A"+strconv.Itoa(s.rows), s.row, excelize.RowOpts{Height: height})
}

func (s *sheet) put(c cell, column int) error {
	id, err := s.styles.id(c.look)
	if err != nil {
		return err
	}
	made := excelize.Cell{StyleID: id, Value: content(c)}
	if f, ok := c.value.(formula); ok {
		made.Formula = f.text
	}
	s.row = append(s.row, made)
	if c.over < 2 {
		return nil
	}
	for range c.over - 1 {
		s.row = append(s.row, excelize.Cell{StyleID: id})
	}
	from, _ := excelize.CoordinatesToCellName(column, s.rows)
	to, err := excelize.CoordinatesToCellName(column+c.over-1, s.rows)
	if err != nil {
		return err
	}
	return s.MergeCell(from, to)
}

const lineHeight = 13

// fit is the height that the texts of a row need, at most as many lines: programs
// do not size merged cells, and not all of them size others.
func (s *sheet) fit(most int, cells []cell) float64 {
	lines, column := 1, 0
	for _, c := range cells {
		over := max(c.over, 1)
		if text, ok := c.value.(string); ok && c.look.wrap {
			lines = max(lines, linesIn(text, sum(s.widths[column:column+over]), most))
		}
		column += over
	}
	return heightOf(lines)
}

func heightOf(lines int) float64 { return 3 + lineHeight*float64(lines) }

func sum(vs []float64) float64 {
	total := 0.0
	for _, v := range vs {
		total += v
	}
	return total
}

// linesIn estimates how many lines a text takes in a cell, at most as many.
func linesIn(text string, width float64, most int) int {
	lines := 0
	for line := range strings.Lines(text) {
		for rest := line; rest != ""; rest = afterLine(rest, width-2) {
			if lines++; lines == most {
				return most
			}
		}
	}
	return max(lines, 1)
}

// afterLine is what is left of a text after the words that fit on one line.
func afterLine(text string, width float64) string {
	space, used := 0, 0.0
	for i, r := range text {
		if r < utf8.RuneSelf {
			used += widths[r]
		} else {
			used += runeWidth(r)
		}
		if used > width && i > 0 {
			return text[cmp.Or(space, i):]
		}
		if r == ' ' {
			space = i + 1
		}
	}
	return ""
}

// widths are those of ASCII.
var widths = func() (w [utf8.RuneSelf]float64) {
	for r := range w {
		w[r] = runeWidth(rune(r))
	}
	return w
}()

// runeWidth is how wide a character of Arial 10 is, in the unit of column widths,
// rather too wide than too narrow.
func runeWidth(r rune) float64 {
	switch {
	case r == '\n':
		return 0
	case strings.ContainsRune(" .,;:'|!iljtfrI()[]/-", r):
		return 0.5
	case r >= 0x2E80:
		return 1.8
	case strings.ContainsRune("mwMW@%", r):
		return 1.4
	case r >= 'A' && r <= 'Z':
		return 1.17
	}
	return 0.94
}
