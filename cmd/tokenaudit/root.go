package main

import (
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tokenaudit/configs/secret"
)

// cli is what every command shares. What it prints leaves without secrets.
type cli struct {
	stdout, stderr io.Writer
	secrets        *secret.Redactor
	verbose        bool
}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	secrets := secret.NewRedactor()
	secrets.Learn(fromEnvironment(os.Getenv)...)
	c := &cli{stdout: secrets.Writer(stdout), stderr: secrets.Writer(stderr), secrets: secrets}
	root := &cobra.Command{
		Use:   "tokenaudit",
		Short: "Review the API tokens of InfluxDB on a schedule",
		Long: `tokenaudit shows, every week and with evidence: which API tokens of InfluxDB exist, who
owns them, which can write, and what changed.

It lists the authorizations of every configured user and reports active write tokens,
tokens of deleted users and other risks. It writes a workbook, CSV files, evidence packs
and messages. It only reads from InfluxDB.`,
		Example: `  tokenaudit demo                            # a full report, without InfluxDB or Slack
  tokenaudit config example > tokenaudit.yaml
  tokenaudit run -c tokenaudit.yaml --now    # one review, at once
  tokenaudit serve -c tokenaudit.yaml        # reviews on schedule`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("no command %q, %s", args[0], didYouMean(cmd, args[0]))
			}
			return nil
		},
		PersistentPreRun: func(*cobra.Command, []string) { c.catchStandardLog() },
		RunE:             func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see %s --help", err, cmd.CommandPath())
	})
	root.PersistentFlags().BoolVarP(&c.verbose, "verbose", "v", false, "log each step")
	root.AddCommand(c.demo(), c.run(), c.serve(), c.schedule(), c.doctor(), c.history(), c.notify(), c.tokens(), c.checks(), c.config(), c.verify(), c.version(), c.completion(), c.man())
	root.AddCommand(topics()...)
	root.SetHelpCommand(c.help())
	root.InitDefaultHelpCmd()
	usage := strings.NewReplacer(
		"Additional help topics:", "Topics (tokenaudit help TOPIC):",
		"rpad .CommandPath .CommandPathPadding", "rpad .Name .NamePadding",
	).Replace(root.UsageTemplate())
	root.SetUsageTemplate(usage + "\n" + exitHelp + "\n")
	return root
}

// group is a command that only holds others.
func group(use, short, example string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument %q; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// log writes for people on a terminal, for machines elsewhere, and only what
// went wrong unless more is asked for: cron mails whatever a command prints.
func (c *cli) log(level slog.Level) *slog.Logger {
	if c.verbose {
		level = slog.LevelDebug
	}
	if isTerminal(c.stderr) {
		return slog.New(tint.NewTextHandler(c.stderr, &tint.Options{Level: level, TimeFormat: "15:04:05"}))
	}
	return slog.New(slog.NewJSONHandler(c.stderr, &slog.HandlerOptions{Level: level}))
}

func isTerminal(w io.Writer) bool {
	f, ok := fileBehind(w)
	return ok && term.IsTerminal(int(f.Fd()))
}

// fileBehind is what w writes to, if that is a file.
func fileBehind(w io.Writer) (*os.File, bool) {
	if behind, ok := w.(*secret.Writer); ok {
		w = behind.Unwrap()
	}
	f, ok := w.(*os.File)
	return f, ok
}
