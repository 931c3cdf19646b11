package runner

import (
	"context"
	"iter"
	"time"

	"tokenaudit/jobs/audit"
)

// TryOut is a run of the job at this moment that is never opened.
func (a *Assessor) TryOut(ctx context.Context, j Job) (audit.Run, error) {
	now, err := a.now(ctx)
	if err != nil {
		return audit.Run{}, err
	}
	// A second ahead, as no run is compared with one of its own slot.
	return audit.Run{Job: j.Name, Slot: now.UTC().Truncate(time.Second).Add(time.Second), Trigger: audit.Manual, Started: started(now)}, nil
}

func (a *Assessor) now(ctx context.Context) (time.Time, error) {
	if a.Now == nil {
		return time.Now(), nil
	}
	return a.Now(ctx)
}

// DryRun is the review that ReviewNow would make, with the same figures. It takes no
// lease, opens no run, writes no report and tells nobody, so that every other run goes on
// beside it. Of the runner it needs no ledger; its snapshots go to those of the runner.
func (r *Runner) DryRun(ctx context.Context, a *Assessor, j Job) (*audit.Summary, error) {
	run, err := a.TryOut(ctx, j)
	if err != nil {
		return nil, err
	}
	ctx = audit.WithRun(ctx, run)
	items := make([]audit.Item, len(j.Targets))
	err = r.eachTarget(ctx, j, j.targetNames(), func(asking context.Context, i int, name string) (err error) {
		items[i], err = a.Assess(ctx, asking, j, run, name, func(records iter.Seq2[audit.Record, error]) error {
			return r.Snapshots.Write(ctx, run, name, records)
		})
		return err
	})
	if ctx.Err() != nil { // nothing more was asked
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	finished, err := a.now(ctx)
	if err != nil {
		return nil, err
	}
	s, err := summarize(ctx, a.Earlier, j, run, items, finished, r.Tool)
	if err == nil {
		s.Campaigns, _, err = r.follow(ctx, j, s, true)
	}
	return &s, err
}
