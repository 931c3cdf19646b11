package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/notify"
)

func (c *cli) notify() *cobra.Command {
	return group("notify", "Show messages before they are sent, and test the notifiers", `  tokenaudit notify preview -c tokenaudit.yaml
  tokenaudit notify test -c tokenaudit.yaml`, c.notifyPreview(), c.notifyTest())
}

func (c *cli) notifyTest() *cobra.Command {
	var config, job string
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send a message that is marked as a test by every notifier",
		Long: `test sends the summary of a made-up review, marked as a test, by every notifier of
every job. It reviews nothing and leaves nothing in the ledger.`,
		Example: `  tokenaudit notify test -c tokenaudit.yaml
  tokenaudit notify test -c tokenaudit.yaml --job weekly-review`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.sendTests(cmd.Context(), config, job) },
	}
	configFlag(cmd, &config)
	jobFlag(cmd, &job)
	return cmd
}

func (c *cli) sendTests(ctx context.Context, config, job string) error {
	file, err := c.loadConfig(config)
	if err != nil {
		return err
	}
	jobs, err := chosenJobs(file, job)
	if err != nil {
		return err
	}
	if err := needSecrets(ctx, file, notifierSecrets(file, job)...); err != nil {
		return err
	}
	var errs []error
	sent := 0
	for _, j := range jobs {
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
		return usagef("no job has a notifier to test; add slack, webhook or email to a job in %s", file.Path())
	}
	return errors.Join(errs...)
}
