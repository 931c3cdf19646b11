package main

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"
)

func (c *cli) serve() *cobra.Command {
	var config, listen string
	cmd := &cobra.Command{
		Use:   "serve -c FILE",
		Short: "Run reviews on schedule until stopped",
		Long: `serve stays and runs every job on its schedule. A slot that passed while nothing
ran is caught up at the start, once, if it is not older than the job's catch_up.
SIGTERM or Ctrl-C ends it; a review that is cut off is taken up at the next start.

With --listen it answers /metrics for Prometheus, /healthz (503 while a slot is
overdue) and /readyz, to whoever asks: the answers hold names of jobs and targets,
and counts. Under systemd it says when it is ready, and that it is alive.`,
		Example: `  tokenaudit serve -c tokenaudit.yaml
  tokenaudit serve -c tokenaudit.yaml --listen 127.0.0.1:9478`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.serveJobs(cmd.Context(), config, listen) },
	}
	cmd.Flags().StringVarP(&config, "config", "c", "", "configuration file")
	cmd.Flags().StringVar(&listen, "listen", "", "address to answer at, such as 127.0.0.1:9478 (default: none)")
	return cmd
}

func (c *cli) serveJobs(ctx context.Context, path, listen string) error {
	file, err := loadConfig(path)
	if err != nil {
		return err
	}
	if len(file.Jobs) == 0 {
		return usagef("%s has no jobs; add one under jobs", path)
	}
	log := c.log(slog.LevelInfo)
	service, err := newSystemd(log)
	if err != nil {
		return err
	}
	a, err := wire(ctx, file, nil, log, false)
	if err != nil {
		return err
	}
	defer a.close()
	return a.serve(ctx, listen, service, log)
}

// serve runs the jobs until ctx ends, and that is no error.
func (a *app) serve(ctx context.Context, listen string, service *systemd, log *slog.Logger) error {
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	health, err := a.watch(running, listen, log, fail)
	if err != nil {
		return err
	}
	a.runner.Beat = func() {
		health.SetReady(running.Err() == nil)
		service.beat()
	}
	stop := context.AfterFunc(running, func() {
		health.SetReady(false)
		service.stopping()
	})
	defer stop()
	a.runner.Serve(running, a.jobs)
	if ctx.Err() == nil {
		return context.Cause(running)
	}
	log.Info("stopped")
	return nil
}
