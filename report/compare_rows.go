package report

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
)

// csvFile reads a CSV file in any of our styles, row by row.
type csvFile struct {
	file   *os.File
	rows   *csv.Reader
	header []string
}

func openCSV(path string) (*csvFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(f, 64<<10)
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		in.Discard(3)
	}
	c := &csvFile{file: f, rows: csv.NewReader(in)}
	c.rows.FieldsPerRecord, c.rows.LazyQuotes = -1, true
	head, _ := in.Peek(1 << 10) // names are of letters, spaces and _; what follows the first is the delimiter
	if i := bytes.IndexFunc(head, func(r rune) bool { return r != '_' && r != ' ' && (r < 'A' || r > 'z') }); i > 0 {
		if r, _ := utf8.DecodeRune(head[i:]); r != 0 && r != '\r' && r != '\n' && r != '"' && r != utf8.RuneError {
			c.rows.Comma = r
		}
	}
	if c.header, err = c.next(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return c, nil
}

// next is nil at the end. A row that cannot be read is one row.
func (c *csvFile) next() ([]string, error) {
	row, err := c.rows.Read()
	switch {
	case err == io.EOF:
		return nil, nil
	case errors.As(err, new(*csv.ParseError)):
		return []string{"damaged"}, nil
	}
	return row, err
}

func (c *csvFile) column(row []string, name string) string {
	if i := slices.Index(c.header, name); i >= 0 && i < len(row) {
		return row[i]
	}
	return ""
}

// name is what a row speaks of.
func (c *csvFile) name(row []string) string {
	id, check := c.column(row, "authorization_id"), c.column(row, "check")
	switch {
	case row == nil:
		return "the end of the file"
	case check != "":
		return shown(id + " " + check)
	case id != "":
		return shown(id)
	}
	return shown(row[0])
}

// compareCSV names the first cell that differs, "" if only the way it is written does.
func compareCSV(ctx context.Context, have, want string) (string, error) {
	a, err := openCSV(have)
	if err != nil {
		return "", err
	}
	defer a.file.Close()
	b, err := openCSV(want)
	if err != nil {
		return "", err
	}
	defer b.file.Close()
	if !slices.Equal(a.header, b.header) {
		return "does not have the columns that the review wrote", nil
	}
	for n := 1; ; n++ {
		x, err := a.next()
		if err != nil {
			return "", err
		}
		y, err := b.next()
		if err := errors.Join(err, ctx.Err()); err != nil {
			return "", err
		}
		switch {
		case x == nil && y == nil:
			return "", nil
		case x == nil || y == nil || a.name(x) != b.name(y):
			return fmt.Sprintf("row %d is %s, the snapshots give %s: a row was removed, added or moved", n, a.name(x), b.name(y)), nil
		}
		for i := range max(len(x), len(y)) {
			if i >= len(x) || i >= len(y) || i >= len(a.header) {
				return fmt.Sprintf("row %d (%s) has %d cells, not %d", n, a.name(x), len(x), len(y)), nil
			}
			if x[i] != y[i] {
				return fmt.Sprintf("row %d (%s): %s is %s, the snapshots give %s", n, a.name(x), audit.Line(a.header[i], 40), shown(x[i]), shown(y[i])), nil
			}
		}
	}
}

// compareRows compares two files by the keys of their rows, in whatever order. It keeps
// a sum over the hashes of the keys, which no other rows have.
func compareRows(ctx context.Context, have, want string, keys func(path string) iter.Seq2[string, error]) (string, error) {
	a, stopA := iter.Pull2(keys(have))
	defer stopA()
	b, stopB := iter.Pull2(keys(want))
	defer stopB()
	var sums [2][4]uint64
	var rows [2]int
	first := ""
	for {
		x, errA, okA := a()
		y, errB, okB := b()
		if err := errors.Join(errA, errB, ctx.Err()); err != nil {
			return "", err
		}
		if !okA && !okB {
			break
		}
		for i, key := range []string{x, y} {
			if ok := []bool{okA, okB}[i]; ok {
				rows[i]++
				sum := sha256.Sum256([]byte(key))
				for j := range sums[i] {
					sums[i][j] += binary.LittleEndian.Uint64(sum[8*j:])
				}
			}
		}
		if first == "" && (x != y || okA != okB) {
			first = fmt.Sprintf("row %d is %s, the snapshots give %s", max(rows[0], rows[1]), shown(x), shown(y))
		}
	}
	if sums[0] == sums[1] && rows[0] == rows[1] {
		return "", nil
	}
	return fmt.Sprintf("has %d rows, the snapshots give %d; %s", rows[0], rows[1], first), nil
}

// csvKeys are the columns of each row that every version has, or of the Vanta file the
// account and its state.
func csvKeys(path string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		c, err := openCSV(path)
		if err != nil {
			yield("", err)
			return
		}
		defer c.file.Close()
		for {
			row, err := c.next()
			if err != nil {
				yield("", err)
				return
			}
			if row == nil {
				return
			}
			var key []string
			for _, name := range []string{"target", "authorization_id", "status", "owner_id", "presence", "worst_severity", "findings", "severity", "check", "state", "Status"} {
				if v := c.column(row, name); v != "" {
					key = append(key, v)
				}
			}
			account, _, _ := strings.Cut(c.column(row, "Account name"), " ")
			if !yield(strings.TrimSpace(strings.Join(key, " ")+" "+account), nil) {
				return
			}
		}
	}
}

// eventKeys are what each OCSF event is about, its severity and state.
func eventKeys(path string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield("", err)
			return
		}
		defer f.Close()
		dec := json.NewDecoder(bufio.NewReaderSize(f, 64<<10))
		for {
			var event struct {
				Info struct {
					UID string `json:"uid"`
				} `json:"finding_info"`
				Severity string `json:"severity"`
				Unmapped struct {
					State string `json:"state"`
				} `json:"unmapped"`
			}
			err := dec.Decode(&event)
			switch {
			case err == io.EOF:
				return
			case errors.As(err, new(*fs.PathError)):
				yield("", err)
				return
			case err != nil: // and what follows, nobody can read
				yield("damaged", nil)
				return
			}
			if !yield(event.Info.UID+" "+event.Severity+" "+event.Unmapped.State, nil) {
				return
			}
		}
	}
}
