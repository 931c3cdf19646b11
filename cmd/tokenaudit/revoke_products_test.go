package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/dedicated/dedicatedtest"
	"tokenaudit/jobs/influxdb1/influxdb1test"
	"tokenaudit/jobs/influxdb3/influxdb3test"
	"tokenaudit/jobs/target"
	campaignfiles "tokenaudit/report/campaign"
)

// estate are servers of the products after InfluxDB 2, and a campaign that revokes all of
// their tokens.
type estate struct {
	serving sync.Mutex // held by every request, and while a server is changed
	v3      *influxdb3test.Server
	managed *dedicatedtest.Server
	v1      *influxdb1test.Fake
	env     []string
	script  string
	ids     map[string]string // of tokens and users, by name
}

const hostileName = `x' ; touch pwned; $(touch pwned) "q"`

func newEstate(t *testing.T) *estate {
	t.Helper()
	needPrograms(t, "sh", "curl", "jq", "sha256sum")
	e := &estate{ids: map[string]string{}, managed: dedicatedtest.NewDedicated()}
	var admin string
	e.v3, admin = influxdb3test.New(influxdb3test.Enterprise, "3.8.4")
	for _, name := range []string{"line3", "line4"} {
		e.v3.AddDatabase(name)
		e.managed.AddDatabase(name)
	}
	e.v3.AddToken(influxdb3test.Token{Name: "ci"})
	e.v3.AddToken(influxdb3test.Token{Name: "--writer", Grants: []influxdb3test.Grant{influxdb3test.On("line3,line4", "read", "write"), {Type: "system", Names: []string{"health"}, Actions: []string{"read"}}}})
	e.v3.AddToken(influxdb3test.Token{Name: hostileName, Grants: []influxdb3test.Grant{influxdb3test.On("*", "write")}})
	e.v3.AddToken(influxdb3test.Token{Name: "two\nlines", Grants: []influxdb3test.Grant{influxdb3test.On("*", "read")}})
	e.managed.Create("writer", dedicatedtest.Permission{Action: "write", Resource: "line3"}, dedicatedtest.Permission{Action: "read", Resource: "*"})
	e.managed.Create("nothing")
	e.managed.Create("reader", dedicatedtest.Permission{Action: "read", Resource: "line3"})
	e.v1 = &influxdb1test.Fake{Username: "root", Password: `p"w:\x`, Users: []influxdb1test.User{{Name: "root", Admin: true}, {Name: "alice", Grants: map[string]string{"db": "ALL PRIVILEGES", "old": "NO PRIVILEGES"}}, {Name: hostileName, Grants: map[string]string{"a b": "READ"}}, {Name: "mallory"}}}
	e.v1.Fault = func(w http.ResponseWriter, r *http.Request, _ string) bool {
		name, ok := strings.CutPrefix(r.PostFormValue("q"), "DROP USER ")
		if r.Method != http.MethodPost || !ok {
			return false
		}
		e.v1.Users = slices.DeleteFunc(e.v1.Users, func(u influxdb1test.User) bool { return audit.QuotedIdent(u.Name) == name })
		influxdb1test.Answer(w, http.StatusOK, map[string]any{"results": []any{map[string]any{"statement_id": 0}}})
		return true
	}
	serve := func(h http.Handler) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			e.serving.Lock()
			defer e.serving.Unlock()
			h.ServeHTTP(w, r)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	core := target.Config{Name: "line-3", Kind: target.KindEnterprise, URL: serve(e.v3), Token: secret.InMemory(admin)}
	cluster := target.Config{Name: "line.3", Kind: target.KindDedicated, URL: serve(e.managed), Account: e.managed.Account, Cluster: e.managed.Cluster, Token: secret.InMemory(e.managed.Credential)}
	old := target.Config{Name: "old", Kind: target.KindV1, URL: serve(e.v1), Username: e.v1.Username, Password: secret.InMemory(e.v1.Password)}
	e.env = []string{"INFLUX_TOKEN_LINE_3=" + admin, "INFLUX_TOKEN_LINE_3_2=" + e.managed.Credential, "INFLUX_TOKEN_OLD=root:" + e.v1.Password}

	e.decide(t, core, cluster, old)
	return e
}

// decide makes the script of a campaign that revokes all tokens of targets.
func (e *estate) decide(t *testing.T, targets ...target.Config) {
	t.Helper()
	now := time.Now()
	records := func(yield func(audit.Record, error) bool) {
		for _, cfg := range targets {
			source, err := sourceOf(cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			list, err := source.Collect(t.Context(), func() {})
			if err != nil {
				t.Fatal(err)
			}
			for a, err := range list.Authorizations {
				if a.IsServer() {
					continue
				}
				e.ids[a.ID] = map[string]string{target.KindEnterprise: "v3 ", target.KindDedicated: "managed ", target.KindV1: "v1 "}[cfg.Kind] + strings.TrimSpace(a.Description+a.User)
				owner := audit.Owner{State: audit.OwnerNone}
				if a.User != "" {
					owner = audit.Owner{ID: a.UserID, Name: a.User, State: audit.OwnerPresent}
				}
				if !yield(audit.Record{Target: cfg.Name, Authorization: a, Presence: audit.Listed, Owner: owner, FirstSeen: now, LastSeen: now}, err) {
					return
				}
			}
			if list.Close != nil {
				list.Close()
			}
		}
	}
	terms := campaign.Terms{Name: "quarterly", Job: "weekly", Zone: "UTC", Scope: campaign.ScopeAll, Due: 14 * 24 * time.Hour, DefaultWithin: 30 * 24 * time.Hour, Reviewer: "ben@example.com", Manager: "cleo@example.com"}
	c, items, err := campaign.Open(terms, now, audit.Scheduled, audit.Link{Run: "weekly/2026-11-23T0800Z"}, records, campaign.People{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	book := &campaign.Book{Campaign: c, Items: items}
	for _, it := range items {
		book.Decisions = append(book.Decisions, campaign.Decision{At: now, By: "ben@example.com", Signed: true, Item: it.ID, Decision: campaign.Revoke, Justification: hostileName, Fingerprint: it.Fingerprint})
	}
	text, err := campaignfiles.Script(book, scriptAddresses(targets))
	if err != nil {
		t.Fatal(err)
	}
	e.script = filepath.Join(t.TempDir(), campaignfiles.ScriptFile)
	if err := os.WriteFile(e.script, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run gives what the script says of each token.
func (e *estate) run(t *testing.T, env []string, args ...string) (map[string]string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{e.script}, args...)...)
	cmd.Dir, cmd.Env = filepath.Dir(e.script), append([]string{"PATH=" + os.Getenv("PATH"), "NO_PROXY=*"}, env...)
	out, _ := cmd.CombinedOutput()
	for _, value := range e.env {
		if _, value, _ := strings.Cut(value, "="); strings.Contains(string(out), value) {
			t.Errorf("it prints a credential:\n%s", out)
		}
	}
	if _, err := os.Stat(filepath.Join(cmd.Dir, "pwned")); err == nil {
		t.Fatal("text from outside was run")
	}
	said := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); len(words) > 2 && e.ids[strings.TrimSuffix(words[2], ":")] != "" {
			said[e.ids[strings.TrimSuffix(words[2], ":")]] = words[0]
		}
	}
	if len(said) != len(e.ids) {
		t.Errorf("it says something of %d of %d tokens:\n%s", len(said), len(e.ids), out)
	}
	return said, cmd.ProcessState.ExitCode()
}

func (e *estate) expect(t *testing.T, said map[string]string, usual string, others map[string]string) {
	t.Helper()
	for _, name := range e.ids {
		want := usual
		if w, other := others[name]; other {
			want = w
		}
		if said[name] != want {
			t.Errorf("%q: %s, want %s", name, said[name], want)
		}
	}
}

// never can be revoked by the script: it is named and counted.
var never = map[string]string{"v3 _admin": "FAILED", "v3 two\nlines": "FAILED"}

// TestRevokeProducts: one script for tokens of every product. It changes nothing without
// --yes, deletes what is as it was decided on, and then finds it gone.
func TestRevokeProducts(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	said, code := e.run(t, e.env)
	e.expect(t, said, "would", never)
	if code != 1 || slices.ContainsFunc(slices.Concat(e.v3.Requests(), e.managed.Requests()), func(r string) bool { return !strings.HasPrefix(r, "GET ") }) {
		t.Errorf("exit code %d; requests %q", code, slices.Concat(e.v3.Requests(), e.managed.Requests()))
	}
	said, _ = e.run(t, e.env, "--yes", "--inactive")
	e.expect(t, said, "FAILED", nil)
	said, _ = e.run(t, e.env, "--yes")
	e.expect(t, said, "done", never)
	said, _ = e.run(t, e.env, "--yes")
	e.expect(t, said, "gone", never)
	if shellcheck, err := exec.LookPath("shellcheck"); err == nil {
		if out, err := exec.Command(shellcheck, e.script).CombinedOutput(); err != nil {
			t.Errorf("%s", out)
		}
	}
}

// TestRevokeProductsRefuses: what changed since the decision, and what cannot be asked for.
func TestRevokeProductsRefuses(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	e.v3.DeleteToken("ci")
	e.serving.Lock()
	e.v3.Now = func() time.Time { return time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC) }
	for id, name := range e.ids {
		if name == "managed writer" {
			e.managed.Update(id, "writer", dedicatedtest.Permission{Action: "write", Resource: "*"})
		}
		if name == "managed reader" {
			e.managed.Revoke(id)
		}
	}
	e.v1.Users[1].Grants["db"] = "WRITE"
	e.serving.Unlock()
	said, code := e.run(t, e.env, "--yes")
	others := map[string]string{"v3 ci": "gone", "managed writer": "REFUSED", "managed reader": "gone", "v1 alice": "REFUSED"}
	for name, word := range never {
		others[name] = word
	}
	e.expect(t, said, "done", others)
	if code != 1 {
		t.Errorf("exit code %d", code)
	}

	e = newEstate(t)
	said, code = e.run(t, []string{"INFLUX_TOKEN=" + strings.TrimPrefix(e.env[0], "INFLUX_TOKEN_LINE_3=")}, "--yes")
	e.expect(t, said, "FAILED", nil)
	e.serving.Lock()
	if code != 1 || len(e.v1.Users) != 4 {
		t.Errorf("exit code %d; a token for InfluxDB 2 was sent to another product", code)
	}
	e.v3.Fault, e.v1.NoAuth = influxdb3test.Answer("/api/v3/query_sql", http.StatusOK, "[]"), false
	e.managed.Credential = "another"
	e.serving.Unlock()
	said, _ = e.run(t, append(e.env[:2:2], "INFLUX_TOKEN_OLD=root:wrong"), "--yes")
	e.expect(t, said, "FAILED", nil)
}

// TestRevokeOnInfluxDB1: users of a real server, one of whom has no grants and one of whom has
// some that were taken away.
func TestRevokeOnInfluxDB1(t *testing.T) {
	t.Parallel()
	needPrograms(t, "sh", "curl", "jq", "sha256sum")
	real := influxdb1test.Start(t, influxdb1test.Options{})
	real.Run(t, "CREATE DATABASE db", "CREATE USER mallory WITH PASSWORD 'x'", "CREATE USER granted WITH PASSWORD 'x'", "GRANT ALL ON db TO granted",
		"CREATE USER former WITH PASSWORD 'x'", "GRANT READ ON db TO former", "REVOKE ALL ON db FROM former")
	e := &estate{ids: map[string]string{}, env: []string{"INFLUX_TOKEN_OLD=" + influxdb1test.Admin + ":" + real.Password}}
	e.decide(t, target.Config{Name: "old", Kind: target.KindV1, URL: real.URL, Username: influxdb1test.Admin, Password: secret.InMemory(real.Password)})
	users := []string{"user/mallory", "user/granted", "user/former"}
	delete(e.ids, "user/"+influxdb1test.Admin)
	said, code := e.run(t, e.env, append([]string{"--yes"}, users...)...)
	e.expect(t, said, "done", nil)
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
}
