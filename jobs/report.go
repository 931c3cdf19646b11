package jobs

import (
	"context"
	"fmt"

	"tokenaudit/jobs/audit"
)

// Reports is the part of the ledger that holds what became of a run.
type Reports interface {
	Previous(ctx context.Context, run audit.Run) (*audit.Previous, error)
	Trend(ctx context.Context, run audit.Run) ([]audit.TrendPoint, error)
	Head(ctx context.Context, run audit.Run) (*audit.Link, error)
	Finish(ctx context.Context, o audit.Conclusion) error
	Conclusion(ctx context.Context, run audit.Run) (audit.Summary, audit.News, error)
}

// report is the second step: sum up, write the reports, close the run.
func (r *Runner) report(ctx context.Context, j Job, run audit.Run) (*audit.Summary, error) {
	e, err := r.evidence(ctx, j, run)
	if err != nil {
		return nil, err
	}
	pack, err := j.Report(ctx, r.Snapshots.Folder(run), e)
	if err != nil {
		return nil, fmt.Errorf("writing the reports: %w", err)
	}
	out := audit.Conclusion{Run: run, Summary: e.Summary, Pack: pack}
	if run.Trigger != audit.DryRun { // nobody is told, whoever finishes it
		if out.News, out.Parts, err = j.parts(e); err != nil {
			return nil, fmt.Errorf("drawing up the messages: %w", err)
		}
	}
	if err := r.Ledger.Finish(ctx, out); err != nil {
		return nil, err
	}
	return &e.Summary, nil
}

func (r *Runner) evidence(ctx context.Context, j Job, run audit.Run) (e Evidence, err error) {
	items, err := r.Ledger.Items(ctx, run)
	if err != nil {
		return e, err
	}
	previous, err := r.Ledger.Previous(ctx, run)
	if err != nil {
		return e, err
	}
	if e.Trend, err = r.Ledger.Trend(ctx, run); err != nil {
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
	e.Rows = r.Rows(ctx, e.Summary)
	return e, nil
}

// parts are the messages that a run owes, and what they say.
func (j Job) parts(e Evidence) (audit.News, []audit.Part, error) {
	if len(j.Outlets) == 0 {
		return audit.News{}, nil, nil
	}
	news, err := audit.NewsOf(e.Rows())
	var parts []audit.Part
	for _, o := range j.Outlets {
		for _, name := range o.Parts(e.Summary, news) {
			parts = append(parts, audit.Part{Outlet: o.Name, Name: name})
		}
	}
	return news, parts, err
}
