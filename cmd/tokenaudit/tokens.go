package main

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
)

var idPattern = regexp.MustCompile(`^[0-9a-fA-F]{16}$`)

// tokenFlags say which server, and which of its authorizations.
type tokenFlags struct {
	server
	user, userID, id, org, status, action string
	json                                  bool
}

func (c *cli) tokens() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tokens",
		Short: "List API tokens and their permissions",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.tokensList(), c.tokensShow())
	return cmd
}

const serverHelp = `
The server is a target of the configuration (-c FILE, --target NAME), or, without
-c, the one of the influx CLI: --host, INFLUX_HOST, INFLUX_TOKEN, INFLUX_ORG,
INFLUX_ORG_ID, INFLUX_ACTIVE_NAME and its file (INFLUX_CONFIGS_PATH, else
~/.influxdbv2/configs). A token is never taken from the command line, where other
users of the machine could read it.`

func (c *cli) tokensList() *cobra.Command {
	var f tokenFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List API tokens; never their values",
		Long: `list prints the authorizations that the credential may see, with status, owner,
dates and permissions. Every filter is checked against the rows: the server and
the influx CLI ignore some.` + "\n" + serverHelp,
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
	f.server.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.user, "user", "", "only tokens of the user with this name")
	flags.StringVar(&f.userID, "user-id", "", "only tokens of the user with this ID")
	flags.StringVar(&f.id, "id", "", "only the token with this ID")
	flags.StringVar(&f.org, "org", "", "only tokens of this org, by name or ID")
	flags.StringVar(&f.status, "status", "", "only tokens with this status: active, inactive")
	flags.StringVar(&f.action, "action", "", "only tokens with a permission for this action: read, write")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

// check refuses what would silently match everything or nothing.
func (f tokenFlags) check(cmd *cobra.Command) error {
	for _, name := range []string{"user", "user-id", "id", "org", "status", "action"} {
		if flag := cmd.Flags().Lookup(name); flag.Changed && flag.Value.String() == "" {
			return usagef("--%s is empty, which would be no filter at all", name)
		}
	}
	for name, id := range map[string]string{"user-id": f.userID, "id": f.id} {
		if id != "" && !idPattern.MatchString(id) {
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

func (c *cli) listTokens(ctx context.Context, f tokenFlags) error {
	client, org, err := f.connect(c.log(slog.LevelWarn))
	if err != nil {
		return err
	}
	if f.org == "" {
		f.org = org
	}
	bar := c.newProgress()
	list, err := client.List(ctx, f.query(), func() { bar.add("") })
	bar.done()
	if err != nil {
		return f.explain(err)
	}
	defer list.Close()
	rows := &counting{seq: list.All()}
	kept := &counting{seq: keep(rows.all(), f.matches)}
	if err := c.printTokens(f.json, kept.all()); err != nil {
		return err
	}
	switch {
	case rows.n > 0 && kept.n == 0:
		fmt.Fprintln(c.stderr, "tokenaudit: no token matches")
	case rows.n == 0:
		fmt.Fprintln(c.stderr, "tokenaudit: the server's list is empty, which proves nothing: it answers a credential that is inactive or may not read authorizations and users with an empty list")
		return quietError{exitIncomplete}
	}
	return nil
}

// query is what the server is asked for; the rest is filtered here.
func (f tokenFlags) query() influx.Query {
	q := influx.Config{Org: f.org}.Query()
	q.UserID, q.User = f.userID, f.user
	return q
}

func (f tokenFlags) matches(a audit.Authorization) bool {
	return (f.user == "" || a.User == f.user) && (f.userID == "" || strings.EqualFold(a.UserID, f.userID)) &&
		(f.id == "" || strings.EqualFold(a.ID, f.id)) && (f.org == "" || a.Org == f.org || strings.EqualFold(a.OrgID, f.org)) &&
		(f.status == "" || string(a.Status) == f.status) && (f.action == "" || allows(a, f.action))
}

func allows(a audit.Authorization, action string) bool {
	for _, p := range a.Permissions {
		if p.Action == action {
			return true
		}
	}
	return false
}

// counting remembers how many rows went by.
type counting struct {
	seq iter.Seq2[audit.Authorization, error]
	n   int
}

func (c *counting) all() iter.Seq2[audit.Authorization, error] {
	return func(yield func(audit.Authorization, error) bool) {
		for a, err := range c.seq {
			c.n++
			if !yield(a, err) {
				return
			}
		}
	}
}

func keep(seq iter.Seq2[audit.Authorization, error], want func(audit.Authorization) bool) iter.Seq2[audit.Authorization, error] {
	return func(yield func(audit.Authorization, error) bool) {
		for a, err := range seq {
			if (err != nil || want(a)) && !yield(a, err) {
				return
			}
		}
	}
}
