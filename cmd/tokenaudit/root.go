package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/runner"
)

// cli is what every command shares. What it prints leaves without secrets.
type cli struct {
	stdout, stderr io.Writer // for people
	data           io.Writer // standard output for what --json or a file is made of; --quiet leaves it
	screen         *screen   // standard error behind the redactor
	paint          paint     // for stdout
	secrets        *secret.Redactor
	// clock is that of reviews and campaigns, nil for the one that the store goes by.
	clock runner.Clock
	logFlags
}

func newCLI(stdout, stderr io.Writer) *cli {
	secrets := secret.NewRedactor()
	secrets.Learn(fromEnvironment(os.Getenv)...)
	c := &cli{secrets: secrets, screen: &screen{to: stderr}}
	c.stdout, c.data, c.stderr = secrets.Writer(stdout), secrets.Writer(stdout), secrets.Writer(c.screen)
	c.paint = paint(colours(c.stdout))
	return c
}

func newRoot(stdout, stderr io.Writer) *cobra.Command { return newCLI(stdout, stderr).root() }

// root is the command that holds all others.
func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "tokenaudit",
		Short: "Review the API tokens of InfluxDB on a schedule",
		Long: `tokenaudit shows, every week and with evidence: which API tokens of InfluxDB exist, who
owns them, which can write, and what changed.

It lists the authorizations of every configured user and reports active write tokens,
tokens of deleted users and other risks. It writes a workbook, CSV files, evidence packs
and messages. It only reads from InfluxDB.`,
		Example: `  tokenaudit demo         # a full report, without InfluxDB or Slack
  tokenaudit init         # write a small tokenaudit.yaml, and check it
  tokenaudit doctor       # what is missing, and how to fix it
  tokenaudit run --now    # one review, at once
  tokenaudit serve        # reviews on schedule`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version,
		Args:          onlyCommands,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if err := c.check(); err != nil {
				return err
			}
			if c.quiet {
				c.stdout = io.Discard
			}
			c.catchStandardLog()
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	root.SetFlagErrorFunc(flagError)
	c.logFlags.add(root)
	root.AddCommand(c.demo(), c.initialize(), c.run(), c.serve(), c.schedule(), c.doctor(), c.history(), c.campaign(), c.notify(), c.tokens(), c.offboard(), c.rotate(), c.checks(), c.config(), c.verify(), c.version(), c.completion(), c.man())
	root.AddCommand(topics()...)
	root.SetHelpCommand(c.help())
	root.InitDefaultHelpCmd()
	usage := strings.NewReplacer(
		"Additional help topics:", "Topics (tokenaudit help TOPIC):",
		"rpad .CommandPath .CommandPathPadding", "rpad .Name .NamePadding",
		"Flags.FlagUsages", fmt.Sprintf("Flags.FlagUsagesWrapped %d", helpWidth),
	).Replace(root.UsageTemplate())
	root.SetUsageTemplate(usage + "\n" + exitHelp + "\n")
	fitHelp(root)
	return root
}

// group is a command that only holds others.
func group(use, short, example string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example,
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}

// onlyCommands refuses what is no command below cmd.
func onlyCommands(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("no command %q, %s", args[0], didYouMean(cmd, args[0]))
	}
	return nil
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument %q; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// log writes for people on a terminal, for machines elsewhere, and only what
// went wrong unless more is asked for: cron mails whatever a command prints.
func (c *cli) log(ofCommand slog.Level) *slog.Logger {
	level := c.least(ofCommand)
	if c.format == "json" || c.format == "" && !isTerminal(c.stderr) {
		return slog.New(slog.NewJSONHandler(c.stderr, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(tint.NewTextHandler(c.stderr, &tint.Options{Level: level, TimeFormat: "15:04:05", NoColor: !colours(c.stderr)}))
}
