package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/runner"
)

// tokenFlags say which server, and which of its authorizations.
type tokenFlags struct {
	server
	user, userID, id, org, status, action string
	json                                  bool
}

func (c *cli) tokens() *cobra.Command {
	return group("tokens", "List API tokens and their permissions", "", c.tokensList(), c.tokensShow())
}

const serverHelp = `
The server is a target of the configuration (-c FILE, --target NAME). Without -c it is
that of the influx CLI: --host, INFLUX_HOST, INFLUX_TOKEN, INFLUX_ORG, INFLUX_ORG_ID,
INFLUX_ACTIVE_NAME and its file (INFLUX_CONFIGS_PATH, default ~/.influxdbv2/configs). A
token is never read from the command line, where other users of the machine could see it.`

func (c *cli) tokensList() *cobra.Command {
	var f tokenFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List API tokens; never their values",
		Long: `list prints API tokens with status, owner, dates and permissions, never their values. It
sends the requests of a review. If tokens may be missing, it reports why on standard
error and exits 4. Filters are applied by this program, not by the server.` + "\n" + serverHelp,
		Example: `  tokenaudit tokens list --user iot_user_1 --status active --action write
  tokenaudit tokens list --host http://localhost:8086 --org acme
  tokenaudit tokens list -c tokenaudit.yaml --target prod-eu --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return c.listTokens(cmd.Context(), f)
		},
	}
	f.server.addFlags(c, cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.user, "user", "", "only tokens of the user with this name")
	flags.StringVar(&f.userID, "user-id", "", "only tokens of the user with this ID")
	flags.StringVar(&f.id, "id", "", "only the token with this ID")
	flags.StringVar(&f.org, "org", "", "only tokens of this org, by name or ID")
	flags.StringVar(&f.status, "status", "", "only tokens with this status: active, inactive")
	flags.StringVar(&f.action, "action", "", "only tokens with a permission for this action: read, write")
	jsonFlag(cmd, &f.json)
	return cmd
}

// check refuses what would silently match everything or nothing.
func (f tokenFlags) check(cmd *cobra.Command) error {
	for _, name := range []string{"user", "user-id", "id", "org", "status", "action"} {
		if flag := cmd.Flags().Lookup(name); flag.Changed && flag.Value.String() == "" {
			return usagef("--%s is empty; give it a value or leave it out", name)
		}
	}
	for name, id := range map[string]string{"user-id": f.userID, "id": f.id} {
		if id != "" && !influx.IsID(id) {
			return usagef("--%s %q: an ID has 16 hex digits", name, id)
		}
	}
	if f.status != "" && f.status != "active" && f.status != "inactive" {
		return usagef("--status %q: use active or inactive", f.status)
	}
	if f.action != "" && f.action != "read" && f.action != "write" {
		return usagef("--action %q: use read or write", f.action)
	}
	return nil
}

// listTokens asks as a review does, which knows what a list leaves out, and prints
// those that match. The filters are this program's alone: servers ignore some.
func (c *cli) listTokens(ctx context.Context, f tokenFlags) error {
	cfg, policy, err := f.find(c)
	if err != nil {
		return err
	}
	cfg.Org = cmp.Or(f.org, cfg.Org)
	if (f.user != "" || f.userID != "") && !slices.ContainsFunc(cfg.Users, f.names) {
		asked := influx.User{ID: f.userID}
		if f.userID == "" {
			asked.Name = f.user
		}
		cfg.Users = append(slices.Clone(cfg.Users), asked) // so that it is asked whether there is one
	}
	source, err := sourceOf(cfg, c.log(slog.LevelWarn))
	if err != nil {
		return err
	}
	bar, matched := c.newProgress(), 0
	a := &runner.Assessor{Log: c.log(slog.LevelWarn), Progress: bar.add}
	job := runner.Job{Name: "tokens", Policy: policy, Targets: []runner.Target{{Name: cfg.Name, Source: source}}}
	cov, err := assess(ctx, a, job, cfg.Name, func(records iter.Seq2[audit.Record, error]) error {
		bar.done()
		return c.printTokens(f.json, func(yield func(audit.Authorization, error) bool) {
			for r, err := range records {
				if err == nil && (!r.Exists() || r.Presence == audit.Unseen || !f.matches(r.Authorization)) {
					continue
				}
				matched++
				if !yield(r.Authorization, err) {
					return
				}
			}
		})
	})
	if err := cmp.Or(context.Cause(ctx), err); err != nil {
		return err
	}
	switch complete := cov.Verdict == audit.Complete; {
	case matched == 0 && complete:
		fmt.Fprintln(c.stderr, "tokenaudit: no token matches")
	case matched == 0:
		fmt.Fprintln(c.stderr, "tokenaudit: no visible token matches")
	}
	return c.unlessComplete(cov)
}

// unlessComplete says what could not be seen, or what of it was accepted, and is the exit code for it.
func (c *cli) unlessComplete(cov audit.Coverage) error {
	if cov.Verdict == audit.Complete {
		if len(cov.Accepted()) > 0 {
			fmt.Fprintf(c.stderr, "tokenaudit: coverage of %s is %s\n", audit.Line(cov.Source, 300), cov.Words())
		}
		return nil
	}
	fmt.Fprintf(c.stderr, "tokenaudit: coverage of %s is %s: some tokens may be missing\n", audit.Line(cov.Source, 300), cov.Verdict)
	for _, g := range cov.Gaps {
		if g.Accepted != nil {
			continue
		}
		fmt.Fprintf(c.stderr, "  not seen: %s\n", audit.Line(g.Reason, 500))
		printRemedy(c.stderr, g.Reason, g.Remedy(), 0)
	}
	return quietError{exitIncomplete}
}

// names reports whether u is the user that is asked for.
func (f tokenFlags) names(u influx.User) bool {
	return (f.user == "" || u.Name == f.user) && (f.userID == "" || strings.EqualFold(u.ID, f.userID))
}

// matches leaves the org to the target, which is of that org only.
func (f tokenFlags) matches(a audit.Authorization) bool {
	allowed := func(p audit.Permission) bool { return p.Action == f.action }
	return (f.user == "" || a.User == f.user) && (f.userID == "" || strings.EqualFold(a.UserID, f.userID)) &&
		(f.id == "" || strings.EqualFold(a.ID, f.id)) &&
		(f.status == "" || string(a.Status) == f.status) && (f.action == "" || slices.ContainsFunc(a.Permissions, allowed))
}

// printTokens prints a table, or a JSON array, one authorization at a time.
func (c *cli) printTokens(asJSON bool, rows iter.Seq2[audit.Authorization, error]) error {
	t := newTable(column{name: "ID"}, column{name: "STATUS"}, column{name: "DESCRIPTION", shrink: 16}, column{name: "USER", shrink: 12}, column{name: "ORG", shrink: 8, drop: 1},
		column{name: "CREATED", drop: 2}, column{name: "MAY WRITE", shrink: 12})
	before, after := "[\n  ", "[]\n"
	for a, err := range rows {
		if err != nil {
			return err
		}
		cleanAuthorization(c.secrets, &a) // before its texts are cut
		if !asJSON {
			t.row(audit.Line(a.ID, 16), audit.Line(string(a.Status), 10), audit.Line(a.Description, 28), audit.Line(a.User, 18),
				audit.Line(a.Org, 12), date(a.CreatedAt, time.DateOnly), audit.Line(cmp.Or(audit.AccessOf(a).WriteScope(), "-"), 36))
			continue
		}
		encoded, err := json.MarshalIndent(a, "  ", "  ")
		if err != nil {
			return err
		}
		if _, err := fmt.Fprint(c.data, before, string(encoded)); err != nil {
			return err
		}
		before, after = ",\n  ", "\n]\n"
	}
	if asJSON {
		_, err := io.WriteString(c.data, after)
		return err
	}
	_, err := io.WriteString(c.stdout, t.render(c.columns())+"\n")
	return err
}

func date(t time.Time, layout string) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(layout)
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
	f.server.addFlags(c, cmd)
	jsonFlag(cmd, &f.json)
	return cmd
}

func (c *cli) showToken(ctx context.Context, f tokenFlags, id string) error {
	client, cfg, err := f.connect(c)
	if err != nil {
		return err
	}
	a, err := client.Get(ctx, strings.ToLower(id))
	if err != nil {
		return explain(cfg, err)
	}
	cleanAuthorization(c.secrets, &a)
	if f.json {
		return c.encode(a)
	}
	var out strings.Builder
	acc := audit.AccessOf(a)
	for _, line := range [][2]string{
		{"ID", a.ID}, {"Description", a.Description}, {"Status", string(a.Status)},
		{"User", a.User + " (" + a.UserID + ")"}, {"Org", a.Org + " (" + a.OrgID + ")"},
		{"Created", date(a.CreatedAt, time.RFC3339)}, {"Updated", date(a.UpdatedAt, time.RFC3339)}, {"Class", acc.Class()}, {"Fingerprint", a.Fingerprint()}, {"May write", acc.WriteScope()},
	} {
		fmt.Fprintln(&out, strings.TrimRight(fmt.Sprintf("%-12s  %s", line[0], audit.Line(line[1], 500)), " "))
	}
	t := newTable(column{name: "ACTION"}, column{name: "RESOURCE", shrink: 12}, column{name: "NAME", shrink: 16}, column{name: "ID"}, column{name: "ORG", shrink: 12, drop: 1})
	for _, p := range a.Permissions {
		r, name, org := p.Resource, p.Resource.Name, cmp.Or(p.Resource.Org, p.Resource.OrgID)
		if r.ID == "" {
			name = "(all)"
		}
		if org == "" && r.ID == "" {
			org = "(every org)"
		}
		t.row(audit.Line(p.Action, 10), audit.Line(r.Type, 30), audit.Line(name, 40), audit.Line(r.ID, 16), audit.Line(org, 40))
	}
	_, err = fmt.Fprintf(c.stdout, "%s\n%s\n%s\n", out.String(), audit.Plural(len(a.Permissions), "permission"), t.render(c.columns()))
	return err
}
