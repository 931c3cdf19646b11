package influxdb3_test

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influxdb3"
	"tokenaudit/jobs/influxdb3/influxdb3test"
	"tokenaudit/jobs/target"
)

// weeks reviews a world at one address, each time a week later.
type weeks struct {
	*world
	target  *influxdb3.Target
	now     time.Time
	records []audit.Record // of the review before
}

func newWeeks(t *testing.T, w *world) *weeks {
	return &weeks{world: w, target: w.target(t), now: w.Now()}
}

func (w *weeks) next(t *testing.T) (audit.Coverage, map[string]audit.Record) {
	t.Helper()
	w.now = w.now.AddDate(0, 0, 7)
	at := w.now
	w.Now = func() time.Time { return at }
	t.Setenv("TEST_TOKEN", w.auditor)
	col, err := w.target.Collect(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer col.Close()
	rv := audit.Review{Collection: col, Target: "prod", Now: at}
	cov := col.Coverage
	before := func(yield func(audit.Record, error) bool) {
		for _, r := range w.records {
			if !yield(r, nil) {
				return
			}
		}
	}
	var records []audit.Record
	named := map[string]audit.Record{}
	for r, err := range rv.Merge(t.Context(), t.Context(), before) {
		if err != nil {
			t.Fatal(err)
		}
		r.Permissions = slices.Clone(r.Permissions)
		records = append(records, r)
		named[r.Description] = r
		cov.Count(r)
	}
	col.Conclude(&cov)
	w.records = records
	return cov, named
}

func fields(r audit.Record) (out []string) {
	for _, c := range r.Changes {
		out = append(out, c.Field)
	}
	return out
}

func TestWhatBecomesOfTokens(t *testing.T) {
	w := newWeeks(t, enterprise())
	w.AddToken(influxdb3test.Token{Name: "deleted", Grants: []influxdb3test.Grant{influxdb3test.On("telemetry", "read")}})
	w.next(t)
	before := slices.Clone(w.records)

	w.DeleteToken("deleted")
	w.Regenerate()
	w.AddToken(influxdb3test.Token{Name: "new"})
	cov, now := w.next(t)
	if cov.Verdict != audit.Complete {
		t.Errorf("%s: %q", cov.Verdict, cov.Reasons)
	}
	if r := now["deleted"]; r.Presence != audit.Gone || !strings.Contains(r.Evidence, "complete list of 4 tokens") {
		t.Errorf("deleted: %s, %s", r.Presence, r.Evidence)
	}
	if r := now["_admin"]; !slices.Equal(fields(r), []string{"secret"}) || r.UpdatedAt.IsZero() || !r.CreatedAt.Equal(before[0].CreatedAt) {
		t.Errorf("regenerated: %+v", r)
	}
	for _, name := range []string{"grafana", "tokenaudit"} {
		if r := now[name]; len(r.Changes) > 0 {
			t.Errorf("%s: %+v", name, r.Changes)
		}
	}

	w.Fault = influxdb3test.Answer(list, 200, "[]")
	cov, now = w.next(t)
	if r := now["grafana"]; r.Presence != audit.Unseen || cov.Verdict != audit.NotKnown {
		t.Errorf("an empty list proves that a token is %s, verdict %s", r.Presence, cov.Verdict)
	}
	w.Fault = nil
	if cov, now = w.next(t); now["grafana"].Presence != audit.Listed || cov.Verdict != audit.Complete {
		t.Errorf("%s, %s", now["grafana"].Presence, cov.Verdict)
	}
}

// TestRestoredServer: a server that was restored counts again, and its new token is not
// the one that had the number before.
func TestRestoredServer(t *testing.T) {
	w := newWeeks(t, enterprise())
	w.next(t)
	later := w.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05")
	w.Row = of("grafana", func(row map[string]any) { row["name"], row["created_at"], row["hash"] = "other", later, "fffffffff" })
	_, now := w.next(t)
	if r := now["other"]; !slices.Contains(fields(r), "created") || slices.Contains(fields(r), "secret") {
		t.Errorf("%+v", r.Changes)
	}
}

func TestUpgradeKeepsTheHistory(t *testing.T) {
	w := newWorld(influxdb3test.Enterprise, "3.6.0")
	target := w.target(t)
	before := review(t, target)
	w.Version = "3.8.4"
	after := review(t, target)
	again := review(t, target)
	old, id := before.tokens[0].OrgID, after.tokens[0].OrgID
	if !strings.HasPrefix(old, "url-") || len(old) != len("url-")+16 || id != w.ClusterUUID {
		t.Errorf("%q, then %q", old, id)
	}
	want := []string{audit.SourceOf(audit.ServerStore, id), audit.SourceOf(audit.ServerStore, old)}
	if diff := cmp.Diff(want, after.cov.Sources); diff != "" || !slices.Equal(before.cov.Sources, want[1:]) || !slices.Equal(again.cov.Sources, want) {
		t.Errorf("%q, then %q (-want +got):\n%s", before.cov.Sources, after.cov.Sources, diff)
	}
	if before.tokens[2].Fingerprint() != after.tokens[2].Fingerprint() {
		t.Error("an exception no longer fits the token")
	}

	w.cfg.URL += "/"
	if r := w.review(t); !slices.Equal(r.cov.Sources, want) {
		t.Errorf("with a slash behind the URL: %q", r.cov.Sources)
	}
	w.auditor = w.Regenerate()
	t.Setenv("TEST_TOKEN", w.auditor)
	if r := review(t, target); !slices.Equal(r.cov.Sources, want) {
		t.Errorf("a new operator token: %q", r.cov.Sources)
	}
	at := w.Now().AddDate(0, 1, 0)
	w.Now = func() time.Time { return at }
	t.Setenv("TEST_TOKEN", w.Rebuild())
	for _, source := range review(t, target).cov.Sources {
		if slices.Contains(want, source) {
			t.Errorf("a new server is the old one: %s", source)
		}
	}
}

// TestCredentialThatCannotBeReadAgain: without its hash nothing shows it, not even rows
// that have none.
func TestCredentialThatCannotBeReadAgain(t *testing.T) {
	w := newWorld(influxdb3test.Core, "3.10.1")
	w.Row = func(row map[string]any) { delete(row, "hash") }
	target := w.target(t)
	secondRead := once(func(http.ResponseWriter, *http.Request) bool { os.Unsetenv("TEST_TOKEN"); return true })
	w.Fault = func(rw http.ResponseWriter, r *http.Request) bool { secondRead(rw, r); return false }
	r := review(t, target)
	if r.cov.Verdict != audit.NotKnown || r.cov.Gaps[0].ID != audit.CredentialActive || len(r.Scope.Credentials) > 0 {
		t.Errorf("%s: %+v", r.cov.Verdict, r.cov.Gaps)
	}
}

// TestWhoAcceptsTheCredential: InfluxDB alone can, and only if it refuses others.
func TestWhoAcceptsTheCredential(t *testing.T) {
	page := func(h http.Header, _ []byte) []byte { h.Set("Content-Type", "text/html"); return []byte("<html>") }
	for name, test := range map[string]struct {
		change            func(w *world)
		accepted, refused bool
	}{
		"let in":                           {func(*world) {}, true, false},
		"without the right":                {func(w *world) { w.auditor = w.reader() }, true, false},
		"let in, and so may be others":     {func(w *world) { w.Fault = anonymously(500, "") }, false, false},
		"let in, and so is everybody":      {func(w *world) { w.WithoutAuth = true }, false, false},
		"let in by a cache":                {func(w *world) { w.Fault = authenticated(w.cached(list)) }, false, false},
		"forbidden by a proxy, on Core":    {func(w *world) { w.Build = influxdb3test.Core; w.Fault = influxdb3test.Answer(list, 403, "") }, false, false},
		"forbidden by a proxy, with words": {func(w *world) { w.auditor = w.reader(); w.Fault = authenticated(w.Rewrite(list, page)) }, false, false},
		"not let in":                       {func(w *world) { w.auditor = "apiv3_wrong" }, false, true},
		"not let in by a proxy":            {func(w *world) { w.Fault = influxdb3test.Answer("", 401, "who are you") }, false, false},
		"not let in by a cache":            {func(w *world) { w.auditor = "apiv3_wrong"; w.Fault = w.cached("") }, false, false},
	} {
		w := enterprise()
		test.change(w)
		if used := w.review(t).cov.Credentials; len(used) != 1 || used[0].Accepted != test.accepted || used[0].Refused != test.refused || (used[0].Answer == "") != test.accepted {
			t.Errorf("%s: %+v", name, used)
		}
	}
}

// TestNoSourceWithoutProof: what does not show which server it is has no history.
func TestNoSourceWithoutProof(t *testing.T) {
	w := newWorld(influxdb3test.Core, "3.6.0")
	w.Fault = authenticated(influxdb3test.Answer(list, 200, "[]"))
	if r := w.review(t); len(r.cov.Sources) > 0 {
		t.Errorf("an empty list is of %q", r.cov.Sources)
	}
	w = newWorld(influxdb3test.Core, "3.10.1")
	w.Fault = influxdb3test.Answer(list, 500, "")
	if r := w.review(t); len(r.cov.Sources) > 0 {
		t.Errorf("no list is of %q", r.cov.Sources)
	}
}

func TestDeletedDatabases(t *testing.T) {
	tests := map[string]struct {
		change func(w *world)
		want   string // of the token on gf_ha
	}{
		"none":              {func(*world) {}, "read gf_ha=gf_ha"},
		"soft, by its name": {func(w *world) { w.DeleteDatabase("gf_ha", false) }, "read gf_ha="},
		"hard, by its name": {func(w *world) { w.DeleteDatabase("gf_ha", true) }, "read gf_ha="},
		"soft, renamed":     {func(w *world) { w.DeletedName = influxdb3test.Renamed; w.DeleteDatabase("gf_ha", false) }, "read gf_ha-20260105T080000="},
		"hard, renamed":     {func(w *world) { w.DeletedName = influxdb3test.Renamed; w.DeleteDatabase("gf_ha", true) }, "read gf_ha-20260105T080000="},
		"renamed, and created again": {func(w *world) {
			w.DeletedName = influxdb3test.Renamed
			w.DeleteDatabase("gf_ha", true)
			w.AddDatabase("gf_ha")
		}, "read gf_ha-20260105T080000="},
		"one that has such a name, deleted": {func(w *world) {
			w.rename("gf_ha", "gf-20260102T030405")
			w.DeleteDatabase("gf-20260102T030405", true)
		}, "read gf-20260102T030405="},
		"from a cache, so nothing is said": {func(w *world) { w.DeleteDatabase("gf_ha", true); w.Fault = w.cached(databases) }, "read gf_ha=gf_ha"},
		"by its name, and again":           {func(w *world) { w.DeleteDatabase("gf_ha", true); w.AddDatabase("gf_ha") }, "read gf_ha=gf_ha"}, // see the facts: it hides
		"one that has such a name":         {func(w *world) { w.rename("gf_ha", "gf-20260102T030405") }, "read gf-20260102T030405=gf-20260102T030405"},
		"not known, so nothing is said":    {func(w *world) { w.DeleteDatabase("gf_ha", true); w.Fault = influxdb3test.Answer(databases, 500, "") }, "read gf_ha=gf_ha"},
		"IDs of Enterprise 3.0": {func(w *world) {
			w.Version, w.cfg.Kind = "3.0.3", target.KindEnterprise
			w.Row = of("grafana", func(row map[string]any) { row["permissions"] = "db:1:read" })
		}, "read #1=#1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := enterprise()
			w.DeleteToken("grafana")
			w.AddToken(influxdb3test.Token{Name: "grafana", Grants: []influxdb3test.Grant{influxdb3test.On("gf_ha", "read")}})
			test.change(w)
			r := w.review(t)
			a := r.tokens[2]
			got := fmt.Sprintf("%s %s=%s", a.Permissions[0].Action, a.Permissions[0].Resource.ID, a.Permissions[0].Resource.Name)
			if got != test.want || len(a.Permissions) != 1 {
				t.Errorf("%q, want %q; %q", got, test.want, r.cov.Reasons)
			}
			if dangling := len(audit.AccessOf(a).Dangling) > 0; dangling != strings.HasSuffix(got, "=") {
				t.Errorf("dangling: %t", dangling)
			}
			if unknown := r.cov.Verdict != audit.Complete || strings.HasPrefix(name, "IDs"); r.Scope.DatabasesUnknown != unknown {
				t.Errorf("databases are unknown: %t", r.Scope.DatabasesUnknown)
			}
		})
	}
}

// rename stands for a database that people gave that name.
func (w *world) rename(from, to string) {
	w.AddDatabase(to)
	w.DeleteToken("grafana")
	w.AddToken(influxdb3test.Token{Name: "grafana", Grants: []influxdb3test.Grant{influxdb3test.On(to, "read")}})
	w.DeleteDatabase(from, true)
}

func TestServerWithoutAuthentication(t *testing.T) {
	w := newWeeks(t, newWorld(influxdb3test.Core, "3.10.1"))
	server := func(now map[string]audit.Record) (r audit.Record, found bool) {
		for _, r := range now {
			if r.IsServer() {
				return r, true
			}
		}
		return r, false
	}
	if _, found := server(second(w.next(t))); found {
		t.Error("a server with authentication has a finding")
	}
	w.WithoutAuth = true
	cov, now := w.next(t)
	r, found := server(now)
	if !found || r.Presence != audit.Listed || r.Product != audit.ProductCore || !strings.Contains(r.Description, "without a credential") {
		t.Errorf("%t %+v", found, r)
	}
	if cov.Verdict != audit.Complete || len(now) != 4 {
		t.Errorf("%s: %q; %d records", cov.Verdict, cov.Reasons, len(now))
	}
	for _, premise := range []string{audit.CredentialActive, audit.OwnCredentialShown} {
		if !slices.ContainsFunc(cov.Premises, func(p audit.Premise) bool { return p.ID == premise && p.State == audit.NotNeeded }) {
			t.Errorf("%s is needed without authentication", premise)
		}
	}
	if cov.Credentials[0].Accepted || cov.Credentials[0].Refused {
		t.Errorf("%+v", cov.Credentials)
	}
	for _, name := range []string{"_admin", "grafana"} { // of which there is no hash now
		if len(now[name].Changes) > 0 {
			t.Errorf("%s: %+v", name, now[name].Changes)
		}
	}

	for _, week := range []struct {
		name    string
		open    bool
		fault   func(http.ResponseWriter, *http.Request) bool
		want    audit.Presence
		verdict audit.Verdict
	}{
		{"the list has no hashes", true, anonymously(500, "{}"), audit.Listed, audit.Complete},
		{"nor behind a proxy that refuses", true, anonymously(403, ""), audit.Listed, audit.Complete},
		{"nor behind one that asks who it is", true, anonymously(401, `{"error":"who are you"}`), audit.Listed, audit.Complete},
		{"InfluxDB refuses, and lists no hashes", true, w.refusing(), audit.Unseen, audit.Partial},
		{"a list with hashes says nothing of it", false, anonymously(500, "{}"), audit.Unseen, audit.Partial},
		{"nor does a proxy that refuses", false, anonymously(403, ""), audit.Unseen, audit.Partial},
		{"InfluxDB refuses", false, nil, audit.Gone, audit.Complete},
	} {
		w.WithoutAuth, w.Fault = week.open, week.fault
		if cov, now = w.next(t); now[r.Description].Presence != week.want || cov.Verdict != week.verdict {
			t.Errorf("%s: the finding is %s, %s: %q", week.name, now[r.Description].Presence, cov.Verdict, cov.Reasons)
		}
	}
}

// refusing has the server refuse requests without a credential as InfluxDB does.
func (w *world) refusing() func(http.ResponseWriter, *http.Request) bool {
	return anonymously(401, `{"error": "the request was not authenticated"}`)
}

// cached has requests for the path answered out of a cache.
func (w *world) cached(path string) func(http.ResponseWriter, *http.Request) bool {
	return w.Rewrite(path, func(h http.Header, body []byte) []byte { h.Set("X-Cache", "HIT"); return body })
}

// TestOneDatabaseByTwoNames: InfluxDB 3 shows a database of a permission by its name, by the
// name that it got when it was deleted, or by its number. None of it is a change.
func TestOneDatabaseByTwoNames(t *testing.T) {
	const dated = "backup-20260101T000000"
	for name, test := range map[string]struct {
		version string
		weeks   []func(w *weeks)
	}{
		"deleted, and once it is not known which exist": {"3.8.4", []func(*weeks){
			func(w *weeks) { w.DeletedName = influxdb3test.Renamed; w.DeleteDatabase("gf_ha", false) },
			func(w *weeks) { w.Fault = influxdb3test.Answer(databases, 500, "{}") },
			func(w *weeks) { w.Fault = nil },
			func(w *weeks) { w.DeletedName = nil },
		}},
		"a name that looks like one that was deleted": {"3.8.4", []func(*weeks){
			func(w *weeks) { w.DeleteDatabase(dated, true) },
			func(w *weeks) { w.DeletedName = influxdb3test.Renamed },
		}},
		"an upgrade from numbers to names": {"3.0.3", []func(*weeks){
			func(w *weeks) { w.Row, w.Version = nil, "3.8.4" },
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWeeks(t, newWorld(influxdb3test.Enterprise, test.version))
			w.cfg.Kind = target.KindEnterprise
			w.target = w.world.at(t, w.cfg.URL)
			w.AddDatabase(dated)
			w.AddToken(influxdb3test.Token{Name: "restore", Grants: []influxdb3test.Grant{influxdb3test.On(dated, "read")}})
			if test.version == "3.0.3" {
				w.Row = func(row map[string]any) {
					row["permissions"] = strings.NewReplacer("gf_ha", "1", dated, "3").Replace(fmt.Sprint(row["permissions"]))
				}
			}
			_, now := w.next(t)
			fingerprint := now["grafana"].Fingerprint()
			for i, change := range test.weeks {
				change(w)
				cov, now := w.next(t)
				for _, name := range []string{"grafana", "restore"} {
					if r := now[name]; r.Presence != audit.Listed || len(r.Changes) > 0 {
						t.Errorf("week %d: %s is %s: %+v, %q", i, name, r.Presence, r.Changes, cov.Reasons)
					}
				}
				if test.version == "3.8.4" && now["grafana"].Fingerprint() != fingerprint {
					t.Errorf("week %d: an exception no longer fits the token", i)
				}
			}
		})
	}
}

// TestServerThatCannotBeTold: without the ID of a cluster, the age of _admin tells servers
// apart. A new one may be behind the URL where that cannot be read.
func TestServerThatCannotBeTold(t *testing.T) {
	w := newWeeks(t, newWorld(influxdb3test.Enterprise, "3.6.0"))
	w.next(t)
	w.Row = of("_admin", func(row map[string]any) { row["created_at"] = "garbled" })
	w.DeleteToken("grafana")
	cov, now := w.next(t)
	if cov.Verdict != audit.Partial || now["grafana"].Presence == audit.Gone {
		t.Errorf("grafana is %s, %s: %q", now["grafana"].Presence, cov.Verdict, cov.Reasons)
	}
	w.Version = "3.8.4" // which has an ID of its cluster
	if r := w.review(t); !r.Scope.AllVisible || slices.ContainsFunc(r.cov.Gaps, func(g audit.Gap) bool { return g.ID == audit.SourceSame }) {
		t.Errorf("%+v", r.cov.Gaps)
	}
}

// TestTokensInNames: people write the text of a token where they should not, and a server
// may repeat one, or its hash, in what cannot be read.
func TestTokensInNames(t *testing.T) {
	text, hash := "apiv3_"+strings.Repeat("Ab9-", 20), strings.Repeat("0123456789abcdef", 8)
	for name, test := range map[string]struct{ name, permissions string }{
		"in a name":                 {"grafana " + text, "db:gf_ha:read"},
		"in a permission":           {"grafana", "token=" + text},
		"in the last one that fits": {"grafana", strings.Repeat("x", 950) + " " + text},
		"a hash, in a list":         {"grafana " + hash, `["db:gf_ha:read","db:` + hash + `:grant"]`},
		"the name of a database":    {"grafana", `["db:` + hash + `:read","db:` + text + `:read"]`},
	} {
		w := enterprise()
		w.AddDatabase(hash)
		w.Row = of("grafana", func(row map[string]any) { row["name"], row["permissions"] = test.name, test.permissions })
		r := w.review(t)
		kept, err := json.Marshal([]any{r.tokens, r.cov})
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{text[:20], hash[:20]} {
			if bytes.Contains(kept, []byte(part)) {
				t.Errorf("%s: %s is kept", name, part)
			}
		}
		a := r.tokens[2]
		if !bytes.Contains(kept, []byte(audit.Redacted)) || strings.Contains(a.Description, audit.Redacted) != (audit.DeleteCommand(a) == "") {
			t.Errorf("%s: %q, deleted by %q", name, a.Description, audit.DeleteCommand(a))
		}
		if name == "the name of a database" && a.Permissions[0].Resource.Name == "" {
			t.Errorf("%s exists: %+v", name, a.Permissions)
		}
	}
}

func second[A, B any](_ A, b B) B { return b }

// TestAnonymousAnswers: a page or a health check that is open to all is no list of tokens.
func TestAnonymousAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		open   bool
	}{
		"a list":      {200, `[{"token_id":0}]`, true},
		"no tokens":   {200, "[]", true},
		"a login":     {200, "<html>", false},
		"an error":    {200, `{"error":"x"}`, false},
		"a cut list":  {200, `[{"token_id":0}`, false},
		"403":         {403, "", false},
		"404":         {404, "Not found", false},
		"a bad query": {400, `{"error":"x"}`, false},
	} {
		w := newWorld(influxdb3test.Core, "3.10.1")
		w.Fault = anonymously(test.status, test.body)
		r := w.review(t)
		if open := slices.ContainsFunc(r.tokens, func(a audit.Authorization) bool { return a.IsServer() }); open != test.open {
			t.Errorf("%s: open is %t, want %t", name, open, test.open)
		}
	}
}

func TestRecognise(t *testing.T) {
	type server struct {
		build   influxdb3test.Build
		version string
		token   string
		fault   func(http.ResponseWriter, *http.Request) bool
	}
	headers := func(build, version string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("X-Influxdb-Build", build)
			w.Header().Set("X-Influxdb-Version", version)
			w.WriteHeader(http.StatusNoContent)
			return true
		}
	}
	for name, test := range map[string]struct {
		server
		want bool
	}{
		"Core":                               {server{build: influxdb3test.Core, version: "3.4.0"}, true},
		"Enterprise":                         {server{build: influxdb3test.Enterprise, version: "3.1.0"}, true},
		"a wrong credential since 3.7":       {server{build: influxdb3test.Core, version: "3.7.0", token: "apiv3_wrong"}, true},
		"a wrong credential before":          {server{build: influxdb3test.Core, version: "3.6.0", token: "apiv3_wrong"}, false},
		"Core without headers":               {server{build: influxdb3test.Core, version: "3.0.3"}, true},
		"OSS 2":                              {server{build: influxdb3test.Core, version: "3.0.3", fault: headers("OSS", "v2.7.10")}, false},
		"InfluxDB 1":                         {server{build: influxdb3test.Core, version: "3.0.3", fault: headers("OSS", "1.8.10")}, false},
		"InfluxDB Enterprise 1":              {server{build: influxdb3test.Core, version: "3.0.3", fault: headers("Enterprise", "1.11.5-c1.11.5")}, false},
		"a version without a product":        {server{build: influxdb3test.Core, version: "3.0.3", fault: headers("", "3.2.1")}, true},
		"something that answers 200 to ping": {server{build: influxdb3test.Core, version: "3.0.3", fault: influxdb3test.Answer("", 200, "pong")}, false},
	} {
		w := newWorld(test.build, test.version)
		if test.token != "" {
			w.auditor = test.token
		}
		w.Fault = test.fault
		if got := w.target(t).Recognise(t.Context()); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
		for _, request := range w.Requests() {
			if request != "GET /ping" {
				t.Errorf("%s: asked for %s", name, request)
			}
		}
	}
}

func TestSelfSigned(t *testing.T) {
	w := enterprise()
	web := httptest.NewTLSServer(w)
	defer web.Close()
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	r := review(t, w.at(t, web.URL))
	if r.cov.Verdict != audit.NotKnown || r.cov.Gaps[0].ID != audit.ListWhole || !strings.Contains(r.cov.Gaps[0].Remedy(), "ca_file") {
		t.Errorf("%+v", r.cov.Gaps)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	w.cfg.CAFile = setting.Path(file)
	if r := review(t, w.at(t, web.URL)); r.cov.Verdict != audit.Complete {
		t.Errorf("%s: %q", r.cov.Verdict, r.cov.Reasons)
	}
}

func TestDiagnose(t *testing.T) {
	w := enterprise()
	target := w.target(t)
	if ds := target.Diagnose(audit.Coverage{}); len(ds) > 0 {
		t.Errorf("before anything was asked: %+v", ds)
	}
	var got []string
	for _, d := range target.Diagnose(review(t, target).cov) {
		got = append(got, fmt.Sprintf("%s %t", d.What, d.OK))
	}
	if diff := cmp.Diff([]string{"server answers true", "connection true", "clock true", "credential true"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.WithoutAuth = true
	if ds := target.Diagnose(review(t, target).cov); ds[len(ds)-1].What != "authentication" || ds[len(ds)-1].OK {
		t.Errorf("without authentication: %+v", ds)
	}
}

// TestEndOfTheReview: what is broken off is an error, and says nothing of tokens.
func TestEndOfTheReview(t *testing.T) {
	w := enterprise()
	target := w.target(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	w.Fault = func(http.ResponseWriter, *http.Request) bool { cancel(fmt.Errorf("the deadline passed")); return false }
	if col, err := target.Collect(ctx, func() {}); err == nil || !strings.Contains(err.Error(), "the deadline passed") || col.Authorizations != nil {
		t.Errorf("%v", err)
	}
}

// TestSecretInNoArtefact: no text of a token and no more than nine digits of a hash, even
// where a server shows whole hashes, and repeats tokens and hashes wherever it can.
func TestSecretInNoArtefact(t *testing.T) {
	w := newWorld(influxdb3test.Enterprise, "3.0.1") // shows whole hashes
	w.cfg.Kind = target.KindEnterprise
	_, chosen := w.AddToken(influxdb3test.Token{Name: "offline", Text: "apiv3_chosen-by-hand-0123456789"})
	texts := []string{w.operator, w.auditor, chosen}
	repeat := func() string {
		var all []string
		for _, text := range texts {
			sum := sha512.Sum512([]byte(text))
			all = append(all, text, hex.EncodeToString(sum[:]))
		}
		return strings.Join(all, " ")
	}
	everywhere := func(h http.Header) {
		for _, name := range []string{"X-Influxdb-Build", "X-Influxdb-Version", "cluster-uuid", "Age", "X-Cache"} {
			h.Set(name, repeat()+" hit")
		}
	}
	faults := map[string]func(http.ResponseWriter, *http.Request) bool{
		"none": nil,
		"an error that repeats them": func(rw http.ResponseWriter, r *http.Request) bool {
			everywhere(rw.Header())
			body, _ := json.Marshal(map[string]string{"error": repeat()})
			return influxdb3test.Answer(list, 500, string(body))(rw, r)
		},
		"a list of something else": influxdb3test.Answer(list, 200, `[{"token_id":"`+repeat()+`"}]`),
		"a cut list":               w.CutBody(list),
		"a version":                influxdb3test.Answer("/ping", 200, `{"version":"`+repeat()+`"}`),
		"headers": w.Rewrite("", func(h http.Header, body []byte) []byte {
			everywhere(h)
			return body
		}),
		"databases": influxdb3test.Answer(databases, 200, `[{"iox::database":"`+repeat()+`"}]`),
		"no HTTP": func(rw http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != list {
				return false
			}
			conn, _, _ := rw.(http.Hijacker).Hijack()
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n%s\r\n\r\n", repeat())
			conn.Close()
			return true
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			if name == "no HTTP" && testing.Short() {
				t.Skip("it is asked for again and again")
			}
			w.Fault = fault
			var log bytes.Buffer
			web := httptest.NewServer(w)
			defer web.Close()
			t.Setenv("TEST_TOKEN", w.auditor)
			cfg := w.cfg
			cfg.URL, cfg.Token = web.URL, secret.Ref{Env: "TEST_TOKEN"}
			reviewed, err := influxdb3.New(cfg, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
			if err != nil {
				t.Fatal(err)
			}
			r := review(t, reviewed)
			if name == "none" && len(r.tokens) != 4 {
				t.Errorf("%q", r.words())
			}
			for _, a := range r.tokens {
				if len(a.SecretSum) != 9 && !a.IsServer() {
					t.Errorf("%s has %d digits of its hash", a.Description, len(a.SecretSum))
				}
			}
			artefacts, err := json.Marshal([]any{r.tokens, r.cov, r.Requests(), reviewed.Diagnose(r.cov), fmt.Sprint(r.err), log.String(), r.Scope})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range texts {
				sum := sha512.Sum512([]byte(text))
				for _, secret := range []string{text[6:], text[6:26], hex.EncodeToString(sum[:])[:10], hex.EncodeToString(sum[:])[20:40]} {
					if at := bytes.Index(artefacts, []byte(secret)); at >= 0 {
						t.Errorf("%q is in …%s…", secret, artefacts[max(0, at-200):at+20])
					}
				}
			}
		})
	}
}

// TestHashOfTheAnswer: the SHA-256 of a list says nothing of the hashes in it, which could
// be guessed by it, and tells two lists apart.
func TestHashOfTheAnswer(t *testing.T) {
	w := newWorld(influxdb3test.Core, "3.10.1")
	target := w.target(t)
	sum := func() string { return review(t, target).Requests()[1].SHA256 }
	before := sum()
	w.Row = of("grafana", func(row map[string]any) { row["hash"] = "0123456789abcdef" })
	if sum() != before {
		t.Error("it is one of hashes")
	}
	w.Row = of("grafana", func(row map[string]any) { row["name"] = "renamed" })
	if sum() == before {
		t.Error("it does not tell lists apart")
	}
}
