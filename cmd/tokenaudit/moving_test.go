package main

import (
	"bytes"
	"context"
	"path/filepath"
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
			steps := offboardSteps(offboardTarget{UserID: userA, UserState: "present", Unknown: unknown}, "alice", false, false, time.Now())
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

// TestHeirOfEachTarget: what is said of who takes over is of that target, also where an ID was
// given for a name that the policy has.
func TestHeirOfEachTarget(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := &cli{stdout: &out, stderr: &out}
	p := offboarding{User: "alice", Complete: true}
	for _, service := range []string{"ci", "telegraf", "ci"} {
		l := leaver{known: map[string]string{userA: "telegraf"}}
		l.config.Bolt, l.coverage.Verdict = "influxd.bolt", audit.Complete // which is not asked
		to, err := c.findHeir(t.Context(), l, takesOver(userA, audit.Policy{ServiceUsers: []string{service}}, audit.Owner{Name: "alice"}))
		if err != nil {
			t.Fatal(err)
		}
		p.Targets = append(p.Targets, offboardTarget{Target: service, UserID: userA, heir: to, Steps: []step{{"Create it.", []string{"influx auth create --user telegraf "}}}})
	}
	const note = "telegraf is not among policy.service_users"
	if page := strings.Join(strings.Fields(c.offboardPage(p)), " "); strings.Count(page, note) != 2 || strings.Contains(page, userA+" is not among") {
		t.Errorf("not said of the first and the last alone:\n%s", page)
	}
}

// TestHostileUserID: what a server sends for an ID is in no command.
func TestHostileUserID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]int{userA: 1, "1; rm -r ~": 0, "\x1b[2J": 0, "": 0} {
		if steps := (offboardLeft{UserID: id}).steps(); len(steps) != want {
			t.Errorf("%q: %q", id, steps)
		}
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
		"of an inactive user": {record(ownerIs(audit.OwnerInactive)), &twin, nextDelete, 0, "influx auth delete --id " + tokenA},
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
		"an operator":              {record(mayDoAll), "", services, "alice"},
		"an operator, named":       {record(mayDoAll), "ci", services, "ci"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rightOwner(test.record, test.named, test.policy); got.name != test.want {
				t.Errorf("%q, want %q", got.name, test.want)
			}
		})
	}
}

// mayDoAll makes an operator token of it.
func mayDoAll(r *audit.Record) {
	r.Description, r.Permissions = "admin", nil
	for _, resource := range influxTypes {
		if resource == "instance" { // which no token has
			continue
		}
		r.Permissions = append(r.Permissions, permission("read", resource, "", ""), permission("write", resource, "", ""))
	}
}

// TestBroadTokensAreNarrowed: one that administers is to be replaced by narrow tokens first. The
// same permissions are the alternative, and no service user gets them by default.
func TestBroadTokensAreNarrowed(t *testing.T) {
	t.Parallel()
	services := audit.Policy{ServiceUsers: []string{"telegraf"}}
	may := func(action, resource, org string) func(*audit.Record) {
		return func(r *audit.Record) { r.Permissions = []audit.Permission{permission(action, resource, "", org)} }
	}
	everything := func(r *audit.Record) {
		mayDoAll(r)
		for i := range r.Permissions {
			r.Permissions[i].Resource.OrgID = orgA
		}
	}
	byDefault, named := takesOver("", services, audit.Owner{Name: "alice"}), takesOver("carol", services, audit.Owner{Name: "alice"})
	for name, test := range map[string]struct {
		old   audit.Record
		to    heir
		first string // words of the first step
		user  string // that the command names
	}{
		"operator, leaves":    {record(mayDoAll), byDefault, "admin: Writes to every org (operator token). Replace it with tokens for one org", adminPlaceholder},
		"operator, to a user": {record(mayDoAll), named, "admin: Writes to every org (operator token). Replace it with tokens for one org", "carol"},
		"operator, rotated":   {record(mayDoAll), rightOwner(record(mayDoAll), "", services), "admin: Writes to every org (operator token). Replace it", "alice"},
		"all-access":          {record(everything), byDefault, "admin: All-access token. Replace it with a token limited to the buckets", adminPlaceholder},
		"creates tokens":      {record(may("write", "authorizations", orgA)), byDefault, "sensor: Can create tokens. Revoke it, and create tokens in a personal session", adminPlaceholder},
		"administers users": {record(func(r *audit.Record) {
			r.Permissions = []audit.Permission{permission("write", "users", "0d3f1c0a9b8e7b02", "")}
		}), byDefault, "sensor: Can administer users. Revoke it, and create a token without write on users", adminPlaceholder},
		"reads authorizations": {record(may("read", "authorizations", orgA)), byDefault, "Create the same under telegraf.", "telegraf"},
		"writes a bucket":      {record(), byDefault, "Create the same under telegraf.", "telegraf"},
	} {
		t.Run(name, func(t *testing.T) {
			m := move(test.old, nil, test.to, surveyed{})
			steps := moveSteps([]movingToken{m}, test.to, time.Now())
			if !strings.HasPrefix(steps[0].Do, test.first) {
				t.Errorf("first %q, want %q", steps[0].Do, test.first)
			}
			if m.Create != "" && !strings.Contains(m.Create, " --user "+test.user+" ") {
				t.Errorf("%q, want it for %s", m.Create, test.user)
			}
			var page strings.Builder
			printSteps(&page, steps, test.to, 0)
			if text := page.String(); strings.Contains(text, adminPlaceholder) && strings.Contains(text, placeholder) {
				t.Errorf("two users to put in:\n%s", text)
			}
		})
	}
}

// TestTwinOfInactive: another token with the same permissions is shown for one that does not
// work, too, and nobody has to switch to it. What cannot be compared is not known.
func TestTwinOfInactive(t *testing.T) {
	t.Parallel()
	twin := record(func(r *audit.Record) { r.ID, r.User = "0d3f1c0a9b8e7d02", "telegraf" })
	to := heir{name: "telegraf"}
	m := move(record(statusIs(audit.Inactive)), &twin, to, surveyed{})
	if page := movingTable([]movingToken{m}, 0); !strings.Contains(page, "0d3f1c0a9b8e7d02 of telegraf") {
		t.Errorf("got\n%s", page)
	}
	if steps := moveSteps([]movingToken{m}, to, time.Now()); len(steps) != 1 || steps[0].Do != "Delete what is not in use." {
		t.Errorf("%+v", steps)
	}
	unread := record(func(r *audit.Record) { r.Permissions = nil })
	if page := movingTable([]movingToken{move(unread, nil, to, surveyed{})}, 0); !strings.Contains(page, "not known") {
		t.Errorf("got\n%s", page)
	}
}

// TestRotationFitsTheTerminal: an operator token may write more than a line has room for.
func TestRotationFitsTheTerminal(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	old := record(mayDoAll)
	to := rightOwner(old, "", audit.Policy{ServiceUsers: []string{"telegraf"}})
	page := (&cli{}).rotationPage(planRotation(old, nil, to, surveyed{}, time.Now()), to)
	for line := range strings.Lines(page) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	for _, want := range []string{"views", "replace it by narrow tokens", "Only if narrow tokens cannot do it"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}

// TestContinued: a broken command is the same to a shell.
func TestContinued(t *testing.T) {
	t.Parallel()
	if filepath.Separator == '\\' {
		t.Skip("commands are not broken here")
	}
	for name, test := range map[string]struct{ command, want string }{
		"fits":   {"influx auth delete --id 1", "   influx auth delete --id 1"},
		"flags":  {"influx auth create --org-id 12345678 --user telegraf --read-bucket 1", "   influx auth create --org-id 12345678 \\\n     --user telegraf --read-bucket 1"},
		"quotes": {`influx auth create --description 'a --b '\''c'\'' --d' --operator`, "   influx auth create \\\n     --description 'a --b '\\''c'\\'' --d' \\\n     --operator"},
		"a pipe": {`printf 'T %s\n' "$INFLUX TOKEN" | curl -fsS -X DELETE`, "   printf 'T %s\\n' \"$INFLUX TOKEN\" | curl \\\n     -fsS -X DELETE"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := continued("   ", test.command, 44); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if got := continued("   ", test.command, 0); got != "   "+test.command {
				t.Errorf("without a width: %s", got)
			}
		})
	}
}
