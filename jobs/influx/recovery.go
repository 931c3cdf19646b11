package influx

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"regexp"

	"tokenaudit/jobs/audit"
)

// known reads the authorizations that the configuration imports, ascending by ID;
// nil if it imports none. The second value frees what the walk holds. An error
// names the file and the line, never what is in it.
func (c Config) known() (iter.Seq2[audit.Record, error], func(), error) {
	if c.Import == "" {
		return nil, func() {}, nil
	}
	f, err := os.Open(c.Import)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	list, err := readRecoveryList(f)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.Import, err)
	}
	return c.unseen(list), list.Close, nil
}

// unseen makes records of what is known from elsewhere: nothing was seen of it yet.
func (c Config) unseen(list *Sorted) iter.Seq2[audit.Record, error] {
	const source = "in the output of influxd recovery auth list"
	return func(yield func(audit.Record, error) bool) {
		for a, err := range list.All() {
			r := audit.Record{
				Target: c.Name, Authorization: a, Presence: audit.Unseen, Evidence: source,
				Owner: audit.Owner{ID: a.UserID, Name: a.User, State: audit.OwnerUnknown, Evidence: source},
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

const (
	recoveryHeader = "ID|User Name|User ID|Description|Token|Permissions"
	longestRow     = 16 << 20
)

var recoveryRow = regexp.MustCompile(`^[0-9a-f]{16}\t`)

// readRecoveryList reads the output of "influxd recovery auth list", a table whose
// cells are padded with tabs to multiples of eight columns and are not escaped
// (influxdb cmd/influxd/recovery/auth, influx-cli pkg/tabwriter). What stands
// before the table is log. The caller closes the list.
func readRecoveryList(r io.Reader) (*Sorted, error) {
	list := &recoveryList{Sorted: newSorted()}
	if err := list.read(r); err != nil {
		list.Close()
		return nil, err
	}
	return list.Sorted, nil
}

// recoveryList is the table being read. A description with a line break spreads
// its row over several lines; the permissions stand in the last one.
type recoveryList struct {
	*Sorted
	line   int
	header bool
	row    *audit.Authorization
	begins int  // line of row
	spread bool // row takes more than one line
	ended  bool // row has its permissions
}

func (l *recoveryList) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestRow)
	for lines.Scan() {
		l.line++
		if err := l.take(lines.Text()); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("line %d is longer than any row of influxd recovery auth list", l.line+1)
	case err != nil:
		return err
	case !l.header:
		return errors.New("no line with the columns ID, User Name, User ID, Description, Token, Permissions: this is not the output of influxd recovery auth list, or not as UTF-8")
	}
	return l.finish()
}

func (l *recoveryList) take(line string) error {
	cells := cellsOf(line)
	switch {
	case !l.header:
		l.header = isRecoveryHeader(cells)
		return nil
	case len(cells) == 0:
		return nil
	case recoveryRow.MatchString(line):
		return l.begin(cells)
	case l.row != nil && (l.spread || !l.ended):
		l.spread, l.row.Description = true, ""
		if last := cells[len(cells)-1]; last.column > 0 {
			l.end(last)
		}
		return nil
	}
	return fmt.Errorf("line %d is not a row of influxd recovery auth list", l.line)
}

// begin takes the first line of a row, or all of it. The value of the token, last
// but one, is not kept. A row of more cells than there are columns has a tab in
// its description or its token; so that no part of a token is taken for a
// description, there is none then, as when the row goes on in the next line.
func (l *recoveryList) begin(cells []cell) error {
	if err := l.finish(); err != nil {
		return err
	}
	user, ok := userCell(cells)
	if !ok {
		return fmt.Errorf("line %d: no user ID where it should be", l.line)
	}
	l.begins, l.spread, l.ended = l.line, false, false
	l.row = &audit.Authorization{ID: cells[0].text, UserID: cells[user].text}
	if user == 2 {
		l.row.User = cells[1].text
	}
	if len(cells) > user+2 {
		l.end(cells[len(cells)-1])
	}
	if next := user + 1; l.ended && len(cells) == user+4 && cells[next].column == cells[user].column+idColumn {
		l.row.Description = cells[next].text
	}
	return nil
}

// end takes the permissions, if that is what the last cell is.
func (l *recoveryList) end(last cell) {
	if permissions, ok := parsePermissions(last.text); ok {
		l.row.Permissions, l.row.OrgID, l.ended = permissions, orgOf(permissions), true
	}
}

// finish adds the row that was read.
func (l *recoveryList) finish() error {
	switch {
	case l.row == nil:
		return nil
	case !l.ended:
		return fmt.Errorf("line %d: a row without permissions at its end", l.begins)
	}
	row := *l.row
	l.row = nil
	return l.add(row)
}
