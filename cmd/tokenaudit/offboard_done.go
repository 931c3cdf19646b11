package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// offboarded is what offboard --done prints as JSON.
type offboarded struct {
	User     string         `json:"user"`
	At       time.Time      `json:"at"`
	Complete bool           `json:"complete"` // everything could be seen
	Left     int            `json:"left"`     // tokens and users that are still there
	Targets  []offboardLeft `json:"targets"`
}

// offboardLeft is what is left of a user in one target.
type offboardLeft struct {
	Target    string        `json:"target"`
	Source    string        `json:"source"` // address and org
	Coverage  audit.Verdict `json:"coverage"`
	UserID    string        `json:"user_id"`
	UserState string        `json:"user_state"` // present, inactive, not_found, unknown
	Tokens    []leftToken   `json:"tokens"`
	Unknown   []string      `json:"unknown"` // why there may be more
}

// leftToken is a token that a deleted user had.
type leftToken struct {
	plannedToken
	State   string `json:"state"`
	Command string `json:"command"` // that deletes it; empty for one that is gone
}

// States of what a user leaves behind.
const (
	leftWorks    = "works"     // active, and its user exists
	leftInactive = "inactive"  // its user exists
	leftOrphan   = "no-owner"  // still there, its user was deleted
	leftGone     = "gone"      // deleted
	leftUnknown  = "not-known" // could not be asked for, or its owner is not known
)

func (c *cli) offboardDone(ctx context.Context, f offboardFlags, user string) (err error) {
	s, err := c.survey(ctx, f)
	defer func() { err = errors.Join(err, s.close()) }()
	if err != nil {
		return err
	}
	found, err := s.findEverywhere(ctx, c, user)
	if err != nil {
		return err
	}
	d := offboarded{User: user, At: time.Now().UTC().Truncate(time.Second), Complete: s.unread == nil && len(s.ownerless) == 0, Targets: []offboardLeft{}}
	for _, l := range found {
		t := l.left()
		d.Complete = d.Complete && len(t.Unknown) == 0
		d.Left += t.count()
		d.Targets = append(d.Targets, t)
	}
	if f.json {
		err = c.encode(d)
	} else {
		_, err = io.WriteString(c.stdout, c.offboardedPage(d))
	}
	incomplete := s.conclude(c)
	switch {
	case err != nil:
		return err
	case d.Left > 0:
		return quietError{exitFindings}
	case !d.Complete:
		return quietError{exitIncomplete}
	}
	return incomplete
}

// left is what is there of a user in a target.
func (l leaver) left() offboardLeft {
	t := offboardLeft{
		Target: l.config.Name, Source: l.coverage.Source, Coverage: l.coverage.Verdict, Tokens: []leftToken{}, Unknown: l.unknown(),
		UserID: l.owner.ID, UserState: l.state(),
	}
	unowned := 0
	for _, r := range l.tokens {
		m := leftToken{plannedToken: plannedTokenOf(r), State: leftState(r)}
		switch m.State {
		case leftOrphan:
			m.Command = audit.APIDeleteCommand(r.Authorization)
		case leftWorks, leftInactive:
			m.Command = audit.DeleteCommand(r.Authorization)
		case leftUnknown:
			if r.Presence != audit.Unseen {
				unowned++
			}
		}
		t.Tokens = append(t.Tokens, m)
	}
	if unowned > 0 {
		t.Unknown = append(t.Unknown, "whether the owner of "+audit.Plural(unowned, "token")+" still exists is not known")
	}
	return t
}

func leftState(r audit.Record) string {
	switch {
	case !r.Exists():
		return leftGone
	case r.Presence == audit.Unseen:
		return leftUnknown
	case r.Owner.State == audit.OwnerDeleted || r.OrgDeleted:
		return leftOrphan
	case r.Owner.State == audit.OwnerUnknown || r.Owner.State == audit.OwnerNone:
		return leftUnknown
	case r.Status == audit.Inactive || r.Owner.State == audit.OwnerInactive:
		return leftInactive
	}
	return leftWorks
}

// count is how many tokens and users are still there.
func (t offboardLeft) count() int {
	n := 0
	for _, m := range t.Tokens {
		if m.State != leftGone && m.State != leftUnknown {
			n++
		}
	}
	if t.UserID != "" {
		n++
	}
	return n
}

// leftWords are the states for people.
var leftWords = map[string]string{
	leftWorks: "still works", leftInactive: "inactive", leftOrphan: "owner deleted", leftGone: "gone", leftUnknown: "not known",
}

// offboardedPage says what is left, for people.
func (c *cli) offboardedPage(d offboarded) string {
	var out strings.Builder
	width := c.columns()
	head := audit.Line(d.User, 60) + ": nothing is left"
	switch {
	case d.Left > 0:
		head = fmt.Sprintf("%s: %d left to delete", audit.Line(d.User, 60), d.Left)
	case !d.Complete:
		head = audit.Line(d.User, 60) + ": not known"
	}
	if d.Left > 0 && !d.Complete {
		head += ", and some may be missing here"
	}
	fmt.Fprintln(&out, c.paint.bold(hanging("", head, width)))
	for _, t := range d.Targets {
		fmt.Fprintf(&out, "\n%s\n", c.paint.bold(hanging("", audit.Line(t.Target+": "+t.Source, 200), width)))
		for _, u := range t.Unknown {
			fmt.Fprintln(&out, hanging("", c.paint.bad("NOT KNOWN")+": "+audit.Line(u, 500), width))
		}
		switch {
		case t.UserID != "":
			fmt.Fprintln(&out, hanging("", fmt.Sprintf("The user still exists: ID %s, %s.", audit.Line(t.UserID, longestID), t.UserState), width))
		case t.UserState == "not_found":
			fmt.Fprintln(&out, hanging("", "The user does not exist."+idNote(d.User), width))
		}
		if len(t.Tokens) > 0 {
			fmt.Fprintf(&out, "\n%s\n", leftTable(t.Tokens, width))
		} else if len(t.Unknown) == 0 {
			fmt.Fprintln(&out, "No token of this user is known here.")
		}
		printSteps(&out, t.steps(), heir{}, width)
	}
	return out.String()
}

// steps are what is left to do.
func (t offboardLeft) steps() []step {
	var steps []step
	for _, s := range []struct {
		do    string
		state []string
	}{
		{"Delete what still works, or set it inactive first (tokenaudit offboard has the plan).", []string{leftWorks, leftInactive}},
		{"Delete the tokens without an owner. The influx CLI cannot: it asks for the owner first.", []string{leftOrphan}},
	} {
		var commands []string
		for _, m := range t.Tokens {
			if m.Command != "" && slices.Contains(s.state, m.State) {
				commands = append(commands, m.Command)
			}
		}
		if len(commands) > 0 {
			steps = append(steps, step{s.do, commands})
		}
	}
	if target.IsID(t.UserID) { // the server may send anything
		steps = append(steps, step{"Then delete the user.", []string{"influx user delete --id " + t.UserID}})
	}
	return steps
}

func leftTable(tokens []leftToken, width int) string {
	t := newTable(column{name: "ID"}, column{name: "STATE"}, column{name: "DESCRIPTION", shrink: 12}, column{name: "USER ID"}, column{name: "MAY WRITE", shrink: 12})
	for _, m := range tokens {
		t.row(audit.Line(m.ID, longestID), leftWords[m.State], audit.Line(m.Description, 28), audit.Line(m.UserID, longestID), audit.Line(cmp.Or(m.MayWrite, "-"), 36))
	}
	return t.render(width)
}
