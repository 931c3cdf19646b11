package audit

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// laterAt is a review of a server of a product after InfluxDB 2.
func laterAt(week int, p Product, policy Policy) Review {
	rv := reviewAt(reviewed.AddDate(0, 0, 7*week), nil)
	rv.Coverage.Product, rv.Policy = p, policy
	rv.Owner = func(context.Context, Authorization) Owner { return Owner{State: OwnerNone} }
	return rv
}

// findings of some checks in the order of the records: which, how severe, in what state.
func findingsOf(rs []Record, checks ...string) []string {
	var out []string
	for _, r := range rs {
		for _, f := range r.Findings {
			if slices.Contains(checks, f.Check) {
				out = append(out, fmt.Sprintf("%s %s %s %s", r.ID, f.Check, f.Severity, f.State))
			}
		}
	}
	return out
}

// TestSecretReplaced: a replacement that nobody planned is high until the secret is replaced
// by plan; one by plan is told once. Each is news, and an exception is for one of them.
func TestSecretReplaced(t *testing.T) {
	t.Parallel()
	const id = "0000000000000007"
	start := later(ProductEnterprise)
	replacedIn := func(week int, sum string) Authorization {
		a := start
		a.SecretSum, a.UpdatedAt = sum, reviewed.AddDate(0, 0, 7*week-3)
		return a
	}
	approval := func(granted time.Time) Exception {
		return Exception{Target: "prod", Authorization: id, Check: SecretReplaced, Fingerprint: start.Fingerprint(), Expires: reviewed.Add(90 * day), Granted: granted}
	}
	exceptions := func(es ...Exception) Policy { return Policy{Exceptions: es} }
	approved := exceptions(approval(reviewed))
	unknown, moved, silent, restored := start, start, start, start
	unknown.SecretSum = ""
	moved.SecretSum, moved.CreatedAt = "000000000", reviewed
	silent.SecretSum, restored.SecretSum, restored.UpdatedAt = "000000000", "000000000", reviewed.Add(-day)
	type week struct {
		policy Policy
		now    Authorization
		want   string
	}
	high, info := id+" secret-replaced high ", id+" secret-replaced info "
	for name, weeks := range map[string][]week{
		"not replaced":                    {{Policy{}, start, ""}},
		"by nobody's plan, until the end": {{Policy{}, replacedIn(1, "b"), high + "new"}, {Policy{}, replacedIn(1, "b"), high + "open"}, {Policy{}, replacedIn(1, "b"), high + "open"}},
		"twice by nobody's plan":          {{Policy{}, replacedIn(1, "b"), high + "new"}, {Policy{}, replacedIn(2, "c"), high + "new"}, {Policy{}, replacedIn(2, "c"), high + "open"}},
		"by plan as it was overdue, and again": {
			{Policy{RotateAfter: 12 * day}, start, ""}, {Policy{RotateAfter: 12 * day}, replacedIn(2, "b"), info + "new"}, {Policy{RotateAfter: 12 * day}, replacedIn(3, "c"), high + "new"},
		},
		"approved once, replaced twice": {
			{approved, replacedIn(1, "b"), info + "excepted"}, {approved, replacedIn(2, "c"), high + "new"}, {approved, replacedIn(2, "c"), high + "open"}, {approved, replacedIn(3, "d"), high + "new"},
		},
		"approved once, replaced again later": {
			{approved, replacedIn(1, "b"), info + "excepted"}, {approved, replacedIn(1, "b"), info + "resolved"}, {approved, replacedIn(3, "c"), high + "reopened"}, {approved, replacedIn(3, "c"), high + "open"},
		},
		"approved once, restored": {
			{approved, replacedIn(1, "b"), info + "excepted"}, {approved, restored, high + "new"}, {approved, restored, high + "open"},
		},
		"accepted when it was found, and again": {
			{Policy{}, replacedIn(1, "b"), high + "new"}, {exceptions(approval(reviewed.Add(7 * day))), replacedIn(1, "b"), high + "excepted"},
			{exceptions(approval(reviewed.Add(7 * day))), replacedIn(3, "c"), info + "excepted"}, {exceptions(approval(reviewed.Add(7 * day))), replacedIn(4, "d"), high + "new"},
		},
		"the hash cannot be seen":            {{Policy{}, unknown, ""}, {Policy{}, replacedIn(2, "b"), high + "new"}},
		"the hash is hidden while it stands": {{Policy{}, replacedIn(1, "b"), high + "new"}, {Policy{}, unknown, high + "open"}},
		"another token of the same ID":       {{Policy{}, moved, ""}},
		"it was overdue": {
			{Policy{RotateAfter: 12 * day}, start, ""}, {Policy{RotateAfter: 12 * day}, replacedIn(2, "b"), info + "new"}, {Policy{RotateAfter: 12 * day}, replacedIn(2, "b"), info + "resolved"},
		},
		"it was overdue, and the server does not say when": {{Policy{RotateAfter: 12 * day}, start, ""}, {Policy{RotateAfter: 12 * day}, silent, high + "new"}},
		"approved before": {
			{exceptions(approval(reviewed)), replacedIn(1, "b"), info + "excepted"}, {exceptions(approval(reviewed)), replacedIn(1, "b"), info + "resolved"},
		},
		"approved afterwards":        {{exceptions(approval(reviewed.Add(5 * day))), replacedIn(1, "b"), high + "excepted"}, {exceptions(approval(reviewed.Add(5 * day))), replacedIn(1, "b"), high + "excepted"}, {Policy{}, replacedIn(1, "b"), high + "open"}},
		"approved, nobody says when": {{exceptions(approval(time.Time{})), replacedIn(1, "b"), high + "new"}, {exceptions(approval(time.Time{})), replacedIn(1, "b"), high + "open"}},
		"approved for all checks":    {{exceptions(func() Exception { e := approval(reviewed); e.Check = AllChecks; return e }()), replacedIn(1, "b"), high + "excepted"}},
		"replaced again by plan": {
			{Policy{}, replacedIn(1, "b"), high + "new"}, {exceptions(approval(reviewed.Add(7 * day))), replacedIn(2, "c"), info + "excepted"}, {Policy{}, replacedIn(2, "c"), info + "resolved"},
		},
		"rated otherwise": {
			{Policy{Severity: map[string]Severity{SecretReplaced: Low}}, replacedIn(1, "b"), id + " secret-replaced low new"}, {Policy{}, replacedIn(1, "b"), high + "open"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			history := merged(t, laterAt(0, ProductEnterprise, Policy{}), []Authorization{start}, nil)
			for n, w := range weeks {
				history = merged(t, laterAt(n+1, ProductEnterprise, w.policy), []Authorization{w.now}, history)
				var want []string
				if w.want != "" {
					want = []string{w.want}
				}
				if diff := cmp.Diff(want, findingsOf(history, SecretReplaced)); diff != "" {
					t.Fatalf("week %d (-want +got):\n%s", n+1, diff)
				}
			}
		})
	}
}

// TestPlannedReplacementKeepsItsSeverity: what nobody could look at again, and what another
// policy judges from the snapshot, is rated as it was.
func TestPlannedReplacementKeepsItsSeverity(t *testing.T) {
	t.Parallel()
	first := later(ProductCore)
	second := first
	second.SecretSum, second.UpdatedAt = "000000000", reviewed.Add(20*day)
	overdue := Policy{RotateAfter: 5 * day}
	history := merged(t, laterAt(0, ProductCore, overdue), []Authorization{first}, nil)
	history = merged(t, laterAt(3, ProductCore, overdue), []Authorization{second}, history)
	want := []string{first.ID + " secret-replaced info open"}
	strict := Policy{Severity: map[string]Severity{SecretReplaced: Critical}}
	replayed := history[0]
	replayed.Findings = Replay(history[0], strict, reviewed)
	if diff := cmp.Diff(want, findingsOf([]Record{replayed}, SecretReplaced)); diff != "" {
		t.Errorf("replayed (-want +got):\n%s", diff)
	}
	away := merged(t, laterAt(4, ProductCore, strict), nil, history)
	if diff := cmp.Diff(want, findingsOf(away, SecretReplaced)); diff != "" {
		t.Errorf("unseen (-want +got):\n%s", diff)
	}
	strict.Severity[SecretReplaced] = Off
	if got := findingsOf(merged(t, laterAt(4, ProductCore, strict), nil, history), SecretReplaced); len(got) != 1 || got[0] != first.ID+" secret-replaced info not judged" {
		t.Errorf("switched off: %q", got)
	}
}

// TestApprovalInAdvance: nobody is told to remove the approval of a replacement that has not
// come yet.
func TestApprovalInAdvance(t *testing.T) {
	t.Parallel()
	a := later(ProductCore)
	for name, tc := range map[string]struct {
		change func(*Exception)
		listed bool
		want   []string
		state  ExceptionState
	}{
		"in force":              {func(*Exception) {}, true, nil, ExceptionPlanned},
		"void":                  {func(e *Exception) { e.Fingerprint = "0123456789abcdef" }, true, []string{a.ID + " exception-void high new"}, ExceptionVoid},
		"expired":               {func(e *Exception) { e.Expires = reviewed }, true, []string{a.ID + " exception-expired medium new"}, ExceptionExpired},
		"its token is gone":     {func(*Exception) {}, false, []string{"unused-exceptions exception-unused low new"}, ExceptionUnused},
		"of another check":      {func(e *Exception) { e.Check = "no-description" }, true, []string{"unused-exceptions exception-unused low new"}, ExceptionUnused},
		"for all of its checks": {func(e *Exception) { e.Check = AllChecks }, true, []string{"unused-exceptions exception-unused low new"}, ExceptionUnused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := Exception{Target: "prod", Authorization: a.ID, Check: SecretReplaced, Fingerprint: a.Fingerprint(), Expires: reviewed.Add(90 * day)}
			tc.change(&e)
			history := merged(t, laterAt(-1, ProductCore, Policy{}), []Authorization{a}, nil)
			now := []Authorization{a}
			rv := laterAt(0, ProductCore, Policy{Exceptions: []Exception{e}})
			if !tc.listed {
				now, rv.Probe = nil, func(context.Context, Authorization) Probe { return Probe{Presence: Gone} }
			}
			got := merged(t, rv, now, history)
			if diff := cmp.Diff(tc.want, findingsOf(got, "exception-void", "exception-expired", "exception-unused")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if state := e.StateOn(&got[0], reviewed); state != tc.state {
				t.Errorf("it is %q, want %q", state, tc.state)
			}
		})
	}
}

func TestTooManyAdmins(t *testing.T) {
	t.Parallel()
	named := func(names ...string) []Authorization {
		var out []Authorization
		for i, name := range names {
			a := admin(name)
			a.ID = fmt.Sprintf("%016x", i)
			out = append(out, a)
		}
		return out
	}
	three := named("_admin", "ops", "old")
	change := func(change func(*Authorization)) []Authorization {
		all := slices.Clone(three)
		change(&all[2])
		return all
	}
	two := Policy{MaxAdmins: 2}
	gone := func(context.Context, Authorization) Probe { return Probe{Presence: Gone} }
	const finding, detail = "over-max-admins too-many-admins high ", "3, and at most 2 are allowed: _admin, ops, old"
	type week struct {
		policy Policy
		now    []Authorization
		probe  func(context.Context, Authorization) Probe
		want   string
	}
	for name, tc := range map[string]struct {
		product Product
		weeks   []week
	}{
		"as many as allowed":               {ProductCore, []week{{two, three[:2], nil, ""}}},
		"too many":                         {ProductCore, []week{{two, three, nil, finding + "new"}, {two, three, nil, finding + "open"}}},
		"too many users":                   {ProductV1, []week{{two, three, nil, finding + "new"}}},
		"no limit":                         {ProductCore, []week{{Policy{}, three, nil, ""}}},
		"one has expired":                  {ProductCore, []week{{two, change(func(a *Authorization) { a.ExpiresAt = reviewed }), nil, ""}}},
		"one is no admin":                  {ProductCore, []week{{two, change(func(a *Authorization) { a.Permissions = later(ProductEnterprise).Permissions }), nil, ""}}},
		"one may be an admin":              {ProductCore, []week{{two, change(func(a *Authorization) { a.Permissions = []Permission{{Action: "?"}} }), nil, ""}}},
		"not on OSS":                       {ProductOSS, []week{{two, three, nil, ""}}},
		"not on Dedicated":                 {ProductDedicated, []week{{two, three, nil, ""}}},
		"one is deleted":                   {ProductEnterprise, []week{{two, three, nil, finding + "new"}, {two, three[:2], gone, finding + "resolved"}, {two, three[:2], nil, ""}}},
		"one cannot be seen":               {ProductEnterprise, []week{{two, three, nil, finding + "new"}, {two, three[:2], nil, finding + "open"}}},
		"none can be seen":                 {ProductEnterprise, []week{{two, three, nil, finding + "new"}, {two, nil, nil, finding + "open"}, {two, three[:2], gone, finding + "resolved"}}},
		"one cannot be read any more":      {ProductEnterprise, []week{{two, three, nil, finding + "new"}, {two, change(func(a *Authorization) { a.Permissions = nil }), nil, finding + "open"}}},
		"one expires":                      {ProductEnterprise, []week{{two, three, nil, finding + "new"}, {two, change(func(a *Authorization) { a.ExpiresAt = reviewed.Add(10 * day) }), nil, finding + "resolved"}}},
		"the limit is raised":              {ProductEnterprise, []week{{two, three, nil, finding + "new"}, {Policy{MaxAdmins: 3}, three, nil, finding + "not judged"}}},
		"the limit is lowered":             {ProductEnterprise, []week{{Policy{MaxAdmins: 3}, three, nil, ""}, {two, three, nil, finding + "by policy"}, {two, three, nil, finding + "open"}}},
		"the limit is lowered, one new":    {ProductEnterprise, []week{{Policy{MaxAdmins: 3}, three[:2], nil, ""}, {two, three, nil, finding + "by policy"}}},
		"lowered while one cannot be seen": {ProductEnterprise, []week{{Policy{MaxAdmins: 3}, three, nil, ""}, {two, three[:2], nil, ""}}},
		"switched off":                     {ProductEnterprise, []week{{two, three, nil, finding + "new"}, {Policy{MaxAdmins: 2, Severity: map[string]Severity{"too-many-admins": Off}}, three, nil, finding + "not judged"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var history []Record
			before := AppliedPolicy{}
			for n, w := range tc.weeks {
				now := slices.Clone(w.now)
				for i := range now {
					now[i].Product = tc.product
				}
				for i := range history {
					history[i].Judged = JudgedUnder(before, w.policy.Applied())
				}
				rv := laterAt(n+1, tc.product, w.policy)
				if len(w.now) == 0 { // a review of nothing does not know the product
					rv.Coverage.Product, rv.Probe = ProductUnknown, nil
				}
				if w.probe != nil {
					rv.Probe = w.probe
				}
				history, before = merged(t, rv, now, history), w.policy.Applied()
				var want []string
				if w.want != "" {
					want = []string{w.want}
				}
				if diff := cmp.Diff(want, findingsOf(history, "too-many-admins")); diff != "" {
					t.Fatalf("week %d (-want +got):\n%s", n+1, diff)
				}
				for _, r := range history {
					if r.IsAdmins() && (r.Exists() || r.Findings[0].State == New && r.Findings[0].Detail != detail) {
						t.Errorf("%+v", r)
					}
				}
			}
		})
	}
}

// TestRevivedGrantOverWeeks: the new database of an old name is told, whatever was before.
func TestRevivedGrantOverWeeks(t *testing.T) {
	t.Parallel()
	at := func(name string) Authorization {
		a := later(ProductDedicated)
		a.Permissions[0].Resource.Name = name
		return a
	}
	var history []Record
	for n, w := range []struct {
		now     Authorization
		unknown bool
		want    []string
	}{
		{at("telemetry"), false, nil},
		{at(""), false, []string{"dangling-grant low new"}},
		{at("telemetry"), true, []string{"dangling-grant low open"}}, // as far as is known
		{at("telemetry"), false, []string{"revived-grant high new", "dangling-grant low resolved"}},
		{at("telemetry"), true, []string{"revived-grant high open", "dangling-grant low resolved"}},
		{at("telemetry"), false, []string{"revived-grant high open", "dangling-grant low resolved"}},
		{func() Authorization { a := at(""); a.Permissions = []Permission{}; return a }(), false, []string{"revived-grant high resolved", "dangling-grant low resolved"}},
	} {
		rv := laterAt(n, ProductDedicated, Policy{})
		rv.Scope.DatabasesUnknown = w.unknown
		history = merged(t, rv, []Authorization{w.now}, history)
		var want []string
		for _, f := range w.want {
			want = append(want, w.now.ID+" "+f)
		}
		if diff := cmp.Diff(want, findingsOf(history, "revived-grant", "dangling-grant")); diff != "" {
			t.Fatalf("week %d (-want +got):\n%s", n, diff)
		}
		for _, f := range Replay(history[0], Policy{}, rv.Now) {
			if (f.Check == "revived-grant" || f.Check == "dangling-grant") && f.State != Open {
				t.Errorf("week %d: replayed, %s is %s", n, f.Check, f.State)
			}
		}
	}
}
