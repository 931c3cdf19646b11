package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/runner"
	"tokenaudit/notify/slack"
)

// dryRun reviews jobs and leaves nothing: neither beside what other processes do, nor for
// later reviews.
type dryRun struct {
	file    *configs.File
	earlier *earlier
	runner  *runner.Runner
	temp    evidence.Archive // of its snapshots
	secrets *secret.Redactor
}

// openDryRun refuses what a review refuses, and opens what it reads.
func openDryRun(ctx context.Context, f *configs.File, log *slog.Logger, secrets *secret.Redactor) (*dryRun, error) {
	e, err := openEarlier(ctx, f, log)
	if err == nil {
		err = passable(agree(ctx, e.known(), e.archive, f.Path()), log)
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	temp, err := evidence.OpenTemporary()
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	r := &runner.Runner{Snapshots: cleanSnapshots{temp, secrets}, Tool: tool(), Log: log, Parallel: int(f.Parallel), PerHost: int(f.ParallelPerHost), Campaigns: campaignFolders{f, e.archive}}
	return &dryRun{f, e, r, temp, secrets}, nil
}

func (d *dryRun) close() error { return errors.Join(d.temp.Close(), d.earlier.close()) }

// review is what a review of the job would say at this moment. Where its evidence would
// be, there is none.
func (d *dryRun) review(ctx context.Context, j runner.Job) (*audit.Summary, audit.Highlights, error) {
	s, err := d.runner.DryRun(ctx, d.earlier.Assessor, j)
	if err != nil {
		return nil, audit.Highlights{}, err
	}
	cleanSummary(d.secrets, s)
	h, err := audit.HighlightsOf(d.runner.Rows(ctx, *s), *s, j.Contacts)
	return s, h, err
}

// runDry makes the dry runs of a call of run.
func (c *cli) runDry(ctx context.Context, f *configs.File, flags runFlags) (err error) {
	log := c.log(slog.LevelWarn)
	jobs, err := jobsOf(f, log, c.secrets)
	if err != nil {
		return err
	}
	chosen, err := find(jobs, flags.job)
	if err != nil {
		return err
	}
	d, err := openDryRun(ctx, f, log, c.secrets)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	return runAll(chosen, flags, func(j runner.Job) (*audit.Summary, error) {
		bar := c.newProgress()
		d.earlier.Progress = bar.add
		s, h, err := d.review(ctx, j)
		bar.done()
		switch {
		case ctx.Err() != nil:
			return nil, interruptedError{"the dry run left nothing behind"}
		case err != nil:
			return nil, fmt.Errorf("job %q: %w", j.Name, err)
		case c.quiet:
			c.sayIncomplete(*s)
			return s, nil
		}
		return s, c.tellDry(d, *s, h)
	})
}

// tellDry prints a dry run in full, and what Slack would show: of a job without Slack, the
// summary.
func (c *cli) tellDry(d *dryRun, s audit.Summary, h audit.Highlights) error {
	m := messageOf(d.file, d.earlier.archive, s, h)
	m.Location, m.Evidence = "", "" // there is nothing
	var out bytes.Buffer
	printSummary(&out, m, nil, c.columns(), c.paint)
	job, config, head := jobNamed(d.file, s.Job), slack.Config{SummaryOnly: true}, "The message, not sent:"
	switch {
	case job.Slack != nil:
		config = *job.Slack
	case !slices.ContainsFunc(c.previewers(""), func(p previewer) bool { return p.has(job) }):
		head = fmt.Sprintf("Job %q has no notifier. Slack would get this summary:", job.Name)
	}
	fmt.Fprintf(&out, "\n%s\n\n%s", head, slack.Text(config, m, isTerminal(c.stdout)))
	_, err := out.WriteTo(c.stdout)
	return err
}
