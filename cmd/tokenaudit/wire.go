package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"time"

	"tokenaudit/configs"
	"tokenaudit/jobs"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/history"
	"tokenaudit/jobs/influx"
	"tokenaudit/notify"
)

// app is a configuration turned into objects.
type app struct {
	runner *jobs.Runner
	jobs   []jobs.Job
	ledger *history.Ledger
}

// wire is one straight line from configuration to objects, on purpose: cut into
// pieces it would only pass a wide state around. It sends nothing. With dryRun no
// message is opened for delivery.
func wire(ctx context.Context, f *configs.File, now func() time.Time, log *slog.Logger, dryRun bool) (*app, error) {
	sources := map[string]jobs.Target{}
	for _, cfg := range f.Targets {
		source, err := newSource(cfg, log)
		if err != nil {
			return nil, err
		}
		sources[cfg.Name] = jobs.Target{Name: cfg.Name, Source: source}
	}
	controls, err := f.RelatedControls()
	if err != nil {
		return nil, usageError{err}
	}
	ledger, err := history.Open(ctx, f.Store)
	if err != nil {
		return nil, err
	}
	a := &app{ledger: ledger, runner: &jobs.Runner{
		Ledger: ledger, Snapshots: history.Snapshots{Evidence: f.Evidence}, Tool: tool(), Now: now, Log: log,
	}}
	for _, cfg := range f.Jobs {
		schedule, err := jobs.ParseSchedule(cfg.Schedule, cfg.Timezone)
		if err != nil {
			ledger.Close()
			return nil, fmt.Errorf("job %q: %w", cfg.Name, err)
		}
		job := jobs.Job{
			Name: cfg.Name, Schedule: schedule, Policy: f.Audit(), Report: evidence{f, cfg, controls, log}.write,
			CatchUp: time.Duration(cfg.CatchUp), Jitter: time.Duration(cfg.Jitter), Deadline: time.Duration(cfg.Deadline),
		}
		for _, t := range f.Targets {
			if len(cfg.Targets) == 0 || slices.Contains(cfg.Targets, t.Name) {
				job.Targets = append(job.Targets, sources[t.Name])
			}
		}
		if cfg.Slack != nil && !dryRun {
			job.Parts = map[string]jobs.Send{"summary": sender(notify.NewSlack(*cfg.Slack, nil, log))}
		}
		a.jobs = append(a.jobs, job)
	}
	return a, nil
}

func newSource(cfg influx.Config, log *slog.Logger) (jobs.Source, error) {
	if cfg.Bolt != "" {
		return influx.NewBolt(cfg)
	}
	return influx.NewTarget(cfg, log)
}

// sender says a run through a notifier.
func sender(n notify.Notifier) jobs.Send {
	return func(ctx context.Context, s audit.Summary, rows jobs.Rows, folder string) (string, error) {
		m, err := message(s, rows(), folder)
		if err != nil {
			return "", err
		}
		ref, err := n.Send(ctx, m)
		if err != nil && !errors.Is(err, notify.ErrNotPosted) {
			err = &jobs.UncertainError{Err: err}
		}
		return ref, err
	}
}

func message(s audit.Summary, rows iter.Seq2[audit.Record, error], folder string) (notify.Message, error) {
	news, err := audit.NewsOf(rows, notify.MaxRows)
	return notify.Message{Summary: s, News: news, Evidence: folder}, err
}

// message draws up what a finished run says, from its evidence.
func (a *app) message(s audit.Summary) (notify.Message, error) {
	return message(s, a.runner.Rows(s)(), a.runner.Snapshots.Folder(s.Run()))
}

// job finds a job by name; "" finds all.
func (a *app) find(name string) ([]jobs.Job, error) {
	if name == "" {
		return a.jobs, nil
	}
	byName := map[string]jobs.Job{}
	for _, j := range a.jobs {
		byName[j.Name] = j
	}
	if j, ok := byName[name]; ok {
		return []jobs.Job{j}, nil
	}
	return nil, usagef("no job %q in the configuration; it has %v", name, slices.Sorted(maps.Keys(byName)))
}
