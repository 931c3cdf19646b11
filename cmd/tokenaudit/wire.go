package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
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
// message is opened for delivery. The clock is that of the ledger, unless now is one.
func wire(ctx context.Context, f *configs.File, now jobs.Clock, log *slog.Logger, dryRun bool) (*app, error) {
	sources := map[string]jobs.Target{}
	for _, cfg := range f.Targets {
		source, err := newSource(cfg, log)
		if err != nil {
			return nil, err
		}
		sources[cfg.Name] = jobs.Target{Name: cfg.Name, Host: cfg.Host(), Source: source}
	}
	controls, err := f.RelatedControls()
	if err != nil {
		return nil, usageError{err}
	}
	ledger, err := history.Open(ctx, f.Store, f.StorePassword)
	if err != nil {
		return nil, err
	}
	if now == nil {
		now = ledger.Now
	}
	a := &app{ledger: ledger, runner: &jobs.Runner{
		Ledger: ledger, Snapshots: history.Snapshots{Evidence: f.Evidence}, Tool: tool(), Now: now, Log: log, Holder: rand.Text(),
		Parallel: int(f.Parallel), PerHost: int(f.ParallelPerHost),
	}}
	for _, cfg := range f.Jobs {
		schedule, err := jobs.ParseSchedule(cfg.Schedule, cfg.Timezone)
		if err != nil {
			ledger.Close()
			return nil, fmt.Errorf("job %q: %w", cfg.Name, err)
		}
		job := jobs.Job{
			Name: cfg.Name, Schedule: schedule, Policy: f.Audit(), Report: evidence{f, cfg, controls, log}.write,
			CatchUp: time.Duration(cfg.CatchUp), Jitter: time.Duration(cfg.Jitter), Deadline: time.Duration(cfg.Deadline), DeliverWithin: time.Duration(cfg.DeliverWithin),
		}
		for _, t := range f.Targets {
			if len(cfg.Targets) == 0 || slices.Contains(cfg.Targets, t.Name) {
				job.Targets = append(job.Targets, sources[t.Name])
			}
		}
		if cfg.Slack != nil && !dryRun {
			job.Outlets = append(job.Outlets, a.outlet("slack", notify.NewSlack(*cfg.Slack, nil, log)))
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

// outlet says runs through a notifier.
func (a *app) outlet(name string, n notify.Notifier) jobs.Outlet {
	send := func(ctx context.Context, m jobs.Message) (string, error) {
		said := a.message(m.Summary, m.News)
		said.Part, said.Root, said.Again, said.Since = m.Name, m.Root, m.Again(), m.Since
		ref, err := n.Send(ctx, said)
		if err != nil && !errors.Is(err, notify.ErrNotPosted) {
			err = &jobs.UncertainError{Err: err, LetBe: errors.Is(err, notify.ErrLetBe)}
		}
		return ref, err
	}
	return jobs.Outlet{Name: name, Parts: n.Parts, Send: send}
}

// message is what there is to say about a run.
func (a *app) message(s audit.Summary, n audit.News) notify.Message {
	folder := a.runner.Snapshots.Folder(s.Run())
	open := func(_ context.Context, name string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(folder, name))
	}
	return notify.Message{Summary: s, News: n, Evidence: folder, Open: open}
}

// drawUp draws up what a finished run says, from its evidence.
func (a *app) drawUp(s audit.Summary) (notify.Message, error) {
	news, err := audit.NewsOf(a.runner.Rows(s)())
	return a.message(s, news), err
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
