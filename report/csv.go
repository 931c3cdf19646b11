package report

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
)

const (
	findingsFile       = "findings.csv"
	authorizationsFile = "authorizations.csv"
)

// tables are the CSV files, as RFC 4180 has them: commas, CRLF, and a header even
// when there are no rows.
type tables struct {
	*draft
	file           *os.File
	authorizations *csvTable
}

func beginCSV(d *draft) (output, error) {
	f, err := d.Create(authorizationsFile)
	if err != nil {
		return nil, err
	}
	t := &tables{draft: d, file: f}
	t.authorizations, err = newCSVTable(f, d.in.CSV, authorizationColumns())
	return t, err
}

func (t *tables) meet(r *row) error {
	if r.IsServer() {
		return nil
	}
	return t.authorizations.add(r)
}

func (t *tables) end(ctx context.Context) error {
	if err := errors.Join(t.authorizations.flush(0), t.file.Sync()); err != nil {
		return err
	}
	return t.draft.File(findingsFile, func(w io.Writer) error {
		return writeTable(w, t.in.CSV, findingColumns(), t.findingRows(ctx))
	})
}

func (t *tables) close() error { return t.file.Close() }

// CSVStyle is how the CSV files are written for a spreadsheet that does not read
// plain RFC 4180. The zero value is that.
type CSVStyle struct {
	Delimiter rune // 0 is a comma
	BOM       bool // a byte order mark in front, by which Excel knows UTF-8
}

func writeTable(w io.Writer, style CSVStyle, cols []column, rows iter.Seq2[*row, error]) error {
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
