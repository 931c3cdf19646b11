package report

import (
	"os"
	"path/filepath"
	"testing"
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
	size, err := oneSheet(b.TempDir(), in, columns, values(rows)) // of the XML
	if err != nil {
		b.Fatal(err)
	}
	b.Run("ours", func(b *testing.B) {
		benchSheet(b, size, func() error { _, err := oneSheet(b.TempDir(), in, columns, values(rows)); return err })
	})
	b.Run("excelize-StreamWriter", func(b *testing.B) {
		benchSheet(b, size, func() error { return streamOf(filepath.Join(b.TempDir(), "sheet.xlsx"), columns, values(rows)) })
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
