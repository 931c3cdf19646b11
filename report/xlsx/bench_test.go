package xlsx

import (
	"bufio"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	excelize "github.com/xuri/excelize/v2"

	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

// TestBenchSheet is a program of .ci/bench rather than a test: it writes one sheet
// of 18 columns and BENCH_ROWS rows as BENCH_SHEET says: by ours, by excelize as it
// documents that, or as the input of the program that uses libxlsxwriter. A sheet
// beside the process of another keeps their memory apart.
func TestBenchSheet(t *testing.T) {
	way := os.Getenv("BENCH_SHEET")
	if way == "" {
		t.Skip("a program of .ci/bench")
	}
	n, err := strconv.Atoi(os.Getenv("BENCH_ROWS"))
	if err != nil {
		t.Fatal(err)
	}
	in := reporttest.Thousands(t, 1000)
	rows, columns := allRowsOf(t, in), table.AuthorizationColumns()[:18]
	switch way {
	case "ours":
		_, err = oneSheet(t.TempDir(), in, columns, cycled(rows, n))
	case "excelize":
		err = streamOf(filepath.Join(t.TempDir(), "sheet.xlsx"), columns, cycled(rows, n))
	case "input":
		err = sheetInput(os.Getenv("BENCH_INPUT"), columns, rows)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func allRowsOf(t *testing.T, in table.Input) []*table.Row {
	t.Helper()
	rows, _ := reporttest.AllRows(t, in)
	return rows
}

// cycled repeats rows until there are n.
func cycled(rows []*table.Row, n int) iter.Seq2[*table.Row, error] {
	return func(yield func(*table.Row, error) bool) {
		for i := range n {
			if !yield(rows[i%len(rows)], nil) {
				return
			}
		}
	}
}

// sheetInput writes a line for each row, and in it for each column its kind and
// value: s for text, n for a number.
func sheetInput(path string, columns []table.Column, rows []*table.Row) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, r := range rows {
		for i, c := range columns {
			kind, text := inputOf(c.Value(r).Boxed())
			if i > 0 {
				w.WriteByte('\t')
			}
			w.WriteString(kind + strings.NewReplacer("\t", " ", "\n", " ").Replace(text))
		}
		w.WriteByte('\n')
	}
	return errors.Join(w.Flush(), f.Close())
}

func inputOf(v any) (kind, text string) {
	switch v := v.(type) {
	case time.Time:
		if v.IsZero() {
			return "s", ""
		}
		return "d", fmt.Sprint(float64(v.Unix())/86400 + 25569) // 1970-01-01 as Excel counts
	case int:
		return "n", strconv.Itoa(v)
	case nil:
		return "s", ""
	}
	return "s", fmt.Sprint(v)
}

// streamOf writes a sheet as the documentation of excelize has it.
func streamOf(path string, columns []table.Column, rows iter.Seq2[*table.Row, error]) error {
	f := excelize.NewFile()
	sw, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	style, err := f.NewStyle(&excelize.Style{NumFmt: 22})
	if err != nil {
		return err
	}
	i := 0
	for r := range rows {
		i++
		line := make([]any, 0, len(columns))
		for _, c := range columns {
			line = append(line, excelize.Cell{StyleID: style, Value: c.Value(r).Boxed()})
		}
		if err := sw.SetRow("A"+strconv.Itoa(i), line); err != nil {
			return err
		}
	}
	if err := sw.Flush(); err != nil {
		return err
	}
	return errors.Join(f.SaveAs(path), f.Close())
}

func oneSheet(dir string, in table.Input, columns []table.Column, rows iter.Seq2[*table.Row, error]) (int64, error) {
	d, err := table.NewDraft(dir, in)
	if err != nil {
		return 0, err
	}
	book, err := newBook(d, excelize.TotalRows)
	if err != nil {
		return 0, err
	}
	// The list of the authorizations is begun already: this one follows.
	err = book.list("Sheet", 4, columns).fill(rows)
	return book.archive.size, errors.Join(err, book.archive.zip.Close(), book.Close())
}
