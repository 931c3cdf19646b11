package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
)

const tokenA = "0d3f1c0a9b8e7d01"

// record is a token of alice that may write one bucket.
func record(change ...func(*audit.Record)) audit.Record {
	r := audit.Record{
		Target: "prod", Presence: audit.Listed, Owner: audit.Owner{ID: userA, Name: "alice", State: audit.OwnerPresent},
		Authorization: audit.Authorization{
			ID: tokenA, OrgID: orgA, UserID: userA, User: "alice", Description: "sensor", Status: audit.Active,
			Permissions: []audit.Permission{permission("write", "buckets", bucketA, orgA)},
		},
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func ownerIs(state audit.OwnerState) func(*audit.Record) {
	return func(r *audit.Record) { r.Owner.State = state }
}

func presenceIs(p audit.Presence) func(*audit.Record) {
	return func(r *audit.Record) { r.Presence = p }
}

func statusIs(s audit.Status) func(*audit.Record) {
	return func(r *audit.Record) { r.Status = s }
}

// TestTakesOver: nobody is guessed where several may be meant, or where a service user leaves.
func TestTakesOver(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		named    string
		services []string
		leaver   audit.Owner
		want     string
		note     string // begins so
	}{
		"the only one":          {"", []string{"telegraf"}, audit.Owner{Name: "alice"}, "telegraf", ""},
		"none is configured":    {"", nil, audit.Owner{Name: "alice"}, "", "SERVICE-USER stands for a user who takes over"},
		"several":               {"", []string{"telegraf", "ci"}, audit.Owner{Name: "alice"}, "", "SERVICE-USER stands for one of telegraf, ci:"},
		"named":                 {"ci", []string{"telegraf", "ci"}, audit.Owner{Name: "alice"}, "ci", ""},
		"named, a person":       {"bob", []string{"telegraf"}, audit.Owner{Name: "alice"}, "bob", "bob is not among policy.service_users"},
		"the only one leaves":   {"", []string{"telegraf"}, audit.Owner{Name: "telegraf"}, "", "SERVICE-USER stands for a user who takes over"},
		"one of two leaves":     {"", []string{"telegraf", "ci"}, audit.Owner{Name: "telegraf"}, "", "SERVICE-USER stands for one of ci:"},
		"one of two, by its ID": {"", []string{userA, "ci"}, audit.Owner{Name: "telegraf", ID: userA}, "", "SERVICE-USER stands for one of ci:"},
	} {
		t.Run(name, func(t *testing.T) {
			h := takesOver(test.named, audit.Policy{ServiceUsers: test.services}, test.leaver)
			if note := h.note(); h.name != test.want || !strings.HasPrefix(note, test.note) || (note == "") != (test.note == "") {
				t.Errorf("%q, note %q", h.name, note)
			}
		})
	}
}

// TestLeftState: only what was asked for says that a token is gone or without an owner.
func TestLeftState(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		record audit.Record
		want   string
	}{
		"works":                       {record(), leftWorks},
		"of no member":                {record(ownerIs(audit.OwnerNotMember)), leftWorks},
		"inactive":                    {record(statusIs(audit.Inactive)), leftInactive},
		"of an inactive user":         {record(ownerIs(audit.OwnerInactive)), leftInactive},
		"hidden, owner deleted":       {record(presenceIs(audit.Hidden), ownerIs(audit.OwnerDeleted)), leftOrphan},
		"listed, owner deleted":       {record(ownerIs(audit.OwnerDeleted)), leftOrphan},
		"its org was deleted":         {record(ownerIs(audit.OwnerUnknown), func(r *audit.Record) { r.OrgDeleted = true }), leftOrphan},
		"gone":                        {record(presenceIs(audit.Gone)), leftGone},
		"gone, long ago":              {record(presenceIs(audit.Remembered)), leftGone},
		"not seen":                    {record(presenceIs(audit.Unseen)), leftUnknown},
		"not seen, was without owner": {record(presenceIs(audit.Unseen), ownerIs(audit.OwnerDeleted)), leftUnknown},
		"owner not known":             {record(ownerIs(audit.OwnerUnknown)), leftUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := leftState(test.record); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// TestUnknownIsNeverNothing: what could not be seen of a leaver is said, and holds back the
// step that cannot be undone.
func TestUnknownIsNeverNothing(t *testing.T) {
	t.Parallel()
	complete, partial := audit.Coverage{Verdict: audit.Complete}, audit.Coverage{Verdict: audit.Partial}
	for name, test := range map[string]struct {
		coverage audit.Coverage
		records  []audit.Record
		asked    error
		unknown  int
	}{
		"all seen":                  {complete, []audit.Record{record()}, nil, 0},
		"not all seen":              {partial, []audit.Record{record()}, nil, 1},
		"a token was not seen":      {complete, []audit.Record{record(presenceIs(audit.Unseen))}, nil, 1},
		"the user was not seen":     {complete, nil, context.DeadlineExceeded, 1},
		"the user by a token alone": {complete, []audit.Record{record()}, context.DeadlineExceeded, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := leaver{surveyed: surveyed{coverage: test.coverage}, asked: test.asked, tokens: test.records}
			unknown := l.unknown()
			if len(unknown) != test.unknown {
				t.Errorf("%q", unknown)
			}
			steps := offboardSteps(offboardTarget{UserID: userA, UserState: "present", Unknown: unknown}, "alice", heir{}, false, false, time.Now())
			deletes := false
			for _, s := range steps {
				deletes = deletes || strings.Contains(strings.Join(s.Commands, "\n"), "influx user delete")
			}
			if deletes != (test.unknown == 0) {
				t.Errorf("deletes the user: %t, with %q", deletes, unknown)
			}
		})
	}
}

// TestPlanRotation: where a rotation stands follows from the old token and its twin.
func TestPlanRotation(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	twin := record(func(r *audit.Record) { r.ID, r.User, r.UserID = "0d3f1c0a9b8e7d02", "telegraf", "0d3f1c0a9b8e7b02" })
	updated := func(days int) func(*audit.Record) {
		return func(r *audit.Record) { r.UpdatedAt = now.AddDate(0, 0, days) }
	}
	for name, test := range map[string]struct {
		old      audit.Record
		twin     *audit.Record
		next     string
		deleteIn int // days
		command  string
	}{
		"nothing yet":         {record(), nil, nextCreate, 14, "influx auth create --org-id " + orgA + " --user telegraf --description sensor --write-bucket " + bucketA},
		"the new one is here": {record(), &twin, nextSwitch, 14, "influx auth inactive --id " + tokenA},
		"inactive since then": {record(statusIs(audit.Inactive), updated(-2)), &twin, nextDelete, 5, "influx auth delete --id " + tokenA},
		"inactive for long":   {record(statusIs(audit.Inactive), updated(-30)), &twin, nextDelete, 0, "influx auth delete --id " + tokenA},
		"owner deleted":       {record(ownerIs(audit.OwnerDeleted), updated(-2)), nil, nextDelete, 0, audit.APIDeleteCommand(record().Authorization)},
		"gone":                {record(presenceIs(audit.Gone)), &twin, nextNone, 14, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := planRotation(test.old, test.twin, heir{name: "telegraf", id: "0d3f1c0a9b8e7b02"}, surveyed{}, now)
			if p.Next != test.next || !p.DeleteBy.Equal(now.AddDate(0, 0, test.deleteIn)) {
				t.Errorf("next %s, delete by %s", p.Next, p.DeleteBy)
			}
			var commands []string
			for _, s := range p.Steps {
				commands = append(commands, s.Commands...)
			}
			if first := strings.Join(commands[:min(1, len(commands))], ""); first != test.command {
				t.Errorf("first %q, want %q", first, test.command)
			}
		})
	}
}

// TestRightOwner: a service user for what may write; what only reads stays with its owner.
func TestRightOwner(t *testing.T) {
	t.Parallel()
	services := audit.Policy{ServiceUsers: []string{"telegraf"}}
	reads := func(r *audit.Record) { r.Permissions[0].Action = "read" }
	for name, test := range map[string]struct {
		record audit.Record
		named  string
		policy audit.Policy
		want   string
	}{
		"a person's, writes":       {record(), "", services, "telegraf"},
		"a person's, reads":        {record(reads), "", services, "alice"},
		"no service users":         {record(), "", audit.Policy{}, "alice"},
		"of a service user":        {record(), "", audit.Policy{ServiceUsers: []string{"alice", "ci"}}, "alice"},
		"named":                    {record(reads), "ci", services, "ci"},
		"of a deleted user, reads": {record(reads, ownerIs(audit.OwnerDeleted)), "", services, "telegraf"},
		"several may be meant":     {record(), "", audit.Policy{ServiceUsers: []string{"telegraf", "ci"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rightOwner(test.record, test.named, test.policy); got.name != test.want {
				t.Errorf("%q, want %q", got.name, test.want)
			}
		})
	}
}
