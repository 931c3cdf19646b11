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
		return table(w, findingColumns(), d.findingRows(ctx))
	})
	if err != nil {
		return err
	}
	return d.file(authorizationsFile, func(w io.Writer) error {
		return table(w, authorizationColumns(), d.authorizationRows(ctx))
	})
}

func table(w io.Writer, cols []column, rows iter.Seq2[*row, error]) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
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
