package main

import (
	"cmp"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tokenaudit/configs"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// configVariable names the configuration file where no flag does.
const configVariable = "TOKENAUDIT_CONFIG"

// configPlaces are looked at, in this order, where neither flag nor variable says which
// file is the configuration.
var configPlaces = [...]string{"tokenaudit.yaml", "/etc/tokenaudit/tokenaudit.yaml"}

// configFlag adds the flag that names the configuration.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "config", "c", "", "configuration file (default: $"+configVariable+", ./tokenaudit.yaml, /etc/tokenaudit/tokenaudit.yaml)")
	complete(cmd, "config", cobra.FixedCompletions([]string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt))
}

// jobFlag adds the flag that names a job of the configuration.
func jobFlag(cmd *cobra.Command, job *string) {
	cmd.Flags().StringVar(job, "job", "", "only this job")
	completeNames(cmd, "job", jobNames)
}

// targetFlag adds the flag that names a target of the configuration.
func targetFlag(cmd *cobra.Command, target *string, usage string) {
	cmd.Flags().StringVar(target, "target", "", usage)
	completeNames(cmd, "target", targetNames)
}

// jsonFlag adds the flag that asks for JSON.
func jsonFlag(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print JSON (tokenaudit help json)")
}

// choiceFlag adds a flag that takes one of some words. What into holds is the default.
func choiceFlag(cmd *cobra.Command, into *string, name, usage string, choices ...string) {
	cmd.Flags().StringVar(into, name, *into, usage+": "+strings.Join(choices, ", "))
	complete(cmd, name, oneOf(choices))
}

// checkChoice refuses the value of a flag that is none of the known words; "" is no value.
func checkChoice(flag, what, value string, known []string) error {
	if value == "" || slices.Contains(known, value) {
		return nil
	}
	return usagef("--%s: %s", flag, setting.Unknown(what, value, known))
}

// limitFlag adds the flag that bounds what is shown; 0 is without a limit.
func limitFlag(cmd *cobra.Command, limit *int, usage string) {
	cmd.Flags().IntVar(limit, "limit", 0, usage+" (default: all)")
}

func checkLimit(limit int) error {
	if limit < 0 {
		return usagef("--limit %d: needs a number that is not negative", limit)
	}
	return nil
}

func complete(cmd *cobra.Command, flag string, choices cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, choices); err != nil {
		panic(err) // a flag that is not there
	}
}

// oneOf completes by some words, and by no file.
func oneOf(words []string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// completeNames completes a flag by names of the configuration; by none if there is no
// good one.
func completeNames(cmd *cobra.Command, flag string, names func(*configs.File) []string) {
	complete(cmd, flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		path, _ := cmd.Flags().GetString("config")
		file, err := readConfig(path)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return names(file), cobra.ShellCompDirectiveNoFileComp
	})
}

func jobNames(f *configs.File) []string {
	return namesOf(f.Jobs, func(j configs.Job) string { return j.Name })
}

func targetNames(f *configs.File) []string {
	return namesOf(f.Targets, func(t target.Config) string { return t.Name })
}

// chosenJobs are the jobs of a configuration with that name; "" is all of them.
func chosenJobs(f *configs.File, name string) ([]configs.Job, error) {
	if len(f.Jobs) == 0 {
		return nil, usagef("%s has no jobs; add one under jobs", f.Path())
	}
	if name == "" {
		return f.Jobs, nil
	}
	for _, j := range f.Jobs {
		if j.Name == name {
			return []configs.Job{j}, nil
		}
	}
	return nil, usagef("--job: %s", setting.Unknown("job", name, jobNames(f)))
}

func severityNames() []string {
	return namesOf(audit.Severities(), func(s audit.Severity) string { return string(s) })
}

func checkIDs() []string { return namesOf(audit.Checks(), func(c audit.Check) string { return c.ID }) }

func namesOf[T any](list []T, name func(T) string) []string {
	var out []string
	for _, entry := range list {
		out = append(out, name(entry))
	}
	return out
}

// loadConfig loads a configuration and makes its secrets known, so that nothing that
// is printed holds one.
func (c *cli) loadConfig(path string) (*configs.File, error) {
	f, err := readConfig(path)
	if err == nil {
		bind(f, c.secrets)
	}
	return f, err
}

// readConfig loads a configuration and reads no secret. Without a path it looks for one.
func readConfig(path string) (*configs.File, error) {
	path, err := findConfig(path)
	if err != nil {
		return nil, err
	}
	f, err := configs.Load(path)
	if err != nil {
		return nil, usageError{err}
	}
	return f, nil
}

// findConfig is the path of the configuration, by the flag, the variable or a known place.
func findConfig(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if path := os.Getenv(configVariable); path != "" {
		return path, nil
	}
	for _, path := range configPlaces {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			return path, nil // also one that cannot be read: the error says so
		}
	}
	return "", usagef("no configuration: give -c FILE or %s, or write ./tokenaudit.yaml (tokenaudit init does) or /etc/tokenaudit/tokenaudit.yaml", configVariable)
}

// flagError says a mistake in the flags in plain words.
func flagError(cmd *cobra.Command, err error) error {
	see := "see " + cmd.CommandPath() + " --help"
	if none, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if long := none.GetSpecifiedShortnames(); cmd.Flags().Lookup(long) != nil {
			return usagef("unknown flag -%s, did you mean --%[1]s?", long)
		}
		if none.GetSpecifiedShortnames() != "" {
			return usagef("unknown flag -%s; %s", none.GetSpecifiedName(), see)
		}
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near := setting.Nearest(none.GetSpecifiedName(), known); near != "" {
			return usagef("unknown flag --%s, did you mean --%s?", none.GetSpecifiedName(), near)
		}
		return usagef("unknown flag --%s; %s", none.GetSpecifiedName(), see)
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return usagef("--%s needs a value; %s", missing.GetFlag().Name, see)
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return usagef("--%s %q: needs %s", invalid.GetFlag().Name, invalid.GetValue(), kindOf(invalid.GetFlag()))
	}
	return usagef("%w; %s", err, see)
}

// kindOf is what the value of a flag has to be.
func kindOf(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int":
		return "a whole number"
	case "bool":
		return "no value, true or false"
	case "duration":
		return "a duration such as 30s or 5m"
	}
	return "another value"
}

// logFlags are the flags of every command that say how much is said.
type logFlags struct {
	verbose, quiet bool
	level, format  string
}

var (
	logLevels  = []string{"debug", "info", "warn", "error"}
	logFormats = []string{"text", "json"}
)

func (f *logFlags) add(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "log each step")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing but errors, and what --json asks for")
	flags.StringVar(&f.level, "log-level", "", "least level of the log: debug, info, warn, error (default: warn; serve: info)")
	flags.StringVar(&f.format, "log-format", "", "text or json (default: text on a terminal, else json)")
	for name, choices := range map[string][]string{"log-level": logLevels, "log-format": logFormats} {
		complete(root, name, oneOf(choices))
	}
}

func (f logFlags) check() error {
	return cmp.Or(checkChoice("log-level", "level", f.level, logLevels), checkChoice("log-format", "format", f.format, logFormats))
}

// least is the level of the log: what was asked for, or else that of the command.
func (f logFlags) least(ofCommand slog.Level) slog.Level {
	switch {
	case f.level != "":
		level := ofCommand
		_ = level.UnmarshalText([]byte(f.level)) // checked
		return level
	case f.verbose:
		return slog.LevelDebug
	case f.quiet:
		return slog.LevelError
	}
	return ofCommand
}
