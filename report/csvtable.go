package report

import (
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
)

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
	column
	last    value
	content []byte
}

func newCSVTable(w io.Writer, style CSVStyle, cols []column) (*csvTable, error) {
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
		t.buf = appendField(t.buf, c.name, t.delimiter)
		t.columns = append(t.columns, csvColumn{column: c})
	}
	t.buf = append(t.buf, "\r\n"...)
	return t, t.flush(0)
}

func (t *csvTable) add(r *row) error {
	for i := range t.columns {
		c := &t.columns[i]
		if v := c.value(r); v != c.last {
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

func appendCSV(b []byte, v value, delimiter rune) []byte {
	switch v.is {
	case aText:
		if b, ok := appendHarmless(b, v.text, delimiter); ok {
			return b
		}
		return appendField(b, neutral(audit.Visible(v.text, true)), delimiter)
	case aNumber:
		var text [20]byte
		return appendField(b, string(strconv.AppendInt(text[:0], v.number, 10)), delimiter)
	case aTime:
		var text [len(time.RFC3339)]byte
		return appendField(b, string(v.at().AppendFormat(text[:0], time.RFC3339)), delimiter)
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
