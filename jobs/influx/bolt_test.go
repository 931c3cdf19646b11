package influx_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
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
	r := reviewed(t, influx.Config{Bolt: population(t).file()})
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
		`0d00000000000005 active of "outsider" in "acme": not_member, the database file: status active; in neither members nor owners of the org`,
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
	r := reviewed(t, influx.Config{Bolt: d.file()})
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
		"never was":            {org: "0a000000000000ff", reason: "no org 0a000000000000ff in the database file"},
		"with 1.x ones": {org: "acme", want: []string{
			"0d00000000000001", "0d00000000000002", "0d00000000000004", "0d00000000000005", "~0d00000000000001", "~0d00000000000007",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := reviewed(t, influx.Config{Bolt: path, Org: test.org})
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
	r := reviewed(t, influx.Config{Bolt: path, Org: "acme"})
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
	if got := r.Coverage.Source; got != "influxd.bolt, org acme" {
		t.Errorf("source %q", got)
	}
}

func TestBoltUsers(t *testing.T) {
	path := population(t).file()
	tests := map[string]struct {
		user   influx.User
		id     string
		rows   int
		reason string
	}{
		"by name":             {user: influx.User{Name: "alice"}, id: alice, rows: 4},
		"by ID":               {user: influx.User{ID: strings.ToUpper(alice)}, id: alice, rows: 4},
		"in another case":     {user: influx.User{Name: "Alice"}, reason: "user Alice: does not exist in the database file"},
		"deleted, by ID":      {user: influx.User{ID: leaver}, id: leaver, rows: 2},
		"misspelt ID":         {user: influx.User{ID: "0b000000000000ff"}, id: "0b000000000000ff", reason: "user 0b000000000000ff: does not exist"},
		"present without any": {user: influx.User{Name: "outsider"}, id: outside, rows: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := reviewed(t, influx.Config{Bolt: path, Users: []influx.User{test.user}})
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
	wantVerdict(t, reviewed(t, influx.Config{Bolt: path, Canary: "0D00000000000003"}).Coverage, "", "")
	elsewhere := reviewed(t, influx.Config{Bolt: path, Org: "acme", Canary: "0d00000000000003"})
	wantVerdict(t, elsewhere.Coverage, "the canary 0d00000000000003 is not in the database file", audit.Partial)
}

func TestBoltBrokenRecords(t *testing.T) {
	const bad = "0d000000000000bb"
	tests := map[string]struct {
		bucket, key, value string
		reason             string
	}{
		"no JSON":         {"authorizationsv1", bad, `{"token":"` + secretValue, "authorizations in the database file: 1 cannot be decoded: " + bad},
		"secret in place": {"authorizationsv1", bad, secretValue, "1 cannot be decoded: " + bad},
		"other type":      {"authorizationsv1", bad, `{"id":"` + bad + `","permissions":"` + secretValue + `"}`, "1 cannot be decoded: " + bad},
		"other ID":        {"authorizationsv1", bad, `{"id":"0d000000000000cc"}`, "1 cannot be decoded: " + bad},
		"no ID":           {"authorizationsv1", bad, `{}`, "1 cannot be decoded: " + bad},
		"key no ID":       {"authorizationsv1", secretValue, `{"id":"` + secretValue + `"}`, "1 cannot be decoded: one without an ID"},
		"1.x":             {"legacy/authorizationsv1", bad, `null`, "1.x authorizations in the database file: 1 cannot be decoded: " + bad},
		"user":            {"usersv1", alice, secretValue, "users in the database file: 1 cannot be decoded: " + alice},
		"org":             {"organizationsv1", acme, secretValue, "orgs in the database file: 1 cannot be decoded: " + acme},
		"bucket":          {"bucketsv1", metrics, secretValue, "buckets in the database file: 1 cannot be decoded: " + metrics},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := population(t)
			d.put(test.bucket, test.key, []byte(test.value))
			r := reviewed(t, influx.Config{Bolt: d.file()})
			if r.err != nil || len(r.list) != 8 {
				t.Errorf("%d authorizations and %v, want the other 8", len(r.list), r.err)
			}
			wantVerdict(t, r.Coverage, test.reason, audit.Partial)
			if access := audit.AccessOf(r.list[0]); len(access.Dangling) > 0 {
				t.Errorf("what cannot be decoded is taken for deleted: %+v", access.Dangling)
			}
			wantState := audit.OwnerPresent
			if test.bucket == "usersv1" {
				wantState = audit.OwnerUnknown
			}
			if o := r.Owner(t.Context(), r.list[0]); o.State != wantState {
				t.Errorf("owner %+v, want %s", o, wantState)
			}
		})
	}
}

func TestBoltNamesOnlyTheFirstBrokenRecords(t *testing.T) {
	d := population(t)
	for i := range 50 {
		d.put("authorizationsv1", fmt.Sprintf("0e%014x", i), []byte("?"))
	}
	reasons := reviewed(t, influx.Config{Bolt: d.file()}).Coverage.Reasons
	if len(reasons) != 1 || !strings.HasSuffix(reasons[0], "0e00000000000013 and 30 more") {
		t.Errorf("%q", reasons)
	}
}

func TestBoltProbe(t *testing.T) {
	const bad = "0d000000000000bb"
	d := population(t)
	d.put("authorizationsv1", bad, []byte(secretValue))
	path := d.file()
	later := time.Now().Add(time.Hour)
	tests := map[string]struct {
		before   audit.Authorization
		presence audit.Presence
		evidence string
	}{
		"gone":                 {audit.Authorization{ID: "0d0000000000000f"}, audit.Gone, "no authorization 0d0000000000000f in the database file"},
		"1.x gone":             {audit.Authorization{ID: "0d00000000000002", Legacy: true}, audit.Gone, "no authorization 0d00000000000002"},
		"created later":        {audit.Authorization{ID: "0d0000000000000f", CreatedAt: later}, audit.Unseen, "the database file is older"},
		"changed later":        {audit.Authorization{ID: "0d0000000000000f", UpdatedAt: later}, audit.Unseen, "the database file is older"},
		"in another org":       {audit.Authorization{ID: "0d00000000000006"}, audit.Hidden, "in org " + globex},
		"in an org since gone": {audit.Authorization{ID: "0d00000000000003"}, audit.Hidden, "in org " + goneOrg},
		"cannot be decoded":    {audit.Authorization{ID: bad}, audit.Unseen, "cannot be decoded"},
		"the server":           {audit.Server(""), audit.Unseen, "does not say"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := reviewed(t, influx.Config{Bolt: path, Org: "acme"})
			p := r.Probe(t.Context(), test.before)
			if p.Presence != test.presence || !strings.Contains(p.Evidence, test.evidence) || strings.Contains(p.Evidence, secretValue) {
				t.Errorf("%+v", p)
			}
			if hidden := p.Presence == audit.Hidden; hidden != (p.Authorization != nil) || hidden && p.Authorization.ID != test.before.ID {
				t.Errorf("authorization %+v", p.Authorization)
			}
			if p.OrgDeleted != (test.before.ID == "0d00000000000003") {
				t.Errorf("org deleted: %v", p.OrgDeleted)
			}
		})
	}
}

func TestBoltEndsWithItsContext(t *testing.T) {
	path := population(t).file()
	why := errors.New("the deadline")
	for _, at := range []int{0, 1, 7} {
		t.Run(fmt.Sprint("after ", at), func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			seen := 0
			progress := func() {
				if seen++; seen == at {
					cancel(why)
				}
			}
			if at == 0 {
				cancel(why)
			}
			b, err := influx.NewBolt(influx.Config{Name: "prod", Bolt: path})
			if err != nil {
				t.Fatal(err)
			}
			if _, err = b.Collect(ctx, progress); !errors.Is(err, why) || !strings.Contains(err.Error(), `"prod"`) {
				t.Errorf("err = %v", err)
			}
			if seen != at {
				t.Errorf("read on for %d", seen-at)
			}
		})
	}
}

func TestBoltHoldsNoListInMemory(t *testing.T) {
	const n = 20_000
	d := population(t)
	d.many(n)
	b, err := influx.NewBolt(influx.Config{Name: "prod", Bolt: d.file(), Org: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	before, counted, walked := heap(), 0, 0
	col, err := b.Collect(t.Context(), func() { counted++ })
	if err != nil {
		t.Fatal(err)
	}
	defer col.Close()
	last := ""
	for a, err := range col.Authorizations {
		if err != nil || a.Key() <= last {
			t.Fatalf("%s after %s: %v", a.Key(), last, err)
		}
		if last = a.Key(); walked == n/2 {
			if grown := int64(heap()) - int64(before); grown > 4<<20 {
				t.Errorf("%d bytes in memory for half of %d", grown, n)
			}
		}
		walked++
	}
	if want := n + 6; walked != want || counted != want {
		t.Errorf("%d walked and %d counted, want %d", walked, counted, want)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
