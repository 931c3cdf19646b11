package report

import (
	"bytes"
	"encoding/csv"
	"testing"
	"time"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
)

// FuzzCSVIsThatOfTheStandardLibrary: byte by byte, whatever the delimiter.
func FuzzCSVIsThatOfTheStandardLibrary(f *testing.F) {
	for _, s := range hostile() {
		f.Add(s[:min(len(s), 100)], "x", int64(0), ',')
	}
	f.Add(`\.`, " a", int64(1), ';')
	f.Add("a\tb", "\u2003wide", int64(-1), '\t')
	f.Add("a|b", "\"", int64(1<<40), '|')
	f.Add("a€b", "\r\n", int64(1<<33), '€')
	f.Fuzz(func(t *testing.T, a, b string, n int64, delimiter rune) {
		if delimiter == 0 || delimiter == '"' || delimiter == '\r' || delimiter == '\n' || !utf8.ValidRune(delimiter) || delimiter == utf8.RuneError {
			return
		}
		at := time.Unix(n, 0)
		if at.Year() < 0 || at.Year() > 9999 {
			return
		}
		cells := []value{str(a), str(b), num(int(n)), when(at), {}}
		var columns []column
		for _, v := range cells {
			columns = append(columns, column{name: "n", value: func(*row) value { return v }})
		}
		var got, want bytes.Buffer
		if err := writeTable(&got, CSVStyle{Delimiter: delimiter}, columns, values([]*row{{}, {}})); err != nil {
			t.Fatal(err)
		}
		w := csv.NewWriter(&want)
		w.Comma, w.UseCRLF = delimiter, true
		line := []string{neutral(audit.Visible(a, true)), neutral(audit.Visible(b, true)), csvCell(int(n)), csvCell(at), ""}
		if err := w.WriteAll([][]string{{"n", "n", "n", "n", "n"}, line, line}); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("%q, the standard library has %q", got.String(), want.String())
		}
	})
}
