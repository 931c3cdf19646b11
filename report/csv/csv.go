// Package csv writes the tables of a review for other programs: findings.csv and
// authorizations.csv, whole and in the same columns as the workbook, and the Vanta
// Access File. Rows of the population are written as they come; the findings are
// put aside by severity and check, and follow at the end, worst first.
package csv

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// Tables are the CSV files, as RFC 4180 has them: commas, CRLF, and a header even
// when there are no rows.
type Tables struct {
	*table.Draft
	file           *os.File
	authorizations *csvTable
}

func New(d *table.Draft) (*Tables, error) {
	f, err := d.Create(table.AuthorizationsFile)
	if err != nil {
		return nil, err
	}
	t := &Tables{Draft: d, file: f}
	t.authorizations, err = newCSVTable(f, d.In.CSV, table.AuthorizationColumns())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return t, nil
}

func (t *Tables) Add(r *table.Row) error {
	if r.IsServer() {
		return nil
	}
	return t.authorizations.add(r)
}

func (t *Tables) Finish(ctx context.Context) error {
	if err := errors.Join(t.authorizations.flush(0), t.file.Sync()); err != nil {
		return err
	}
	return t.Draft.File(table.FindingsFile, func(w io.Writer) error {
		return writeTable(w, t.In.CSV, table.FindingColumns(), t.FindingRows(ctx))
	})
}

func (t *Tables) Close() error { return t.file.Close() }

func writeTable(w io.Writer, style table.CSVStyle, cols []table.Column, rows iter.Seq2[*table.Row, error]) error {
	t, err := newCSVTable(w, style, cols)
	if err != nil {
		return err
	}
	for r, err := range rows {
		if err != nil {
			return err
		}
		if err := t.add(r); err != nil {
			return err
		}
	}
	return t.flush(0)
}

// csvCell is a cell as it reads.
func csvCell(v any) string {
	switch v := v.(type) {
	case string:
		return neutral(audit.Visible(v, true))
	case int:
		return strconv.Itoa(v)
	case time.Time:
		if !v.IsZero() {
			return v.UTC().Format(time.RFC3339)
		}
	}
	return ""
}

// neutral puts an apostrophe before text that a spreadsheet would take for a
// formula, the white space before it included (OWASP, CSV injection). Text that
// begins with an apostrophe gets one too, so that taking one away always gives
// the text back.
func neutral(s string) string {
	rest := strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	first, _ := utf8.DecodeRuneInString(rest)
	if strings.ContainsRune("=+-@＝＋－＠", first) || strings.HasPrefix(s, "'") || strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\r") {
		return "'" + s
	}
	return s
}

// csvTable appends lines as encoding/csv writes them, with CRLF, and formulas made
// harmless; a test holds it to that.
type csvTable struct {
	out       io.Writer
	delimiter rune
	columns   []csvColumn
	buf       []byte
}

// csvColumn remembers its last cell: most say what the one above them says.
type csvColumn struct {
	table.Column
	last    table.Value
	content []byte
}

func newCSVTable(w io.Writer, style table.CSVStyle, cols []table.Column) (*csvTable, error) {
	t := &csvTable{out: w, delimiter: style.Delimiter}
	if t.delimiter == 0 {
		t.delimiter = ','
	}
	if style.BOM {
		t.buf = append(t.buf, "\ufeff"...)
	}
	for i, c := range cols {
		if i > 0 {
			t.buf = utf8.AppendRune(t.buf, t.delimiter)
		}
		t.buf = appendField(t.buf, c.Name, t.delimiter)
		t.columns = append(t.columns, csvColumn{Column: c})
	}
	t.buf = append(t.buf, "\r\n"...)
	return t, t.flush(0)
}

func (t *csvTable) add(r *table.Row) error {
	for i := range t.columns {
		c := &t.columns[i]
		if v := c.Value(r); v != c.last {
			c.last, c.content = v, appendCSV(c.content[:0], v, t.delimiter)
		}
		if i > 0 {
			t.buf = utf8.AppendRune(t.buf, t.delimiter)
		}
		t.buf = append(t.buf, c.content...)
	}
	t.buf = append(t.buf, "\r\n"...)
	return t.flush(32 << 10)
}

// flush writes the lines down if there are as many bytes.
func (t *csvTable) flush(bytes int) error {
	if len(t.buf) < bytes {
		return nil
	}
	_, err := t.out.Write(t.buf)
	t.buf = t.buf[:0]
	return err
}

func appendCSV(b []byte, v table.Value, delimiter rune) []byte {
	switch v.Type {
	case table.TextValue:
		if b, ok := appendHarmless(b, v.Text, delimiter); ok {
			return b
		}
		return appendField(b, neutral(audit.Visible(v.Text, true)), delimiter)
	case table.NumberValue:
		var text [20]byte
		return appendField(b, string(strconv.AppendInt(text[:0], v.Number, 10)), delimiter)
	case table.TimeValue:
		var text [len(time.RFC3339)]byte
		return appendField(b, string(v.At().AppendFormat(text[:0], time.RFC3339)), delimiter)
	}
	return b
}

// appendHarmless appends what nearly all text is, in one pass: printable ASCII that
// begins with a letter or a digit and has no quotes.
func appendHarmless(b []byte, s string, delimiter rune) ([]byte, bool) {
	if s == "" {
		return b, true
	}
	if c := s[0] | 0x20; (c < 'a' || c > 'z') && (s[0] < '0' || s[0] > '9') {
		return b, false
	}
	parted := false
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' || c == '"' {
			return b, false
		}
		parted = parted || rune(c) == delimiter
	}
	if parted {
		return append(append(append(b, '"'), s...), '"'), true
	}
	return append(b, s...), true
}

func appendField(b []byte, s string, delimiter rune) []byte {
	if !quoted(s, delimiter) {
		return append(b, s...)
	}
	b = append(b, '"')
	for {
		at := strings.IndexAny(s, "\"\r\n")
		if at < 0 {
			return append(append(b, s...), '"')
		}
		b = append(b, s[:at]...)
		switch s[at] {
		case '"':
			b = append(b, `""`...)
		case '\n':
			b = append(b, "\r\n"...)
		} // a carriage return comes with the line feed
		s = s[at+1:]
	}
}

// quoted is what encoding/csv quotes: also a field that begins with a space, and \.
// alone, which ends the data for PostgreSQL.
func quoted(s string, delimiter rune) bool {
	if s == "" {
		return false
	}
	if s == `\.` || strings.ContainsAny(s, "\"\r\n") || strings.ContainsRune(s, delimiter) {
		return true
	}
	first, _ := utf8.DecodeRuneInString(s)
	return unicode.IsSpace(first)
}
