package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/schedule"
)

func (c *cli) config() *cobra.Command {
	return group("config", "Check a configuration, or print an example or the schema", `  tokenaudit config example > tokenaudit.yaml
  tokenaudit config validate
  tokenaudit config schema > schema.json     # for completion in an editor`,
		c.configValidate(), c.print("example", "Print an example configuration with every key", configs.Example),
		c.print("controls", "Print the built-in controls that the checks relate to", configs.BuiltinControls),
		c.print("schema", "Print the JSON schema of the configuration", configs.Schema))
}

func (c *cli) print(name, short string, content func() []byte) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := c.data.Write(content())
			return err
		},
	}
}

func (c *cli) configValidate() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check a configuration; sends nothing and reads no secret",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			file, err := readConfig(path)
			if err != nil {
				return err
			}
			for _, warning := range append(warnings(file), oldKeys(file)...) {
				c.warn("%s", warning)
			}
			counts := audit.Plural(len(file.Targets), "target") + ", " + audit.Plural(len(file.Jobs), "job")
			if n := len(file.Campaigns); n > 0 {
				counts += ", " + audit.Plural(n, "campaign")
			}
			fmt.Fprintf(c.stdout, "%s is valid: %s\n", file.Path(), counts)
			return nil
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// warnings are what is allowed but probably not meant.
func warnings(f *configs.File) []string {
	var out []string
	note := func(where string, ws []string) {
		for _, w := range ws {
			out = append(out, where+": "+w)
		}
	}
	note("store", ledger.StoreWarnings(f.Store))
	for key, ref := range f.Secrets() {
		note(key, ref.Warnings())
	}
	for _, j := range f.Jobs {
		if s, err := schedule.Parse(j.Schedule, j.Timezone); err == nil {
			note(fmt.Sprintf("job %q", j.Name), s.Warnings())
		}
	}
	return out
}

// oldKeys are the keys of earlier versions in a configuration. They are no fault.
func oldKeys(f *configs.File) []string {
	var out []string
	for _, j := range f.Jobs {
		for _, old := range f.OldKeys(j) {
			out = append(out, fmt.Sprintf("job %q: %s", j.Name, old))
		}
	}
	return out
}
