package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/jobs/schedule"
)

// initFlags are the flags of init that are no answers.
type initFlags struct {
	output string
	yes    bool
}

func (c *cli) initialize() *cobra.Command {
	var f initFlags
	a := answers{tokenEnv: "INFLUX_AUDIT_TOKEN", schedule: "0 9 * * 1", slackTokenEnv: "SLACK_BOT_TOKEN"}
	cmd := &cobra.Command{
		Use:   "init [-o FILE]",
		Short: "Write a small configuration, and check it",
		Long: `init writes a small configuration with comments, and checks it with doctor. On a
terminal it asks for what no flag says. URL and org are by default those of the influx
CLI: INFLUX_HOST, INFLUX_ORG and its active profile.

For InfluxDB 3, which has no orgs, give --org -. Cloud Dedicated, Clustered and InfluxDB 1.x
need other keys: see "tokenaudit help products", and write their targets with an editor.

The configuration names the environment variables that have secrets, and no secret. init
never replaces a file. If doctor finds something to fix, init exits 4.`,
		Example: `  tokenaudit init
  tokenaudit init --yes --url https://influxdb.example.com:8086 --org acme
  tokenaudit init -o /etc/tokenaudit/tokenaudit.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.runInit(cmd, a, f) },
	}
	cmd.Flags().StringVarP(&f.output, "output", "o", configPlaces[0], "file to write")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "ask nothing: use the defaults")
	for _, q := range a.questions() {
		cmd.Flags().StringVar(q.value, q.flag, *q.value, q.usage)
		complete(cmd, q.flag, cobra.NoFileCompletions)
	}
	return cmd
}

func (c *cli) runInit(cmd *cobra.Command, a answers, f initFlags) error {
	if err := refuseToReplace(f.output); err != nil {
		return err
	}
	if err := c.answer(cmd, &a, f.yes); err != nil {
		return err
	}
	text := []byte(a.file())
	if err := configs.Check(f.output, text); err != nil { // nothing that an answer could change
		return usageError{err}
	}
	if err := writeNew(f.output, text); err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%s\n\n", hanging("", fmt.Sprintf("Wrote %s: reviews of %s", f.output, a.words()), c.width()))
	e, err := c.examine(cmd.Context(), f.output, false)
	if cmd.Context().Err() == nil {
		c.nextSteps(a, f.output, err == nil, a.leftToFix(e))
	}
	return err
}

// answer takes the answers from flags, from the defaults or from the terminal.
func (c *cli) answer(cmd *cobra.Command, a *answers, yes bool) error {
	defaults, err := defaultAnswers(os.Getenv, c.secrets)
	if err != nil {
		fmt.Fprintf(c.stderr, "tokenaudit: %v; its values are not used as defaults\n", err)
	}
	var problems []error
	var missing []string
	questions := a.questions()
	for i, q := range questions {
		if !cmd.Flags().Changed(q.flag) {
			questions[i].open = true
			*q.value = cmp.Or(*q.value, *defaults.questions()[i].value)
			if q.needed {
				missing = append(missing, "--"+q.flag)
			}
		}
		*q.value = strings.TrimPrefix(strings.TrimSpace(*q.value), none)
	}
	for _, q := range questions {
		if reason := a.wrong(q); reason != "" && !q.open {
			problems = append(problems, fmt.Errorf("--%s: %s", q.flag, reason))
		}
	}
	if a.slackChannel == "" && cmd.Flags().Changed("slack-token-env") && !cmd.Flags().Changed("slack-channel") && yes {
		problems = append(problems, errors.New("--slack-token-env needs --slack-channel"))
	}
	if len(problems) > 0 {
		return usageError{errors.Join(problems...)}
	}
	switch {
	case yes || len(missing) == 0:
		return nil
	case !isTerminal(cmd.InOrStdin()):
		return usagef("there is no terminal to ask on: give %s, or --yes to use the defaults", strings.Join(missing, ", "))
	}
	fmt.Fprint(c.stderr, "Enter accepts the value in brackets. Never enter a secret.\n\n")
	err = askAll(cmd.Context(), cmd.InOrStdin(), c.stderr, c.width(), a, questions)
	if err != nil && cmd.Context().Err() != nil {
		fmt.Fprintf(c.stderr, "tokenaudit: %v\n", err)
		return quietError{exitFailed}
	}
	return err
}

func refuseToReplace(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return usagef("%s exists already, and init replaces no file. Change it with an editor, or write another file with -o FILE", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return usagef("-o %s: there is no folder %s; create it first", path, filepath.Dir(path))
	}
	return nil
}

// writeNew writes a file that its owner alone may read, whole or not at all, and replaces
// none.
func writeNew(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tokenaudit-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = os.Link(f.Name(), path) // a rename would replace a file
	if err != nil && !errors.Is(err, fs.ErrExist) && !exists(path) {
		err = os.Rename(f.Name(), path) // this file system has no links
	}
	if errors.Is(err, fs.ErrExist) {
		return refuseToReplace(path)
	}
	return err
}

// leftToFix is whether doctor found anything bad that is not for lack of a token whose
// variable is not set yet.
func (a answers) leftToFix(e *examination) bool {
	return e == nil || slices.ContainsFunc(e.lines, func(l doctorLine) bool {
		switch {
		case l.State != strings.ToLower(bad):
			return false
		case os.Getenv(a.tokenEnv) == "" && strings.HasPrefix(l.Where, "target "):
			return false
		case os.Getenv(a.slackTokenEnv) == "" && l.What == "slack":
			return false
		}
		return true
	})
}

// nextSteps says what is still to do, in order.
func (c *cli) nextSteps(a answers, path string, healthy, toFix bool) {
	program, config := calledAs(), ""
	if found, err := findConfig(""); err != nil || filepath.Clean(found) != filepath.Clean(path) {
		config = " -c " + shellWord(path)
	}
	step := 0
	say := func(words string, commands ...string) {
		step++
		fmt.Fprintf(c.stdout, "  %d. %s\n", step, words)
		for _, command := range commands {
			fmt.Fprintf(c.stdout, "     %s\n", command)
		}
	}
	fmt.Fprint(c.stdout, "\nNext:\n")
	if !healthy && toFix {
		say("Fix what is marked BAD. The configuration is "+path+".", "To start again, remove it.")
	}
	if os.Getenv(a.tokenEnv) == "" {
		switch {
		case strings.HasSuffix(a.host(), ".influxdata.com"):
			say("Create a read-only token for each user (tokenaudit help cloud), and set this one:", export(a.tokenEnv, "TOKEN"))
		default:
			say("Create a token that can only read (tokenaudit help credential), and set it:",
				"influx auth create --org "+shellWord(cmp.Or(a.org, "ORG"))+" --read-authorizations --read-users --read-orgs", export(a.tokenEnv, "TOKEN"))
		}
	}
	if a.slackChannel != "" && os.Getenv(a.slackTokenEnv) == "" {
		say("Set the token of the Slack app (tokenaudit help slack):", export(a.slackTokenEnv, "xoxb-TOKEN"))
	}
	if !healthy {
		say("Check again:", program+" doctor"+config)
	}
	first := "Run the first review:"
	if a.slackChannel != "" {
		first = "Run the first review, which tells Slack; with --dry-run it tells nobody:"
	}
	say(first, program+" run --now"+config)
	say("Review on schedule, or by a timer (tokenaudit help operations):", program+" serve"+config)
}

// export is the command of a shell that sets a variable: of PowerShell on Windows.
func export(name, value string) string {
	if runtime.GOOS == "windows" {
		return "$env:" + name + ` = "` + value + `"`
	}
	return "export " + name + "=" + value
}

// words sum the answers up in a line.
func (a answers) words() string {
	org := "every org that the token can see"
	if a.org != "" {
		org = "the org " + a.org
	}
	text := fmt.Sprintf("%s at %s", org, a.url)
	if s, err := schedule.Parse(a.schedule, a.timezone); err == nil {
		text += ", the first on " + s.Next(time.Now()).Format("Mon 2 Jan 2006 15:04 MST")
	}
	return text + "."
}
