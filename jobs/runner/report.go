package runner

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"tokenaudit/jobs/audit"
)

// Reports is the part of the ledger that holds what became of a run.
type Reports interface {
	Previous(ctx context.Context, run audit.Run) (*audit.Previous, error)
	Trend(ctx context.Context, run audit.Run) ([]audit.TrendPoint, error)
	Head(ctx context.Context, run audit.Run) (*audit.Link, error)
	Finish(ctx context.Context, o audit.Conclusion) error
	Conclusion(ctx context.Context, run audit.Run) (audit.Summary, audit.Highlights, error)
}

// report is the second step: sum up, write the reports, close the run.
func (r *Runner) report(ctx context.Context, j Job, run audit.Run) (*audit.Summary, error) {
	e, err := r.evidence(ctx, j, run)
	if err != nil {
		return nil, err
	}
	told := run.Trigger != audit.DryRun && len(j.Notifiers) > 0 // a dry run tells nobody, whoever finishes it
	heard := &hearing{rows: e.Rows}
	if told {
		e.Rows = heard.walk
	}
	pack, err := j.Report(ctx, r.Snapshots.Folder(run), e)
	if err != nil {
		return nil, fmt.Errorf("writing the reports: %w", err)
	}
	out := audit.Conclusion{Run: run, Summary: e.Summary, Pack: pack}
	if told {
		if err := j.drawUp(&out, heard); err != nil {
			return nil, fmt.Errorf("drawing up the messages: %w", err)
		}
	}
	if err := r.Ledger.Finish(ctx, out); err != nil {
		return nil, err
	}
	return &e.Summary, nil
}

// evidence gathers what the reports are made of. A record of an earlier run that is
// damaged does not keep this one from its report, which says what it lacks.
func (r *Runner) evidence(ctx context.Context, j Job, run audit.Run) (e Evidence, err error) {
	items, err := r.Ledger.Items(ctx, run)
	if err != nil {
		return e, err
	}
	previous, err := r.Ledger.Previous(ctx, run)
	notCompared, isDamaged := errors.AsType[*audit.DamagedError](err)
	if err != nil && !isDamaged {
		return e, err
	}
	if e.Trend, err = r.Ledger.Trend(ctx, run); errors.As(err, new(*audit.DamagedError)) {
		r.Log.Warn("the trend lacks a review", "job", j.Name, "run", run.ID(), "error", err)
	} else if err != nil {
		return e, err
	}
	if e.Previous, err = r.Ledger.Head(ctx, run); err != nil {
		return e, err
	}
	finished, err := r.Now(ctx)
	if err != nil {
		return e, err
	}
	e.Summary = audit.Summarize(run, items, finished, r.Tool, j.Policy, previous)
	if notCompared != nil {
		e.Summary.Coverage.Lower(audit.Partial, "a comparison with the review before is not possible, nor whether a target of it is missing now: "+notCompared.Error())
	}
	e.Rows = r.Rows(ctx, e.Summary)
	return e, nil
}

// drawUp notes the messages that a run owes, and what they say.
func (j Job) drawUp(out *audit.Conclusion, heard *hearing) (err error) {
	if out.Highlights, err = heard.highlights(); err != nil {
		return err
	}
	for _, n := range j.Notifiers {
		for _, name := range n.Deliveries(out.Summary, out.Highlights) {
			out.Deliveries = append(out.Deliveries, audit.Delivery{Notifier: n.Name, Name: name})
		}
	}
	return nil
}

// hearing gathers the highlights while the reports are made of the records, which saves
// reading them once more. One walk at a time.
type hearing struct {
	rows  Rows
	whole *audit.HighlightsBuilder // of a walk that came to its end
}

func (h *hearing) walk() iter.Seq2[audit.Record, error] {
	if h.whole != nil {
		return h.rows()
	}
	return func(yield func(audit.Record, error) bool) {
		var b audit.HighlightsBuilder
		for rec, err := range h.rows() {
			if err == nil {
				b.Add(&rec)
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
		h.whole = &b
	}
}

func (h *hearing) highlights() (audit.Highlights, error) {
	if h.whole != nil {
		return h.whole.Highlights(), nil
	}
	return audit.HighlightsOf(h.rows())
}
