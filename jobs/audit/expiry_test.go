package audit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// later is a clean token of a product after InfluxDB 2, which reads one database and expires
// in a year.
func later(p Product) Authorization {
	return Authorization{
		ID: "0000000000000007", OrgID: "cluster", Description: "dashboard reader", Status: Active, Product: p,
		CreatedAt: reviewed.Add(-10 * day), ExpiresAt: reviewed.Add(365 * day), SecretSum: "3f9c2a71b",
		Permissions: []Permission{{"read", Resource{Type: "buckets", ID: "telemetry", Name: "telemetry", OrgID: "cluster"}}},
	}
}

func admin(name string) Authorization {
	a := later(ProductEnterprise)
	a.Description = name
	a.Permissions = []Permission{{"read", Resource{Type: "instance"}}, {"write", Resource{Type: "instance"}}}
	return a
}

// found are the findings of a token by check, with their severity.
func found(t *testing.T, s Subject) map[string]Severity {
	t.Helper()
	s.Access, s.Now, s.Owner = AccessOf(s.Authorization), reviewed, Owner{State: OwnerNone}
	got := map[string]Severity{}
	for _, f := range s.judge(nil) {
		got[f.Check] = f.Severity
	}
	return got
}

func TestChecksOfLaterProducts(t *testing.T) {
	t.Parallel()
	write := func(id, name string) Permission {
		return Permission{"write", Resource{Type: "buckets", ID: id, Name: name, OrgID: "cluster"}}
	}
	for name, tc := range map[string]struct {
		product Product
		change  func(*Subject)
		want    map[string]Severity
	}{
		"clean on Enterprise": {ProductEnterprise, func(*Subject) {}, map[string]Severity{}},
		"clean on Dedicated":  {ProductDedicated, func(*Subject) {}, map[string]Severity{}},
		"no expiry":           {ProductEnterprise, func(s *Subject) { s.ExpiresAt = time.Time{} }, map[string]Severity{"never-expires": Medium}},
		"no expiry on Dedicated": {ProductDedicated, func(s *Subject) { s.ExpiresAt = time.Time{} },
			map[string]Severity{"never-expires": Medium}},
		"no expiry, and revoked": {ProductDedicated, func(s *Subject) { s.ExpiresAt, s.RevokedAt = time.Time{}, reviewed.Add(-day) }, map[string]Severity{}},
		"no expiry on 1.x":       {ProductV1, func(s *Subject) { s.ExpiresAt = time.Time{} }, map[string]Severity{}},
		"no expiry on OSS":       {ProductUnknown, func(s *Subject) { s.ExpiresAt = time.Time{} }, map[string]Severity{}},
		"_admin has none": {ProductEnterprise, func(s *Subject) { s.Authorization = admin("_admin"); s.ExpiresAt = time.Time{} },
			map[string]Severity{"never-expires": Info, "active-write": Info}},
		"_admin under a policy that rates it": {ProductCore, func(s *Subject) {
			s.Authorization = admin("_admin")
			s.Product, s.ExpiresAt, s.Policy.Severity = ProductCore, time.Time{}, map[string]Severity{"never-expires": High}
		}, map[string]Severity{"never-expires": Info, "active-write": Info}},
		"_admin under a policy without the check": {ProductCore, func(s *Subject) {
			s.Authorization = admin("_admin")
			s.Product, s.ExpiresAt, s.Policy.Severity = ProductCore, time.Time{}, map[string]Severity{"never-expires": Off}
		}, map[string]Severity{"active-write": Info}},
		"named _admin on Dedicated": {ProductDedicated, func(s *Subject) { s.Description, s.ExpiresAt = "_admin", time.Time{} },
			map[string]Severity{"never-expires": Medium}},
		"no expiry under a policy that rates it": {ProductCore, func(s *Subject) {
			s.ExpiresAt, s.Policy.Severity = time.Time{}, map[string]Severity{"never-expires": High}
		}, map[string]Severity{"never-expires": High}},
		"expires within 14 days": {ProductCore, func(s *Subject) { s.ExpiresAt = reviewed.Add(14*day - 1) }, map[string]Severity{"expires-soon": Medium}},
		"the review's own, within 14 days": {ProductCore, func(s *Subject) {
			s.ExpiresAt, s.Scope.Credentials = reviewed.Add(14*day-1), map[string]bool{s.ID: true}
		}, map[string]Severity{"auditor-expires": High}},
		"expires in 14 days":            {ProductCore, func(s *Subject) { s.ExpiresAt = reviewed.Add(14 * day) }, map[string]Severity{}},
		"before the next slot but one":  {ProductCore, func(s *Subject) { s.ExpiresAt, s.Soon = reviewed.Add(60*day), reviewed.Add(62*day) }, map[string]Severity{"expires-soon": Medium}},
		"after the next slot but one":   {ProductCore, func(s *Subject) { s.ExpiresAt, s.Soon = reviewed.Add(3*day), reviewed.Add(2*day) }, map[string]Severity{}},
		"expires soon, and was revoked": {ProductClustered, func(s *Subject) { s.ExpiresAt, s.RevokedAt = reviewed.Add(day), reviewed }, map[string]Severity{}},
		"expired":                       {ProductCore, func(s *Subject) { s.ExpiresAt = reviewed.Add(-day) }, map[string]Severity{"expired-leftover": Low}},
		"expired at this very moment":   {ProductCore, func(s *Subject) { s.ExpiresAt = reviewed }, map[string]Severity{"expired-leftover": Low}},
		"expired, of an unknown age":    {ProductCore, func(s *Subject) { s.CreatedAt, s.ExpiresAt = time.Time{}, reviewed.Add(-day) }, map[string]Severity{"expired-leftover": Low}},
		"expired and revoked":           {ProductDedicated, func(s *Subject) { s.ExpiresAt, s.RevokedAt = reviewed.Add(-day), reviewed.Add(-2*day) }, map[string]Severity{}},
		"expired writers do not write": {ProductEnterprise, func(s *Subject) {
			s.Permissions, s.ExpiresAt = []Permission{write("telemetry", "telemetry")}, reviewed.Add(-day)
		}, map[string]Severity{"expired-leftover": Low}},
		"expired when it was created": {ProductEnterprise, func(s *Subject) { s.ExpiresAt = s.CreatedAt }, map[string]Severity{"expired-on-creation": High}},
		"expired before":              {ProductEnterprise, func(s *Subject) { s.ExpiresAt = s.CreatedAt.Add(-day) }, map[string]Severity{"expired-on-creation": High}},
		"expired a moment later":      {ProductEnterprise, func(s *Subject) { s.ExpiresAt = s.CreatedAt.Add(1) }, map[string]Severity{"expired-leftover": Low}},
		"an admin on Enterprise":      {ProductEnterprise, func(s *Subject) { s.Authorization = admin("ops") }, map[string]Severity{"operator": Critical, "active-write": Info}},
		"an admin on Core":            {ProductCore, func(s *Subject) { s.Authorization = admin("ops"); s.Product = ProductCore }, map[string]Severity{"active-write": Info}},
		"an admin on 1.x": {ProductV1, func(s *Subject) { s.Authorization = admin("ops"); s.Product = ProductV1 },
			map[string]Severity{"operator": Critical, "active-write": Info}},
		"a user _admin on 1.x": {ProductV1, func(s *Subject) { s.Authorization = admin("_admin"); s.Product = ProductV1 },
			map[string]Severity{"operator": Critical, "active-write": Info}},
		"the credential of the review": {ProductEnterprise, func(s *Subject) {
			s.Authorization = admin("audit")
			s.Scope.Credentials = map[string]bool{s.ID: true}
		}, map[string]Severity{"active-write": Info}},
		"all databases": {ProductDedicated, func(s *Subject) {
			s.Permissions = []Permission{{"write", Resource{Type: "buckets", OrgID: "cluster"}}}
		}, map[string]Severity{"org-wide-write": High, "active-write": Info}},
		"a deleted database": {ProductEnterprise, func(s *Subject) { s.Permissions = []Permission{write("gone", "")} },
			map[string]Severity{"active-write": Info, "dangling-grant": Low}},
		"a deleted database, as far as is known": {ProductEnterprise, func(s *Subject) {
			s.Permissions, s.Scope.DatabasesUnknown = []Permission{write("gone", "")}, true
		}, map[string]Severity{"active-write": Info}},
		"a database that was created again": {ProductClustered, func(s *Subject) {
			s.Permissions, s.DeletedDatabases = []Permission{write("gone", "gone")}, []string{"gone"}
		}, map[string]Severity{"revived-grant": High, "active-write": Info}},
		"one that is still deleted": {ProductClustered, func(s *Subject) {
			s.Permissions, s.DeletedDatabases = []Permission{write("gone", "")}, []string{"gone"}
		}, map[string]Severity{"active-write": Info, "dangling-grant": Low}},
		"created again, for a token that is revoked": {ProductClustered, func(s *Subject) {
			s.Permissions, s.DeletedDatabases, s.RevokedAt = []Permission{write("gone", "gone")}, []string{"gone"}, reviewed
		}, map[string]Severity{}},
		"a deleted database, and the token was revoked": {ProductDedicated, func(s *Subject) {
			s.Permissions, s.RevokedAt = []Permission{write("gone", "")}, reviewed
		}, map[string]Severity{}},
		"created again, and one permission cannot be read": {ProductDedicated, func(s *Subject) {
			s.Permissions, s.DeletedDatabases = []Permission{{Action: "?"}, write("gone", "gone")}, []string{"gone"}
		}, map[string]Severity{"revived-grant": High, "active-write": Info}},
		"created again on a product that binds by ID": {ProductEnterprise, func(s *Subject) {
			s.Permissions, s.DeletedDatabases = []Permission{write("gone", "gone")}, []string{"gone"}
		}, map[string]Severity{"active-write": Info}},
		"old":                      {ProductEnterprise, func(s *Subject) { s.Policy.RotateAfter = 9 * day }, map[string]Severity{"not-rotated": Medium}},
		"old, with a new secret":   {ProductEnterprise, func(s *Subject) { s.Policy.RotateAfter, s.UpdatedAt = 9*day, reviewed.Add(-8*day) }, map[string]Severity{}},
		"old, its secret, too":     {ProductCore, func(s *Subject) { s.Policy.RotateAfter, s.UpdatedAt = 7*day, reviewed.Add(-8*day) }, map[string]Severity{"not-rotated": Medium}},
		"old, changed, on Managed": {ProductDedicated, func(s *Subject) { s.Policy.RotateAfter, s.UpdatedAt = 9*day, reviewed.Add(-8*day) }, map[string]Severity{"not-rotated": Medium}},
		"old and expired": {ProductEnterprise, func(s *Subject) { s.Policy.RotateAfter, s.ExpiresAt = 9*day, reviewed.Add(-day) },
			map[string]Severity{"expired-leftover": Low}},
		"blank description on Dedicated": {ProductDedicated, func(s *Subject) { s.Description = " " }, map[string]Severity{"no-description": Low}},
		"no description, and revoked":    {ProductDedicated, func(s *Subject) { s.Description, s.RevokedAt = "", reviewed }, map[string]Severity{}},
		"permissions changed on Core":    {ProductCore, func(s *Subject) { s.Changes = []Change{{"permissions", "a", "b"}} }, map[string]Severity{"permission-drift": Critical}},
		"permissions changed on Managed": {ProductDedicated, func(s *Subject) { s.Changes = []Change{{"permissions", "a", "b"}} }, map[string]Severity{}},
		"permissions changed on 1.x":     {ProductV1, func(s *Subject) { s.Changes = []Change{{"permissions", "a", "b"}} }, map[string]Severity{}},
		"back again on Core":             {ProductCore, func(s *Subject) { s.Changes = []Change{{"presence", "gone", "listed"}} }, map[string]Severity{"back-again": High}},
		"back again, and revoked":        {ProductClustered, func(s *Subject) { s.Changes, s.RevokedAt = []Change{{"presence", "gone", "listed"}}, reviewed }, map[string]Severity{}},
		"back again on 1.x":              {ProductV1, func(s *Subject) { s.Changes = []Change{{"presence", "gone", "listed"}} }, map[string]Severity{}},
		"no authentication on Core": {ProductCore, func(s *Subject) { s.Authorization = Server("200 without a token"); s.Product = ProductCore },
			map[string]Severity{"auth-off": Critical}},
		"no authentication on 1.x": {ProductV1, func(s *Subject) { s.Authorization = Server("200 without a password"); s.Product = ProductV1 },
			map[string]Severity{"auth-off": Critical}},
		"token values on OSS": {ProductUnknown, func(s *Subject) { s.Authorization = Server("shows values") },
			map[string]Severity{"token-value-readable": High}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Subject{Authorization: later(tc.product)}
			tc.change(&s)
			if diff := cmp.Diff(tc.want, found(t, s)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// What only a review could see stays as it was under another policy, and what the token
// itself says is judged again.
func TestReplayOfLaterProducts(t *testing.T) {
	t.Parallel()
	credential, soon, first := admin("audit"), later(ProductCore), admin("_admin")
	credential.ID, soon.ID, first.ID = "0000000000000002", "0000000000000003", "0000000000000000"
	soon.ExpiresAt, first.ExpiresAt = reviewed.Add(40*day), time.Time{}
	rv := reviewAt(reviewed, nil)
	rv.Scope.Credentials, rv.Soon = map[string]bool{credential.ID: true}, reviewed.Add(60*day)
	got := map[string][]string{}
	for _, r := range merged(t, rv, []Authorization{first, credential, soon}, nil) {
		for _, f := range Replay(r, Policy{Severity: map[string]Severity{"never-expires": High, "expires-soon": High}}, reviewed) {
			got[r.Description] = append(got[r.Description], f.Check+" "+string(f.Severity)+" "+string(f.State))
		}
	}
	want := map[string][]string{
		"_admin":           {"active-write info open", "never-expires info open"},
		"audit":            {"active-write info open"}, // no operator: the review needs it
		"dashboard reader": {"expires-soon high open"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
