package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/bolt"
	"tokenaudit/jobs/target"
)

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
		"key no ID":       {"authorizationsv1", secretValue, `{"id":"` + secretValue + `"}`, "1 cannot be decoded: a record without an ID"},
		"1.x":             {"legacy/authorizationsv1", bad, `null`, "1.x authorizations in the database file: 1 cannot be decoded: " + bad},
		"user":            {"usersv1", alice, secretValue, "users in the database file: 1 cannot be decoded: " + alice},
		"org":             {"organizationsv1", acme, secretValue, "orgs in the database file: 1 cannot be decoded: " + acme},
		"bucket":          {"bucketsv1", metrics, secretValue, "buckets in the database file: 1 cannot be decoded: " + metrics},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := population(t)
			d.put(test.bucket, test.key, []byte(test.value))
			r := reviewed(t, target.Config{Bolt: setting.Path(d.file())})
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
	reasons := reviewed(t, target.Config{Bolt: setting.Path(d.file())}).Coverage.Reasons
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
		"the server":           {audit.Server(""), audit.Unseen, "does not show what the server answers"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := reviewed(t, target.Config{Bolt: setting.Path(path), Org: "acme"})
			p := r.Probe(t.Context(), test.before)
			if p.Presence != test.presence || !strings.Contains(p.Evidence, test.evidence) || strings.Contains(p.Evidence, secretValue) {
				t.Errorf("%+v", p)
			}
			if want := map[bool]string{false: "bolt " + filepath.Base(path)}[test.before.IsServer()]; p.Request != want {
				t.Errorf("it was looked for in %q, want %q", p.Request, want)
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
			b, err := bolt.New(target.Config{Name: "prod", Bolt: setting.Path(path)})
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
	b, err := bolt.New(target.Config{Name: "prod", Bolt: setting.Path(d.file()), Org: "acme"})
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
