package report

import (
	"context"
	"iter"

	"tokenaudit/jobs/audit"
)

// authorizationRows are the rows of the whole population, those included that are
// gone since the previous review.
func (d *draft) authorizationRows(ctx context.Context) iter.Seq2[*row, error] {
	return mapped(withoutServer(d.rows(ctx)), func(r audit.Record) *row { return authorizationRow(r, d.in.Summary.Started) })
}

// withoutServer leaves out the record that stands for the server itself.
func withoutServer(seq iter.Seq2[audit.Record, error]) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for r, err := range seq {
			if err == nil && r.IsServer() {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// findingRows are the rows of the findings, worst first.
func (d *draft) findingRows(ctx context.Context) iter.Seq2[*row, error] {
	all := untilDone(ctx, d.findings.all())
	return mapped(all, func(h hit) *row { return findingRow(h, d.in.Summary.Started) })
}

func mapped[T, U any](seq iter.Seq2[T, error], f func(T) U) iter.Seq2[U, error] {
	return func(yield func(U, error) bool) {
		for v, err := range seq {
			if err != nil {
				var none U
				yield(none, err)
				return
			}
			if !yield(f(v), nil) {
				return
			}
		}
	}
}
