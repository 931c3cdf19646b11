package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRevivedGrantWhileUnread: what cannot be read of the permissions is not taken for gone,
// and no more is remembered than a token may hold.
func TestRevivedGrantWhileUnread(t *testing.T) {
	t.Parallel()
	revived := later(ProductDedicated)
	deleted, unread, unknown := revived, revived, revived
	deleted.Permissions = []Permission{{"read", Resource{Type: "buckets", ID: "telemetry", OrgID: "cluster"}}}
	unread.Permissions, unknown.Permissions = []Permission{{Action: "?"}}, nil
	var history []Record
	for n, w := range []struct {
		now  Authorization
		want []string
	}{
		{deleted, nil}, {revived, []string{"new"}}, {unread, []string{"open"}}, {unknown, []string{"open"}}, {revived, []string{"open"}},
	} {
		history = merged(t, laterAt(n, ProductDedicated, Policy{}), []Authorization{w.now}, history)
		var want []string
		for _, state := range w.want {
			want = append(want, w.now.ID+" revived-grant high "+state)
		}
		if diff := cmp.Diff(want, findingsOf(history, "revived-grant")); diff != "" {
			t.Fatalf("week %d (-want +got):\n%s", n, diff)
		}
	}
	if got := deletedDatabases(unread, []string{"a", "b"}, false); !slices.Equal(got, []string{"a"}) {
		t.Errorf("one permission cannot be read, and it may be for %q", got)
	}
}

// TestVeryManyDeletedDatabases ends at all only if no list is walked once for each database.
func TestVeryManyDeletedDatabases(t *testing.T) {
	t.Parallel()
	const n = 400_000
	a := later(ProductDedicated)
	a.Permissions = nil
	for i := range n {
		a.Permissions = append(a.Permissions, Permission{"read", Resource{Type: "buckets", ID: fmt.Sprintf("database-%07d", i)}})
	}
	deleted := deletedDatabases(a, deletedDatabases(a, nil, false), false)
	for i := range a.Permissions {
		a.Permissions[i].Resource.Name = a.Permissions[i].Resource.ID
	}
	s := Subject{Authorization: a, Access: AccessOf(a), DeletedDatabases: deletedDatabases(a, deleted, false), Now: reviewed}
	detail, outcome := matchRevived(&s)
	if len(s.DeletedDatabases) != n || outcome != Fail || !strings.HasSuffix(detail, "database-0000009 and 399,990 more") {
		t.Errorf("%d deleted, %v: %s", len(s.DeletedDatabases), outcome, detail)
	}
}

// TestDriftOfAdmin: _admin cannot be deleted, so the alarm ends when it is as it always was.
func TestDriftOfAdmin(t *testing.T) {
	t.Parallel()
	whole, less := admin("_admin"), later(ProductEnterprise)
	less.Description = "_admin"
	history := merged(t, laterAt(0, ProductEnterprise, Policy{}), []Authorization{whole}, nil)
	for n, w := range []struct {
		now   Authorization
		state string
	}{{less, "new"}, {less, "open"}, {whole, "new"}, {whole, "resolved"}} {
		history = merged(t, laterAt(n+1, ProductEnterprise, Policy{}), []Authorization{w.now}, history)
		if got := findingsOf(history, "permission-drift"); len(got) != 1 || !strings.HasSuffix(got[0], " "+w.state) {
			t.Errorf("week %d: %q, want %s", n+1, got, w.state)
		}
	}
}

// TestRevokedForGood: a token that was revoked where that is final keeps no finding.
func TestRevokedForGood(t *testing.T) {
	t.Parallel()
	for _, p := range []Product{ProductDedicated, ProductClustered} {
		a := later(p)
		a.Description, a.ExpiresAt = "", time.Time{}
		a.Permissions = []Permission{{"write", Resource{Type: "buckets", ID: "gone"}}, {"write", Resource{Type: "buckets", OrgID: "cluster"}}}
		policy := Policy{RotateAfter: day}
		history := merged(t, laterAt(0, p, policy), []Authorization{a}, nil)
		if len(history[0].Findings) < 5 {
			t.Fatalf("%s: %+v", p, history[0].Findings)
		}
		a.RevokedAt = reviewed.Add(day)
		rv := laterAt(1, p, policy)
		rv.Scope.DatabasesUnknown = true
		for _, f := range merged(t, rv, []Authorization{a}, history)[0].Findings {
			if f.State != Resolved {
				t.Errorf("%s: %s is %s", p, f.Check, f.State)
			}
		}
	}
}

// TestAdminsOfARetiredServer: what is not followed any more counts no longer.
func TestAdminsOfARetiredServer(t *testing.T) {
	t.Parallel()
	policy := Policy{MaxAdmins: 1}
	first, other := admin("_admin"), admin("ops")
	other.ID, other.OrgID = "0000000000000008", "another"
	history := merged(t, laterAt(0, ProductEnterprise, policy), []Authorization{first, other}, nil)
	rv := laterAt(1, ProductEnterprise, policy)
	rv.Sources, rv.Elsewhere = map[string]bool{SourceOf(rv.Store, first.OrgID): true}, map[string]int{}
	rv.Retired = map[string]Retirement{SourceOf(rv.Store, other.OrgID): {}}
	if got := findingsOf(merged(t, rv, []Authorization{first}, history), tooManyAdmins); len(got) != 1 || !strings.HasSuffix(got[0], " resolved") {
		t.Errorf("%q, want it resolved", got)
	}
}

// TestExceptionOfAName: on 1.x an exception is for the user that had the name, on the server
// that it was on.
func TestExceptionOfAName(t *testing.T) {
	t.Parallel()
	user := admin("")
	user.ID, user.User, user.UserID, user.Product, user.OrgID = "user/ops", "ops", "ops", ProductV1, "url-1"
	policy := Policy{Exceptions: []Exception{{Target: "prod", Authorization: user.ID, Check: "operator", Fingerprint: user.Fingerprint(), Expires: reviewed.Add(90 * day)}}}
	const excepted, void = "user/ops operator critical excepted", "user/ops operator critical "
	var history []Record
	for n, w := range []struct {
		listed bool
		want   []string
	}{
		{true, []string{excepted}}, {true, []string{excepted}}, {false, []string{"user/ops operator critical resolved"}},
		{true, []string{void + "new", "user/ops exception-void high new"}}, {true, []string{void + "open", "user/ops exception-void high open"}},
	} {
		rv, now := laterAt(n, ProductV1, policy), []Authorization{user}
		if !w.listed {
			now, rv.Probe = nil, func(context.Context, Authorization) Probe { return Probe{Presence: Gone} }
		}
		history = merged(t, rv, now, history)
		if diff := cmp.Diff(w.want, findingsOf(history, "operator", "exception-void")); diff != "" {
			t.Fatalf("week %d (-want +got):\n%s", n, diff)
		}
	}
	policy.Exceptions[0].Fingerprint = history[0].Fingerprint() // decided again
	history = merged(t, laterAt(5, ProductV1, policy), []Authorization{user}, history)
	if got := findingsOf(history, "operator"); !slices.Equal(got, []string{excepted}) {
		t.Errorf("approved again: %q", got)
	}
	policy.Exceptions[0].Fingerprint = user.Fingerprint()
	user.OrgID = "url-2"
	if got := findingsOf(merged(t, laterAt(6, ProductV1, policy), []Authorization{user}, nil), "operator"); !slices.Equal(got, []string{void + "new"}) {
		t.Errorf("on another server: %q", got)
	}
}
