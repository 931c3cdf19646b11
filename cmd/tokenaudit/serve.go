package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/metrics"
)

func (c *cli) serve() *cobra.Command {
	var config, listen string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run reviews on schedule until stopped",
		Long: `serve runs every job on its schedule until it is stopped. A review that was due while
serve did not run is made once at the start, unless it is older than the job's catch_up.
SIGTERM or Ctrl-C ends it; the next start continues an interrupted review.

SIGHUP makes it read its configuration again (systemctl reload tokenaudit). A review
that is under way ends with the configuration with which it began. A configuration with
a mistake is refused, and the one before stays in force: the log and the metrics say so.

With --listen it answers everyone who can reach the address. The answers contain names
of jobs and targets, and counts.

  /healthz  503 if the scheduler stopped, so that the process must be restarted
  /readyz   503 until the jobs run, and while the store cannot be read
  /metrics  for Prometheus; job_overdue shows which review is late

Under systemd it reports when it is ready, and that it is alive.`,
		Example: `  tokenaudit serve -c tokenaudit.yaml
  tokenaudit serve -c tokenaudit.yaml --listen 127.0.0.1:9478`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.serveJobs(cmd.Context(), config, listen) },
	}
	configFlag(cmd, &config)
	cmd.Flags().StringVar(&listen, "listen", "", "address for health and metrics, such as 127.0.0.1:9478 (default: none)")
	return cmd
}

func (c *cli) serveJobs(ctx context.Context, path, listen string) error {
	if err := checkListen(listen); err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // never comes on Windows
	defer signal.Stop(hangups)
	file, err := c.loadServed(ctx, path)
	if err != nil {
		return err
	}
	if err := refuseRoot(file); err != nil {
		return err
	}
	read := time.Now()
	log := c.log(slog.LevelInfo)
	manager, err := newSystemd(log)
	if err != nil {
		return err
	}
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	health := &metrics.Health{}
	if listen != "" { // before the ledger is there
		l, err := net.Listen("tcp", listen)
		if err != nil {
			return fmt.Errorf("--listen: %w", err)
		}
		log.Info("answering", "address", l.Addr().String())
		go func() { // a process that nobody can watch must not seem well, so it ends
			if err := metrics.Serve(running, l, health.Handler(), log); err != nil {
				fail(err)
			}
		}()
	}
	a, err := whenReachable(running, log, manager.waiting, func() (*app, error) { return openJobs(running, file, log, c.secrets) })
	switch {
	case ctx.Err() != nil && ledger.Unreachable(err):
		log.Info("stopped")
		return nil
	case err != nil:
		return forOwner(file, err)
	}
	defer a.close()
	s := &scheduler{cli: c, log: log, systemd: manager, health: health, reloads: metrics.NewReloads()}
	s.begin(running, a, read)
	if store, isFile := ledger.StorePath(file.Store); isFile {
		defer s.listen(running, store+controlSuffix)()
	}
	stop := context.AfterFunc(running, func() {
		health.Detach()
		manager.stopping()
	})
	defer stop()
	s.untilEnd(running, hangups)
	if ctx.Err() == nil { // it ends for another reason than being told to
		return context.Cause(running)
	}
	log.Info("stopped")
	return nil
}

// checkListen refuses what is no address before anything else is done.
func checkListen(address string) error {
	if address == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil || strings.Contains(host, "/") {
		return usagef("--listen %q: needs HOST:PORT, such as 127.0.0.1:9478", address)
	}
	return nil
}

// whenReachable tries to open until the store can be reached, ever more rarely, or ctx
// ends. It logs the first time only. What is wrong with the store ends it.
func whenReachable(ctx context.Context, log *slog.Logger, waiting func(next time.Duration), open func() (*app, error)) (*app, error) {
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		a, err := open()
		if !ledger.Unreachable(err) {
			return a, err
		}
		if pause == time.Second {
			log.Warn("the store cannot be reached; waiting for it", "error", err)
		}
		waiting(pause)
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}
