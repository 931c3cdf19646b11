package bolt_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

const (
	acme    = "0a00000000000001"
	globex  = "0a00000000000002"
	goneOrg = "0a00000000000003"
	alice   = "0b00000000000001"
	idle    = "0b00000000000002"
	outside = "0b00000000000003"
	leaver  = "0b00000000000004" // has no record any more
	metrics = "0c00000000000001"
	dropped = "0c00000000000002" // has no record any more
)

// population is two orgs and what others left behind.
func population(t testing.TB) *database {
	d := newDatabase(t)
	d.org(acme, "acme")
	d.org(globex, "Globex")
	d.user(alice, "alice", "active")
	d.user(idle, "idle", "inactive")
	d.user(outside, "outsider", "active")
	d.bucket(metrics, acme, "metrics")
	d.maps("orgs", acme, alice, "owner")
	d.maps("orgs", acme, idle, "member")
	d.maps("orgs", globex, alice, "member")
	d.maps("buckets", acme, outside, "member") // the same ID, but of another kind
	d.token("0d00000000000001", acme, alice, fields{"description": "sensor", "permissions": []fields{grant("write", "buckets", metrics, acme)}})
	d.hashed("0d00000000000002", acme, leaver, fields{"status": "inactive"})
	d.hashed("0d00000000000003", goneOrg, alice, nil)
	d.token("0d00000000000004", acme, idle, fields{"status": ""})
	d.hashed("0d00000000000005", acme, outside, nil)
	d.hashed("0d00000000000006", globex, alice, nil)
	d.legacy("0d00000000000001", acme, alice, fields{"description": "1.x"})
	d.legacy("0d00000000000007", acme, leaver, nil)
	return d
}

func keys(list []audit.Authorization) []string {
	out := []string{}
	for _, a := range list {
		out = append(out, a.Key())
	}
	return out
}

func TestBoltShowsEverythingWithItsOwner(t *testing.T) {
	r := reviewed(t, target.Config{Bolt: setting.Path(population(t).file())})
	var got []string
	for _, a := range r.list {
		o := r.Owner(t.Context(), a)
		if o.ID != a.UserID || !o.MembershipKnown {
			t.Errorf("%s: the owner is %+v", a.Key(), o)
		}
		got = append(got, fmt.Sprintf("%s %s of %q in %q: %s, %s", a.Key(), a.Status, a.User, a.Org, o.State, o.Evidence))
	}
	want := []string{
		`0d00000000000001 active of "alice" in "acme": present, the database file: status active`,
		`0d00000000000002 inactive of "" in "acme": deleted, no user 0b00000000000004 in the database file`,
		`0d00000000000003 active of "alice" in "": present, the database file: status active; no org 0a00000000000003 in the database file`,
		`0d00000000000004 active of "idle" in "acme": inactive, the database file: status inactive`,
		`0d00000000000005 active of "outsider" in "acme": not_member, the database file: status active; neither a member nor an owner of the org`,
		`0d00000000000006 active of "alice" in "Globex": present, the database file: status active`,
		`~0d00000000000001 active of "alice" in "acme": present, the database file: status active`,
		`~0d00000000000007 active of "" in "acme": deleted, no user 0b00000000000004 in the database file`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if r.Coverage.Verdict != audit.Complete || len(r.Coverage.Reasons) > 0 || !r.Scope.AllVisible || r.Scope.Users != nil {
		t.Errorf("coverage %+v, scope %+v", r.Coverage, r.Scope)
	}
}

func TestBoltNamesWhatExists(t *testing.T) {
	d := population(t)
	d.token("0d00000000000001", acme, alice, fields{"permissions": []fields{
		grant("write", "buckets", metrics, acme), grant("read", "buckets", dropped, acme), grant("read", "buckets", "", acme),
		grant("read", "orgs", globex, ""), grant("read", "users", leaver, ""), grant("read", "users", alice, ""),
		grant("read", "tasks", dropped, acme), grant("write", "carrots", dropped, acme), grant("read", "buckets", "", ""),
	}})
	r := reviewed(t, target.Config{Bolt: setting.Path(d.file())})
	want := []audit.Resource{
		{Type: "buckets", ID: metrics, Name: "metrics", OrgID: acme, Org: "acme"},
		{Type: "buckets", ID: dropped, OrgID: acme},
		{Type: "buckets", OrgID: acme, Org: "acme"},
		{Type: "orgs", ID: globex, Name: "Globex"},
		{Type: "users", ID: leaver},
		{Type: "users", ID: alice, Name: "alice"},
		{Type: "tasks", ID: dropped, OrgID: acme, Org: "acme"},
		{Type: "carrots", ID: dropped, OrgID: acme, Org: "acme"},
		{Type: "buckets"},
	}
	var got []audit.Resource
	for _, p := range r.list[0].Permissions {
		got = append(got, p.Resource)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	created := time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC)
	if a := r.list[0]; a.Permissions[0].Action != "write" || !a.CreatedAt.Equal(created) || !a.UpdatedAt.IsZero() {
		t.Errorf("%+v", a)
	}
}

func TestBoltOrg(t *testing.T) {
	path := population(t).file()
	tests := map[string]struct {
		org, reason string
		want        []string
	}{
		"by name":              {org: "Globex", want: []string{"0d00000000000006"}},
		"by name with a space": {org: "Globex ", want: []string{"0d00000000000006"}},
		"in another case":      {org: "globex", reason: `no org "globex" in the database file`},
		"by ID":                {org: globex, want: []string{"0d00000000000006"}},
		"by ID in upper case":  {org: strings.ToUpper(globex), want: []string{"0d00000000000006"}},
		"deleted, by ID":       {org: goneOrg, want: []string{"0d00000000000003"}},
		"never was":            {org: "0a000000000000ff", reason: "the database file has no org 0a000000000000ff"},
		"with 1.x ones": {org: "acme", want: []string{
			"0d00000000000001", "0d00000000000002", "0d00000000000004", "0d00000000000005", "~0d00000000000001", "~0d00000000000007",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := reviewed(t, target.Config{Bolt: setting.Path(path), Org: test.org})
			if got := keys(r.list); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			wantVerdict(t, r.Coverage, test.reason, audit.NotKnown)
		})
	}
}

// wantVerdict: complete without a reason, else the verdict with it.
func wantVerdict(t *testing.T, cov audit.Coverage, reason string, verdict audit.Verdict) {
	t.Helper()
	if reason == "" {
		verdict = audit.Complete
	}
	reasons := strings.Join(cov.Reasons, "\n")
	if cov.Verdict != verdict || !strings.Contains(reasons, reason) || (reason == "") != (reasons == "") {
		t.Errorf("verdict %s for %q, want %s for %q", cov.Verdict, reasons, verdict, reason)
	}
}

func TestBoltAsked(t *testing.T) {
	path := population(t).file()
	written := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	if err := os.Chtimes(path, written, written); err != nil {
		t.Fatal(err)
	}
	r := reviewed(t, target.Config{Bolt: setting.Path(path), Org: "acme"})
	want := []audit.Asked{
		{What: "users in the database file", Request: "bolt influxd.bolt", Rows: 3, Verdict: audit.Complete},
		{What: "orgs in the database file", Request: "bolt influxd.bolt", Rows: 2, Verdict: audit.Complete},
		{What: "buckets in the database file", Request: "bolt influxd.bolt", Rows: 1, Verdict: audit.Complete},
		{What: "authorizations in the database file", Request: "bolt influxd.bolt", Rows: 4, Verdict: audit.Complete},
		{What: "1.x authorizations in the database file", Request: "bolt influxd.bolt", Rows: 2, Verdict: audit.Complete},
	}
	if diff := cmp.Diff(want, r.Coverage.Asked); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := r.Coverage.Server; got != "InfluxDB OSS, database file of 2026-05-06T07:08:09Z" {
		t.Errorf("server %q", got)
	}
	if got := r.Coverage.Source; got != "database file of the InfluxDB with org 0a00000000000001, org acme" {
		t.Errorf("source %q", got)
	}
}

func TestBoltUsers(t *testing.T) {
	path := population(t).file()
	tests := map[string]struct {
		user   target.User
		id     string
		rows   int
		reason string
	}{
		"by name":             {user: target.User{Name: "alice"}, id: alice, rows: 4},
		"by ID":               {user: target.User{ID: strings.ToUpper(alice)}, id: alice, rows: 4},
		"in another case":     {user: target.User{Name: "Alice"}, reason: "user Alice: does not exist in the database file"},
		"deleted, by ID":      {user: target.User{ID: leaver}, id: leaver, rows: 2},
		"misspelt ID":         {user: target.User{ID: "0b000000000000ff"}, id: "0b000000000000ff", reason: "user 0b000000000000ff: does not exist"},
		"present without any": {user: target.User{Name: "outsider"}, id: outside, rows: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := reviewed(t, target.Config{Bolt: setting.Path(path), Users: []target.User{test.user}})
			asked := r.Coverage.Asked[len(r.Coverage.Asked)-1]
			if asked.Rows != test.rows || (asked.Verdict == audit.Complete) != (test.reason == "") {
				t.Errorf("asked %+v", asked)
			}
			want := map[string]bool{}
			if test.id != "" {
				want[test.id] = true
			}
			if diff := cmp.Diff(want, r.Scope.Users); diff != "" {
				t.Errorf("scope (-want +got)\n%s", diff)
			}
			wantVerdict(t, r.Coverage, test.reason, audit.Partial)
			if len(r.list) != 8 {
				t.Errorf("%d authorizations, want those of all users", len(r.list))
			}
		})
	}
}

func TestBoltCanary(t *testing.T) {
	path := population(t).file()
	wantVerdict(t, reviewed(t, target.Config{Bolt: setting.Path(path), Canary: "0D00000000000003"}).Coverage, "", "")
	elsewhere := reviewed(t, target.Config{Bolt: setting.Path(path), Org: "acme", Canary: "0d00000000000003"})
	wantVerdict(t, elsewhere.Coverage, "the canary 0d00000000000003 is not in the database file", audit.Partial)
}

// TestBoltRowsThatCannotBeRead: InfluxDB stores no permissions as null; what has no
// action or no known status is a gap.
func TestBoltRowsThatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		more fields
		gap  string
	}{
		"no permissions": {fields{"permissions": nil}, ""},
		"no action":      {fields{"permissions": []fields{grant("", "buckets", "", acme)}}, "permissions of 1 token (0d00000000000001)"},
		"another status": {fields{"status": "dormant"}, "status of 1 token (0d00000000000001)"},
	} {
		t.Run(name, func(t *testing.T) {
			d := population(t)
			d.token("0d00000000000001", acme, alice, test.more)
			r := reviewed(t, target.Config{Bolt: setting.Path(d.file())})
			cov := r.Coverage.Clone()
			r.Conclude(&cov)
			if (test.gap == "") != (cov.Verdict == audit.Complete) || !strings.Contains(strings.Join(cov.Reasons, "; "), test.gap) {
				t.Errorf("%s, %q; want %q", cov.Verdict, cov.Reasons, test.gap)
			}
		})
	}
}

// TestBoltTokensOfOtherOrgs: those that write here are named, and are no part of it.
func TestBoltTokensOfOtherOrgs(t *testing.T) {
	d := population(t)
	d.token("0d000000000000f1", globex, alice, fields{"description": "spare", "permissions": []fields{grant("write", "buckets", "", "")}})
	d.token("0d000000000000f2", globex, alice, fields{"permissions": []fields{grant("write", "buckets", "", globex)}})
	path := setting.Path(d.file())
	for org, want := range map[string]bool{acme: true, globex: false, "": false} {
		r := reviewed(t, target.Config{Bolt: path, Org: org})
		found := slices.ContainsFunc(r.list, func(a audit.Authorization) bool {
			return a.IsOfOtherOrg() && !r.OrgDeleted(a) && strings.Contains(a.Description, `0d000000000000f1 ("spare") of user`) && strings.Contains(a.Description, "in org Globex ("+globex+"): all orgs: buckets")
		})
		ours := 0
		for _, a := range r.list {
			if a.IsOfOtherOrg() {
				ours++
			}
		}
		if found != want || ours > 1 || r.err != nil || r.Coverage.Verdict != audit.Complete {
			t.Errorf("org %q: found %v, %d of other orgs, %s, %v", org, found, ours, r.Coverage.Verdict, r.err)
		}
	}
}
