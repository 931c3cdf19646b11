package roster

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// csv reads a table whose first line names the columns.
func (l *loading) csv(in *bufio.Reader) error {
	r := csv.NewReader(in)
	r.ReuseRecord, r.Comma = true, delimiter(in)
	header, err := r.Read()
	if err != nil {
		return csvError(err)
	}
	columns, named := make([]field, len(header)), false
	for i, name := range header {
		columns[i] = fields[folded(name)]
		named = named || columns[i] == fieldID || columns[i] == fieldName
	}
	if !named {
		return &lineError{1, -1, "no column identifies users: id, userName, name or email"}
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return csvError(err)
		}
		l.line, _ = r.FieldPos(0)
		var u user
		for i, cell := range row {
			if !valid(cell) {
				return &lineError{l.line, -1, fmt.Sprintf("column %d is not UTF-8, or longer than %d bytes", i+1, longestCell)}
			}
			if columns[i] != noField {
				u.set(columns[i], strings.Clone(cell)) // which would keep the row
			}
		}
		if err := l.add(u); err != nil {
			return err
		}
	}
}

// delimiter is the one that stands most often in the first line.
func delimiter(in *bufio.Reader) rune {
	head, _ := in.Peek(4 << 10)
	line, _, _ := strings.Cut(string(head), "\n")
	best := ','
	for _, d := range ";\t" {
		if strings.Count(line, string(d)) > strings.Count(line, string(best)) {
			best = d
		}
	}
	return best
}

func csvError(err error) error {
	var at *csv.ParseError
	switch {
	case errors.Is(err, csv.ErrFieldCount) && errors.As(err, &at):
		return &lineError{at.Line, -1, "the number of columns differs from the first line"}
	case errors.As(err, &at):
		return &lineError{at.Line, -1, "the quotes are not valid CSV"}
	}
	return err
}
