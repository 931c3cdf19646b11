package audit

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestCredentialRefusedOverWeeks: what was let in once and is refused now is a finding
// until it is let in again; silence changes nothing.
func TestCredentialRefusedOverWeeks(t *testing.T) {
	const bob = "user bob"
	in, out := []Credential{{Of: TheTarget, Accepted: true}, {Of: bob, Accepted: true}}, []Credential{{Of: TheTarget, Accepted: true}, {Of: bob, Refused: true, Answer: "401 unauthorized access"}}
	all := []Credential{{Of: TheTarget, Refused: true, Answer: "403"}, {Of: bob, Answer: "not used"}}
	silent := []Credential{{Of: TheTarget, Accepted: true}, {Of: bob, Answer: "no answer"}}
	type week struct {
		credentials []Credential
		want        []string
	}
	const bobs, targets = "refused-credential/user bob listed present ", "refused-credential/the target listed present "
	tests := map[string][]week{
		"refused, and let in again": {
			{in, nil},
			{out, []string{bobs + "first 11-30 last 11-30 credential-refused=new@11-30"}},
			{out, []string{bobs + "first 11-30 last 12-07 credential-refused=open@11-30"}},
			{in, []string{bobs + "first 11-30 last 12-14 credential-refused=resolved@12-14"}},
			{in, nil},
		},
		"refused from the first": {{out, nil}, {out, nil}, {in, nil}, {out, []string{bobs + "first 12-14 last 12-14 credential-refused=new@12-14"}}},
		"no answer in between": {
			{in, nil}, {silent, nil},
			{out, []string{bobs + "first 12-07 last 12-07 credential-refused=new@12-07"}},
			{silent, []string{bobs + "first 12-07 last 12-14 credential-refused=open@12-07"}},
			{nil, []string{bobs + "first 12-07 last 12-21 credential-refused=open@12-07"}},
			{in, []string{bobs + "first 12-07 last 12-28 credential-refused=resolved@12-28"}},
		},
		"not asked at all in between": {
			{in, nil}, {nil, nil},
			{out, []string{bobs + "first 12-07 last 12-07 credential-refused=new@12-07"}},
		},
		"that of the target: nothing can be asked": {
			{in, nil}, {out, []string{bobs + "first 11-30 last 11-30 credential-refused=new@11-30"}},
			{all, []string{targets + "first 12-07 last 12-07 credential-refused=new@12-07", bobs + "first 11-30 last 12-07 credential-refused=open@11-30"}},
		},
		"its user is no longer configured": {{in, nil}, {out, []string{bobs + "first 11-30 last 11-30 credential-refused=new@11-30"}}, {in[:1], nil}},
	}
	for name, weeks := range tests {
		t.Run(name, func(t *testing.T) {
			var history []Record
			var before []Credential
			for i, w := range weeks {
				rv := reviewAt(reviewed.AddDate(0, 0, 7*i), nil)
				rv.Coverage.Credentials, rv.Before = w.credentials, before
				if w.credentials == nil || w.credentials[0].Refused {
					rv.Probe = nil
				}
				history = merged(t, rv, nil, history)
				if diff := cmp.Diff(w.want, lines(history)); diff != "" {
					t.Fatalf("week %d (-want +got):\n%s", i, diff)
				}
				before = RememberCredentials(w.credentials, before, rv.Now)
			}
		})
	}
}

// TestRefusedCredentialStandsBetweenItsNeighbours: records ascend whatever else there is.
func TestRefusedCredentialStandsBetweenItsNeighbours(t *testing.T) {
	rv := reviewAt(reviewed, nil)
	rv.Before = []Credential{{Of: TheTarget, LastAccepted: reviewed.Add(-7 * day)}}
	rv.Coverage.Credentials = []Credential{{Of: TheTarget, Refused: true, Answer: "401"}}
	rv.Policy.Exceptions = []Exception{{Target: "prod", Authorization: "0000000000000001", Check: AllChecks, Expires: reviewed.Add(day)}}
	legacy := token("ffffffffffffffff", "1.x")
	legacy.Legacy = true
	first := merged(t, rv, []Authorization{token("a1", "fine"), Server("readable"), legacy}, nil)
	if len(first) != 5 || first[3].Findings[0].Detail != "401; accepted at the review of 2026-11-16" {
		t.Errorf("%q", lines(first))
	}
	rv.Now = reviewed.Add(time.Hour)
	if again := merged(t, rv, []Authorization{token("a1", "fine"), Server("readable"), legacy}, first); len(again) != 5 {
		t.Errorf("%q", lines(again))
	}
}

// TestOrgOfAGrant: where there are no orgs, the ID of the server stands in their place,
// and a server that gets one with an upgrade did not change its tokens.
func TestOrgOfAGrant(t *testing.T) {
	t.Parallel()
	for product, drifts := range map[Product]bool{ProductUnknown: true, ProductCore: false, ProductDedicated: false} {
		before := Authorization{ID: "1", OrgID: "url-1", Product: product, Permissions: []Permission{{Action: "write", Resource: Resource{Type: "buckets", OrgID: "url-1"}}}}
		now := before
		now.OrgID = "cluster-1"
		now.Permissions = []Permission{{Action: "write", Resource: Resource{Type: "buckets", OrgID: "cluster-1"}}}
		if changed := len(changes(before, now)) > 0; changed != drifts || SamePermissions(before, now) == drifts || (before.Fingerprint() != now.Fingerprint()) != drifts {
			t.Errorf("product %q: %v, and the same grants: %t", product, changes(before, now), SamePermissions(before, now))
		}
		now.Permissions[0].Action = "read"
		if len(changes(before, now)) == 0 {
			t.Errorf("product %q: a grant that changed is none", product)
		}
	}
}

// TestReconcileWithoutUsers: what is said of deleted users is for products that have some.
func TestReconcileWithoutUsers(t *testing.T) {
	t.Parallel()
	for _, p := range append(Products(), ProductUnknown) {
		c := NewCoverage("prod")
		c.Product = p
		c.Reconcile()
		if says := len(c.BlindSpots) > 0; says != p.V2() {
			t.Errorf("product %q: %q", p, c.BlindSpots)
		}
	}
}

// TestSecretThatIsNotShown for a while, as a server without authentication shows none: what
// was replaced meanwhile is found, once.
func TestSecretThatIsNotShown(t *testing.T) {
	t.Parallel()
	regenerated := reviewed.Add(-time.Hour)
	for name, test := range map[string]struct {
		weeks []Authorization // SecretSum and UpdatedAt
		found []bool
	}{
		"not replaced":          {[]Authorization{{SecretSum: "a"}, {}, {SecretSum: "a"}}, []bool{false, false, false}},
		"replaced behind":       {[]Authorization{{SecretSum: "a"}, {}, {SecretSum: "b"}}, []bool{false, false, true}},
		"replaced, by its date": {[]Authorization{{SecretSum: "a"}, {UpdatedAt: regenerated}, {SecretSum: "b", UpdatedAt: regenerated}}, []bool{false, true, false}},
		"replaced, in sight":    {[]Authorization{{SecretSum: "a"}, {SecretSum: "b", UpdatedAt: regenerated}}, []bool{false, true}},
	} {
		t.Run(name, func(t *testing.T) {
			var before []Record
			for i, week := range test.weeks {
				a := token("0000000000000001", "ci")
				a.Product, a.SecretSum, a.UpdatedAt = ProductCore, week.SecretSum, week.UpdatedAt
				rv := Review{Now: reviewed.AddDate(0, 0, 7*i)}
				rv.Owner = func(context.Context, Authorization) Owner { return Owner{State: OwnerNone} }
				before = merged(t, rv, []Authorization{a}, before)
				found := slices.ContainsFunc(before[0].Changes, func(c Change) bool { return c.Field == "secret" })
				if found != test.found[i] {
					t.Errorf("week %d: %+v", i, before[0].Changes)
				}
			}
		})
	}
}

// TestSamePrinted: InfluxDB 3 may show one database by several names. Any other difference
// is a change.
func TestSamePrinted(t *testing.T) {
	const deleted, later = "a-20260101T000000", "a-20260201T000000"
	for name, test := range map[string]struct {
		before, now []string // databases that it may write to
		same        bool
	}{
		"the same":                             {[]string{"a", "b"}, []string{"b", "a"}, true},
		"one was deleted":                      {[]string{"a", "b"}, []string{deleted, "b"}, true},
		"it was restored":                      {[]string{deleted, "b"}, []string{"a", "b"}, true},
		"one of two with the name was deleted": {[]string{"a", deleted}, []string{later, deleted}, true},
		"a deleted one more":                   {[]string{"a"}, []string{"a", deleted}, false},
		"one less":                             {[]string{"a", deleted}, []string{"a"}, false},
		"another one":                          {[]string{"a"}, []string{"b"}, false},
		"another deleted one":                  {[]string{"a"}, []string{"b-20260101T000000"}, false},
		"one with another date":                {[]string{deleted}, []string{later}, false},
		"two for one":                          {[]string{"a"}, []string{deleted, later}, false},
		"names for numbers":                    {[]string{"#1", "#2"}, []string{"a", "b"}, true},
		"numbers for names":                    {[]string{"a"}, []string{"#1"}, true},
		"fewer names than numbers":             {[]string{"#1", "#2"}, []string{"a"}, false},
		"another number":                       {[]string{"#1"}, []string{"#2"}, false},
		"all for a number":                     {[]string{"#1"}, []string{""}, false},
		"none for a number":                    {[]string{"#1"}, nil, false},
	} {
		grant := func(ids []string) Authorization {
			a := Authorization{ID: "0000000000000001", Product: ProductEnterprise, Permissions: []Permission{}}
			for _, id := range ids {
				a.Permissions = append(a.Permissions, Permission{"write", Resource{Type: "buckets", ID: id, Name: id, OrgID: "o"}})
			}
			return a
		}
		if got := changes(grant(test.before), grant(test.now)); (len(got) == 0) != test.same {
			t.Errorf("%s: %+v", name, got)
		}
		reader := grant(test.now)
		for i := range reader.Permissions {
			reader.Permissions[i].Action = "read"
		}
		if len(test.now) > 0 && len(changes(grant(test.before), reader)) == 0 {
			t.Errorf("%s: reading is writing", name)
		}
	}
}
