package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/metrics"
	"tokenaudit/jobs/runner"
	"tokenaudit/notify/ping"
)

func (a *app) collector() *metrics.Collector {
	return &metrics.Collector{Ledger: a.ledger, Now: a.runner.Now, Jobs: a.jobs, Version: version, Go: runtime.Version()}
}

// metrics are those of the jobs and of the requests to InfluxDB.
func (a *app) metrics(c *metrics.Collector) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(c, a.traffic)
	return r
}

// writeMetrics writes the metrics of what a call of run leaves behind, whatever
// became of it: err says. An error comes before an exit code.
func (f runFlags) writeMetrics(a *app, err error) error {
	if f.metricsFile == "" {
		return err
	}
	failed := metrics.WriteTextfile(f.metricsFile, a.metrics(a.collector()))
	if failed != nil && errors.As(err, new(quietError)) {
		return failed
	}
	return errors.Join(err, failed)
}

// answer answers at address until ctx ends, "" for nowhere. What goes wrong later ends
// the process: one that nobody can watch must not seem well.
func answer(ctx context.Context, address string, h *metrics.Health, log *slog.Logger, fail context.CancelCauseFunc) error {
	if address == "" {
		return nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	log.Info("answering", "address", l.Addr().String())
	go func() {
		if err := metrics.Serve(ctx, l, h.Handler(), log); err != nil {
			fail(err)
		}
	}()
	return nil
}

// pinger makes the pings of a job. One that fails is logged, and no more.
func pinger(p ping.Pinger, log *slog.Logger) runner.PingFunc {
	return func(ctx context.Context, run audit.Run, event runner.PingEvent, text string) {
		if err := p.Send(ctx, run.ID(), string(event), text); err != nil {
			log.Warn("a ping did not arrive", "job", run.Job, "run", run.ID(), "error", err)
		}
	}
}
