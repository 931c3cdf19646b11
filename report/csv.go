package report

import (
	"context"
	"encoding/csv"
	"io"
	"iter"
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

// writeCSV writes as RFC 4180 has it: commas, CRLF, and a header even when there
// are no rows.
func writeCSV(ctx context.Context, d *draft) error {
	err := d.file(findingsFile, func(w io.Writer) error {
		return table(w, d.in.CSV, findingColumns(), d.findingRows(ctx))
	})
	if err != nil {
		return err
	}
	return d.file(authorizationsFile, func(w io.Writer) error {
		return table(w, d.in.CSV, authorizationColumns(), d.authorizationRows(ctx))
	})
}

// CSVStyle is how the CSV files are written for a spreadsheet that does not read
// plain RFC 4180. The zero value is that.
type CSVStyle struct {
	Delimiter rune // 0 is a comma
	BOM       bool // a byte order mark in front, by which Excel knows UTF-8
}

func table(w io.Writer, style CSVStyle, cols []column, rows iter.Seq2[*row, error]) error {
	if style.BOM {
		if _, err := io.WriteString(w, "\ufeff"); err != nil {
			return err
		}
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if style.Delimiter != 0 {
		out.Comma = style.Delimiter
	}
	cells := make([]string, len(cols))
	for i, c := range cols {
		cells[i] = c.name
	}
	if err := out.Write(cells); err != nil {
		return err
	}
	for r, err := range rows {
		if err != nil {
			return err
		}
		for i, c := range cols {
			cells[i] = csvCell(c.value(r))
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

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
