package audit

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDeletedNeedsTwoSources: a user that the API does not find, where that alone proves
// nothing, was deleted only if a roster that can be used does not have it either.
func TestDeletedNeedsTwoSources(t *testing.T) {
	roster := func(unusable string, names ...string) *Roster {
		r := &Roster{Name: "hr.csv", Of: reviewed, Unusable: unusable}
		for _, name := range names {
			r.Add("", []string{name}, RosterActive)
		}
		return r
	}
	left := roster("", "somebody")
	left.Add(user, nil, RosterInactive)
	notFound := Owner{ID: user, Name: "bob", State: OwnerUnknown, NotFound: true}
	for name, test := range map[string]struct {
		roster *Roster
		owner  Owner
		want   OwnerState
		checks []string
	}{
		"in neither":                {roster("", "somebody"), notFound, OwnerDeleted, []string{"deleted-owner"}},
		"no roster":                 {nil, notFound, OwnerUnknown, nil},
		"in the roster":             {roster("", "BOB"), notFound, OwnerUnknown, nil},
		"left, by the roster":       {left, notFound, OwnerUnknown, []string{"owner-not-in-roster"}},
		"a roster that is old":      {roster("too old", "somebody"), notFound, OwnerUnknown, nil},
		"not told by the API":       {roster("", "somebody"), Owner{ID: user, Name: "bob", State: OwnerNone}, OwnerNone, []string{"owner-not-in-roster"}},
		"found by the API":          {roster("", "somebody"), Owner{ID: user, Name: "bob", State: OwnerPresent, MembershipKnown: true}, OwnerPresent, []string{"owner-not-in-roster"}},
		"a token that names nobody": {roster("", "somebody"), Owner{State: OwnerUnknown}, OwnerUnknown, nil},
	} {
		t.Run(name, func(t *testing.T) {
			rv := reviewAt(reviewed, nil)
			rv.Roster = test.roster
			rv.Owner = func(context.Context, Authorization) Owner { return test.owner }
			r := merged(t, rv, []Authorization{token("a1", "fine")}, nil)[0]
			var got []string
			for _, f := range r.Findings {
				got = append(got, f.Check)
			}
			if diff := cmp.Diff(test.checks, got); diff != "" || r.Owner.State != test.want {
				t.Errorf("%+v, want %s; findings (-want +got):\n%s", r.Owner, test.want, diff)
			}
		})
	}
}

// TestRosterThatIsAwayKeepsFindings: no finding is resolved by a roster that is old, or
// that says nothing clear of the owner, or that is configured no more.
func TestRosterThatIsAwayKeepsFindings(t *testing.T) {
	rv := reviewAt(reviewed, nil)
	rv.Roster = &Roster{Name: "hr.csv", Of: reviewed, Users: 1}
	rv.Roster.Add("", []string{"somebody"}, RosterActive)
	history := merged(t, rv, []Authorization{token("a1", "fine")}, nil)
	unclear := &Roster{Name: "hr.csv", Of: reviewed, Users: 1}
	unclear.Add(history[0].Owner.ID, []string{history[0].Owner.Name}, RosterUnclear)
	for i, roster := range []*Roster{{Unusable: "too old"}, unclear, nil} {
		rv.Now, rv.Roster = reviewed.Add(time.Duration(i+1)*7*day), roster
		history = merged(t, rv, []Authorization{token("a1", "fine")}, history)
		if got := line(history[0]); !strings.Contains(got, "owner-not-in-roster=open@11-23") {
			t.Errorf("week %d: %s", i+1, got)
		}
	}
}

// TestRosterIsPolicy: what only a roster that was added brings is not new.
func TestRosterIsPolicy(t *testing.T) {
	policy := func(roster string) Policy { return Policy{Targets: []AppliedTarget{{Name: "prod", Roster: roster}}} }
	notFound := Owner{ID: user, Name: "bob", State: OwnerUnknown, NotFound: true}
	present := Owner{ID: user, Name: "bob", State: OwnerPresent, MembershipKnown: true}
	for _, test := range []struct {
		name  string
		old   Policy
		owner Owner // at both reviews
		id    string
		want  string
	}{
		{"an owner that it lacks", policy(""), present, "a1", "owner-not-in-roster by policy"},
		{"an owner that the API does not find either", policy(""), notFound, "a1", "deleted-owner by policy"},
		{"a token that was not there before", policy(""), present, "a2", "owner-not-in-roster new"},
		{"another file", policy("old.csv"), present, "a1", "owner-not-in-roster new"},
		{"an earlier version did not note rosters", Policy{RotateAfter: 1000 * day}, present, "a1", "owner-not-in-roster new"},
	} {
		t.Run(test.name, func(t *testing.T) {
			first := reviewAt(reviewed, nil)
			first.Policy = test.old
			first.Owner = func(context.Context, Authorization) Owner { return test.owner }
			history := merged(t, first, []Authorization{token("a1", "fine")}, nil)
			second := first
			second.Now, second.Policy = reviewed.Add(7*day), policy("hr.csv")
			second.Roster = &Roster{Name: "hr.csv", Of: reviewed, Users: 1}
			second.Roster.Add("", []string{"somebody"}, RosterActive)
			history[0].Judged = JudgedUnder(test.old.Applied(), second.Policy.Applied())
			var got []string
			for _, r := range merged(t, second, []Authorization{token(test.id, "fine")}, history) {
				for _, f := range r.Findings {
					got = append(got, f.Check+" "+string(f.State))
				}
			}
			if diff := cmp.Diff([]string{test.want}, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRosterInTheCoverage(t *testing.T) {
	for name, test := range map[string]struct {
		roster *Roster
		state  PremiseState
		says   string
	}{
		"none":        {nil, NotNeeded, "no roster is configured"},
		"fresh":       {&Roster{Name: "hr.csv", Of: reviewed, Users: 120, SHA256: "abc"}, Holds, "hr.csv, of 2026-11-23 (the newest date in it), 120 users, SHA-256 abc"},
		"by its file": {&Roster{Name: "hr.csv", Of: reviewed, OfFile: true}, Holds, "(the time of the file)"},
		"old":         {&Roster{Unusable: "hr.csv is of 2026-01-01"}, Fails, "no owner was compared with the roster: hr.csv is of 2026-01-01"},
		"unclear":     {&Roster{Name: "hr.csv", Unclear: "the status of 2 users"}, Fails, "the status of 2 users"},
	} {
		t.Run(name, func(t *testing.T) {
			cov := NewCoverage("prod")
			test.roster.Note(&cov)
			p := cov.Premises[0]
			if p.ID != RosterFresh || p.State != test.state || !strings.Contains(p.Evidence[0], test.says) {
				t.Errorf("%+v", p)
			}
			if (cov.Verdict == Partial) != (test.state == Fails) {
				t.Errorf("verdict %s", cov.Verdict)
			}
		})
	}
}
