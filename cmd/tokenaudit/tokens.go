package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/target"
)

// tokenFlags say which server, and which of its authorizations.
type tokenFlags struct {
	server
	user, userID, id, org, status, action string
	json                                  bool
	limit                                 int // 0 for all
}

func (c *cli) tokens() *cobra.Command {
	return group("tokens", "List API tokens and their permissions", "", c.tokensList(), c.tokensShow())
}

const serverHelp = `
The server is a target of the configuration (-c FILE, --target NAME). With --host, with a
variable of the influx CLI, or without any configuration, it is that of the influx CLI.
Its variables are INFLUX_HOST, INFLUX_TOKEN, INFLUX_ORG, INFLUX_ORG_ID and
INFLUX_ACTIVE_NAME, and INFLUX_CONFIGS_PATH is its file (default ~/.influxdbv2/configs).
A token is never read from the command line, where other users of the machine could see it.`

func (c *cli) tokensList() *cobra.Command {
	var f tokenFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List API tokens; never their values",
		Long: `list prints API tokens with status, owner, dates and permissions, never their values. It
sends the requests of a review. With a configuration it also has tokens that InfluxDB
hides and earlier reviews saw. If tokens may be missing, it reports why on standard error
and exits 4. Filters are applied by this program, not by the server.` + "\n" + serverHelp,
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
	f.server.addFlags(cmd, "its first one")
	flags := cmd.Flags()
	flags.StringVar(&f.user, "user", "", "only tokens of the user with this name")
	flags.StringVar(&f.userID, "user-id", "", "only tokens of the user with this ID")
	flags.StringVar(&f.id, "id", "", "only the token with this ID")
	flags.StringVar(&f.org, "org", "", "only tokens of this org, by name or ID")
	choiceFlag(cmd, &f.status, "status", "only tokens with this status", tokenStatuses...)
	choiceFlag(cmd, &f.action, "action", "only tokens with a permission for this action", tokenActions...)
	limitFlag(cmd, &f.limit, "print only so many")
	jsonFlag(cmd, &f.json)
	return cmd
}

var (
	tokenStatuses = []string{"active", "inactive", "expired", "revoked"}
	tokenActions  = []string{"read", "write"}
)

// check refuses what would silently match everything or nothing.
func (f tokenFlags) check(cmd *cobra.Command) error {
	for _, name := range []string{"user", "user-id", "id", "org", "status", "action"} {
		if flag := cmd.Flags().Lookup(name); flag.Changed && flag.Value.String() == "" {
			return usagef("--%s is empty; give it a value or leave it out", name)
		}
	}
	if f.userID != "" && !target.IsID(f.userID) {
		return usagef("--user-id %q: an ID has 16 hex digits", f.userID)
	}
	return cmp.Or(checkLimit(f.limit), checkChoice("status", "status", f.status, tokenStatuses), checkChoice("action", "action", f.action, tokenActions))
}

// checkFor refuses what the product of the target does not have.
func (f tokenFlags) checkFor(cfg target.Config) error {
	switch {
	case f.id != "":
		if err := checkToken("--id ", f.id, cfg); err != nil {
			return err
		}
	case cfg.V2():
	case f.org != "":
		return usagef("--org: the target %s is not of InfluxDB 2 and has no orgs", cfg.Name)
	case f.userID != "":
		return usagef("--user-id: the target %s is not of InfluxDB 2 and has no IDs of users", cfg.Name)
	case f.user != "" && cfg.Kind != target.KindV1:
		return usagef("--user: tokens of the target %s have no owners", cfg.Name)
	}
	return nil
}

// checkToken refuses what is neither an ID nor, where a target is of a product that has them, a
// name.
func checkToken(before, text string, targets ...target.Config) error {
	if _, ok := audit.TokenIDOf(text); ok || slices.ContainsFunc(targets, func(t target.Config) bool { return !t.V2() }) {
		return nil
	}
	return usagef("%s%.40q: an ID has 16 hex digits; tokens list shows them", before, text)
}

// listTokens asks as a review does, which knows what a list leaves out, and prints
// those that match. The filters are this program's alone: servers ignore some.
func (c *cli) listTokens(ctx context.Context, f tokenFlags) (err error) {
	file, err := f.configuration(c)
	if err != nil {
		return err
	}
	var cfg target.Config
	if file == nil {
		cfg, err = cliServer(f.host, os.Getenv, c.secrets)
	} else {
		cfg, err = f.in(ctx, file)
	}
	if err != nil {
		return err
	}
	if others := f.others(file, cfg.Name); len(others) > 0 && !c.quiet {
		fmt.Fprintf(c.stderr, "tokenaudit: these are tokens of the target %s; --target NAME asks another: %s\n", cfg.Name, audit.Names(others, 10))
	}
	if err := f.checkFor(cfg); err != nil {
		return err
	}
	cfg.Org = cmp.Or(f.org, cfg.Org)
	configured := len(cfg.Users)
	if cfg.V2() && (f.user != "" || f.userID != "") && !slices.ContainsFunc(cfg.Users, f.names) {
		asked := target.User{ID: f.userID}
		if f.userID == "" {
			asked.Name = f.user
		}
		cfg.Users = append(slices.Clone(cfg.Users), asked) // so that it is asked whether there is one
	}
	source, err := sourceOf(cfg, c.log(slog.LevelWarn))
	if err != nil {
		return err
	}
	target := runner.Target{Name: cfg.Name, Host: cfg.Host(), Source: source}
	a, job := &runner.Assessor{Log: c.log(slog.LevelWarn)}, runner.Job{Name: "tokens", Targets: []runner.Target{target}}
	if file != nil {
		job.Policy = file.Audit()
	}
	if file != nil && f.org == "" { // another org is not compared with what reviews saw
		e, unread := openEarlier(ctx, file, c.log(slog.LevelWarn))
		defer func() { err = errors.Join(err, e.close()) }()
		if unread != nil {
			fmt.Fprintf(c.stderr, "tokenaudit: earlier reviews are not known: %v\n", unread)
		}
		at, err := jobsToTry(file, job.Targets, c.secrets)
		if err != nil {
			return err
		}
		a = e.Assessor
		job = at[slices.IndexFunc(at, func(j runner.Job) bool { return len(j.Targets) > 0 })]
	}
	bar, matched, left := c.newProgress(), 0, 0
	defer bar.done() // also where nothing could be asked
	a.Progress = bar.add
	cov, err := assess(ctx, a, job, cfg.Name, func(records iter.Seq2[audit.Record, error]) error {
		bar.done()
		return c.printTokens(f.json, func(yield func(audit.Record, error) bool) {
			for r, err := range records {
				if err == nil && (!r.Exists() || r.Presence == audit.Unseen || !f.matches(r.Authorization)) {
					continue
				}
				if matched++; err == nil && f.limit > 0 && matched > f.limit {
					left++
					continue
				}
				if !yield(r, err) {
					return
				}
			}
		})
	})
	if err := cmp.Or(context.Cause(ctx), err); err != nil {
		return err
	}
	if len(cfg.Users) > configured {
		unknownUser(&cov, cfg.Users[configured])
	}
	switch complete := cov.Verdict == audit.Complete; {
	case matched == 0 && complete:
		fmt.Fprintln(c.stderr, "tokenaudit: no token matches")
	case matched == 0:
		fmt.Fprintln(c.stderr, "tokenaudit: no visible token matches")
	case left > 0:
		fmt.Fprintf(c.stderr, "tokenaudit: %s more; --limit %d leaves them out\n", audit.Plural(left, "token"), f.limit)
	}
	return c.unlessComplete(cov)
}

// unknownUser corrects what to do about a user that was asked for and is not configured.
func unknownUser(cov *audit.Coverage, u target.User) {
	for i, g := range cov.Gaps {
		if premise, _ := audit.PremiseOf(g.ID); premise.ID == audit.UsersPresent && strings.HasPrefix(g.Reason, u.Label()+": ") {
			cov.Gaps[i].Fix = "Check the name. Of a deleted user, only tokens that an earlier review saw are listed."
		}
	}
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
func (f tokenFlags) names(u target.User) bool {
	return (f.user == "" || u.Name == f.user) && (f.userID == "" || strings.EqualFold(u.ID, f.userID))
}

// matches leaves the org to the target, which is of that org only.
func (f tokenFlags) matches(a audit.Authorization) bool {
	allowed := func(p audit.Permission) bool { return p.Action == f.action }
	return (f.user == "" || a.User == f.user) && (f.userID == "" || strings.EqualFold(a.UserID, f.userID)) &&
		(f.id == "" || a.IsCalled(f.id)) &&
		(f.status == "" || string(a.StatusAt(time.Now())) == f.status) && (f.action == "" || slices.ContainsFunc(a.Permissions, allowed))
}

// shownToken is an authorization in what tokens list prints as JSON.
type shownToken struct {
	audit.Authorization
	Target      string           `json:"target"`
	StatusNow   audit.Status     `json:"status_now"` // active, inactive, expired or revoked
	Presence    audit.Presence   `json:"presence"`   // listed, or hidden: the server leaves it out of its list
	OwnerState  audit.OwnerState `json:"owner_state"`
	Fingerprint string           `json:"fingerprint"` // what an exception needs
	MayWrite    string           `json:"may_write"`
}

func shownTokenOf(r audit.Record) shownToken {
	return shownToken{r.Authorization, r.Target, r.StatusAt(time.Now()), r.Presence, r.Owner.State, r.Fingerprint(), audit.AccessOf(r.Authorization).WriteScope()}
}

// ownerWords are the name of the owner, and its state where that matters.
func ownerWords(r audit.Record) string {
	name := cmp.Or(r.User, r.Owner.Name, r.UserID)
	if r.Owner.State == audit.OwnerDeleted || r.Owner.State == audit.OwnerInactive {
		name += " (" + string(r.Owner.State) + ")"
	}
	return name
}

// printTokens prints a table, or a JSON array, one authorization at a time.
func (c *cli) printTokens(asJSON bool, rows iter.Seq2[audit.Record, error]) error {
	t := newTable(column{name: "ID"}, column{name: "STATUS"}, column{name: "SEEN"}, column{name: "DESCRIPTION", shrink: 16}, column{name: "USER", shrink: 12},
		column{name: "EXPIRES", drop: 3}, column{name: "ORG", shrink: 8, drop: 1}, column{name: "CREATED", drop: 2}, column{name: "MAY WRITE", shrink: 15})
	before, after := "[\n  ", "[]\n"
	for r, err := range rows {
		if err != nil {
			return err
		}
		cleanAuthorization(c.secrets, &r.Authorization) // before its texts are cut
		c.secrets.CleanTexts(&r.Owner.Name)
		if !asJSON {
			hidden, expires, org := "", "", audit.Line(r.Org, 12)
			if r.Presence == audit.Hidden {
				hidden = "hidden"
			}
			if !r.ExpiresAt.IsZero() {
				expires = date(r.ExpiresAt, time.DateOnly)
			}
			if !r.Product.V2() {
				org = ""
			}
			t.row(audit.Line(r.ID, longestID), audit.Line(string(r.StatusAt(time.Now())), 10), hidden, audit.Line(r.Description, 28), audit.Line(ownerWords(r), 28),
				expires, org, date(r.CreatedAt, time.DateOnly), audit.Line(cmp.Or(audit.AccessOf(r.Authorization).WriteScope(), "-"), 36))
			continue
		}
		encoded, err := json.MarshalIndent(shownTokenOf(r), "  ", "  ")
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

// longestID bounds the IDs that are shown: those of users of InfluxDB 1.x are made of names.
const longestID = 240

func date(t time.Time, layout string) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(layout)
}
