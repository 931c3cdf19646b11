package main

import (
	"fmt"
	"slices"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
)

func (c *cli) checks() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "checks [ID]",
		Short: "List the checks, or explain one",
		Example: `  tokenaudit checks
  tokenaudit checks deleted-owner
  tokenaudit checks --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%s takes one argument at most; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.listChecks(asJSON)
			}
			return c.explainCheck(args[0], asJSON)
		},
		ValidArgsFunction: oneOf(checkIDs()),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// checkJSON is a check in the JSON of checks.
type checkJSON struct {
	ID       string          `json:"id"`
	Severity audit.Severity  `json:"severity"`
	Title    string          `json:"title"`
	Why      string          `json:"why"`
	Fix      string          `json:"fix"`
	Controls []audit.Control `json:"controls"`
}

func newCheckJSON(check audit.Check, controls audit.Controls) checkJSON {
	return checkJSON{check.ID, check.Severity, check.Title, check.Why, check.Fix, append([]audit.Control{}, controls[check.ID]...)}
}

// checksBySeverity are the checks, those of the worst severity first.
func checksBySeverity() []audit.Check {
	all := audit.Checks()
	slices.SortStableFunc(all, func(a, b audit.Check) int {
		return slices.Index(audit.Severities(), a.Severity) - slices.Index(audit.Severities(), b.Severity)
	})
	return all
}

func (c *cli) listChecks(asJSON bool) error {
	if asJSON {
		controls, err := configs.Controls()
		if err != nil {
			return err
		}
		list := []checkJSON{}
		for _, check := range checksBySeverity() {
			list = append(list, newCheckJSON(check, controls))
		}
		return c.encode(list)
	}
	t := newTable(column{name: "ID"}, column{name: "SEVERITY"}, column{name: "MATCHES", shrink: 20})
	for _, check := range checksBySeverity() {
		t.row(check.ID, c.paint.severity(check.Severity), check.Title)
	}
	_, err := fmt.Fprintln(c.stdout, t.render(c.columns()))
	return err
}

func (c *cli) explainCheck(id string, asJSON bool) error {
	at := slices.Index(checkIDs(), id)
	if at < 0 {
		return usagef("%s", setting.Unknown("check", id, checkIDs()))
	}
	controls, err := configs.Controls() // those that come with the program
	if err != nil {
		return err
	}
	check := audit.Checks()[at]
	if asJSON {
		return c.encode(newCheckJSON(check, controls))
	}
	fmt.Fprintf(c.stdout, "%s (%s)\n%s\n", check.ID, c.paint.severity(check.Severity), check.Title)
	fmt.Fprintf(c.stdout, "\nWhy it matters\n%s\n", text.WrapSoft(check.Why, 80))
	fmt.Fprintf(c.stdout, "\nHow to fix it\n%s\n\nRelates to\n", text.WrapSoft(check.Fix, 80))
	t := newTable(column{name: "FRAMEWORK"}, column{name: "CONTROL"}, column{name: "TITLE", shrink: 20}, column{name: "RELATION", drop: 1})
	for _, related := range controls[id] {
		t.row(related.Framework+" "+related.Version, related.ID, related.Title, related.Strength)
	}
	_, err = fmt.Fprintf(c.stdout, "%s\n\nTo change its severity or switch it off\n  policy:\n    severity: {%s: low}   # or off\n", t.render(c.columns()), check.ID)
	return err
}
