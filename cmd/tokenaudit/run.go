package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/jobs"
	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// runFlags are the flags of run.
type runFlags struct {
	config, job, failOn string
	now, dryRun, quiet  bool
}

func (c *cli) run() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run -c FILE",
		Short: "Run the reviews that are due, or one at once",
		Long: `run does what the schedules of the jobs ask for at this moment, and ends: it
reviews the newest slot that is due and not reviewed, finishes a review that was
cut off, delivers messages that did not arrive. Call it from cron or a systemd
timer more often than reviews are due; a slot is reviewed once however often it
is called. With --now it reviews at once.`,
		Example: `  tokenaudit run -c tokenaudit.yaml                          # from a timer, hourly
  tokenaudit run -c tokenaudit.yaml --now --dry-run          # try it; nothing goes to Slack
  tokenaudit run -c tokenaudit.yaml --now --fail-on critical # as a gate: exit 3 on a critical finding`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.runJobs(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.config, "config", "c", "", "configuration file")
	flags.StringVar(&f.job, "job", "", "only this job")
	flags.BoolVar(&f.now, "now", false, "review at once, with the present minute as its slot")
	flags.BoolVar(&f.dryRun, "dry-run", false, "send nothing to Slack; print the message instead")
	flags.StringVar(&f.failOn, "fail-on", "", "exit 3 if there are findings of this severity or worse: critical, high, medium, low")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing but errors")
	return cmd
}

func (c *cli) runJobs(ctx context.Context, f runFlags) error {
	floor := audit.Severity(f.failOn)
	if floor != "" && !slices.Contains(audit.Severities(), floor) {
		return usagef("--fail-on %q: use one of %v", f.failOn, audit.Severities())
	}
	file, err := loadConfig(f.config)
	if err != nil {
		return err
	}
	if len(file.Jobs) == 0 {
		return usagef("%s has no jobs; add one under jobs", f.config)
	}
	a, err := wire(ctx, file, time.Now, c.log(slog.LevelWarn), f.dryRun)
	if err != nil {
		return err
	}
	defer a.ledger.Close()
	chosen, err := a.find(f.job)
	if err != nil {
		return err
	}
	bar := c.newProgress()
	a.runner.Progress = bar.add
	var errs []error
	for _, job := range chosen {
		errs = append(errs, c.runJob(ctx, a, job, f, bar))
	}
	return worst(errs)
}

// runJob runs one job and says what came of it.
func (c *cli) runJob(ctx context.Context, a *app, job jobs.Job, f runFlags, bar *progress) error {
	step := a.runner.Tick
	if f.now {
		step = a.runner.ReviewNow
	}
	s, err := step(ctx, job)
	bar.done()
	if s == nil {
		if err == nil && !f.quiet {
			fmt.Fprintf(c.stdout, "%s: nothing due; next at %s\n", job.Name, job.Schedule.Next(time.Now()).Format("Mon 2006-01-02 15:04 MST"))
		}
		return err
	}
	if !f.quiet {
		if tell := c.tell(a, *s, f.dryRun); tell != nil {
			return errors.Join(err, tell)
		}
	}
	return errors.Join(err, judge(*s, audit.Severity(f.failOn)))
}

// tell prints a finished run: in full, as Slack would show it, for a dry run.
func (c *cli) tell(a *app, s audit.Summary, dryRun bool) error {
	m, err := a.message(s)
	if err != nil {
		return err
	}
	printSummary(c.stdout, m)
	if dryRun {
		fmt.Fprintf(c.stdout, "\nThe message, not sent:\n\n%s", notify.Text(m, isTerminal(c.stdout)))
	}
	return nil
}

// judge turns a run into the exit code that it deserves.
func judge(s audit.Summary, floor audit.Severity) error {
	for severity, n := range s.Findings.BySeverity {
		if floor != "" && n > 0 && severity.AtLeast(floor) {
			return quietError{exitFindings}
		}
	}
	if s.Coverage.Verdict != audit.Complete {
		return quietError{exitIncomplete}
	}
	return nil
}

// worst keeps real errors before exit codes, and findings before gaps.
func worst(errs []error) error {
	if err := errors.Join(errs...); exitCode(err) != exitIncomplete {
		return err
	}
	for _, code := range []int{exitFindings, exitIncomplete} {
		for _, err := range errs {
			if exitCode(err) == code {
				return quietError{code}
			}
		}
	}
	return nil
}

func loadConfig(path string) (*configs.File, error) {
	if path == "" {
		return nil, usagef("needs a configuration: -c FILE; start from the one that \"tokenaudit config example\" prints")
	}
	f, err := configs.Load(path, checkSchedule)
	if err != nil {
		return nil, usageError{err}
	}
	return f, nil
}

func checkSchedule(spec, zone string) error {
	_, err := jobs.ParseSchedule(spec, zone)
	return err
}
