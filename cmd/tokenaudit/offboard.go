package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/target"
)

// offboardFlags say where a leaver is looked for, and who takes over.
type offboardFlags struct {
	config, target, to string
	json, done         bool
}

func (c *cli) offboard() *cobra.Command {
	var f offboardFlags
	cmd := &cobra.Command{
		Use:   "offboard USER",
		Short: "Show what stops when a user is deleted, and what to do first",
		Long: `offboard shows the tokens of a user, by name or ID, in every target of the configuration.
InfluxDB stops every token of a user who is deleted. offboard shows what that would stop,
and whether another active token has the same permissions.

Then it prints the steps in order, with the commands of the influx CLI. The same tokens are
created under a service user, and the writers are switched. The old tokens are inactive for
a week before they are deleted, and then the user. The service user is that of --to, or the
only one of policy.service_users. Narrow tokens are to replace those that may do nearly
everything, create tokens or administer users. offboard only asks; people run the commands.

With --done, after the user was deleted, it shows what is left: tokens without an owner,
tokens that still work, and the user. It exits 3 if something is left.

Tokens of InfluxDB 3, Cloud Dedicated and Clustered have no owners. Those that are called
as the user are named, and the others have to be looked through.

What could not be seen is reported, and then the exit code is 4: nothing is concluded from it.`,
		Example: `  tokenaudit offboard alice
  tokenaudit offboard alice --target prod-eu --to telegraf --json
  tokenaudit offboard alice --done`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) != 1 || args[0] == "":
				return usagef("%s needs the name or the ID of one user", cmd.CommandPath())
			case f.to == args[0]:
				return usagef("--to %s: give another user, who takes over", shellWord(f.to))
			case f.done && f.to != "":
				return usagef("--done takes no --to: there is nothing to create")
			}
			return checkTo(cmd, f.to)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.done {
				return c.offboardDone(cmd.Context(), f, args[0])
			}
			return c.offboardPlan(cmd.Context(), f, args[0])
		},
	}
	configFlag(cmd, &f.config)
	targetFlag(cmd, &f.target, "only this target (default: all)")
	cmd.Flags().StringVar(&f.to, "to", "", "user under whom the tokens are created again (default: the only service user)")
	cmd.Flags().BoolVar(&f.done, "done", false, "the user is deleted: show what is left")
	jsonFlag(cmd, &f.json)
	return cmd
}

// checkTo refuses an empty --to, which would silently mean the default.
func checkTo(cmd *cobra.Command, to string) error {
	if to == "" && cmd.Flags().Changed("to") {
		return usagef("--to is empty; give it a value or leave it out")
	}
	return nil
}

// leaver is a user in one target, and the tokens of that user.
type leaver struct {
	surveyed
	owner  audit.Owner // NotFound: the server says that there is no such user
	asked  error       // why it is not known whether there is one
	tokens []audit.Record
	known  map[string]string // names of the users of all tokens, by ID
}

// isOf reports whether a token belongs to a user, by name or by ID.
func isOf(r audit.Record, user string) bool {
	return r.User == user || r.Owner.Name == user || target.IsID(user) && strings.EqualFold(r.UserID, user)
}

// find looks for a user in a target.
func (s *survey) find(ctx context.Context, c *cli, t surveyed, user string) (leaver, error) {
	l := leaver{surveyed: t, known: map[string]string{}}
	for r, err := range s.tokens(ctx, t) {
		if err != nil {
			return l, err
		}
		l.known[r.UserID] = cmp.Or(r.User, r.Owner.Name, l.known[r.UserID])
		if isOf(r, user) {
			l.tokens = append(l.tokens, r)
		}
	}
	if t.coverage.Verdict == audit.NotKnown { // asking again would take as long
		l.owner.State, l.asked = audit.OwnerUnknown, errors.New("the target could not be read")
		return l, nil
	}
	if t.coverage.Product == audit.ProductV1 { // whose list is that of the users
		l.owner = audit.Owner{State: audit.OwnerPresent}
		if l.owner.NotFound = !slices.ContainsFunc(l.tokens, func(r audit.Record) bool { return r.Presence == audit.Listed }) && t.coverage.Verdict == audit.Complete; l.owner.NotFound {
			l.owner.State = audit.OwnerUnknown
		}
	} else {
		l.owner, l.asked = c.findUser(ctx, t.config, user)
	}
	for _, r := range l.tokens {
		if l.owner.ID == "" && !l.owner.NotFound && r.Presence == audit.Listed { // the token proves what the server does not tell
			l.owner = r.Owner
			l.owner.ID, l.owner.Name = r.UserID, cmp.Or(r.User, r.Owner.Name)
		}
	}
	return l, context.Cause(ctx)
}

// findUser asks a server whether there is such a user.
func (c *cli) findUser(ctx context.Context, cfg target.Config, user string) (audit.Owner, error) {
	if cfg.Bolt != "" {
		return audit.Owner{State: audit.OwnerUnknown}, errors.New("the target is a file, which shows users by their tokens only")
	}
	client, err := influx.NewClient(cfg, cfg.Token, c.log(slog.LevelWarn))
	if err != nil {
		return audit.Owner{State: audit.OwnerUnknown}, err
	}
	o, err := client.FindUser(ctx, user)
	if err != nil {
		o.State = audit.OwnerUnknown
	}
	c.secrets.CleanTexts(&o.Name)
	return o, err
}

// isThere reports whether the target has, or had, anything of the user.
func (l leaver) isThere() bool { return len(l.tokens) > 0 || l.owner.ID != "" }

// findEverywhere looks for a user in every target of a survey. One that nothing is known of
// is an error: a name that is misspelt must not look like one that is done.
func (s *survey) findEverywhere(ctx context.Context, c *cli, user string) ([]leaver, error) {
	var found []leaver
	names := map[string]bool{}
	there := false
	var namesakes []string // tokens without owners that are called as the user
	for _, t := range s.targets {
		if p := t.coverage.Product; !p.V2() && p != audit.ProductV1 {
			s.ownerless = append(s.ownerless, t.config.Name)
			for r, err := range s.tokens(ctx, t) {
				if err != nil {
					return nil, err
				}
				if r.Exists() && strings.EqualFold(r.Description, user) {
					namesakes = append(namesakes, fmt.Sprintf("%s (%s) of %s", audit.Line(r.Description, 80), audit.Line(r.ID, longestID), audit.Line(t.config.Name, 60)))
				}
			}
			continue
		}
		l, err := s.find(ctx, c, t, user)
		if err != nil {
			return nil, err
		}
		found, there = append(found, l), there || l.isThere()
		for id, name := range l.known {
			if target.IsID(user) {
				name = id
			}
			names[name] = true
		}
	}
	if len(s.ownerless) > 0 {
		words := fmt.Sprintf("tokens of %s have no owners there, so that nobody can tell whose they are; look through their names: tokenaudit tokens list --target %s", audit.Names(s.ownerless, 10), s.ownerless[0])
		if len(namesakes) > 0 {
			words += "; " + audit.Plural(len(namesakes), "token") + " with the name of the user: " + audit.Names(namesakes, 10)
		}
		if len(found) == 0 {
			return nil, usagef("%s", words)
		}
		fmt.Fprintf(c.stderr, "tokenaudit: %s\n", words)
	}
	if there || len(namesakes) > 0 {
		return found, nil
	}
	err := fmt.Errorf("no target has a user %s or a token of one", shellWord(audit.Line(user, 80)))
	err = s.unproven(c, err)
	if near := setting.Nearest(user, slices.Sorted(maps.Keys(names))); near != "" {
		err = fmt.Errorf("%w; did you mean %s?", err, shellWord(audit.Line(near, 80)))
	}
	return nil, err
}

// offboarding is what offboard prints as JSON.
type offboarding struct {
	User        string           `json:"user"`
	At          time.Time        `json:"at"`
	Complete    bool             `json:"complete"`     // everything could be seen
	ServiceUser string           `json:"service_user"` // who takes over; empty if it is not decided
	Targets     []offboardTarget `json:"targets"`
}

// offboardTarget is a leaver in one target.
type offboardTarget struct {
	Target    string        `json:"target"`
	Source    string        `json:"source"` // address and org
	Coverage  audit.Verdict `json:"coverage"`
	User      string        `json:"user"`
	UserID    string        `json:"user_id"`
	UserState string        `json:"user_state"` // present, inactive, not_found, unknown
	Tokens    []movingToken `json:"tokens"`
	Steps     []step        `json:"steps"`
	Unknown   []string      `json:"unknown"` // why there may be more
	org       string        // the flag that names it to the influx CLI
	heir      heir          // who takes over here
}

func (c *cli) offboardPlan(ctx context.Context, f offboardFlags, user string) (err error) {
	s, err := c.survey(ctx, f)
	defer func() { err = errors.Join(err, s.close()) }()
	if err != nil {
		return err
	}
	found, err := s.findEverywhere(ctx, c, user)
	if err != nil {
		return err
	}
	p := offboarding{User: user, At: time.Now().UTC().Truncate(time.Second), Complete: s.unread == nil && len(s.ownerless) == 0, Targets: []offboardTarget{}}
	for _, l := range found {
		to := takesOver(f.to, l.policy, audit.Owner{ID: l.owner.ID, Name: cmp.Or(l.owner.Name, user)})
		p.ServiceUser = cmp.Or(p.ServiceUser, to.name)
		t, err := c.leaving(ctx, s, l, user, to, p.At)
		if err != nil {
			return err
		}
		p.Complete = p.Complete && len(t.Unknown) == 0
		p.Targets = append(p.Targets, t)
	}
	if f.json {
		err = c.encode(p)
	} else {
		_, err = io.WriteString(c.stdout, c.offboardPage(p))
	}
	if err := cmp.Or(err, s.conclude(c)); err != nil || p.Complete {
		return err
	}
	return quietError{exitIncomplete}
}

// leaving is the plan for one target.
func (c *cli) leaving(ctx context.Context, s *survey, l leaver, user string, to heir, now time.Time) (offboardTarget, error) {
	t := offboardTarget{
		Target: l.config.Name, Source: l.coverage.Source, Coverage: l.coverage.Verdict, Tokens: []movingToken{}, Steps: []step{}, Unknown: l.unknown(),
		User: l.owner.Name, UserID: l.owner.ID, UserState: l.state(),
	}
	if !l.isThere() {
		return t, nil
	}
	twins, err := s.twins(ctx, l.surveyed, l.tokens, func(_, other audit.Record) bool { return !isOf(other, user) })
	if err != nil {
		return t, err
	}
	if t.heir, err = c.findHeir(ctx, l, to); err != nil {
		return t, err
	}
	for _, r := range l.tokens {
		if r.Exists() {
			t.Tokens = append(t.Tokens, move(r, twins[r.Key()], t.heir, l.surveyed))
		}
	}
	t.org = orgFlag(t.Tokens, l.config.Org)
	isNew := func(r audit.Record) bool { return r.FirstSeen.Equal(l.run.Started) }
	t.Steps = offboardSteps(t, user, slices.ContainsFunc(l.tokens, isNew), strings.Contains(l.coverage.Server, "Cloud"), now)
	return t, nil
}

// state is that of the user, as far as it is known.
func (l leaver) state() string {
	if l.owner.NotFound {
		return "not_found"
	}
	return string(l.owner.State)
}

// unknown says why there may be more to it than is shown.
func (l leaver) unknown() []string {
	out := []string{}
	if l.coverage.Verdict != audit.Complete {
		out = append(out, fmt.Sprintf("coverage is %s: some tokens may be missing", l.coverage.Verdict))
	}
	unseen := 0
	for _, r := range l.tokens {
		if r.Presence == audit.Unseen {
			unseen++
		}
	}
	if unseen > 0 {
		out = append(out, audit.Plural(unseen, "token")+" of an earlier review could not be asked for")
	}
	if l.asked != nil && !l.isThere() && l.coverage.Verdict == audit.Complete {
		out = append(out, "whether the user exists is not known: "+audit.Line(l.asked.Error(), 300))
	}
	return out
}

// offboardSteps are what people do before the user is deleted, in order. Unreviewed: there are
// tokens that no review has seen, so that nobody would know them when they are hidden.
func offboardSteps(t offboardTarget, user string, unreviewed, cloud bool, now time.Time) []step {
	left := "tokenaudit offboard --done " + audit.ShellQuoted(audit.Line(user, 200))
	if len(t.Tokens) > 0 && !t.Tokens[0].token.Product.V2() {
		return dropSteps(t, left)
	}
	steps := moveSteps(t.Tokens, t.heir, now)
	if t.UserState == "not_found" {
		return append(steps, step{"See what is left, with the commands that delete it.", []string{left}})
	}
	if unreviewed {
		steps = slices.Insert(steps, 0, step{"Run a review first: InfluxDB hides the tokens of a deleted user, and no review has seen all of these yet.", []string{"tokenaudit run --now"}})
	}
	switch {
	case len(t.Unknown) > 0:
		steps = append(steps, step{"Do not delete the user yet: some tokens may be missing here. Run this again when everything can be read.", nil})
	case cloud:
		steps = append(steps, step{"Remove the user from the org in the user interface of InfluxDB Cloud.", nil})
	case target.IsID(t.UserID):
		steps = append(steps, step{"Delete the user. Check the tasks first: those that the user owns stop too, and this review cannot see them.",
			[]string{"influx task list" + t.org + " --user-id " + t.UserID, "influx user delete --id " + t.UserID}})
	}
	return append(steps, step{"Check what is left.", []string{left}})
}

// dropSteps are those for a user of InfluxDB 1.x, who is the credential.
func dropSteps(t offboardTarget, left string) []step {
	steps := []step{
		{"Create a user of its own for each writer, with the grants that it needs. Each grant of this one is shown here.", []string{"tokenaudit tokens show " + audit.ShellQuoted(t.Tokens[0].ID)}},
		{"Switch what uses the old one, and check that it still works.", nil},
	}
	if len(t.Unknown) > 0 {
		steps = append(steps, step{"Do not drop the user yet: not everything could be seen. Run this again when it can.", nil})
	} else {
		drop := step{"Then drop the user.", []string{audit.DeleteCommand(t.Tokens[0].token)}}
		if drop.Commands[0] == "" {
			drop = step{"Then drop the user. No command is shown, as the name cannot be said safely in one.", nil}
		}
		steps = append(steps, drop)
	}
	return append(steps, step{"Check what is left.", []string{left}})
}

// orgFlag names an org to the influx CLI: that of the tokens, or else that of the target. The
// CLI has one of its own without.
func orgFlag(tokens []movingToken, org string) string {
	org = cmp.Or(orgOf(tokens), org)
	switch {
	case org == "":
		return ""
	case target.IsID(org):
		return " --org-id " + org
	}
	return " --org " + audit.ShellQuoted(audit.Line(org, 200))
}

// orgOf is the org of the first token that has the ID of one.
func orgOf(tokens []movingToken) string {
	for _, m := range tokens {
		if target.IsID(m.OrgID) {
			return m.OrgID
		}
	}
	return ""
}
