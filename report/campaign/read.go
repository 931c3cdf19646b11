package campaign

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
)

const (
	mostBytes = 100 << 20 // of a file: 200,000 rows of CSV
	mostRows  = 250_000
	// mostAbove is how many rows may stand above the names of the columns.
	mostAbove = 20
)

// Read reads a file that a reviewer sends back: a workbook or CSV, told apart by content,
// whose extension is ext. Rows may have moved, columns too, and there may be others. Rows
// without a decision have no facts, and empty ones are left out.
func Read(content []byte) (rows []campaign.Row, ext string, err error) {
	var sheets []sheet
	switch {
	case len(bytes.TrimSpace(content)) == 0:
		return nil, "", errors.New("the file is empty: save it again, or export a new one")
	case len(content) > mostBytes:
		return nil, "", fmt.Errorf("the file has more than %d MiB, which no file of a reviewer needs: export a new one", mostBytes>>20)
	case bytes.HasPrefix(content, []byte("PK")):
		ext = ".xlsx"
		sheets, err = readWorkbook(content)
	case bytes.HasPrefix(content, compoundFile):
		return nil, "", compoundFileError(content)
	default:
		ext = ".csv"
		sheets, err = readCSV(content)
	}
	if err != nil {
		return nil, "", err
	}
	chosen, err := choose(sheets)
	if err != nil {
		return nil, "", err
	}
	if rows, err = chosen.collect(); err != nil {
		return nil, "", err
	}
	return rows, ext, nil
}

// sheet is one of a workbook, or CSV as it reads with one delimiter.
type sheet struct {
	name string // "" of CSV
	// rows gives them from the top, each with its number from 1, until yield is false.
	// The cells are only valid during the call.
	rows func(yield func(line int, cells []string) bool) error
	head head
}

// head is the row that names the columns.
type head struct {
	line    int
	names   []string
	at      []int // where each of the columns is, -1 if it is missing
	known   int
	missing []string // that have to be there
	twice   string
}

// choose gives the one sheet that has the columns.
func choose(sheets []sheet) (sheet, error) {
	var whole []sheet
	var best sheet
	var unreadable error
	for _, s := range sheets {
		err := s.findHead()
		switch {
		case err != nil && s.name != "": // no other may stand for it
			return best, err
		case s.head.known > 0 && len(s.head.missing) == 0:
			whole = append(whole, s)
		case s.head.known > best.head.known:
			best = s
		}
		if unreadable == nil {
			unreadable = err
		}
	}
	switch {
	case len(whole) > 1:
		return best, fmt.Errorf("the sheets %s and %s both have the columns of a review: delete the one that does not count", quoted(whole[0].name), quoted(whole[1].name))
	case len(whole) == 1 && whole[0].head.twice != "":
		return best, fmt.Errorf("the column %s is there twice: delete the one that does not count", whole[0].head.twice)
	case len(whole) == 1:
		return whole[0], nil
	case best.head.known > 0:
		return best, fmt.Errorf("%s lacks %s; it has %s. Restore the names of the columns, or export a new file",
			best.where(), strings.Join(best.head.missing, ", "), best.head.shows())
	case unreadable != nil:
		return best, unreadable
	}
	return best, errors.New("the file has none of the columns of a review: send the workbook or CSV that was exported for the reviewer")
}

func quoted(name string) string { return `"` + audit.Line(name, 40) + `"` }

func (s *sheet) where() string {
	where := fmt.Sprintf("line %d", s.head.line)
	if s.name != "" {
		where += " of the sheet " + quoted(s.name)
	}
	return where
}

// shows are the names that stand there.
func (h head) shows() string {
	const most = 30
	var names []string
	for _, n := range h.names {
		if strings.TrimSpace(n) != "" && len(names) < most {
			names = append(names, audit.Line(n, 30))
		}
	}
	return strings.Join(names, ", ")
}

// findHead finds the row with the most names of columns among the first ones.
func (s *sheet) findHead() error {
	seen := 0
	return s.rows(func(line int, cells []string) bool {
		if h := headOf(line, cells); h.known > s.head.known {
			s.head = h
		}
		seen++
		return seen < mostAbove
	})
}

func headOf(line int, cells []string) head {
	h := head{line: line, names: slices.Clone(cells)}
	for _, c := range columns() {
		at := -1
		for i, name := range cells {
			if !strings.EqualFold(strings.Join(strings.Fields(name), " "), c.name) {
				continue
			}
			if at >= 0 {
				h.twice = c.name
			}
			at = i
		}
		h.at = append(h.at, at)
		switch {
		case at >= 0:
			h.known++
		case c.field != nil: // facts may be deleted
			h.missing = append(h.missing, c.name)
		}
	}
	return h
}

// collect reads the rows below the head.
func (s *sheet) collect() ([]campaign.Row, error) {
	var rows []campaign.Row
	all := columns() // of which the decision is the first
	seen, tooMany := 0, false
	err := s.rows(func(line int, cells []string) bool {
		if line <= s.head.line || len(cells) == 0 {
			return true
		}
		if seen++; seen > mostRows { // empty ones take time too
			tooMany = true
			return false
		}
		row, empty := campaign.Row{Line: line}, true
		for i, c := range all {
			if row.Decision != "" && row.Facts == nil {
				row.Facts = map[string]string{}
			}
			at := s.head.at[i]
			if at < 0 || at >= len(cells) {
				continue
			}
			empty = empty && strings.TrimSpace(cells[at]) == ""
			if c.field != nil || row.Facts != nil {
				c.read(cells[at], &row)
			}
		}
		if !empty {
			rows = append(rows, row)
		}
		return true
	})
	if tooMany {
		return nil, fmt.Errorf("the file has more than %s rows: export a new one", audit.Number(mostRows))
	}
	return rows, err
}
