package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/target"
	"tokenaudit/report/table"
)

// tokenDetails is what tokens show prints as JSON.
type tokenDetails struct {
	shownToken
	Class    string         `json:"class"`
	From     string         `json:"from"`      // server, or review: the server does not show it
	At       time.Time      `json:"at"`        // when the server was asked, or when that review saw it
	Answer   string         `json:"answer"`    // of the server that does not show it
	Run      string         `json:"run"`       // the newest review that has it; the findings are of that
	LastSeen *time.Time     `json:"last_seen"` // by a review
	Findings []tokenFinding `json:"findings"`
}

// tokenFinding is a finding of the newest review.
type tokenFinding struct {
	Check    string             `json:"check"`
	Severity audit.Severity     `json:"severity"`
	State    audit.FindingState `json:"state"`
	Since    time.Time          `json:"since"`
	Due      *time.Time         `json:"due"`
	Detail   string             `json:"detail"`
}

func (c *cli) tokensShow() *cobra.Command {
	var f tokenFlags
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one API token with every permission; never its value",
		Long: `show prints one authorization: status, dates, owner, permissions and the fingerprint that
an exception needs. With a configuration it also has the findings of the newest review,
and a block of exceptions for them.

It asks the server first. InfluxDB does not show every token: those of deleted users are
hidden. Then show prints what the newest review saw, and says when that was.
` + serverHelp,
		Example: `  tokenaudit tokens show 11adece381a52001
  tokenaudit tokens show 11adece381a52001 --target prod-eu --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return usagef("%s needs the ID of one token", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.showToken(cmd.Context(), f, args[0])
		},
	}
	f.server.addFlags(cmd, "the one whose review has the token, or else the first one")
	jsonFlag(cmd, &f.json)
	return cmd
}

func (c *cli) showToken(ctx context.Context, f tokenFlags, id string) error {
	file, err := f.configuration(c)
	if err != nil {
		return err
	}
	var targets []target.Config // none without a configuration: the server is one of InfluxDB 2
	if file != nil {
		targets = slices.DeleteFunc(slices.Clone(file.Targets), func(t target.Config) bool { return f.target != "" && t.Name != f.target })
	}
	if err := checkToken("", id, targets...); err != nil {
		return err
	}
	var cfg target.Config
	var seen *reviewedToken
	var unread error // earlier reviews
	if file == nil {
		cfg, err = cliServer(f.host, os.Getenv, c.secrets)
	} else {
		seen, err = c.lastReviewed(ctx, file, f.target, id)
		if unread = err; err != nil && exitCode(err) != exitUsage {
			fmt.Fprintf(c.stderr, "tokenaudit: earlier reviews are not known: %v\n", err)
			err = nil
		}
		if seen != nil {
			f.target = seen.record.Target
		}
		if err == nil {
			cfg, err = f.in(ctx, file)
		}
	}
	if err != nil {
		return err
	}
	ask := c.ask
	if !cfg.V2() || seen != nil && !seen.record.Product.V2() {
		ask = c.askList
	}
	now, unseen := ask(ctx, cfg, id)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if unseen != nil && seen == nil {
		if file != nil && unread == nil {
			unseen = fmt.Errorf("%w; no review has it either", unseen)
		}
		if others := f.others(file, cfg.Name); len(others) > 0 {
			unseen = fmt.Errorf("%w; --target NAME asks another target: %s", unseen, audit.Names(others, 10))
		}
		return unseen
	}
	d := tokenDetails{From: "server", At: time.Now().UTC().Truncate(time.Second), Findings: []tokenFinding{}}
	if seen != nil {
		d.shownToken, d.Run, d.LastSeen, d.Findings = shownTokenOf(seen.record), seen.run.ID(), &seen.record.LastSeen, seen.findings()
	}
	if unseen == nil {
		now.UsedAgain = d.UsedAgain // which the server does not know
		d.Authorization, d.Target, d.Fingerprint, d.MayWrite = now, cfg.Name, now.Fingerprint(), audit.AccessOf(now).WriteScope()
		d.StatusNow = now.StatusAt(d.At)
		if d.Presence == audit.Gone || d.Presence == audit.Unseen { // it is there again
			d.Presence = ""
		}
	} else {
		d.From, d.At, d.Answer = "review", seen.record.LastSeen, unseen.Error()
	}
	cleanAuthorization(c.secrets, &d.Authorization)
	d.Class = audit.AccessOf(d.Authorization).Class()
	if f.json {
		err = c.encode(d)
	} else {
		_, err = io.WriteString(c.stdout, c.tokenPage(d, seen, file))
	}
	api, answered := errors.AsType[*api.Error](unseen)
	if known := unseen == nil || cfg.Bolt != "" || errors.Is(unseen, errNotListed) || answered && api.Status == http.StatusNotFound; err == nil && !known {
		return quietError{exitIncomplete} // what the server has now
	}
	return err
}

// ask asks the server of a target for a token.
func (c *cli) ask(ctx context.Context, cfg target.Config, id string) (audit.Authorization, error) {
	if cfg.Bolt != "" {
		return audit.Authorization{}, usagef("target %q is a file; use tokens list --id", cfg.Name)
	}
	client, err := influx.NewClient(cfg, cfg.Token, c.log(slog.LevelWarn))
	if err != nil {
		return audit.Authorization{}, err
	}
	a, err := client.Authorization(ctx, id)
	if err != nil {
		err = explain(cfg, err)
	}
	return a, err
}

// errNotListed: the whole list was seen, and the token is not in it.
var errNotListed = errors.New("the list of tokens, which was read whole, does not have it")

// askList looks for a token in the list of a target, where none can be asked for by its ID or
// tokens are called by name.
func (c *cli) askList(ctx context.Context, cfg target.Config, id string) (audit.Authorization, error) {
	source, err := sourceOf(cfg, c.log(slog.LevelWarn))
	if err != nil {
		return audit.Authorization{}, err
	}
	list, err := source.Collect(ctx, func() {})
	if err != nil {
		return audit.Authorization{}, err
	}
	if list.Close != nil {
		defer list.Close()
	}
	for a, err := range list.Authorizations {
		if err != nil || a.IsCalled(id) {
			return a, err
		}
	}
	if list.Conclude != nil {
		list.Conclude(&list.Coverage)
	}
	if list.Coverage.Verdict == audit.Complete {
		return audit.Authorization{}, errNotListed
	}
	_ = c.unlessComplete(list.Coverage) // the error is the exit code
	return audit.Authorization{}, errors.New("the list of tokens does not show it, and was not read whole")
}

// reviewedToken is a token as the newest review that has it saw it.
type reviewedToken struct {
	run    audit.Run
	record audit.Record
}

func (r reviewedToken) findings() []tokenFinding {
	out := []tokenFinding{}
	for _, f := range table.WorstFirst(r.record.Findings) {
		found := tokenFinding{Check: f.Check, Severity: f.Severity, State: f.State, Since: f.Since, Detail: f.Detail}
		if !f.Due.IsZero() {
			found.Due = &f.Due
		}
		out = append(out, found)
	}
	return out
}

// lastReviewed finds a token in the newest review of each target, or of one; nil if none
// has it. An ID that two targets have needs the name of one.
func (c *cli) lastReviewed(ctx context.Context, file *configs.File, target, id string) (*reviewedToken, error) {
	p, err := openPast(ctx, c, file)
	if errors.Is(err, ledger.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer p.Close()
	entries, err := p.List(ctx, "", 0)
	if err != nil {
		return nil, err
	}
	found, searched := map[string]reviewedToken{}, map[string]bool{}
	for _, e := range entries { // newest first
		if e.Summary == nil || !isReview(ledger.Known{Run: e.Run, Reported: e.Reported}) {
			continue
		}
		for _, name := range e.Summary.Reviewed() {
			if searched[name] || target != "" && name != target || !slices.Contains(targetNames(file), name) {
				continue
			}
			searched[name] = true
			for rec, err := range p.records(ctx, e.Run, name) {
				if err != nil {
					return nil, err
				}
				if !rec.IsCalled(id) || rec.Legacy || !rec.Exists() && !rec.IsOfOtherOrg() && rec.Presence != audit.Gone {
					continue
				}
				if held, is := found[name]; !is || standing(rec) >= standing(held.record) {
					found[name] = reviewedToken{e.Run, rec}
				}
			}
		}
	}
	var in []string
	for _, name := range targetNames(file) {
		if _, is := found[name]; is {
			in = append(in, name)
		}
	}
	switch len(in) {
	case 0:
		return nil, nil
	case 1:
		one := found[in[0]]
		one.record.ID = one.record.TokenID()
		return &one, nil
	}
	return nil, usagef("the targets %s have a token %s; say which one: --target NAME", audit.Names(in, 10), id)
}

// standing orders records of one ID or name: before those that are gone come those of a server
// that does not answer now, and before those the ones that are there.
func standing(r audit.Record) int {
	switch {
	case !r.Exists():
		return 0
	case r.Elsewhere != "":
		return 1
	}
	return 2
}

var presenceWords = map[audit.Presence]string{
	audit.Listed: "listed", audit.Hidden: "hidden, the server leaves it out of its list", audit.Unseen: "not seen, an earlier review saw it", audit.Gone: "gone, it was deleted",
}

// tokenPage is a token for people.
func (c *cli) tokenPage(d tokenDetails, seen *reviewedToken, file *configs.File) string {
	var out strings.Builder
	user := cmp.Or(d.User, d.UserID)
	if seen != nil {
		user = ownerWords(audit.Record{Authorization: d.Authorization, Owner: seen.record.Owner})
	}
	lines := [][2]string{
		{"ID", d.ID}, {"Description", d.Description}, {"Status", string(d.StatusNow)}, {"User", user}, {"User ID", d.UserID}, {"Org", d.Org + " (" + d.OrgID + ")"},
		{"Created", date(d.CreatedAt, time.RFC3339)}, {"Updated", date(d.UpdatedAt, time.RFC3339)},
	}
	if !d.Product.V2() {
		name := "Description"
		if d.Product.V3() {
			name = "Name"
		}
		lines = [][2]string{
			{"Product", d.Product.Name()}, {"ID", d.ID}, {name, d.Description}, {"User", user}, {"Status", string(d.StatusNow)},
			{"Created", date(d.CreatedAt, time.RFC3339)}, {"Expires", date(d.ExpiresAt, time.RFC3339)}, {"Revoked", date(d.RevokedAt, time.RFC3339)},
		}
		if d.Product.V3() {
			lines = append(lines, [2]string{"Secret replaced", date(d.UpdatedAt, time.RFC3339)})
		}
		lines = slices.DeleteFunc(lines, func(line [2]string) bool { return line[1] == "" })
	}
	lines = append(lines, [2]string{"Class", d.Class}, [2]string{"Fingerprint", d.Fingerprint}, [2]string{"May write", d.MayWrite})
	if d.From == "server" {
		lines = append(lines, [2]string{"Seen", "now, on the server"})
	} else {
		lines = append(lines, [2]string{"Seen", "on " + date(d.At, time.RFC3339) + ", by a review"}, [2]string{"Server", d.Answer})
	}
	if d.Run != "" {
		lines = append(lines, [2]string{"Review", d.Run + ": " + presenceWords[seen.record.Presence]})
	}
	about := newTable(column{}, column{shrink: 30})
	for _, line := range lines {
		about.row(line[0], audit.Line(line[1], 500))
	}
	fmt.Fprintln(&out, about.render(c.columns()))
	t := newTable(column{name: "ACTION"}, column{name: "RESOURCE", shrink: 12}, column{name: "NAME", shrink: 16}, column{name: "ID"}, column{name: "ORG", shrink: 12, drop: 1})
	for _, p := range d.Permissions {
		if !d.Product.V2() {
			kind, name := productResource(p.Resource)
			t.row(audit.Line(p.Action, 40), kind, audit.Line(name, 80), "", "")
			continue
		}
		r, name, org := p.Resource, p.Resource.Name, cmp.Or(p.Resource.Org, p.Resource.OrgID)
		if r.ID == "" {
			name = "(all)"
		}
		if org == "" && r.ID == "" {
			org = "(every org)"
		}
		t.row(audit.Line(p.Action, 10), audit.Line(r.Type, 30), audit.Line(name, 40), audit.Line(r.ID, 16), audit.Line(org, 40))
	}
	fmt.Fprintf(&out, "\n%s\n%s\n", audit.Plural(len(d.Permissions), "permission"), t.render(c.columns()))
	if seen == nil {
		return out.String()
	}
	fmt.Fprintf(&out, "\n%s in run %s\n", audit.Plural(len(d.Findings), "finding"), d.Run)
	if len(d.Findings) > 0 {
		t := newTable(column{name: "SEVERITY"}, column{name: "CHECK"}, column{name: "STATE"}, column{name: "SINCE", drop: 2}, column{name: "DUE", drop: 1}, column{name: "DETAIL", shrink: 20})
		for _, f := range d.Findings {
			due := ""
			if f.Due != nil {
				due = date(*f.Due, time.DateOnly)
			}
			t.row(c.paint.severity(f.Severity), f.Check, f.State, date(f.Since, time.DateOnly), due, audit.Line(f.Detail, 200))
		}
		fmt.Fprintf(&out, "%s\n", t.render(c.columns()))
	}
	return out.String() + exceptionBlock(d, file, time.Now(), c.columns())
}

// productResource says what a permission of a product after InfluxDB 2 is about.
func productResource(r audit.Resource) (kind, name string) {
	switch {
	case r.Type == "instance":
		return "server", "(all)"
	case r.Type != "buckets":
		return audit.Line(r.Type, 30), r.ID
	case r.ID == "":
		return "database", "(all)"
	case r.Name == "":
		return "database", r.ID + " (does not exist)"
	}
	return "database", r.Name
}

// exceptionBlock is the part of a configuration that lets the worst finding stand for a
// while, but for what only people can say.
func exceptionBlock(d tokenDetails, file *configs.File, now time.Time, columns int) string {
	var checks []string
	for _, f := range d.Findings {
		if f.State != audit.Excepted && !strings.HasPrefix(f.Check, "exception-") {
			checks = append(checks, f.Check)
		}
	}
	if len(checks) == 0 {
		return ""
	}
	others := ""
	if len(checks) > 1 {
		others = "  # or " + strings.Join(checks[1:], ", ") + ", or all"
	}
	last := now.Add(min(time.Duration(file.Policy.MaxException), 90*24*time.Hour)).UTC().Format(time.DateOnly)
	below, key := "to", "exceptions:\n"
	if len(file.Exceptions) > 0 { // a key is there once
		below, key = "below exceptions: in", ""
	}
	intro := fmt.Sprintf("Two people can let a finding stand until a date (tokenaudit help exceptions). Add this %s %s, and say why, and who:", below, file.Path())
	return fmt.Sprintf(`
%s

%s  - target: %s
    authorization: %s
    check: %s%s
    fingerprint: %s
    reason: ""
    requested_by: ""
    approved_by: ""
    expires: %s
`, hanging("", intro, columns), key, d.Target, d.ID, checks[0], others, d.Fingerprint, last)
}
