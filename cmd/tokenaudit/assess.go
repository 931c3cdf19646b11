package main

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"time"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/bolt"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
)

// sourceOf is what a review of cfg asks. It sends nothing.
func sourceOf(cfg influx.Config, log *slog.Logger) (runner.Source, error) {
	if cfg.Bolt != "" {
		return bolt.New(cfg)
	}
	return influx.NewTarget(cfg, log)
}

// earlierReviews opens what earlier reviews left, to look at it only. An assessor
// without any is one for a first review; err says why they could not be read. Close
// frees what is held, whatever err.
func earlierReviews(ctx context.Context, f *configs.File, log *slog.Logger) (a *runner.Assessor, close func() error, err error) {
	a = &runner.Assessor{Log: log}
	close = func() error { return nil }
	if path, isFile := ledger.StorePath(f.Store); isFile && !exists(path) {
		return a, close, nil
	}
	r, err := ledger.OpenReader(ctx, f.Store, f.StorePassword)
	if errors.Is(err, ledger.ErrNone) {
		return a, close, nil
	}
	if err != nil {
		return a, close, err
	}
	archive, err := evidence.Open(f.Evidence, f.EvidenceLock)
	if err != nil {
		return a, r.Close, err
	}
	a.Earlier, a.Snapshots = r, archive
	return a, func() error { return errors.Join(r.Close(), archive.Close()) }, nil
}

// assess reaches the verdict on a target that a review of the job would reach now, and
// keeps nothing.
func assess(ctx context.Context, a *runner.Assessor, j runner.Job, target string, write func(iter.Seq2[audit.Record, error]) error) (audit.Coverage, error) {
	item, err := a.Assess(ctx, ctx, j, tryOut(j), target, write)
	return item.Coverage, err
}

// tryOut is a run of the job that is never opened.
func tryOut(j runner.Job) audit.Run {
	now := time.Now().UTC()
	// A second ahead, as no run is compared with one of its own slot.
	return audit.Run{Job: j.Name, Slot: now.Truncate(time.Second).Add(time.Second), Trigger: audit.DryRun, Started: now}
}

// jobsToTry are the jobs as far as a verdict needs them. Targets that no job reviews are
// in one without a name.
func jobsToTry(f *configs.File, targets []runner.Target) []runner.Job {
	var out []runner.Job
	roster := f.RosterAt()
	reviewed := map[string]bool{}
	for _, cfg := range f.Jobs {
		j := runner.Job{Name: cfg.Name, Policy: f.Audit(), Roster: roster}
		if s, err := schedule.Parse(cfg.Schedule, cfg.Timezone); err == nil { // loading it told
			j.Schedule = s
		}
		for _, t := range targets {
			if len(cfg.Targets) == 0 || slices.Contains(cfg.Targets, t.Name) {
				j.Targets = append(j.Targets, t)
				reviewed[t.Name] = true
			}
		}
		out = append(out, j)
	}
	rest := runner.Job{Policy: f.Audit(), Roster: roster}
	for _, t := range targets {
		if !reviewed[t.Name] {
			rest.Targets = append(rest.Targets, t)
		}
	}
	if len(rest.Targets) > 0 {
		out = append(out, rest)
	}
	return out
}
