package main

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"
)

func (c *cli) serve() *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:   "serve -c FILE",
		Short: "Run reviews on schedule until stopped",
		Long: `serve stays and runs every job on its schedule. A slot that passed while nothing
ran is caught up at the start, once, if it is not older than the job's catch_up.
SIGTERM or Ctrl-C ends it; a review that is cut off is taken up at the next start.`,
		Example: `  tokenaudit serve -c tokenaudit.yaml`,
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.serveJobs(cmd.Context(), config) },
	}
	cmd.Flags().StringVarP(&config, "config", "c", "", "configuration file")
	return cmd
}

func (c *cli) serveJobs(ctx context.Context, path string) error {
	file, err := loadConfig(path)
	if err != nil {
		return err
	}
	if len(file.Jobs) == 0 {
		return usagef("%s has no jobs; add one under jobs", path)
	}
	log := c.log(slog.LevelInfo)
	a, err := wire(ctx, file, nil, log, false)
	if err != nil {
		return err
	}
	defer a.close()
	a.runner.Serve(ctx, a.jobs)
	log.Info("stopped")
	return nil
}
