package audit

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSurvey: what cannot be read of a row is a gap with its ID, a missing date a limit.
func TestSurvey(t *testing.T) {
	tests := map[string]struct {
		change  func(*Authorization)
		verdict Verdict
		gap     string
		blind   int
	}{
		"all there":           {func(*Authorization) {}, Complete, "", 0},
		"none":                {func(a *Authorization) { a.Permissions = []Permission{} }, Complete, "", 0},
		"permissions missing": {func(a *Authorization) { a.Permissions = nil }, Partial, "permissions of 1 token (11adece381a52001)", 0},
		"action missing":      {func(a *Authorization) { a.Permissions[0].Action = "" }, Partial, "permissions of 1", 0},
		"action unknown":      {func(a *Authorization) { a.Permissions[0].Action = "own" }, Partial, "permissions of 1", 0},
		"type missing":        {func(a *Authorization) { a.Permissions[0].Resource.Type = "" }, Partial, "permissions of 1", 0},
		"type unknown":        {func(a *Authorization) { a.Permissions[0].Resource.Type = "flows" }, Complete, "", 0},
		"status missing":      {func(a *Authorization) { a.Status = "" }, Partial, "status of 1 token (11adece381a52001)", 0},
		"status unknown":      {func(a *Authorization) { a.Status = "dormant" }, Partial, "status of 1 token (", 0},
		"no date":             {func(a *Authorization) { a.CreatedAt = time.Time{} }, Complete, "", 1},
		"the server":          {func(a *Authorization) { *a = Server("shows values") }, Complete, "", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, cov, s := clean().Authorization, NewCoverage("x"), Survey{}
			test.change(&a)
			for range 2 { // the second walk counts anew
				for range s.Of(func(yield func(Authorization, error) bool) { yield(a, nil) }) {
				}
			}
			s.Conclude(&cov)
			if cov.Verdict != test.verdict || !strings.Contains(strings.Join(cov.Reasons, "; "), test.gap) || len(cov.BlindSpots) != test.blind {
				t.Errorf("%s, %q, %q; want %s, %q and %d blind spots", cov.Verdict, cov.Reasons, cov.BlindSpots, test.verdict, test.gap, test.blind)
			}
		})
	}
	t.Run("many", func(t *testing.T) {
		cov, s := NewCoverage("x"), Survey{}
		for range s.Of(func(yield func(Authorization, error) bool) {
			for range 7 {
				yield(Authorization{ID: "1", Status: Active}, nil)
			}
			yield(Authorization{}, errors.New("the end"))
		}) {
		}
		s.Conclude(&cov)
		if want := "7 tokens (1, 1, 1, 1, 1 and 2 more)"; !strings.Contains(cov.Reasons[0], want) {
			t.Errorf("%q, want %q", cov.Reasons, want)
		}
	})
}

// TestWhatCannotBeReadStands: a check that needs what could not be read keeps what an
// earlier review found, and what can be read still counts.
func TestWhatCannotBeReadStands(t *testing.T) {
	writer := func(change func(*Subject)) Subject {
		s := clean()
		s.Permissions = []Permission{writeBucket("7c2eff6b4db89265", "telemetry"), write("authorizations"), {"write", Resource{Type: "users"}}}
		s.Policy = Policy{ServiceUsers: []string{"service"}, RotateAfter: 5 * day, InactiveAfter: 5 * day}
		change(&s)
		return s
	}
	tests := map[string]struct {
		before, now func(*Subject)
		stands      []string // findings of the first review that are current after the second
	}{
		"permissions missing": {nil, func(s *Subject) { s.Permissions = nil },
			[]string{"operator", "mints-tokens", "administers-users", "active-write", "personal-write", "not-rotated"}},
		"one permission unreadable": {nil, func(s *Subject) { s.Permissions[2].Resource.Type = "" },
			[]string{"operator", "mints-tokens", "administers-users", "active-write", "personal-write", "not-rotated"}},
		"no permissions": {nil, func(s *Subject) { s.Permissions = []Permission{} }, []string{"permission-drift", "not-rotated"}},
		"date missing": {nil, func(s *Subject) { s.CreatedAt = time.Time{} },
			[]string{"operator", "mints-tokens", "administers-users", "active-write", "personal-write", "not-rotated"}},
		"set inactive, permissions missing": {nil, func(s *Subject) { s.Permissions, s.Status = nil, Inactive },
			[]string{"inactive-leftover"}},
		"left over, dates missing":  {func(s *Subject) { s.Status = Inactive }, func(s *Subject) { s.CreatedAt, s.UpdatedAt = time.Time{}, time.Time{} }, []string{"inactive-operator"}},
		"left over, status missing": {func(s *Subject) { s.Status = Inactive; s.Permissions = []Permission{read("tasks")} }, func(s *Subject) { s.Status = "" }, []string{"not-rotated", "inactive-leftover"}},
		"gone bucket, nothing to see": {func(s *Subject) {
			s.Permissions = []Permission{writeBucket("7c2eff6b4db89265", "")}
			s.Policy = Policy{}
		}, func(s *Subject) { s.Permissions = nil }, []string{"active-write", "dangling-grant"}},
		"all-access": {func(s *Subject) { s.Permissions, s.Policy = allAccess(), Policy{} }, func(s *Subject) { s.Permissions = nil },
			[]string{"mints-tokens", "all-access", "active-write"}},
		"all buckets": {func(s *Subject) { s.Permissions, s.Policy = []Permission{write("buckets")}, Policy{} }, func(s *Subject) { s.Permissions = nil },
			[]string{"org-wide-write", "active-write"}},
		"the audit credential": {func(s *Subject) {
			s.Permissions, s.Policy, s.Scope.Credentials = []Permission{write("tasks")}, Policy{}, map[string]bool{s.ID: true}
		},
			func(s *Subject) { s.Permissions = nil }, []string{"auditor-can-write", "active-write"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			same := func(*Subject) {}
			if test.before == nil {
				test.before = same
			}
			first := writer(test.before)
			first.Access = AccessOf(first.Authorization)
			second := writer(test.before)
			second.Permissions = slices.Clone(second.Permissions)
			test.now(&second)
			second.Access = AccessOf(second.Authorization)
			second.Changes = changes(first.Authorization, second.Authorization)
			var got []string
			for _, f := range second.judge(first.judge(nil)) {
				if f.Current() {
					got = append(got, f.Check)
				}
			}
			if diff := cmp.Diff(test.stands, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestNoDriftOfWhatCannotBeRead: permissions that are left out are no change of them,
// nor void an exception, nor is a status that is left out a reactivation.
func TestNoDriftOfWhatCannotBeRead(t *testing.T) {
	before := clean().Authorization
	for name, change := range map[string]func(*Authorization){
		"permissions missing": func(a *Authorization) { a.Permissions = nil },
		"one unreadable":      func(a *Authorization) { a.Permissions = []Permission{{Action: "write"}} },
	} {
		now := before
		change(&now)
		if got := append(changes(before, now), changes(now, before)...); len(got) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, test := range map[string]struct {
		from, to Status
		found    bool
	}{
		"switched on": {Inactive, Active, true}, "left out": {Inactive, "", false}, "back in": {"", Active, false}, "unknown word before": {"dormant", Active, true},
	} {
		s := clean()
		s.Status = test.to
		was := s.Authorization
		was.Status = test.from
		s.Changes, s.Access = changes(was, s.Authorization), AccessOf(s.Authorization)
		if got := slices.ContainsFunc(s.judge(nil), func(f Finding) bool { return f.Check == "reactivated" }); got != test.found {
			t.Errorf("status %s: reactivated %v, want %v", name, got, test.found)
		}
	}
	s := clean()
	s.Exceptions = []Exception{{Authorization: s.ID, Check: AllChecks, Fingerprint: s.Fingerprint(), Expires: reviewed.Add(100 * day)}}
	for name, change := range map[string]func(*Subject){"permissions": func(s *Subject) { s.Permissions = nil }, "status": func(s *Subject) { s.Status = "" }} {
		now := s
		change(&now)
		now.Access = AccessOf(now.Authorization)
		if fs := now.judge(nil); slices.ContainsFunc(fs, func(f Finding) bool { return f.Check == "exception-void" }) {
			t.Errorf("%s left out: %+v", name, fs)
		}
	}
}
