// Package recovery reads what "influxd recovery auth list" prints: every
// authorization of an InfluxDB OSS, those of deleted users too. It takes the table
// row by row and hands on authorizations; the value of the token is never kept, and
// no error repeats what a row holds.
package recovery

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"

	"tokenaudit/jobs/audit"
)

const (
	columns    = "ID|User Name|User ID|Description|Token|Permissions"
	longestRow = 16 << 20
)

var rowStart = regexp.MustCompile(`^[0-9a-f]{16}\t`)

// Read hands each authorization to add, in the order of the table, from the output of "influxd recovery auth list", a table whose
// cells are padded with tabs to multiples of eight columns and are not escaped
// (influxdb cmd/influxd/recovery/auth, influx-cli pkg/tabwriter). What stands
// before the table is log. An error names the line, never what is in it.
func Read(r io.Reader, add func(audit.Authorization) error) error {
	return (&table{add: add}).read(r)
}

// table is the table being read. A description with a line break spreads
// its row over several lines; the permissions stand in the last one.
type table struct {
	add    func(audit.Authorization) error
	line   int
	header bool
	row    *audit.Authorization
	begins int  // line of row
	spread bool // row takes more than one line
	ended  bool // row has its permissions
}

func (t *table) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestRow)
	for lines.Scan() {
		t.line++
		if err := t.take(lines.Text()); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("line %d is longer than any row of influxd recovery auth list", t.line+1)
	case err != nil:
		return err
	case !t.header:
		return errors.New("no line has the columns ID, User Name, User ID, Description, Token, Permissions. This is not the output of influxd recovery auth list, or it is not UTF-8")
	}
	return t.finish()
}

func (t *table) take(line string) error {
	cells := cellsOf(line)
	switch {
	case !t.header:
		t.header = isHeader(cells)
		return nil
	case len(cells) == 0:
		return nil
	case rowStart.MatchString(line):
		return t.begin(cells)
	case t.row != nil && (t.spread || !t.ended):
		t.spread, t.row.Description = true, ""
		if last := cells[len(cells)-1]; last.column > 0 {
			t.end(last)
		}
		return nil
	}
	return fmt.Errorf("line %d is not a row of influxd recovery auth list", t.line)
}

// begin takes the first line of a row, or all of it. The value of the token, last
// but one, is not kept. A row of more cells than there are columns has a tab in
// its description or its token; so that no part of a token is taken for a
// description, there is none then, as when the row goes on in the next line.
func (t *table) begin(cells []cell) error {
	if err := t.finish(); err != nil {
		return err
	}
	user, ok := userCell(cells)
	if !ok {
		return fmt.Errorf("line %d: the user ID is missing", t.line)
	}
	t.begins, t.spread, t.ended = t.line, false, false
	t.row = &audit.Authorization{ID: cells[0].text, UserID: cells[user].text}
	if user == 2 {
		t.row.User = cells[1].text
	}
	if len(cells) > user+2 {
		t.end(cells[len(cells)-1])
	}
	if next := user + 1; t.ended && len(cells) == user+4 && cells[next].column == cells[user].column+idColumn {
		t.row.Description = cells[next].text
	}
	return nil
}

// end takes the permissions, if that is what the last cell is.
func (t *table) end(last cell) {
	if permissions, ok := parsePermissions(last.text); ok {
		t.row.Permissions, t.row.OrgID, t.ended = permissions, orgOf(permissions), true
	}
}

// finish adds the row that was read.
func (t *table) finish() error {
	switch {
	case t.row == nil:
		return nil
	case !t.ended:
		return fmt.Errorf("line %d: the permissions at the end are missing", t.begins)
	}
	row := *t.row
	t.row = nil
	return t.add(row)
}
