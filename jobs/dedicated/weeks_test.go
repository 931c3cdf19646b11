package dedicated_test

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/dedicated/dedicatedtest"
	"tokenaudit/jobs/target"
)

// TestRevoked: revoking is deleting, whatever the lists show of it.
func TestRevoked(t *testing.T) {
	for name, tc := range map[string]struct {
		hide, forget bool
		presence     audit.Presence
		evidence     string
	}{
		"still listed":                {false, false, audit.Listed, ""},
		"not listed, found by its ID": {true, false, audit.Gone, "200, revoked on 2026-01-05"},
		"nowhere":                     {true, true, audit.Gone, "404 not found"},
	} {
		for _, kind := range kinds {
			t.Run(name+" "+kind, func(t *testing.T) {
				p := newPlant(t, kind)
				p.HideRevoked, p.ForgetRevoked = tc.hide, tc.forget
				first := p.review(t)
				p.Revoke(p.writer)
				r := p.review(t, first)
				got := r.record(t, p.writer)
				if r.cov.Verdict != audit.Complete || got.Presence != tc.presence || !strings.Contains(got.Evidence, tc.evidence) {
					t.Errorf("%s %q; %s, %s", r.cov.Verdict, r.cov.Reasons, got.Presence, got.Evidence)
				}
				if got.Presence == audit.Listed && got.Works(time.Now()) {
					t.Error("a revoked token works")
				}
				for _, f := range got.Findings {
					if f.Current() && f.Severity.AtLeast(audit.Medium) {
						t.Errorf("a revoked token has the finding %s: %s", f.Check, f.Detail)
					}
				}
			})
		}
	}
}

// TestSlowConsistency: what the API does not show yet is found by the next review.
func TestSlowConsistency(t *testing.T) {
	p := newPlant(t, target.KindDedicated)
	now := p.Now().Add(time.Hour)
	p.Now, p.Lag, p.HideRevoked = func() time.Time { return now }, time.Minute, true
	first := p.review(t)
	p.Revoke(p.writer)
	second := p.review(t, first)
	if got := second.record(t, p.writer); got.Presence != audit.Listed || !got.Works(time.Now()) {
		t.Errorf("before the change is seen: %s", got.Presence)
	}
	now = now.Add(2 * time.Minute)
	if r := p.review(t, second); r.record(t, p.writer).Presence != audit.Gone || r.cov.Verdict != audit.Complete {
		t.Errorf("afterwards: %s, %q", r.record(t, p.writer).Presence, r.cov.Reasons)
	}
}

// TestPatched: permissions can be changed there, which is a change and no alarm.
func TestPatched(t *testing.T) {
	p := newPlant(t, target.KindClustered)
	first := p.review(t)
	p.Update(p.writer, "collector", write("telemetry"), read("telemetry")) // in another order
	second := p.review(t, first)
	if got := second.record(t, p.writer).Changes; len(got) > 0 {
		t.Errorf("the same permissions in another order: %v", got)
	}
	p.Update(p.writer, "collector 2", write("*"))
	r := p.review(t, second).record(t, p.writer)
	var fields []string
	for _, c := range r.Changes {
		fields = append(fields, c.Field)
	}
	if slices.Sort(fields); !slices.Equal(fields, []string{"description", "permissions"}) {
		t.Errorf("changes %v", r.Changes)
	}
	for _, f := range r.Findings {
		if f.Check == "permission-drift" {
			t.Errorf("%s: %s", f.Check, f.Detail)
		}
	}
}

func checks(r audit.Record) (out []string) {
	for _, f := range r.Findings {
		if f.Current() {
			out = append(out, f.Check)
		}
	}
	return out
}

// TestDatabaseMadeAgain: grants go by name. The name of a deleted database stands as the ID
// of the grant.
func TestDatabaseMadeAgain(t *testing.T) {
	p := newPlant(t, target.KindDedicated)
	first := p.review(t)
	if got := first.record(t, p.writer).Permissions; len(got) != 2 || got[1].Resource != (audit.Resource{Type: "buckets", ID: "telemetry", Name: "telemetry", OrgID: p.Cluster}) {
		t.Errorf("a grant on a database: %+v", got)
	}
	if got := first.record(t, p.grafana).Permissions; len(got) != 1 || got[0].Resource != (audit.Resource{Type: "buckets", OrgID: p.Cluster}) {
		t.Errorf("a grant on all databases: %+v", got)
	}
	p.DropDatabase("telemetry")
	second := p.review(t, first)
	if got := second.record(t, p.writer); got.Permissions[0].Resource.Name != "" || len(got.Changes) > 0 || !slices.Contains(checks(got), "dangling-grant") {
		t.Errorf("the database is gone: %+v, changes %v, %q", got.Permissions, got.Changes, checks(got))
	}
	p.Forbids = func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/databases") }
	third := p.review(t, second)
	if got := checks(third.record(t, p.writer)); slices.Contains(got, "revived-grant") {
		t.Errorf("nobody knows whether it was made again: %q", got)
	}
	p.Forbids = nil
	p.AddDatabase("telemetry")
	for i, r := range []reviewed{p.review(t, second), p.review(t, third)} {
		if got := r.record(t, p.writer); got.Permissions[0].Resource.Name != "telemetry" || len(got.Changes) > 0 || slices.Contains(checks(got), "dangling-grant") || !slices.Contains(checks(got), "revived-grant") {
			t.Errorf("%d: it was made again: %+v, %v, %q", i, got.Permissions, got.Changes, checks(got))
		}
	}
	p.DropDatabase("telemetry")
	p.Forbids = func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/databases") }
	if got := checks(p.review(t, first).record(t, p.writer)); slices.Contains(got, "dangling-grant") {
		t.Errorf("nobody knows whether it is there: %q", got)
	}
}

// TestLookedUpByID: what an answer to the question for one token proves.
func TestLookedUpByID(t *testing.T) {
	for name, tc := range map[string]struct {
		change   func(p *plant, a *dedicatedtest.Answer)
		presence audit.Presence
		says     string
	}{
		"404 of the API":     {nil, audit.Gone, "404 not found"},
		"404 of a proxy":     {func(_ *plant, a *dedicatedtest.Answer) { a.Body = []byte(`404 page not found`) }, audit.Unseen, "404"},
		"404 out of a cache": {func(_ *plant, a *dedicatedtest.Answer) { a.Header.Set("Age", "9") }, audit.Unseen, "404"},
		"401": {func(_ *plant, a *dedicatedtest.Answer) {
			a.Status, a.Body = 401, []byte(`{"code":401,"message":"unauthorized"}`)
		}, audit.Unseen, "401"},
		"403": {func(_ *plant, a *dedicatedtest.Answer) {
			a.Status, a.Body = 403, []byte(`{"code":403,"message":"forbidden"}`)
		}, audit.Unseen, "403"},
		"500": {func(_ *plant, a *dedicatedtest.Answer) {
			a.Status, a.Body = 500, []byte(`{"code":500,"message":"internal server error"}`)
		}, audit.Unseen, "500"},
		"another token": {func(p *plant, a *dedicatedtest.Answer) {
			a.Status, a.Body = 200, []byte(`{"id":"`+p.canary+`","permissions":[]}`)
		}, audit.Unseen, "another token"},
		"of another cluster": {func(p *plant, a *dedicatedtest.Answer) {
			a.Status, a.Body = 200, []byte(`{"id":"`+p.writer+`","clusterId":"`+p.canary+`","permissions":[]}`)
		}, audit.Unseen, "another token"},
		"an error in a 200": {func(_ *plant, a *dedicatedtest.Answer) {
			a.Status, a.Body = 200, []byte(`{"code":404,"message":"not found"}`)
		}, audit.Unseen, "another token"},
		"cut": {func(p *plant, a *dedicatedtest.Answer) { a.Status, a.Body = 200, []byte(`{"id":"`+p.writer) }, audit.Unseen, "not from the API"},
		"it is there": {func(p *plant, a *dedicatedtest.Answer) {
			a.Status, a.Body = 200, []byte(`{"id":"`+p.writer+`","permissions":[],"createdAt":"2026-01-05T08:00:00Z"}`)
		}, audit.Hidden, "200"},
		"there, says a cache": {func(p *plant, a *dedicatedtest.Answer) {
			a.Header.Set("X-Cache", "HIT")
			a.Status, a.Body = 200, []byte(`{"id":"`+p.writer+`","permissions":[]}`)
		}, audit.Unseen, "from a cache"},
		"revoked in a while": {func(p *plant, a *dedicatedtest.Answer) {
			a.Status, a.Body = 200, []byte(`{"id":"`+p.writer+`","permissions":[],"revokedAt":"9000-01-01T00:00:00Z"}`)
		}, audit.Hidden, "200"},
		"revoked, not a date": {func(p *plant, a *dedicatedtest.Answer) {
			a.Status, a.Body = 200, []byte(`{"id":"`+p.writer+`","permissions":[],"revokedAt":"yes"}`)
		}, audit.Hidden, "200"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t, target.KindDedicated)
			first := p.review(t)
			p.Remove(p.writer)
			p.answers("/tokens/"+p.writer, func(a *dedicatedtest.Answer) {
				if tc.change != nil {
					tc.change(p, a)
				}
			})
			r := p.review(t, first)
			got := r.record(t, p.writer)
			if got.Presence != tc.presence || !strings.Contains(got.Evidence, tc.says) {
				t.Errorf("%s: %s", got.Presence, got.Evidence)
			}
			if complete := r.cov.Verdict == audit.Complete; complete != (tc.presence == audit.Gone) {
				t.Errorf("%s with a token that is %s: %q", r.cov.Verdict, got.Presence, r.gaps())
			}
		})
	}
}

// TestNoneIsFoundByID: a proxy that lets no question for one token through makes nothing gone.
func TestNoneIsFoundByID(t *testing.T) {
	p := newPlant(t, target.KindDedicated)
	first := p.review(t)
	p.Remove(p.writer)
	p.Change = func(r *http.Request, a *dedicatedtest.Answer) {
		if strings.Contains(r.URL.Path, "/tokens/") {
			a.Status, a.Body = 404, []byte(`{"code":404,"message":"not found"}`)
		}
	}
	r := p.review(t, first)
	if got := r.record(t, p.writer); got.Presence != audit.Unseen || !strings.Contains(got.Evidence, "a listed token is not found either") || !slices.Contains(r.gaps(), audit.EarlierSeen) {
		t.Errorf("%s, %s, gaps %q", got.Presence, got.Evidence, r.gaps())
	}
}

// TestImported: what an imported list adds, and in which forms it comes.
func TestImported(t *testing.T) {
	const stranger = "00000000-0000-4000-8000-000000000001"
	p := newPlant(t, target.KindDedicated)
	row := func(id, more string) string {
		return `{"account_id":"` + p.Account + `","cluster_id":"` + p.Cluster + `","id":"` + id + `","description":"x"` + more + `}`
	}
	listed := row(p.writer, `,"permissions":[{"id":"00000000-0000-0000-0000-000000000000","action":"write","resource":"telemetry"}],"created_at":{"seconds":1767600000,"nanos":1},"new":[1]`)
	for name, tc := range map[string]struct {
		text    string
		state   audit.PremiseState
		verdict audit.Verdict
		want    map[string]audit.Presence
	}{
		"all are listed":                {`[` + listed + `]`, audit.Holds, audit.Complete, nil},
		"one does not exist":            {`[` + listed + `,` + row(stranger, "") + `]`, audit.Holds, audit.Complete, map[string]audit.Presence{stranger: audit.Remembered}},
		"one was revoked":               {`[` + listed + `,` + row(stranger, `,"revoked_at":{"seconds":1767600000}`) + `]`, audit.Holds, audit.Complete, nil},
		"as text":                       {`[` + listed + `,` + row(stranger, `,"revoked_at":{"seconds":"1767600000","nanos":"0"}`) + `]`, audit.Holds, audit.Complete, nil},
		"as a date":                     {`[` + listed + `,` + row(stranger, `,"revoked_at":"2026-01-05T08:00:00Z"`) + `]`, audit.Holds, audit.Complete, nil},
		"one was not revoked":           {`[` + listed + `,` + row(stranger, `,"revoked_at":{}`) + `,` + row(p.grafana, `,"revoked_at":{"seconds":-62135596800}`) + `]`, audit.Holds, audit.Complete, map[string]audit.Presence{stranger: audit.Remembered}},
		"not revoked, as a date":        {`[` + listed + `,` + row(stranger, `,"revoked_at":"1970-01-01T00:00:00Z"`) + `]`, audit.Holds, audit.Complete, map[string]audit.Presence{stranger: audit.Remembered}},
		"all were revoked":              {`[` + row(p.writer, `,"revoked_at":{"seconds":1767600000}`) + `]`, audit.Fails, audit.Partial, nil},
		"one is of another cluster":     {`[` + listed + `,` + strings.Replace(row(stranger, ""), p.Cluster, stranger, 1) + `]`, audit.Holds, audit.Complete, nil},
		"an object":                     {`{"tokens":[` + listed + `]}`, audit.Fails, audit.Partial, nil},
		"null":                          {`null`, audit.Fails, audit.Partial, nil},
		"cut":                           {`[` + listed + `,`, audit.Fails, audit.Partial, nil},
		"a comma too many, as the docs": {`[` + listed + `,]`, audit.Fails, audit.Partial, nil},
		"two documents":                 {`[` + listed + `][]`, audit.Fails, audit.Partial, nil},
		"a table":                       {"+----+\n| ID |\n", audit.Fails, audit.Partial, nil},
		"empty":                         {``, audit.Fails, audit.Partial, nil},
		"without an ID":                 {`[` + listed + `,{"description":"apiv1_` + strings.Repeat("7", 64) + `"}]`, audit.Fails, audit.Partial, nil},
		"a number for an ID":            {`[{"id":7}]`, audit.Fails, audit.Partial, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p.imports(t, tc.text)
			r := p.review(t)
			if r.state(audit.ImportCurrent) != tc.state || r.cov.Verdict != tc.verdict {
				t.Errorf("%q, %s, %q", r.state(audit.ImportCurrent), r.cov.Verdict, r.cov.Reasons)
			}
			if len(r.records) != 3+len(tc.want) {
				t.Errorf("%d records", len(r.records))
			}
			for id, presence := range tc.want {
				if got := r.record(t, id); got.Presence != presence {
					t.Errorf("%s is %s", id, got.Presence)
				}
			}
			if strings.Contains(strings.Join(r.cov.Reasons, "\n"), "apiv1_") {
				t.Errorf("a value in %q", r.cov.Reasons)
			}
		})
	}
}

// TestImportedAndUnseen: a token of the import that cannot be asked for.
func TestImportedAndUnseen(t *testing.T) {
	const stranger = "00000000-0000-4000-8000-000000000001"
	p := newPlant(t, target.KindClustered)
	p.imports(t, `[{"id":"`+p.writer+`"},{"id":"`+stranger+`","permissions":[{"action":"write","resource":"*"}]}]`)
	p.Forbids = func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, stranger) }
	r := p.review(t)
	if fix := r.cov.Gaps[0].Remedy(); !strings.Contains(fix, "this one") || strings.Contains(fix, "org") {
		t.Errorf("a remedy of another product: %s", fix)
	}
	if got := r.record(t, stranger); got.Presence != audit.Unseen || got.OrgID != r.record(t, p.writer).OrgID || got.Product != audit.ProductClustered || len(got.Permissions) != 1 || r.cov.Verdict != audit.Partial || !slices.Equal(r.gaps(), []string{audit.ImportCurrent}) {
		t.Errorf("%s, %s, %q", got.Presence, r.cov.Verdict, r.gaps())
	}
}

// TestImportedFromElsewhere: of a list of which nothing is listed, nothing is concluded.
func TestImportedFromElsewhere(t *testing.T) {
	const stranger = "00000000-0000-4000-8000-000000000001"
	p := newPlant(t, target.KindClustered)
	p.imports(t, `[{"id":"`+stranger+`"}]`)
	r := p.review(t)
	if got := r.record(t, stranger); got.Presence != audit.Unseen || !strings.Contains(got.Evidence, "another server") || strings.Contains(strings.Join(p.Requests(), " "), stranger) {
		t.Errorf("%s: %s, %q", got.Presence, got.Evidence, p.Requests())
	}
}

// TestDates: what is not set, and what is no date.
func TestDates(t *testing.T) {
	for _, unset := range []dedicatedtest.Dates{dedicatedtest.Absent, dedicatedtest.Null, dedicatedtest.Zero} {
		p := newPlant(t, target.KindDedicated)
		p.Unset = unset
		at := time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC)
		id, _ := p.CreateUntil(at, "until then", read("billing"))
		r := p.review(t)
		if got := r.record(t, id); !got.ExpiresAt.Equal(at) || !got.RevokedAt.IsZero() || !got.CreatedAt.Equal(p.Now()) || got.Product != audit.ProductDedicated || got.Status != audit.Active {
			t.Errorf("%s: %+v", unset, got.Authorization)
		}
		if got := r.record(t, p.writer); !got.ExpiresAt.IsZero() || !got.RevokedAt.IsZero() || r.cov.Verdict != audit.Complete {
			t.Errorf("%s: %+v, %q", unset, got.Authorization, r.cov.Reasons)
		}
	}
	for text, want := range map[string]struct {
		works, readable bool
	}{
		`"1970-01-01T00:00:00Z"`:      {true, true}, // as protobuf writes what is not set
		`"2026-01-05T08:00:00+01:00"`: {false, true},
		`"2026-01-05T08:00:00"`:       {true, false},
		`"+12000-01-01T00:00:00Z"`:    {true, false},
		`"9999-12-31T23:59:59-23:00"`: {true, false},
		`1767600000`:                  {true, false},
		`"1767600000"`:                {true, false},
		`""`:                          {true, false},
		`{"seconds":1767600000}`:      {true, false},
	} {
		p := newPlant(t, target.KindDedicated)
		p.answers("/tokens", func(a *dedicatedtest.Answer) {
			a.Body = bytes.ReplaceAll(a.Body, []byte(`"description":"collector"`), []byte(`"description":"collector","revokedAt":`+text))
		})
		r := p.review(t)
		if got := r.record(t, p.writer); got.Works(time.Now()) != want.works || slices.Contains(r.gaps(), audit.RowsReadable) == want.readable {
			t.Errorf("revoked at %s: works %v, gaps %q", text, got.Works(time.Now()), r.gaps())
		}
	}
}

// TestNotAskedFor: where the review ends before it could ask for a token, it claims no request.
func TestNotAskedFor(t *testing.T) {
	p := newPlant(t, target.KindDedicated)
	probe := p.collection(t).Probe
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	before := audit.Authorization{ID: "0198f4a2-0000-7000-8000-0000000000ff"}
	if got := probe(ended, before); got.Presence != audit.Unseen || got.Request != "" {
		t.Errorf("after the end: %+v", got)
	}
	if got := probe(t.Context(), before); got.Presence != audit.Gone || !strings.HasSuffix(got.Request, "/tokens/{id}") {
		t.Errorf("before the end: %+v", got)
	}
}
