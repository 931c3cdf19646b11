package report

import (
	"context"
	"encoding/json"
	"io"
	"iter"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

const summaryFile = "summary.json"

// draft is a report in the making.
type draft struct {
	*table.Staging
	in       Input
	findings *findings
}

func newDraft(dir string, in Input) (*draft, error) {
	staging, err := table.NewStaging(dir)
	return &draft{Staging: staging, in: in}, err
}

func (d *draft) write(ctx context.Context, chosen []format) error {
	if err := d.writeAll(ctx, chosen); err != nil {
		return err
	}
	if err := d.File(summaryFile, d.writeSummary); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var files []string
	for _, f := range chosen {
		files = append(files, f.files...)
	}
	return d.Publish(append(files, summaryFile))
}

func (d *draft) writeSummary(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(d.in.Summary)
}

// records walks the records until the context ends.
func (d *draft) records(ctx context.Context) iter.Seq2[audit.Record, error] {
	return untilDone(ctx, d.in.Rows())
}

func untilDone[T any](ctx context.Context, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}
