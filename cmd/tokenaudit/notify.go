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
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
	"tokenaudit/notify"
	"tokenaudit/notify/slack"
)

func (c *cli) notify() *cobra.Command {
	return group("notify", "Show messages before they are sent, and test the notifiers", `  tokenaudit notify preview -c tokenaudit.yaml
  tokenaudit notify test -c tokenaudit.yaml`, c.notifyPreview(), c.notifyTest())
}

// previewFlags are the flags of notify preview.
type previewFlags struct{ config, job, run, format string }

func (c *cli) notifyPreview() *cobra.Command {
	var f previewFlags
	cmd := &cobra.Command{
		Use:   "preview -c FILE",
		Short: "Show the messages of a review, without a network",
		Long: `preview shows the Slack thread of a review with the present configuration of its job.
It uses the newest review, the one named by --run, or an example if there is none yet.
With --format blocks it prints what Slack would get; paste the blocks into the Block Kit
Builder.`,
		Example: `  tokenaudit notify preview -c tokenaudit.yaml
  tokenaudit notify preview -c tokenaudit.yaml --run weekly-review/2026-11-23T0800Z --format blocks`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.preview(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.config, "config", "c", "", "configuration file")
	flags.StringVar(&f.job, "job", "", "the newest review of this job (default: of the first job)")
	flags.StringVar(&f.run, "run", "", "a run, as history list names it")
	flags.StringVar(&f.format, "format", "text", "text or blocks")
	return cmd
}

func (c *cli) preview(ctx context.Context, f previewFlags) error {
	if f.format != "text" && f.format != "blocks" {
		return usagef("--format %s: needs text or blocks", f.format)
	}
	file, err := c.loadConfig(f.config)
	if err != nil {
		return err
	}
	if f.job == "" && f.run == "" && len(file.Jobs) > 0 {
		f.job = file.Jobs[0].Name
	}
	m, err := f.message(ctx, c, file)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(file.Jobs, func(j configs.Job) bool { return j.Name == m.Summary.Job && j.Slack != nil })
	if at < 0 {
		return usagef("no job %q with slack in the configuration", m.Summary.Job)
	}
	config := *file.Jobs[at].Slack
	if f.format == "text" {
		_, err := fmt.Fprint(c.stdout, slack.Text(config, m, isTerminal(c.stdout)))
		return err
	}
	data, err := slack.JSON(config, m)
	if err == nil {
		_, err = c.stdout.Write(data)
	}
	return err
}

// message is that of the run that is asked for, of the newest finished one, or a
// made-up one if there is none.
func (f previewFlags) message(ctx context.Context, c *cli, file *configs.File) (notify.Message, error) {
	r, err := openReader(ctx, c, file, f.config)
	if errors.Is(err, ledger.ErrNone) && f.run == "" {
		return notify.Sample(f.job, time.Now()), nil
	}
	if err != nil {
		return notify.Message{}, err
	}
	defer r.Close()
	var e ledger.Entry
	if f.run != "" {
		e, err = r.Find(ctx, f.run)
	} else {
		var all []ledger.Entry
		all, err = r.List(ctx, f.job)
		if i := slices.IndexFunc(all, func(e ledger.Entry) bool { return e.Summary != nil }); i >= 0 {
			e = all[i]
		}
	}
	switch {
	case err != nil:
		return notify.Message{}, err
	case e.Damaged != "":
		return notify.Message{}, errors.New(e.Damaged)
	case e.Summary == nil && f.run != "":
		return notify.Message{}, usagef("%s is not finished: there is nothing to say about it yet", f.run)
	case e.Summary == nil:
		return notify.Sample(f.job, time.Now()), nil
	}
	snapshots, err := evidence.Open(file.Evidence, evidence.Lock{}) // asks no bucket anything
	if err != nil {
		return notify.Message{}, err
	}
	defer snapshots.Close()
	return messageWith(ctx, file, snapshots, *e.Summary, e.Highlights)
}

func (c *cli) notifyTest() *cobra.Command {
	var config, job string
	cmd := &cobra.Command{
		Use:   "test -c FILE",
		Short: "Send a message that is marked as a test by every notifier",
		Long: `test sends the summary of a made-up review, marked as a test, by every notifier of
every job. It reviews nothing and leaves nothing in the ledger.`,
		Example: `  tokenaudit notify test -c tokenaudit.yaml
  tokenaudit notify test -c tokenaudit.yaml --job weekly-review`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.sendTests(cmd.Context(), config, job) },
	}
	cmd.Flags().StringVarP(&config, "config", "c", "", "configuration file")
	cmd.Flags().StringVar(&job, "job", "", "only this job")
	return cmd
}

func (c *cli) sendTests(ctx context.Context, config, job string) error {
	file, err := c.loadConfig(config)
	if err != nil {
		return err
	}
	var errs []error
	sent := 0
	for _, j := range file.Jobs {
		if job != "" && j.Name != job {
			continue
		}
		for _, n := range channels(j, c.log(slog.LevelWarn)) {
			m := notify.Sample(j.Name, time.Now())
			if _, err := n.Send(ctx, m); err != nil {
				errs = append(errs, fmt.Errorf("job %s: %s: %w", j.Name, n.name, err))
				continue
			}
			sent++
			fmt.Fprintf(c.stdout, "%s: %s: sent\n", j.Name, n.name)
		}
	}
	if sent == 0 && len(errs) == 0 {
		return usagef("there is no notifier to test: no job %q, or it sends no messages", job)
	}
	return errors.Join(errs...)
}
