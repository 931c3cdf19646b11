package main

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"tokenaudit/configs"
	"tokenaudit/jobs/metrics"
)

// scheduler is serve while it runs. Its ledger and its evidence stay open; what else the
// configuration says is exchanged at a reload.
type scheduler struct {
	cli     *cli
	log     *slog.Logger
	systemd *systemd
	health  *metrics.Health
	reloads *metrics.Reloads

	serving sync.WaitGroup // generations, until their last review has ended
	mu      sync.Mutex     // guards force
	force   generation
}

// generation is a configuration in force, and the jobs that follow it.
type generation struct {
	*app
	read    time.Time // when its file was read
	retired chan struct{}
}

// begin puts a configuration in force.
func (s *scheduler) begin(ctx context.Context, a *app, read time.Time) {
	collector, registry := a.metrics()
	registry.MustRegister(s.reloads)
	s.health.Attach(collector, registry)
	a.runner.Beat = func() {
		s.health.Beat()
		s.systemd.beat()
	}
	next := generation{a, read, make(chan struct{})}
	s.mu.Lock()
	if s.force.app != nil {
		close(s.force.retired)
	}
	s.force = next
	s.mu.Unlock()
	s.serving.Go(func() { a.runner.Serve(ctx, next.retired, a.jobs) })
}

// current is what is in force.
func (s *scheduler) current() generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.force
}

// untilEnd reads the configuration again whenever it is told to, until serve ends and
// with it the reviews that are under way.
func (s *scheduler) untilEnd(ctx context.Context, hangups <-chan os.Signal) {
	for {
		select {
		case <-hangups:
			s.reload(ctx)
		case <-ctx.Done():
			s.serving.Wait()
			return
		}
	}
}

// reload reads the configuration again, and puts it in force unless anything is wrong
// with it. Nothing waits for a review that is under way: the runner that began it ends
// it, and the lease of its job keeps the next runner from that job until then.
func (s *scheduler) reload(ctx context.Context) {
	s.systemd.reloading()
	read := time.Now()
	a, err := s.next(ctx)
	if err != nil {
		s.reloads.Refused()
		s.log.Error("the configuration was refused; the one before stays in force", "config", s.force.file.Path(), "in_force_since", s.force.read.UTC().Truncate(time.Second), "error", err)
		s.systemd.reloaded("the configuration was refused at " + read.UTC().Format(time.RFC3339) + ", see the log")
		return
	}
	s.begin(ctx, a, read)
	s.reloads.Succeeded(read)
	s.log.Info("the configuration was read again and is in force; reviews that are under way end with the one before", "config", s.force.file.Path(), "jobs", len(a.jobs), "targets", len(a.file.Targets))
	s.systemd.reloaded("the configuration in force was read at " + read.UTC().Format(time.RFC3339))
}

// next is what the file of the configuration says now.
func (s *scheduler) next(ctx context.Context) (*app, error) {
	file, err := s.cli.loadServed(ctx, s.force.file.Path())
	if err == nil {
		err = unchangeable(s.force.file, file)
	}
	if err != nil {
		return nil, err
	}
	return wireOver(ctx, s.force.app, file, nil, s.log, s.cli.secrets)
}

// loadServed loads a configuration that has jobs, and all the secrets that they need.
func (c *cli) loadServed(ctx context.Context, path string) (*configs.File, error) {
	file, err := c.loadConfig(path)
	if err != nil {
		return nil, err
	}
	if _, err := chosenJobs(file, ""); err != nil {
		return nil, err
	}
	return file, needSecrets(ctx, file, reviewSecrets(file, "", false)...)
}

// unchangeable names what stays open while serve runs, and has changed.
func unchangeable(before, now *configs.File) error {
	var changed []string
	for key, same := range map[string]bool{
		"store":          before.Store == now.Store,
		"store_password": before.StorePassword.Equal(now.StorePassword),
		"evidence":       before.Evidence == now.Evidence,
		"evidence_lock":  before.EvidenceLock == now.EvidenceLock,
	} {
		if !same {
			changed = append(changed, key)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	slices.Sort(changed)
	return usagef("changed, which needs a restart: %s", strings.Join(changed, ", "))
}
