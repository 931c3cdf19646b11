package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
)

func (c *cli) printTokens(asJSON bool, rows iter.Seq2[audit.Authorization, error]) error {
	if asJSON {
		return printJSON(c.stdout, rows)
	}
	t := newTable("ID", "STATUS", "DESCRIPTION", "USER", "ORG", "CREATED", "MAY WRITE")
	for a, err := range rows {
		if err != nil {
			return err
		}
		acc := audit.AccessOf(a)
		t.AppendRow(table.Row{audit.Line(a.ID, 16), audit.Line(string(a.Status), 10), audit.Line(a.Description, 28), audit.Line(a.User, 18),
			audit.Line(a.Org, 12), date(a.CreatedAt), audit.Line(orDash(acc.WriteScope()), 36)})
	}
	_, err := fmt.Fprintln(c.stdout, t.Render())
	return err
}

// printJSON prints an array, one authorization at a time.
func printJSON(w io.Writer, rows iter.Seq2[audit.Authorization, error]) error {
	sep := "["
	for a, err := range rows {
		if err != nil {
			return err
		}
		text, err := json.MarshalIndent(a, "  ", "  ")
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s\n  %s", sep, text); err != nil {
			return err
		}
		sep = ","
	}
	if sep == "[" {
		_, err := fmt.Fprintln(w, "[]")
		return err
	}
	_, err := fmt.Fprintln(w, "\n]")
	return err
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func date(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}

func (c *cli) tokensShow() *cobra.Command {
	var f tokenFlags
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show one API token with every permission; never its value",
		Long:    "show prints one authorization as the InfluxDB UI does: status, dates, owner and\nthe list of its permissions.\n" + serverHelp,
		Example: `  tokenaudit tokens show 11adece381a52001`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return usagef("%s needs the ID of one token", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.showToken(cmd.Context(), f, args[0]) },
	}
	f.server.addFlags(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func (c *cli) showToken(ctx context.Context, f tokenFlags, id string) error {
	client, _, err := f.connect(c.log(slog.LevelWarn))
	if err != nil {
		return err
	}
	a, err := client.Get(ctx, id)
	if err != nil {
		return f.explain(err)
	}
	if f.json {
		enc := json.NewEncoder(c.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(a)
	}
	printToken(c.stdout, a)
	return nil
}

func printToken(w io.Writer, a audit.Authorization) {
	acc := audit.AccessOf(a)
	for _, line := range [][2]string{
		{"ID", a.ID}, {"Description", a.Description}, {"Status", string(a.Status)},
		{"User", a.User + " (" + a.UserID + ")"}, {"Org", a.Org + " (" + a.OrgID + ")"},
		{"Created", moment(a.CreatedAt)}, {"Updated", moment(a.UpdatedAt)}, {"Class", acc.Class()}, {"Fingerprint", a.Fingerprint()}, {"May write", acc.WriteScope()},
	} {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-12s  %s", line[0], audit.Line(line[1], 500)), " "))
	}
	fmt.Fprintf(w, "\n%s\n", plural(len(a.Permissions), "permission"))
	t := newTable("ACTION", "RESOURCE", "NAME", "ID", "ORG")
	for _, p := range a.Permissions {
		r := p.Resource
		t.AppendRow(table.Row{audit.Line(p.Action, 10), audit.Line(r.Type, 30), audit.Line(orAll(r), 40), audit.Line(r.ID, 16), audit.Line(orgOf(r), 40)})
	}
	fmt.Fprintln(w, t.Render())
}

func orAll(r audit.Resource) string {
	if r.ID == "" {
		return "(all)"
	}
	return r.Name
}

func orgOf(r audit.Resource) string {
	switch {
	case r.Org != "":
		return r.Org
	case r.OrgID == "" && r.ID == "":
		return "(every org)"
	}
	return r.OrgID
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
