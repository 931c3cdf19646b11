package report

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/xuri/excelize/v2"
)

const benchRows = 10_000

// benchmark writes a format of as many authorizations; a byte is one of its files.
func benchmark(b *testing.B, format string) {
	in, dir := thousands(b, benchRows), b.TempDir()
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(b.Context(), dir, []string{format}, in); err != nil {
			b.Fatal(err)
		}
	}
	perAuthorization(b, sizeOf(b, dir))
}

func perAuthorization(b *testing.B, bytes int64) {
	b.SetBytes(bytes)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/authorization")
}

func sizeOf(b *testing.B, dir string) (size int64) {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	return size
}

func BenchmarkCSV(b *testing.B) { benchmark(b, "csv") }

func BenchmarkWorkbook(b *testing.B) { benchmark(b, "xlsx") }

// BenchmarkXLSX is one sheet of 18 columns, by ours and as excelize documents it.
func BenchmarkXLSX(b *testing.B) {
	in := thousands(b, benchRows)
	rows, _ := allRows(b, in)
	columns := authorizationColumns()[:18]
	size, err := oneList(b, in, columns, rows) // of the XML
	if err != nil {
		b.Fatal(err)
	}
	b.Run("ours", func(b *testing.B) {
		benchSheet(b, size, func() error { _, err := oneList(b, in, columns, rows); return err })
	})
	b.Run("excelize-StreamWriter", func(b *testing.B) {
		benchSheet(b, size, func() error { return oneStream(columns, rows) })
	})
}

func benchSheet(b *testing.B, size int64, write func() error) {
	b.ReportAllocs()
	for b.Loop() {
		if err := write(); err != nil {
			b.Fatal(err)
		}
	}
	perAuthorization(b, size)
}

func oneList(b *testing.B, in Input, columns []column, rows []*row) (int64, error) {
	d, err := newDraft(b.TempDir(), in)
	if err != nil {
		return 0, err
	}
	book, err := newBook(d, excelize.TotalRows)
	if err != nil {
		return 0, err
	}
	// The list of the authorizations is begun already: this one follows.
	err = book.list("Sheet", 4, columns).fill(values(rows))
	return book.archive.size, errors.Join(err, book.archive.zip.Close(), book.close())
}

func oneStream(columns []column, rows []*row) error {
	f := excelize.NewFile()
	sw, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	style, err := f.NewStyle(&excelize.Style{NumFmt: 22})
	if err != nil {
		return err
	}
	for i, r := range rows {
		line := make([]any, 0, len(columns))
		for _, c := range columns {
			line = append(line, excelize.Cell{StyleID: style, Value: c.value(r).boxed()})
		}
		if err := sw.SetRow("A"+strconv.Itoa(i+1), line); err != nil {
			return err
		}
	}
	if err := sw.Flush(); err != nil {
		return err
	}
	_, err = f.WriteTo(io.Discard)
	return errors.Join(err, f.Close())
}
