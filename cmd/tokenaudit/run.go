package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/metrics"
	"tokenaudit/jobs/runner"
)

// runFlags are the flags of run.
type runFlags struct {
	config, job, failOn, metricsFile string
	now, dryRun, json                bool

	note func(job string, s *audit.Summary, err error) // what became of a job
}

func (c *cli) run() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the reviews that are due, or one at once",
		Long: `run does what is due now, and ends. It reviews the newest slot that is due, finishes an
interrupted review, and delivers messages that did not arrive. A slot is a time at which
a review is due. Call it from cron or a systemd timer more often than reviews are
due: each slot is reviewed once. With --now it reviews at once; that review counts like
any other.

Beside a running serve on the same SQLite store, --now asks serve for the review, by its
configuration, and prints what came of it. Ctrl-C does not end a review that serve has
begun. Where another run has the store, --now waits for its turn.

With --metrics-file it writes the metrics of every job for the textfile collector of
node_exporter. Every user can read that file, because node_exporter is another user.`,
		Example: `  tokenaudit run                            # from a timer, hourly
  tokenaudit run --quiet --metrics-file /var/lib/node_exporter/tokenaudit.prom
  tokenaudit run --dry-run                  # a test that leaves nothing behind
  tokenaudit run --now --json               # the result for a program
  tokenaudit run --now --fail-on critical   # as a gate: exit 3`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.note = func(string, *audit.Summary, error) {}
			if f.json {
				return c.runAsJSON(cmd.Context(), f)
			}
			return c.runJobs(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	configFlag(cmd, &f.config)
	jobFlag(cmd, &f.job)
	flags.BoolVar(&f.now, "now", false, "review now, with the current minute as its slot")
	flags.BoolVar(&f.dryRun, "dry-run", false, "review now, print the result and the message, and leave nothing behind")
	choiceFlag(cmd, &f.failOn, "fail-on", "exit 3 if there are findings of this severity or worse", severityNames()...)
	flags.StringVar(&f.metricsFile, "metrics-file", "", "write metrics there for node_exporter; the name must end in .prom")
	jsonFlag(cmd, &f.json)
	return cmd
}

func (c *cli) runJobs(ctx context.Context, f runFlags) error {
	if err := checkChoice("fail-on", "severity", f.failOn, severityNames()); err != nil {
		return err
	}
	if f.metricsFile != "" && filepath.Ext(f.metricsFile) != ".prom" {
		return usagef("--metrics-file %q: node_exporter reads files that end in .prom", f.metricsFile)
	}
	if f.metricsFile != "" && f.dryRun {
		return usagef("--dry-run leaves nothing behind, so it takes no --metrics-file")
	}
	file, err := c.loadConfig(f.config)
	if err != nil {
		return err
	}
	asked, err := chosenJobs(file, f.job)
	if err != nil {
		return err
	}
	if !f.dryRun {
		if err := refuseRoot(file); err != nil {
			return err
		}
	}
	var serve *serveClient
	if f.now && !f.dryRun {
		if serve = serveOf(ctx, file); serve != nil { // which has the secrets
			return c.runBeside(ctx, serve, file, asked, f)
		}
	}
	if err := needSecrets(ctx, file, reviewSecrets(file, f.job, f.dryRun)...); err != nil {
		return err
	}
	if f.dryRun {
		return c.runDry(ctx, file, f)
	}
	a, err := openJobs(ctx, file, c.log(slog.LevelWarn), c.secrets)
	if errors.Is(err, ledger.ErrBusy) && !f.now {
		c.say("serve (or another run) is at work on this store, and does what is due\n")
		for _, j := range asked {
			f.note(j.Name, nil, err)
		}
		return nil
	}
	if errors.Is(err, ledger.ErrBusy) && f.now {
		a, serve, err = c.takeTurn(ctx, file)
	}
	switch {
	case err != nil:
		return forOwner(file, err)
	case serve != nil:
		return c.runBeside(ctx, serve, file, asked, f)
	}
	defer a.close()
	if c.clock != nil {
		a.runner.Now = c.clock
	}
	chosen, err := find(a.jobs, f.job)
	if err != nil {
		return err
	}
	a.retention.printed = true
	err = runAll(chosen, f, func(j runner.Job) (*audit.Summary, error) {
		s, err := c.runJob(ctx, a, j, f)
		if err != nil && ctx.Err() != nil {
			err = interruptedError{"the next run continues the unfinished review"}
		}
		return s, err
	})
	if f.metricsFile == "" {
		return err
	}
	// Metrics of what it leaves behind, whatever became of it. An error comes before
	// an exit code.
	_, registry := a.metrics()
	failed := metrics.WriteTextfile(f.metricsFile, registry)
	if failed != nil && errors.As(err, new(quietError)) {
		return failed
	}
	return errors.Join(err, failed)
}

// runAll runs jobs one after the other. Errors come before exit codes, and of
// those findings before gaps.
func runAll(chosen []runner.Job, f runFlags, review func(runner.Job) (*audit.Summary, error)) error {
	var errs []error
	codes := map[int]bool{}
	for _, job := range chosen {
		s, err := review(job)
		f.note(job.Name, s, err)
		if errors.Is(err, runner.ErrLeased) && !f.now {
			err = nil // the other process does what is due
		}
		errs = append(errs, err)
		if s != nil {
			codes[judge(*s, audit.Severity(f.failOn))] = true
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, code := range []int{exitFindings, exitIncomplete} {
		if codes[code] {
			return quietError{code}
		}
	}
	return nil
}

// runJob runs one job and says what came of it. The summary is there even if a
// message did not arrive.
func (c *cli) runJob(ctx context.Context, a *app, job runner.Job, f runFlags) (*audit.Summary, error) {
	var s *audit.Summary
	var err error
	bar := c.newProgress()
	a.runner.Progress = bar.add
	if f.now {
		s, err = a.runner.ReviewNow(ctx, job)
	} else {
		s, err = a.runner.Tick(ctx, job)
	}
	bar.done()
	switch {
	case s != nil && c.quiet:
		c.sayIncomplete(*s)
	case s != nil:
		err = errors.Join(err, c.tell(ctx, a, *s))
	case errors.Is(err, runner.ErrLeased) && !f.now:
		c.say("%s: serve (or another run) is at work on this job, and does what is due\n", job.Name)
	case s == nil && err == nil:
		c.say("%s: nothing due; next at %s\n", job.Name, job.Schedule.Next(time.Now()).Format("Mon 2006-01-02 15:04 MST"))
	}
	return s, err
}

// sayIncomplete says of a quiet run what was not seen.
func (c *cli) sayIncomplete(s audit.Summary) {
	if s.Coverage.Verdict != audit.Complete {
		fmt.Fprintf(c.stderr, "tokenaudit: %s: coverage %s: %s\n", s.ID, s.Coverage.Verdict, audit.Line(strings.Join(s.Coverage.Reasons, "; "), 1000))
	}
}

func (c *cli) say(format string, args ...any) {
	fmt.Fprintf(c.stdout, format, args...)
}

// tell prints a finished run.
func (c *cli) tell(ctx context.Context, a *app, s audit.Summary) error {
	_, kept, _ := a.ledger.Conclusion(ctx, s.Run()) // without them, they come from the evidence
	m, unread := messageWith(ctx, a.file, a.snapshots, s, kept)
	var out bytes.Buffer
	printSummary(&out, m, unread, c.columns(), c.paint)
	if why := a.retention.of(s.Job); why != "" {
		fmt.Fprintf(&out, "\n%s\n", hanging("", "Evidence: "+audit.Line(why, 500), c.columns()))
	}
	_, err := out.WriteTo(c.stdout)
	return err
}

// judge is the exit code that a run deserves.
func judge(s audit.Summary, floor audit.Severity) int {
	for severity := range s.Findings.BySeverity {
		if floor != "" && s.Findings.Actionable(severity) > 0 && severity.AtLeast(floor) {
			return exitFindings
		}
	}
	unread := slices.ContainsFunc(s.Campaigns, func(c audit.CampaignStatus) bool { return c.Problem != "" })
	if s.Coverage.Verdict != audit.Complete || unread {
		return exitIncomplete
	}
	return exitDone
}
