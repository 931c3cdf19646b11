package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

func (c *cli) rotate() *cobra.Command {
	var f offboardFlags
	cmd := &cobra.Command{
		Use:   "rotate AUTHORIZATION",
		Short: "Show how to replace one API token",
		Long: `rotate prints the plan for one token, by its ID. It has the command of the influx CLI that
creates the same permissions under the right owner, and what the token may write. It says by
when to set the old one inactive, and by when to delete it. The next reviews recognise the
pair and report the old token as replaced.

The right owner of a token that may write is a service user: that of --to, or the only one
of policy.service_users. A token of a service user stays with that user. If an active token
of the right owner has the same permissions already, the plan continues from there. One of
the same owner has to be newer.

Narrow tokens are to replace one that may do nearly everything, create tokens or administer
users. The same permissions are the alternative, under its owner or the user of --to.

rotate only asks; people run the commands.`,
		Example: `  tokenaudit rotate 11adece381a52001
  tokenaudit rotate 11adece381a52001 --target prod-eu --to telegraf --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return usagef("%s needs the ID of one token", cmd.CommandPath())
			}
			return checkTo(cmd, f.to)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.rotateToken(cmd.Context(), f, args[0])
		},
	}
	configFlag(cmd, &f.config)
	targetFlag(cmd, &f.target, "only this target (default: all)")
	cmd.Flags().StringVar(&f.to, "to", "", "user under whom the token is created again (default: its owner, or the only service user)")
	jsonFlag(cmd, &f.json)
	return cmd
}

// rotation is what rotate prints as JSON.
type rotation struct {
	At         time.Time     `json:"at"`
	Source     string        `json:"source"` // address and org
	Coverage   audit.Verdict `json:"coverage"`
	To         string        `json:"to"`   // the owner of the new token; empty if it is not decided
	Next       string        `json:"next"` // create, switch, delete, or none: the token is gone
	InactiveBy time.Time     `json:"inactive_by"`
	DeleteBy   time.Time     `json:"delete_by"`
	Token      movingToken   `json:"token"`
	Steps      []step        `json:"steps"`
}

func (c *cli) rotateToken(ctx context.Context, f offboardFlags, id string) (err error) {
	s, err := c.survey(ctx, f)
	defer func() { err = errors.Join(err, s.close()) }()
	if err != nil {
		return err
	}
	var targets []target.Config
	for _, t := range s.targets {
		targets = append(targets, t.config)
	}
	if err := checkToken("", id, targets...); err != nil {
		return err
	}
	l, err := s.findToken(ctx, c, id)
	if err != nil {
		return err
	}
	old := l.tokens[0]
	if !old.Product.V2() {
		return usagef("rotate knows tokens of InfluxDB 2, and the target %s is of %s. %s", old.Target, old.Product.Name(), rotateByHand(old.Authorization))
	}
	to, err := c.findHeir(ctx, l, rightOwner(old, f.to, l.policy))
	if err != nil {
		return err
	}
	twins, err := s.twins(ctx, l.surveyed, l.tokens, func(old, other audit.Record) bool {
		sameOwner := other.UserID == old.UserID // whose older tokens are those of other writers
		return to.is(other.UserID, cmp.Or(other.User, other.Owner.Name)) && (!sameOwner || audit.Newer(&other, &old))
	})
	if err != nil {
		return err
	}
	p := planRotation(old, twins[old.Key()], to, l.surveyed, time.Now().UTC().Truncate(time.Second))
	if f.json {
		err = c.encode(p)
	} else {
		_, err = io.WriteString(c.stdout, c.rotationPage(p, to))
	}
	return cmp.Or(err, s.conclude(c))
}

// rotateByHand says how a token of a product after InfluxDB 2 is replaced.
func rotateByHand(a audit.Authorization) string {
	remove := audit.DeleteCommand(a)
	if remove != "" {
		remove = ": " + remove
	}
	switch {
	case a.IsOperator():
		return "A new secret ends the old one at once: " + audit.RegenerateCommand(a)
	case a.Product == audit.ProductV1:
		return "Create a user with the same grants and switch what uses the old one. Then drop that" + remove
	}
	return "Create a token with the same permissions and switch what uses the old one. Then delete that" + remove
}

// findToken looks for a token in every target of a survey.
func (s *survey) findToken(ctx context.Context, c *cli, id string) (leaver, error) {
	var found []leaver
	var in []string
	for _, t := range s.targets {
		l := leaver{surveyed: t, known: map[string]string{}}
		for r, err := range s.tokens(ctx, t) {
			if err != nil {
				return l, err
			}
			l.known[r.UserID] = cmp.Or(r.User, r.Owner.Name, l.known[r.UserID])
			if r.IsCalled(id) && (len(l.tokens) == 0 || !r.Legacy) {
				l.tokens = []audit.Record{r}
			}
		}
		if len(l.tokens) > 0 {
			found, in = append(found, l), append(in, t.config.Name)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(found) > 1 {
		return leaver{}, usagef("the targets %s have a token %s; say which one: --target NAME", audit.Names(in, 10), id)
	}
	err := fmt.Errorf("no target has a token %s", id)
	return leaver{}, s.unproven(c, err)
}

// rightOwner is the user that a token belongs under: a service user if it may write, but none
// by default for one that administers.
func rightOwner(r audit.Record, named string, policy audit.Policy) heir {
	owner := heir{name: cmp.Or(r.User, r.Owner.Name), id: r.UserID, chosen: true}
	stays := r.Owner.State != audit.OwnerDeleted && r.Owner.State != audit.OwnerInactive && owner.name != "" &&
		(broad(r.Authorization) != "" || policy.IsServiceUser(&r.Owner) || len(policy.ServiceUsers) == 0 || audit.AccessOf(r.Authorization).Writes == 0)
	if named == "" && stays {
		return owner
	}
	return takesOver(named, policy, audit.Owner{})
}

// Steps of a rotation that come next.
const (
	nextCreate = "create"
	nextSwitch = "switch"
	nextDelete = "delete"
	nextNone   = "none"
)

// planRotation says where the rotation of a token stands and what is left to do.
func planRotation(old audit.Record, twin *audit.Record, to heir, t surveyed, now time.Time) rotation {
	p := rotation{At: now, Source: t.coverage.Source, Coverage: t.coverage.Verdict, To: to.name, Next: nextCreate, Steps: []step{},
		InactiveBy: now.Add(switchWithin), DeleteBy: now.Add(switchWithin + keepInactive), Token: move(old, twin, to, t)}
	switch {
	case !old.Exists():
		p.Next = nextNone
		return p
	case p.Token.Stops == "":
		p.Next, p.InactiveBy, p.DeleteBy = nextDelete, now, now
		if updated := old.UpdatedAt; old.Owner.State != audit.OwnerDeleted && updated.Add(keepInactive).After(now) {
			p.DeleteBy = updated.Add(keepInactive)
		}
		do := fmt.Sprintf("Delete the old token on %s or later.", p.DeleteBy.Format(time.DateOnly))
		command := audit.DeleteCommand(old.Authorization)
		if old.Owner.State == audit.OwnerDeleted {
			command = audit.APIDeleteCommand(old.Authorization)
		}
		p.Steps = []step{{do, []string{command}}}
		return p
	case p.Token.Twin != nil:
		p.Next, p.To = nextSwitch, cmp.Or(p.Token.Twin.User, p.To)
	}
	p.Steps = moveSteps([]movingToken{p.Token}, to, now)
	return p
}

// rotationPage is a plan for people.
func (c *cli) rotationPage(p rotation, to heir) string {
	var out strings.Builder
	width, m := c.columns(), p.Token
	fmt.Fprintln(&out, c.paint.bold(hanging("", fmt.Sprintf("%s: %s, token %s", audit.Line(m.Target, 80), audit.Line(p.Source, 200), audit.Line(m.ID, longestID)), width)))
	if m.Presence == audit.Unseen {
		fmt.Fprintln(&out, hanging("", c.paint.bad("NOT KNOWN")+": the token could not be asked for. This is what an earlier review saw.", width))
	}
	for _, line := range [][2]string{
		{"Description", m.Description}, {"Status", string(m.Status)}, {"Owner", cmp.Or(m.User, m.UserID) + " (" + string(m.OwnerState) + ")"},
		{"Class", m.Class}, {"May write", cmp.Or(m.MayWrite, "nothing")}, {"New owner", cmp.Or(p.To, "not decided")}, {"Next", nextWords(p)},
	} {
		fmt.Fprintln(&out, hanging("", fmt.Sprintf("%-11s  %s", line[0], audit.Line(line[1], 500)), c.width()))
	}
	printSteps(&out, p.Steps, to, width)
	return out.String()
}

// nextWords say where a rotation stands.
func nextWords(p rotation) string {
	switch twin := p.Token.Twin; p.Next {
	case nextNone:
		return "nothing: the token is gone"
	case nextDelete:
		return "delete the old token: it does not work any more"
	case nextSwitch:
		return fmt.Sprintf("switch the writer: %s of %s has the same permissions", twin.ID, cmp.Or(twin.User, twin.UserID))
	}
	if broad(p.Token.token) != "" {
		return "replace it by narrow tokens"
	}
	return "create the new token"
}
