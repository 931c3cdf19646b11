package audit

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestChangeOfPolicyIsNoProgress: what a change of policy alone takes away is not
// resolved, and what it alone brings is not new.
func TestChangeOfPolicyIsNoProgress(t *testing.T) {
	t.Parallel()
	writer := func(description string, age time.Duration) Authorization {
		a := token("a1", description)
		a.Permissions, a.CreatedAt = []Permission{writeBucket("1", "telemetry")}, reviewed.Add(-age)
		return a
	}
	idle := writer("", 50*day)
	idle.Status = Inactive
	const person, service = "nobody", "svc"
	fresh, young := writer("sensor", day), writer("sensor", 50*day)
	for _, a := range []*Authorization{&fresh, &young} {
		a.User = service
	}
	rotate := func(d time.Duration) Policy { return Policy{RotateAfter: d} }
	off := func(checks ...string) Policy {
		p := Policy{Severity: map[string]Severity{}}
		for _, c := range checks {
			p.Severity[c] = Off
		}
		return p
	}
	for _, tc := range []struct {
		name     string
		old, now Policy
		before   Authorization
		after    Authorization
		check    string
		want     string // state and severity; empty for nothing
	}{
		{"switched off", Policy{}, off("no-description"), writer("", day), writer("", day), "no-description", "not judged low"},
		{"switched off, and mended", Policy{}, off("no-description"), writer("", day), writer("sensor", day), "no-description", "not judged low"},
		{"switched on", off("no-description"), Policy{}, writer("", day), writer("", day), "no-description", "by policy low"},
		{"switched on, and only now wrong", off("no-description"), Policy{}, writer("sensor", day), writer("", day), "no-description", "new low"},
		{"threshold moved up", rotate(30 * day), rotate(90 * day), young, young, "not-rotated", "not judged medium"},
		{"threshold moved up, and mended", rotate(30 * day), rotate(90 * day), young, idle, "not-rotated", "resolved medium"},
		{"threshold moved up, not far enough", rotate(30 * day), rotate(40 * day), young, young, "not-rotated", "open medium"},
		{"threshold moved down", rotate(90 * day), rotate(30 * day), young, young, "not-rotated", "by policy medium"},
		{"threshold moved down to between the weeks", rotate(90 * day), rotate(54 * day), young, young, "not-rotated", "new medium"},
		{"service user added", Policy{ServiceUsers: []string{person}}, Policy{ServiceUsers: []string{person, service}}, fresh, fresh, "personal-write", "not judged medium"},
		{"service user dropped", Policy{ServiceUsers: []string{person, service}}, Policy{ServiceUsers: []string{person}}, fresh, fresh, "personal-write", "by policy medium"},
		{"service users all dropped", Policy{ServiceUsers: []string{person}}, Policy{}, fresh, fresh, "personal-write", "not judged medium"},
		{"rated lower", Policy{}, Policy{Severity: map[string]Severity{"active-write": Low}}, fresh, fresh, "active-write", "open low"},
		{"mended under a policy that changed elsewhere", Policy{}, off("active-write"), writer("", day), writer("sensor", day), "no-description", "resolved low"},
		{"wrong under a policy that changed elsewhere", Policy{}, off("active-write"), writer("sensor", day), writer("", day), "no-description", "new low"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			first := reviewAt(reviewed, nil)
			first.Policy = tc.old
			before := merged(t, first, []Authorization{tc.before}, nil)
			second := reviewAt(reviewed.Add(7*day), nil)
			second.Policy, second.SeveritiesBefore = tc.now, map[Severity]int{}
			var marked []Record
			for _, r := range before {
				r.Judged = JudgedUnder(tc.old.Applied(), tc.now.Applied())
				marked = append(marked, r)
			}
			after := merged(t, second, []Authorization{tc.after}, marked)
			got := ""
			for _, f := range after[0].Findings {
				if f.Check == tc.check {
					got = string(f.State) + " " + string(f.Severity)
				}
			}
			if got != tc.want {
				t.Errorf("%s is %q, want %q; all: %v", tc.check, got, tc.want, after[0].Findings)
			}
			// Both populations under the policy of now: what was there and is no more was
			// resolved, what is there and was not is new.
			c := NewCounts()
			c.Add(after[0], second.Now)
			was := 0
			for _, n := range second.SeveritiesBefore {
				was += n
			}
			by := c.Findings.ByState
			if is := was + by[New] + by[Reopened] - resolvedNow(second, marked[0], after[0]); is != c.Findings.Total {
				t.Errorf("%d before, %v now: %d do not add up to %d", was, by, is, c.Findings.Total)
			}
		})
	}
}

// resolvedNow counts what the policy of now finds in a record of before and saw resolved.
func resolvedNow(rv Review, before, after Record) (n int) {
	for _, f := range rv.was(&before) {
		for _, g := range after.Findings {
			if f.Current() && f.Check == g.Check && g.State == Resolved {
				n++
			}
		}
	}
	return n
}

// TestUsersOfATargetArePolicy: an owner who is configured now is not one who went away.
func TestUsersOfATargetArePolicy(t *testing.T) {
	t.Parallel()
	a := token("a1", "fine")
	review := func(at time.Time, users map[string]bool, configured ...string) Review {
		rv := reviewAt(at, nil)
		rv.Scope = Scope{Users: users, AllVisible: true}
		rv.Policy.Targets = []AppliedTarget{{Name: "prod", Users: configured}}
		return rv
	}
	first := review(reviewed, map[string]bool{"someone": true}, "someone")
	before := merged(t, first, []Authorization{a}, nil)
	for _, r := range before {
		r.Judged = JudgedUnder(first.Policy.Applied(), Policy{}.Applied())
		for name, now := range map[string]Review{
			"added":        review(reviewed.Add(7*day), map[string]bool{"someone": true, a.UserID: true}, "someone", a.User),
			"all reviewed": review(reviewed.Add(7*day), nil),
		} {
			after := merged(t, now, []Authorization{a}, []Record{r})
			if got := line(after[0]); !strings.Contains(got, "unlisted-owner=not judged@11-30") {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
}

// TestUnseenUnderAnotherPolicy: what cannot be asked for stands as the policy rates it.
func TestUnseenUnderAnotherPolicy(t *testing.T) {
	t.Parallel()
	before := merged(t, reviewAt(reviewed, nil), []Authorization{token("a1", "")}, nil)
	rv := reviewAt(reviewed.Add(7*day), nil)
	rv.Policy.Severity = map[string]Severity{"no-description": High}
	if got := merged(t, rv, nil, before)[0].Findings[0]; got.Severity != High || got.State != Open {
		t.Errorf("rated higher: %+v", got)
	}
	rv.Policy.Severity["no-description"] = Off
	if got := merged(t, rv, nil, before)[0].Findings[0]; got.State != NotJudged {
		t.Errorf("switched off: %+v", got)
	}
}

func TestPolicyChanges(t *testing.T) {
	t.Parallel()
	expires := time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC)
	exception := Exception{Target: "prod", Authorization: "11adece381a52000", Check: "not-rotated", Fingerprint: "f", Reason: "r", RequestedBy: "alice", ApprovedBy: "bob", Expires: expires}
	gap := AcceptedGap{Target: "prod", Gap: InstanceSeen, Reason: "r", RequestedBy: "alice", ApprovedBy: "bob", Expires: expires}
	later := exception
	later.Expires = expires.AddDate(0, 1, 0)
	prod := AppliedTarget{Name: "prod", Users: []string{"alice", "bob"}}
	for _, tc := range []struct {
		name     string
		old, now Policy
		want     []string
	}{
		{"none", Policy{ServiceUsers: []string{"a", "b"}, Targets: []AppliedTarget{prod}}, Policy{ServiceUsers: []string{"b", "a"}, Targets: []AppliedTarget{{Name: "prod", Users: []string{"bob", "alice"}}}}, nil},
		{"checks, what hides first", Policy{Severity: map[string]Severity{"operator": Off, "active-write": Low}}, Policy{Severity: map[string]Severity{"no-description": Off, "all-access": Low}},
			[]string{"severity of all-access: high -> low", "severity of active-write: low -> info", "check no-description switched off (was low)", "check operator switched on (critical)"}},
		{"limits", Policy{RotateAfter: 90 * day, InactiveAfter: 36 * time.Hour}, Policy{InactiveAfter: 12 * time.Hour},
			[]string{"rotate_after: 90 days -> never", "inactive_after: 36 hours -> 12 hours"}},
		{"short limits", Policy{RotateAfter: 90 * time.Minute, InactiveAfter: time.Minute}, Policy{RotateAfter: 61 * time.Second, InactiveAfter: 30 * time.Second},
			[]string{"rotate_after: 90 minutes -> 61 seconds", "inactive_after: 1 minute -> 30 seconds"}},
		{"max_admins", Policy{MaxAdmins: 2}, Policy{MaxAdmins: 3}, []string{"max_admins: 2 -> 3"}},
		{"fix_within", Policy{FixWithin: map[Severity]time.Duration{Critical: 3 * day, High: 14 * day}}, Policy{FixWithin: map[Severity]time.Duration{Critical: 7 * day, Medium: 90 * day}},
			[]string{"fix_within of critical: 3 days -> 7 days", "fix_within of high: 14 days -> never", "fix_within of medium: never -> 90 days"}},
		{"service users", Policy{ServiceUsers: []string{"a"}}, Policy{ServiceUsers: []string{"b"}}, []string{"service user b added", "service user a dropped"}},
		{"exceptions and gaps", Policy{Exceptions: []Exception{exception}}, Policy{Exceptions: []Exception{later}, AcceptedGaps: []AcceptedGap{gap}}, []string{
			"exception of not-rotated for 11adece381a52000 in prod changed, until 30 Apr 2027 by bob",
			"acceptance of gap instance-seen of prod added, until 31 Mar 2027 by bob",
		}},
		{"targets", Policy{Targets: []AppliedTarget{prod, {Name: "old"}, {Name: "all"}}}, Policy{Targets: []AppliedTarget{{Name: "prod", Users: []string{"alice"}, Roster: "hr.csv"}, {Name: "all", Users: []string{"x"}}, {Name: "100%s"}}}, []string{
			"user bob of target prod dropped", "target old dropped", "target all: 1 user configured, where every user was reviewed",
			"roster of target prod: none -> hr.csv", "target 100%s added",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			old, now := tc.old.Applied(), tc.now.Applied()
			if diff := cmp.Diff(tc.want, PolicyChanges(old, now)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if same := old.SHA256 == now.SHA256; same != (tc.want == nil) {
				t.Errorf("one hash: %t", same)
			}
			// What is rebuilt from summary.json judges as it did.
			text, err := json.Marshal(old)
			var read AppliedPolicy
			if err := json.Unmarshal(text, &read); err != nil {
				t.Fatal(err)
			}
			if again := read.Policy().Applied(); err != nil || again.SHA256 != old.SHA256 {
				t.Errorf("the policy that is read back is another one: %v\n%s", err, cmp.Diff(old, again))
			}
		})
	}
}

// TestPolicyOfAnEarlierVersion: of a summary that has a part of the policy only, that
// part is compared, and the checks that came since are said.
func TestPolicyOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	var old AppliedPolicy
	if err := json.Unmarshal([]byte(`{"service_users": ["a"], "rotate_after_days": 90, "inactive_after_days": 30, "checks": [{"check": "operator", "severity": "critical"}, {"check": "retired-check", "severity": "low"}]}`), &old); err != nil {
		t.Fatal(err)
	}
	now := Policy{ServiceUsers: []string{"a"}, RotateAfter: 90*day + time.Hour, InactiveAfter: 30 * day, Exceptions: []Exception{{Check: "operator"}}}
	got := PolicyChanges(old, now.Applied())
	if len(got) != MostPolicyChanges+1 || got[0] != "check retired-check was removed" || !strings.HasPrefix(got[1], "check deleted-owner was added") || !strings.HasPrefix(got[MostPolicyChanges], "and ") {
		t.Errorf("%q", got)
	}
	if p := old.Policy(); p.RotateAfter != 90*day || p.Severity["no-description"] != Off {
		t.Errorf("rebuilt as %+v", p)
	}
	if got := PolicyChanges(AppliedPolicy{}, now.Applied()); got != nil {
		t.Errorf("nothing is known, and yet %q", got)
	}
}

func TestTouched(t *testing.T) {
	t.Parallel()
	before := token("a1", "fine")
	before.UpdatedAt = reviewed.Add(-day)
	moved, visible, imported := before, before, before
	moved.UpdatedAt, visible.UpdatedAt, imported.UpdatedAt = reviewed, reviewed, time.Time{}
	visible.Description = "finer"
	for name, tc := range map[string]struct {
		from, to Authorization
		want     string
	}{
		"nothing":                           {before, before, ""},
		"moved without a visible change":    {before, moved, "touched 2026-11-22T09:00:00Z 2026-11-23T09:00:00Z"},
		"moved with one":                    {before, visible, "description fine finer"},
		"not known before, as of an import": {imported, moved, ""},
	} {
		history := merged(t, reviewAt(reviewed, nil), []Authorization{tc.from}, nil)
		r := merged(t, reviewAt(reviewed.Add(7*day), nil), []Authorization{tc.to}, history)[0]
		var got []string
		for _, c := range r.Changes {
			got = append(got, c.Field+" "+c.From+" "+c.To)
		}
		if strings.Join(got, "; ") != tc.want || len(r.Findings) > 0 {
			t.Errorf("%s: changes %q, findings %v; want %q and no alarm", name, got, r.Findings, tc.want)
		}
		c := NewCounts()
		if c.Add(r, reviewed); c.Authorizations.Touched == 1 != strings.HasPrefix(tc.want, "touched") {
			t.Errorf("%s: %d touched", name, c.Authorizations.Touched)
		}
	}
}

func TestParseRunID(t *testing.T) {
	t.Parallel()
	for _, slot := range []time.Time{reviewed, reviewed.Add(7 * time.Second)} {
		run := Run{Job: "weekly-review", Slot: slot}
		if got, ok := ParseRunID(run.ID()); !ok || got.ID() != run.ID() || !got.Slot.Equal(slot) {
			t.Errorf("%s is read as %s, %t", run.ID(), got.ID(), ok)
		}
	}
	for _, id := range []string{"", "weekly", "/2026-11-23T0900Z", "weekly/2026-11-23"} {
		if _, ok := ParseRunID(id); ok {
			t.Errorf("%q is taken for the name of a run", id)
		}
	}
}

// TestDifferencesUnderOnePolicy: findings are compared with those of the run before as the
// policy of now has them, where it is another one.
func TestDifferencesUnderOnePolicy(t *testing.T) {
	t.Parallel()
	item := Item{Coverage: NewCoverage("prod"), Counts: NewCounts(), SeveritiesBefore: map[Severity]int{Low: 2}}
	off := Policy{Severity: map[string]Severity{"active-write": Off}}
	for name, tc := range map[string]struct {
		before Policy
		want   map[Severity]int
	}{
		"the same":    {off, map[Severity]int{Medium: 5, Low: 2}},
		"another one": {Policy{}, map[Severity]int{Low: 2}},
	} {
		previous := &Previous{ID: "weekly/1", BySeverity: map[Severity]int{Medium: 5, Low: 2}, Policy: tc.before.Applied()}
		s := Summarize(Run{Job: "weekly"}, []Item{item}, reviewed, Tool{}, off, previous)
		if diff := cmp.Diff(tc.want, s.Previous.BySeverity); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestLimitsOfEarlierVersions: a version that knew no due dates, or no limit of admins, changed
// nothing by it.
func TestLimitsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	before, now := Policy{}.Applied(), Policy{FixWithin: map[Severity]time.Duration{High: day}}.Applied()
	before.FixWithin = nil
	if got := PolicyChanges(before, now); got != nil {
		t.Errorf("%q", got)
	}
	now.MaxAdmins = 2
	if got := PolicyChanges(before, now); got != nil {
		t.Errorf("%q", got)
	}
	if got := now.Policy().FixWithin; len(got) != 1 || got[High] != day {
		t.Errorf("%v", got)
	}
}

// TestPolicyHashStays: what a policy does not have is not in its hash, so that packs of
// earlier versions verify, and no change of policy is seen where none was.
func TestPolicyHashStays(t *testing.T) {
	t.Parallel()
	day := time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC)
	a := AppliedPolicy{
		Checks:       []AppliedCheck{{"operator", Critical}},
		Exceptions:   []Exception{{Target: "prod", Authorization: "11adece381a52001", Check: AllChecks, Fingerprint: "3f9c2a71b04e58d6", Reason: "migration", RequestedBy: "alice", ApprovedBy: "bob", Expires: day}},
		AcceptedGaps: []AcceptedGap{{Target: "prod", Gap: InstanceSeen, Reason: "another team", RequestedBy: "alice", ApprovedBy: "bob", Ticket: "SEC-1", Expires: day}},
	}
	const want = "fa79568f495b22944dbe8f3ba0f2fe4dc3b968a3c3f4b4b686553ffff685b9c8"
	if got := fmt.Sprintf("%x", sha256.Sum256(a.canonical())); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
