package main

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

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
			explain(c.stdout, check)
			return nil
		}
	}
	return usagef("no check %q; \"tokenaudit checks\" lists them", id)
}

func explain(w io.Writer, check audit.Check) {
	fmt.Fprintf(w, "%s (%s)\n%s\n", check.ID, check.Severity, check.Title)
	fmt.Fprintf(w, "\nWhy it matters\n%s\n", text.WrapSoft(check.Why, 80))
	fmt.Fprintf(w, "\nWhat to do\n%s\n", text.WrapSoft(check.Fix, 80))
	fmt.Fprintf(w, "\nTo change its severity or switch it off\n  policy:\n    severity: {%s: low}   # or off\n", check.ID)
}
