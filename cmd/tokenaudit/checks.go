package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
)

func (c *cli) checks() *cobra.Command {
	return &cobra.Command{
		Use:   "checks [ID]",
		Short: "List the checks, or explain one",
		Example: `  tokenaudit checks
  tokenaudit checks deleted-owner`,
		Args: atMostOne,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.listChecks()
			}
			return c.explainCheck(args[0])
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return checkIDs(), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("%s takes one argument at most; see %s --help", cmd.CommandPath(), cmd.CommandPath())
	}
	return nil
}

func checkIDs() []string {
	var ids []string
	for _, check := range audit.Checks() {
		ids = append(ids, check.ID)
	}
	return ids
}

func (c *cli) listChecks() error {
	t := newTable("ID", "SEVERITY", "MATCHES")
	for _, check := range audit.Checks() {
		t.AppendRow([]any{check.ID, check.Severity, check.Title})
	}
	_, err := fmt.Fprintln(c.stdout, t.Render())
	return err
}

func (c *cli) explainCheck(id string) error {
	for _, check := range audit.Checks() {
		if check.ID == id {
			return explain(c.stdout, check)
		}
	}
	return usagef("no check %q; \"tokenaudit checks\" lists them", id)
}

func explain(w io.Writer, check audit.Check) error {
	fmt.Fprintf(w, "%s (%s)\n%s\n", check.ID, check.Severity, check.Title)
	fmt.Fprintf(w, "\nWhy it matters\n%s\n", text.WrapSoft(check.Why, 80))
	fmt.Fprintf(w, "\nWhat to do\n%s\n", text.WrapSoft(check.Fix, 80))
	if err := relatesTo(w, check.ID); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nTo change its severity or switch it off\n  policy:\n    severity: {%s: low}   # or off\n", check.ID)
	return err
}

// relatesTo lists the controls that come with the program.
func relatesTo(w io.Writer, id string) error {
	controls, err := configs.Controls()
	if err != nil {
		return err
	}
	fmt.Fprint(w, "\nRelates to\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range controls[id] {
		fmt.Fprintf(t, "  %s %s\t%s\t%s\t%s\n", c.Framework, c.Version, c.ID, c.Title, c.Strength)
	}
	return t.Flush()
}
