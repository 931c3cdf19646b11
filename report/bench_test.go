package report

import (
	"os"
	"path/filepath"
	"testing"

	"tokenaudit/report/reporttest"
)

const benchRows = 10_000

// benchmark writes a format of as many authorizations; a byte is one of its files.
func benchmark(b *testing.B, format string) {
	in, dir := reporttest.Thousands(b, benchRows), b.TempDir()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Write(b.Context(), dir, []string{format}, in); err != nil {
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

func BenchmarkHTML(b *testing.B) { benchmark(b, "html") }
