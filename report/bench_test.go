package report

import (
	"fmt"
	"iter"
	"testing"

	"tokenaudit/jobs/audit"
)

// many is the fixture without its giants, repeated up to n records.
func many(b *testing.B, n int) Input {
	in := input(b)
	rows := in.Rows
	in.Rows = func() iter.Seq2[audit.Record, error] {
		return func(yield func(audit.Record, error) bool) {
			for i := 0; i < n; {
				for r := range rows() {
					if len(r.Description) > 1000 {
						continue
					}
					r.ID = fmt.Sprintf("%016x", i)
					if i++; i > n || !yield(r, nil) {
						return
					}
				}
			}
		}
	}
	return in
}

func benchmark(b *testing.B, format string) {
	in, dir := many(b, 10_000), b.TempDir()
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(b.Context(), dir, []string{format}, in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCSV(b *testing.B) { benchmark(b, "csv") }

func BenchmarkXLSX(b *testing.B) { benchmark(b, "xlsx") }
