package audit

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"
)

const benchRows = 20_000

func benchTokens(yield func(Authorization, error) bool) {
	for i := range benchRows {
		a := token(fmt.Sprintf("%016x", i), "telegraf on a gateway")
		a.Permissions = []Permission{{"write", Resource{Type: "buckets", ID: "b", Name: "telemetry", OrgID: a.OrgID}}}
		if !yield(a, nil) {
			return
		}
	}
}

// BenchmarkMerge judges authorizations, for the first time and against the review
// of the week before.
func BenchmarkMerge(b *testing.B) {
	rv := reviewAt(reviewed, nil)
	rv.Authorizations = benchTokens
	var before []Record
	for r := range rv.Merge(b.Context(), b.Context(), seqOf[Record]()) {
		before = append(before, r)
	}
	for name, seq := range map[string]iter.Seq2[Record, error]{"first": seqOf[Record](), "again": seqOf(before...)} {
		b.Run(name, func(b *testing.B) {
			rv.Now = reviewed.Add(7 * 24 * time.Hour)
			var start, end runtime.MemStats
			runtime.ReadMemStats(&start)
			for b.Loop() {
				for _, err := range rv.Merge(context.Background(), context.Background(), seq) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			runtime.ReadMemStats(&end)
			rows := float64(b.N) * benchRows
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/rows, "ns/authorization")
			b.ReportMetric(float64(end.Mallocs-start.Mallocs)/rows, "allocs/authorization")
		})
	}
}
