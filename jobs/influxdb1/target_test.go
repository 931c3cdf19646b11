package influxdb1_test

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/influxdata/influxql"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influxdb1"
	"tokenaudit/jobs/influxdb1/influxdb1test"
	"tokenaudit/jobs/target"
)

func configured(at, password string) target.Config {
	return target.Config{Name: "plant", Kind: target.KindV1, URL: at, Username: influxdb1test.Admin, Password: secret.InMemory(password)}
}

// collect reviews a target, and gives the coverage as it is in the end, and what each user
// may do, in the order in which they are listed.
func collect(t *testing.T, cfg target.Config) (audit.Coverage, []string) {
	t.Helper()
	var lines []string
	cov, records := review(t, cfg, nil, time.Now())
	for _, r := range records {
		var may []string
		for _, p := range r.Permissions {
			may = append(may, strings.Replace(p.String(), "orgs/"+r.OrgID+"/", "", 1))
		}
		lines = append(lines, fmt.Sprintf("%s: %s", audit.Line(r.ID, 80), strings.Join(may, " ")))
	}
	return cov, lines
}

// review judges a target against the records of a review before.
func review(t *testing.T, cfg target.Config, before []audit.Record, now time.Time) (audit.Coverage, []audit.Record) {
	t.Helper()
	reviewed, err := influxdb1.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	col, err := reviewed.Collect(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer col.Close()
	cov := col.Coverage.Clone()
	var out []audit.Record
	for r, err := range (audit.Review{Collection: col, Target: cfg.Name, Now: now, Policy: audit.Policy{MaxAdmins: 2}}).Merge(t.Context(), t.Context(), all(before)) {
		if err != nil {
			t.Fatal(err)
		}
		cov.Count(r)
		out = append(out, r)
	}
	if col.Conclude != nil {
		col.Conclude(&cov)
	}
	return cov, out
}

func all(records []audit.Record) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// recorded is a proxy in front of a server that notes every request.
type recorded struct {
	URL string

	mu       sync.Mutex
	requests []*http.Request
}

func record(t *testing.T, at string) *recorded {
	t.Helper()
	to, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorded{}
	next := httputil.NewSingleHostReverseProxy(to)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if body, err := io.ReadAll(req.Body); len(body) > 0 || err != nil {
			t.Errorf("a request has a body: %q, %v", body, err)
		}
		r.mu.Lock()
		r.requests = append(r.requests, req.Clone(t.Context()))
		r.mu.Unlock()
		next.ServeHTTP(w, req)
	}))
	t.Cleanup(web.Close)
	r.URL = web.URL
	return r
}

// TestEveryGrant reviews a real server: who is an admin, and what was granted, revoked and
// dropped with its database.
func TestEveryGrant(t *testing.T) {
	t.Parallel()
	for name, noAuth := range map[string]bool{"authentication on": false, "authentication off": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := influxdb1test.Start(t, influxdb1test.Options{NoAuth: noAuth})
			s.Run(t, `CREATE DATABASE telemetry`, `CREATE DATABASE archive`, `CREATE DATABASE "old one"`,
				`CREATE USER chief WITH PASSWORD 'x' WITH ALL PRIVILEGES`, `GRANT READ ON archive TO chief`,
				`CREATE USER writer WITH PASSWORD 'x'`, `GRANT WRITE ON telemetry TO writer`,
				`CREATE USER reader WITH PASSWORD 'x'`, `GRANT READ ON telemetry TO reader`, `GRANT ALL ON archive TO reader`, `GRANT ALL ON "old one" TO reader`,
				`CREATE USER revoked WITH PASSWORD 'x'`, `GRANT ALL ON archive TO revoked`, `REVOKE ALL PRIVILEGES ON archive FROM revoked`,
				`CREATE USER Nobody WITH PASSWORD 'x'`, `DROP DATABASE "old one"`)
			cov, got := collect(t, configured(s.URL, s.Password))
			want := []string{
				"user/Nobody: ",
				"user/auditor: read:/instance write:/instance",
				"user/chief: read:/instance write:/instance read:buckets/archive",
				"user/reader: read:buckets/archive write:buckets/archive read:buckets/telemetry",
				"user/revoked: ",
				"user/writer: write:buckets/telemetry",
			}
			if noAuth {
				want = append([]string{"server: "}, want...)
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if cov.Verdict != audit.Complete {
				t.Errorf("the verdict is %s: %q", cov.Verdict, cov.Reasons)
			}
			if want := "InfluxDB OSS 1."; !strings.HasPrefix(cov.Server, want) {
				t.Errorf("the server is %q, not %s…", cov.Server, want)
			}
			if accepted := cov.Credentials[0].Accepted; accepted == noAuth {
				t.Errorf("authentication is off: %t, and the credential was accepted: %t", noAuth, accepted)
			}
		})
	}
}

// TestHostileNames has users with names that could end a name, a statement or a line.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	s := influxdb1test.Start(t, influxdb1test.Options{})
	names := []string{
		`"`, `\`, `\"`, `a"; DROP USER "auditor`, `\"; DROP USER auditor; --`, "line\nbreak", "tab\tx", "'", "a b", " ", ";", "%22", "=1+1", "@SUM(A1)", "\u202egnp.exe", "日本", "\x01\x1b[31m",
		"user/auditor", "server", "unused-exceptions", "SHOW USERS", "Auditor", strings.Repeat("x", 200_000), "~", "\ufffd",
	}
	s.Run(t, "CREATE DATABASE db")
	for _, name := range names {
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(name) + `"`
		s.Run(t, "CREATE USER "+quoted+" WITH PASSWORD 'x'", "GRANT WRITE ON db TO "+quoted)
	}
	proxy := record(t, s.URL)
	cov, records := review(t, configured(proxy.URL, s.Password), nil, time.Now())
	if cov.Verdict != audit.Complete {
		t.Errorf("the verdict is %s: %q", cov.Verdict, cov.Reasons)
	}
	seen := map[string]bool{}
	for _, r := range records {
		seen[r.User] = true
		if r.User != influxdb1test.Admin && len(r.Permissions) != 1 {
			t.Errorf("%.40q: permissions %v", r.User, r.Permissions)
		}
		if strings.ContainsFunc(r.ID, func(c rune) bool { return c <= ' ' || c > '~' }) || len(r.ID) > 300 {
			t.Errorf("%.40q: the ID %.400q", r.User, r.ID)
		}
	}
	for _, name := range names {
		if !seen[name] {
			t.Errorf("%.40q is missing", name)
		}
	}
	if len(records) != len(names)+1 {
		t.Errorf("%d records of %d users", len(records), len(names)+1)
	}
	proxy.mu.Lock()
	defer proxy.mu.Unlock()
	for _, req := range proxy.requests {
		onlyShows(t, req)
	}
	if n := len(proxy.requests); n != len(names)+4 {
		t.Errorf("%d requests for %d users", n, len(names)+1)
	}
}

// onlyShows: whatever the names are, a request is one SHOW USERS or SHOW GRANTS, as
// InfluxDB itself reads it, and nothing else is in its URL.
func onlyShows(t *testing.T, req *http.Request) {
	t.Helper()
	values, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil || req.Method != http.MethodGet || req.URL.Path != "/query" || len(values) != 1 || len(values["q"]) != 1 {
		t.Errorf("%s %.200s, %v", req.Method, req.URL, err)
		return
	}
	q, err := influxql.ParseQuery(values.Get("q"))
	if err != nil || len(q.Statements) != 1 {
		t.Errorf("%.200q: %v, %v", values.Get("q"), q, err)
		return
	}
	switch q.Statements[0].(type) {
	case *influxql.ShowUsersStatement, *influxql.ShowGrantsForUserStatement:
	default:
		t.Errorf("%.200q is a %T", values.Get("q"), q.Statements[0])
	}
}

// TestAnswersThatInfluxDBCuts: max-row-limit leaves users out of a list and says so in the
// answer only.
func TestAnswersThatInfluxDBCuts(t *testing.T) {
	t.Parallel()
	s := influxdb1test.Start(t, influxdb1test.Options{MaxRows: 2})
	s.Run(t, `CREATE DATABASE a`, `CREATE DATABASE b`, `CREATE DATABASE c`, `CREATE USER one WITH PASSWORD 'x'`, `GRANT READ ON a TO one`, `GRANT READ ON b TO one`, `GRANT READ ON c TO one`)
	cov, got := collect(t, configured(s.URL, s.Password))
	if cov.Verdict != audit.Partial || !slices.ContainsFunc(cov.Gaps, func(g audit.Gap) bool {
		return g.Premise() == audit.RowsReadable && strings.Contains(g.Reason, "partial") && strings.Contains(g.Fix, "max-row-limit")
	}) {
		t.Errorf("three grants, of which two are shown: %s, %q, %v", cov.Verdict, got, cov.Gaps)
	}
	s.Run(t, `CREATE USER two WITH PASSWORD 'x'`)
	cov, got = collect(t, configured(s.URL, s.Password))
	if cov.Verdict != audit.NotKnown || len(got) != 0 || cov.Gaps[0].Premise() != audit.ListWhole || !strings.Contains(cov.Gaps[0].Fix, "max-row-limit") {
		t.Errorf("three users, of which two are shown: %s, %q, %v", cov.Verdict, got, cov.Gaps)
	}
}

// TestWhatAUserMayNotAsk: what InfluxDB answers to users that it does not let ask.
func TestWhatAUserMayNotAsk(t *testing.T) {
	t.Parallel()
	s := influxdb1test.Start(t, influxdb1test.Options{})
	s.Run(t, `CREATE USER plain WITH PASSWORD 'its password'`)
	for name, test := range map[string]struct {
		username, password string
		gap, fix           string
	}{
		"a wrong password":      {influxdb1test.Admin, "wrong password", audit.CredentialActive, "Correct username and password"},
		"a user that is none":   {"nobody", "its password", audit.CredentialActive, "Correct username and password"},
		"a user without rights": {"plain", "its password", audit.CredentialSeesAll, `GRANT ALL PRIVILEGES TO "plain"`},
	} {
		cfg := configured(s.URL, test.password)
		cfg.Username = test.username
		cov, got := collect(t, cfg)
		if cov.Verdict != audit.NotKnown || len(got) != 0 || len(cov.Gaps) != 1 || cov.Gaps[0].ID != test.gap || !strings.Contains(cov.Gaps[0].Fix, test.fix) {
			t.Errorf("%s: %s, %q, %+v", name, cov.Verdict, got, cov.Gaps)
		}
		if c := cov.Credentials[0]; c.Accepted || !c.Refused || c.ID != "user/"+test.username {
			t.Errorf("%s: %+v", name, c)
		}
	}
	s.Run(t, `DROP USER plain`, `DROP USER `+influxdb1test.Admin) // then nobody may ask
	cov, _ := collect(t, configured(s.URL, s.Password))
	if cov.Verdict != audit.NotKnown || cov.Gaps[0].ID != audit.CredentialSeesAll || !strings.Contains(cov.Gaps[0].Fix, "CREATE USER") {
		t.Errorf("without a user: %s, %+v", cov.Verdict, cov.Gaps)
	}
}

// TestUsersBetweenReviews: users that are made, granted, revoked and dropped from one
// review to the next.
func TestUsersBetweenReviews(t *testing.T) {
	t.Parallel()
	s := influxdb1test.Start(t, influxdb1test.Options{})
	cfg := configured(s.URL, s.Password)
	s.Run(t, `CREATE DATABASE db`,
		`CREATE USER granted WITH PASSWORD 'x'`,
		`CREATE USER revoked WITH PASSWORD 'x'`, `GRANT WRITE ON db TO revoked`,
		`CREATE USER dropped WITH PASSWORD 'x'`, `GRANT WRITE ON db TO dropped`,
		`CREATE USER chief WITH PASSWORD 'x' WITH ALL PRIVILEGES`,
		`CREATE USER deputy WITH PASSWORD 'x' WITH ALL PRIVILEGES`,
		`CREATE USER same WITH PASSWORD 'x'`, `GRANT WRITE ON db TO same`)
	day := func(n int) time.Time { return time.Date(2026, 6, n, 9, 0, 0, 0, time.UTC) }
	_, first := review(t, cfg, nil, day(1))
	s.Run(t, `GRANT ALL ON db TO granted`, `REVOKE ALL ON db FROM revoked`, `DROP USER dropped`, `REVOKE ALL PRIVILEGES FROM chief`, `CREATE USER made WITH PASSWORD 'x'`, `GRANT READ ON db TO made`)
	cov, second := review(t, cfg, first, day(8))
	if cov.Verdict != audit.Complete {
		t.Errorf("the second review is %s: %q", cov.Verdict, cov.Reasons)
	}
	s.Run(t, `CREATE USER dropped WITH PASSWORD 'y'`, `GRANT WRITE ON db TO dropped`)
	_, third := review(t, cfg, second, day(15))
	for name, test := range map[string]struct {
		records []audit.Record
		want    map[string]string // by user: presence, first seen, changes, findings that matter
	}{
		"first": {first, map[string]string{
			"auditor": "listed since 1; ; active-write new", "chief": "listed since 1; ; operator new active-write new", "deputy": "listed since 1; ; operator new active-write new",
			"dropped": "listed since 1; ; active-write new", "granted": "listed since 1; ; ", "revoked": "listed since 1; ; active-write new", "same": "listed since 1; ; active-write new",
			"over-max-admins": "listed since 1; ; too-many-admins new",
		}},
		"second": {second, map[string]string{
			"auditor": "listed since 1; ; active-write open", "chief": "listed since 1; permissions; operator resolved active-write resolved", "deputy": "listed since 1; ; operator open active-write open",
			"dropped": "gone since 1; ; active-write resolved", "granted": "listed since 1; permissions; active-write new", "revoked": "listed since 1; permissions; active-write resolved",
			"same": "listed since 1; ; active-write open", "made": "listed since 8; ; ",
			"over-max-admins": "listed since 1; ; too-many-admins resolved",
		}},
		"third": {third, map[string]string{
			"auditor": "listed since 1; ; active-write open", "chief": "listed since 1; ; operator resolved active-write resolved", "deputy": "listed since 1; ; operator open active-write open",
			"dropped": "listed since 15; ; active-write new", "granted": "listed since 1; ; active-write open", "revoked": "listed since 1; ; active-write resolved",
			"same": "listed since 1; ; active-write open", "made": "listed since 8; ; ",
		}},
	} {
		got := map[string]string{}
		for _, r := range test.records {
			var changes, findings []string
			for _, c := range r.Changes {
				changes = append(changes, c.Field)
			}
			for _, f := range r.Findings {
				findings = append(findings, f.Check+" "+string(f.State))
			}
			got[cmp.Or(r.User, r.ID)] = fmt.Sprintf("%s since %d; %s; %s", r.Presence, r.FirstSeen.Day(), strings.Join(changes, " "), strings.Join(findings, " "))
		}
		if diff := gocmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s review:\n%s", name, diff)
		}
	}
}

// TestAuthenticationIsSwitched: the finding on the server comes when authentication is
// switched off, and is resolved when it is on again.
func TestAuthenticationIsSwitched(t *testing.T) {
	t.Parallel()
	s := influxdb1test.Start(t, influxdb1test.Options{})
	cfg := configured(s.URL, s.Password)
	states := func(records []audit.Record) string {
		for _, r := range records {
			if r.ID == audit.ServerID {
				return fmt.Sprintf("%s on %s: %s %s", r.Presence, r.Product, r.Findings[0].Check, r.Findings[0].State)
			}
		}
		return "none"
	}
	_, first := review(t, cfg, nil, time.Now())
	s.Restart(t, influxdb1test.Options{NoAuth: true})
	_, second := review(t, cfg, first, time.Now())
	s.Restart(t, influxdb1test.Options{})
	_, third := review(t, cfg, second, time.Now())
	got := []string{states(first), states(second), states(third)}
	want := []string{"none", "listed on v1: auth-off new", "gone on v1: auth-off resolved"}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
