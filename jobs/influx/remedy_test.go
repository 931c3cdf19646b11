package influx_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/target"
)

// TestRemediesFitTheCause: whatever keeps a review from its answers, the first thing to
// mend is said, and nothing else.
func TestRemediesFitTheCause(t *testing.T) {
	t.Parallel()
	type scene struct {
		*plant
		cfg target.Config
		web *httptest.Server
	}
	answer := func(path string, status int, kind, body string) influxtest.Fault {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if path != "" && r.URL.Path != path {
				return false
			}
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", "https://login.example.com/?code=canary-token") // of a redirect only
			if status/100 != 3 {
				w.Header().Del("Location")
			}
			w.WriteHeader(status)
			io.WriteString(w, body)
			return true
		}
	}
	const me, list, asJSON = "/api/v2/me", "/api/v2/authorizations", "application/json"
	tests := []struct {
		name   string
		secure bool // the server speaks TLS
		silent bool // nothing that it says can be heard
		change func(*testing.T, *scene)
		gap    string
		fix    string
	}{
		{name: "variable not set", change: func(_ *testing.T, s *scene) { s.cfg.Token = secret.Ref{Env: "TOKENAUDIT_TEST_NOT_SET"} },
			gap: audit.CredentialActive, fix: "Set the environment variable TOKENAUDIT_TEST_NOT_SET"},
		{name: "no file", change: func(_ *testing.T, s *scene) { s.cfg.Token = secret.Ref{File: "/run/secrets/none"} },
			gap: audit.CredentialActive, fix: "to the file /run/secrets/none"},
		{name: "no such host", silent: true, change: func(_ *testing.T, s *scene) { s.cfg.URL = "http://tokenaudit.invalid:8086" },
			gap: audit.CredentialActive, fix: "No host has the name tokenaudit.invalid"},
		{name: "unknown authority", silent: true, secure: true, gap: audit.CredentialActive, fix: "Set ca_file to a PEM file of the authority"},
		{name: "known authority", secure: true, change: func(t *testing.T, s *scene) { s.cfg.CAFile = authority(t, s.web) }},
		{name: "name of another", silent: true, secure: true, change: func(t *testing.T, s *scene) {
			s.cfg.CAFile = authority(t, s.web)
			s.cfg.URL = strings.Replace(s.cfg.URL, "127.0.0.1", "localhost", 1)
		}, gap: audit.CredentialActive, fix: "The certificate is for example.com"},
		{name: "TLS where there is none", silent: true, change: func(_ *testing.T, s *scene) { s.cfg.URL = strings.Replace(s.cfg.URL, "http:", "https:", 1) },
			gap: audit.CredentialActive, fix: "There is no TLS at 127.0.0.1:"},
		{name: "no TLS where there is some", secure: true, change: func(_ *testing.T, s *scene) { s.cfg.URL = strings.Replace(s.cfg.URL, "https:", "http:", 1) },
			gap: audit.ListWhole, fix: "Begin url with https://"},
		{name: "a page", change: func(_ *testing.T, s *scene) { s.Fault = answer("", 200, "text/html; charset=utf-8", "<html>") },
			gap: audit.CredentialActive, fix: "Set url to the root of InfluxDB"},
		{name: "a wrong path", change: func(_ *testing.T, s *scene) { s.Fault = answer("", 404, "text/plain", "404 page not found") },
			gap: audit.ListWhole, fix: "Set url to the root of InfluxDB"},
		{name: "a page to log in", change: func(_ *testing.T, s *scene) { s.Fault = answer("", 302, "text/html", "<html>") },
			gap: audit.ListWhole, fix: "Set url to the address of InfluxDB itself"},
		{name: "a proxy that forbids", change: func(_ *testing.T, s *scene) { s.Fault = answer("", 403, "text/html", "<html>") },
			gap: audit.CredentialActive, fix: "Allow GET requests to /api/v2 from this machine in the proxy"},
		{name: "wrong org", change: func(_ *testing.T, s *scene) { s.cfg.Org = "acne" }, gap: audit.ListWhole, fix: "Set org to one that the credential can see: acme ("},
		{name: "wrong org, of many with long names", change: func(_ *testing.T, s *scene) {
			s.cfg.Org = "acne"
			for i := range 90 {
				s.AddOrg(fmt.Sprintf("%02d ", i) + strings.Repeat("日", 100))
			}
		}, gap: audit.ListWhole, fix: " and 86 more."},
		{name: "wrong org by ID", change: func(_ *testing.T, s *scene) { s.cfg.Org = "00000000000000aa" }, gap: audit.CredentialSeesAll, fix: "Set org to one that the credential can see: acme ("},
		{name: "wrong org, and no right to read any", change: func(t *testing.T, s *scene) {
			s.cfg.Org = "acne"
			s.cfg.Token = secret.InMemory(s.credential(s.admin, influxtest.Active, []influxtest.Permission{{Action: "read", Resource: influxtest.Resource{Type: "authorizations"}}, {Action: "read", Resource: influxtest.Resource{Type: "users"}}}))
		}, gap: audit.ListWhole, fix: "Correct org. Upper and lower case must match InfluxDB"},
		{name: "unknown credential", change: func(_ *testing.T, s *scene) { s.cfg.Token = secret.InMemory("canary-token-other") },
			gap: audit.CredentialActive, fix: "Give the target a valid credential of this server"},
		{name: "inactive", change: func(_ *testing.T, s *scene) {
			s.cfg.Token = secret.InMemory(s.credential(s.admin, influxtest.Inactive, influxtest.Operator()))
		}, gap: audit.CredentialActive, fix: "Activate it"},
		{name: "its user is inactive", change: func(_ *testing.T, s *scene) { s.SetUserStatus(s.admin, influxtest.Inactive) },
			gap: audit.CredentialActive, fix: "Give the target a credential of an active user"},
		{name: "missing right", change: func(_ *testing.T, s *scene) {
			s.cfg.Token = secret.InMemory(s.credential(s.admin, influxtest.Active, influxtest.AllAccess(s.acme, s.admin)))
		}, gap: audit.CredentialSeesAll, fix: "influx auth create --org acme --read-authorizations --read-users --read-orgs"},
		{name: "a broken record", change: func(_ *testing.T, s *scene) {
			s.Fault = answer(list, 500, asJSON, `{"code":"internal error","message":"unknown resource type for permission"}`)
		}, gap: audit.ListWhole, fix: "Read the log of InfluxDB"},
		{name: "cut", change: func(_ *testing.T, s *scene) { s.Fault = s.CutBody(list) }, gap: audit.ListWhole, fix: "The connection was cut"},
		{name: "well"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &scene{plant: newPlant(t)}
			s.cfg = target.Config{Name: "prod", Org: "acme", Token: secret.InMemory(s.auditor())}
			s.web = httptest.NewUnstartedServer(s)
			s.web.Config.ErrorLog = log.New(io.Discard, "", 0)
			if test.secure {
				s.web.StartTLS()
			} else {
				s.web.Start()
			}
			t.Cleanup(s.web.Close)
			s.cfg.URL = s.web.URL
			if test.change != nil {
				test.change(t, s)
			}
			target, err := influx.New(s.cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			col, err := target.Collect(t.Context(), func() {})
			if err != nil {
				t.Fatal(err)
			}
			defer col.Close()
			found := false
			for _, g := range col.Coverage.Gaps {
				found = found || g.ID == test.gap && strings.Contains(g.Fix, test.fix)
				if utf8.RuneCountInString(g.Fix) > audit.MaxRemedy {
					t.Errorf("a remedy is too long to be shown whole: %s", g.Fix)
				}
				if strings.Contains(g.Reason+g.Fix, "canary-token") {
					t.Errorf("a secret in %+v", g)
				}
			}
			if found != (test.gap != "") {
				t.Errorf("want %s with %q, got %+v", test.gap, test.fix, col.Coverage.Gaps)
			}
			for _, d := range target.Diagnose(col.Coverage) {
				if d.OK == test.silent && d.What != "credential" { // of which the gap tells
					t.Errorf("got %+v", d)
				}
			}
		})
	}
}

// TestNothingListens: the connection is tried again for a while, by a clock of its own.
func TestNothingListens(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	synctest.Test(t, func(t *testing.T) {
		target, err := influx.New(target.Config{Name: "prod", URL: closed.URL, Token: secret.InMemory("canary-token")}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		col, err := target.Collect(t.Context(), func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer col.Close()
		if gaps := col.Coverage.Gaps; len(gaps) != 1 || gaps[0].ID != audit.CredentialActive || !strings.HasPrefix(gaps[0].Fix, "Nothing listens at 127.0.0.1:") {
			t.Errorf("got %+v", gaps)
		}
		if ds := target.Diagnose(col.Coverage); len(ds) != 1 || ds[0].OK {
			t.Errorf("of a server that did not answer it says %+v", ds)
		}
	})
}

// authority is a file with the authority of the server.
func authority(t *testing.T, s *httptest.Server) setting.Path {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return setting.Path(path)
}

// TestNothingButServerErrors: a server that fails whatever it is asked has one cause and one
// fix, and proves nothing of the credential. One that answers something is told apart.
func TestNothingButServerErrors(t *testing.T) {
	t.Parallel()
	const whole, me = "list-whole: the server answers 500 to every request: GET /api/v2/me: 500 Internal Server Error", "/api/v2/me"
	failing := func(but ...string) influxtest.Fault {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if slices.Contains(but, r.URL.Path) {
				return false
			}
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
	}
	tests := []struct {
		name     string
		fault    influxtest.Fault
		gaps     string
		fix      string
		accepted bool
	}{
		{"every request", failing(), whole, "Look at the log and the health of InfluxDB: it fails whatever it is asked.", false},
		{"all but the user of the credential", failing(me), "list-whole: nothing could be listed: GET /api/v2/authorizations?org=acme: 500 Internal Server Error", "Read the log of InfluxDB", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t)
			p.Fault = test.fault
			web := httptest.NewServer(p)
			t.Cleanup(web.Close)
			prod, err := influx.New(target.Config{Name: "prod", URL: web.URL, Org: "acme", Token: secret.InMemory(p.auditor())}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			out, err := prod.Collect(t.Context(), func() {})
			if err != nil {
				t.Fatal(err)
			}
			for range out.Authorizations {
				t.Error("an authorization was read")
			}
			cov := out.Coverage
			out.Conclude(&cov)
			out.Close()
			var gaps []string
			for _, g := range cov.Gaps {
				gaps = append(gaps, g.ID+": "+g.Reason)
				if g.ID == audit.ListWhole && !strings.HasPrefix(g.Remedy(), test.fix) {
					t.Errorf("remedy %q, want %q", g.Remedy(), test.fix)
				}
			}
			if cov.Verdict != audit.NotKnown || !slices.Contains(gaps, test.gaps) || test.gaps == whole && len(gaps) > 1 {
				t.Errorf("coverage %s, gaps\n%s", cov.Verdict, strings.Join(gaps, "\n"))
			}
			if strings.Contains(strings.Join(gaps, " "), "user by user") {
				t.Errorf("no user could be listed, so nothing was read user by user:\n%s", strings.Join(gaps, "\n"))
			}
			accepted := slices.ContainsFunc(prod.Diagnose(cov), func(d target.Diagnosis) bool { return d.What == "credential" && d.OK })
			if accepted != test.accepted {
				t.Errorf("credential accepted: %t, want %t", accepted, test.accepted)
			}
		})
	}
}
