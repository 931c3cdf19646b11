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
func assess(ctx context.Context, a *runner.Assessor, j runner.Job, write func(iter.Seq2[audit.Record, error]) error) (audit.Coverage, error) {
	now := time.Now().UTC()
	run := audit.Run{Job: j.Name, Slot: now.Truncate(time.Second), Trigger: audit.DryRun, Started: now}
	item, err := a.Assess(ctx, ctx, j, run, j.Targets[0].Name, write)
	return item.Coverage, err
}

// jobOf is a job with that target alone: the first one that is configured to review it.
func jobOf(f *configs.File, target runner.Target) runner.Job {
	job := runner.Job{Name: "doctor", Policy: f.Audit(), Targets: []runner.Target{target}}
	for _, cfg := range f.Jobs {
		if len(cfg.Targets) > 0 && !slices.Contains(cfg.Targets, target.Name) {
			continue
		}
		job.Name = cfg.Name
		if s, err := schedule.Parse(cfg.Schedule, cfg.Timezone); err == nil {
			job.Schedule = s
		}
		break
	}
	return job
}
