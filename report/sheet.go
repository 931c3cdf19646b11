package report

import (
	"strconv"

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
	s.row = append(s.row, excelize.Cell{StyleID: id, Value: content(c)})
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
