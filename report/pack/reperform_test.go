package pack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
)

// evil is text that would do harm in a shell, a jq program or a curl option.
const evil = "'; touch pwned; $(touch pwned) `touch pwned` \"\\ \n#\u202e -o pwned {a,b}[1-3] %s"

// auditor is an InfluxDB, a review of it, and its pack.
type auditor struct {
	db    *influxtest.Server
	fault atomic.Pointer[influxtest.Fault] // set while the server serves
	url   string
	org   string
	name  string // of the org
	token string
	dir   string
}

func newAuditor(t *testing.T, orgName string) *auditor {
	t.Helper()
	a := &auditor{db: influxtest.New(influxtest.OSS), name: orgName}
	a.org = a.db.AddOrg(orgName)
	user := a.db.AddUser("o'neil+x@example.com & co")
	a.db.AddMember(a.org, user)
	for i, ps := range [][]influxtest.Permission{influxtest.Operator(), influxtest.WriteBuckets(a.org), influxtest.ReadBuckets(a.org), influxtest.AuditorPermissions(a.org)} {
		_, a.token = a.db.AddAuthorization(influxtest.Authorization{OrgID: a.org, UserID: user, Description: evil, Permissions: ps})
		if i == 1 { // an inactive writer does not count
			a.db.AddAuthorization(influxtest.Authorization{OrgID: a.org, UserID: user, Status: influxtest.Inactive, Permissions: ps})
		}
	}
	a.db.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		f := a.fault.Load()
		return f != nil && (*f)(w, r)
	}
	server := httptest.NewServer(a.db)
	t.Cleanup(server.Close)
	a.url = server.URL
	a.dir = filepath.Join(t.TempDir(), "pack")
	must(t, os.MkdirAll(a.dir, 0o700))
	return a
}

// fail makes the server answer lists otherwise from now on.
func (a *auditor) fail(status int, body string) {
	f := influxtest.Answer("/api/v2/authorizations", status, body)
	a.fault.Store(&f)
}

func (a *auditor) records() []audit.Authorization {
	var out []audit.Authorization
	for i, status := range []audit.Status{audit.Active, audit.Active, audit.Inactive, audit.Active, audit.Active} {
		write := audit.Permission{Action: "write", Resource: audit.Resource{Type: "buckets"}}
		auth := audit.Authorization{ID: fmt.Sprintf("%016x", i+1), Description: evil, OrgID: a.org, Org: a.name, Status: status, Permissions: []audit.Permission{write, write}}
		if i > 2 {
			auth.Permissions = nil
		}
		out = append(out, auth)
	}
	return out
}

func (a *auditor) seal(t *testing.T, run string, asked ...audit.Asked) {
	t.Helper()
	cov := audit.NewCoverage("plant")
	cov.Asked = asked
	s := audit.Summarize(audit.Run{Job: run, Slot: firstSlot}, []audit.Item{{Coverage: cov}}, firstSlot, audit.Tool{}, audit.Policy{}, nil)
	snapshot(t, a.dir, "plant", a.records())
	lists := NewLists(s, map[string]string{"plant": a.url})
	for _, auth := range a.records() {
		lists.Count(&audit.Record{Target: "plant", Authorization: auth, Presence: audit.Listed})
	}
	must(t, os.RemoveAll(filepath.Join(a.dir, manifestFile))) // of the seal before
	_, err := Seal(t.Context(), a.dir, Input{Summary: s, Files: []string{"snapshot-plant.jsonl.gz"}, Lists: lists})
	must(t, err)
}

// reperform runs the script as an auditor would.
func (a *auditor) reperform(t *testing.T, shell, token string, args ...string) (string, int) {
	t.Helper()
	for _, name := range []string{shell, "curl", "jq"} {
		needsProgram(t, name)
	}
	cmd := exec.CommandContext(t.Context(), shell, append([]string{ReperformFile}, args...)...)
	cmd.Dir = a.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "INFLUX_TOKEN=" + token}
	out, err := cmd.CombinedOutput()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(a.dir, "pwned")); err == nil {
		t.Errorf("text from outside was run")
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func byOrg(name string, rows int) audit.Asked {
	return audit.Asked{What: "authorizations of org " + name, Request: listRequest + "?" + url.Values{"org": {name}}.Encode(), Status: http.StatusOK, Rows: rows, Verdict: audit.Complete}
}

func (a *auditor) byOrgID(rows int) audit.Asked {
	asked := byOrg("", rows)
	asked.Request = listRequest + "?orgID=" + a.org
	return asked
}

func TestReperform(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(t *testing.T, a *auditor)
		args   []string
		token  string
		code   int
		want   string
	}{
		"equal":     {want: "ok       1. plant: authorizations of org o'neil & söhne: 5 authorizations (review: 5), 2 active write tokens (review: 2)"},
		"one more":  {change: func(_ *testing.T, a *auditor) { a.add() }, code: 1, want: "DIFFERS  1. plant: authorizations of org o'neil & söhne: 6 authorizations (review: 5), 3 active"},
		"no answer": {change: func(_ *testing.T, a *auditor) { a.fail(500, "{}") }, code: 1, want: "no answer"},
		"an answer of others": {change: func(_ *testing.T, a *auditor) {
			a.fail(200, `{"users":[]}`)
		}, code: 1, want: "no list of authorizations"},
		"a wrong token":        {token: `"` + "\\x", code: 1, want: "401"},
		"a token of two lines": {token: "a\nheader = \"X: y\"", code: 2, want: "line break"},
		"no token":             {token: "-", code: 2, want: "set INFLUX_TOKEN"},
		"only the second":      {args: []string{"2"}, code: 2, want: "no list was compared"},
		"only the first":       {args: []string{"1"}, want: "ok"},
	} {
		for _, shell := range []string{"sh", "bash"} {
			t.Run(name+" in "+shell, func(t *testing.T) {
				t.Parallel()
				a := newAuditor(t, "o'neil & söhne")
				a.asNamed(t)
				if c.change != nil {
					c.change(t, a)
				}
				token := c.token
				switch token {
				case "":
					token = a.token
				case "-":
					token = ""
				}
				out, code := a.reperform(t, shell, token, c.args...)
				if code != c.code || !strings.Contains(out, c.want) || strings.Contains(out, a.token) {
					t.Errorf("exit code %d, want %d and %q; got\n%s", code, c.code, c.want, out)
				}
			})
		}
	}
}

func (a *auditor) add() {
	a.db.AddAuthorization(influxtest.Authorization{OrgID: a.org, UserID: a.db.AddUser("new"), Permissions: influxtest.WriteBuckets(a.org)})
}

// asNamed seals a review by the name of the org, and one that was not answered.
func (a *auditor) asNamed(t *testing.T) {
	asked, unanswered := byOrg("o'neil & söhne", 5), byOrg("other", 0)
	unanswered.Status, unanswered.Verdict = http.StatusUnauthorized, audit.NotKnown
	a.seal(t, "weekly", asked, unanswered, audit.Asked{What: "users", Request: "GET /api/v2/users", Status: 200})
}

// TestReperformHostile: names that would act in a shell are text.
func TestReperformHostile(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, evil)
	asked := a.byOrgID(5)
	asked.What = evil
	named := byOrg(evil, 5)
	a.seal(t, evil, asked, named)
	script := string(getFile(t, filepath.Join(a.dir, ReperformFile)))
	if strings.Contains(script, "\u202e") || strings.Contains(script, "\n#\\u202e") {
		t.Errorf("hidden or broken text in the script:\n%s", script)
	}
	for _, shell := range []string{"sh", "bash"} {
		if out, err := program(t, a.dir, nil, shell, "-n", ReperformFile); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
		if out, _ := a.reperform(t, shell, a.token); strings.Count(out, "5 authorizations (review: 5)") != 2 {
			t.Errorf("%s:\n%s", shell, out)
		}
	}
	if got := a.db.Requests(); len(got) == 0 || !strings.HasPrefix(got[len(got)-1], listRequest+"?org=") {
		t.Errorf("asked %q", got)
	}
}

// TestReperformShellcheck: without a complaint.
func TestReperformShellcheck(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, evil)
	a.seal(t, evil, a.byOrgID(5), byOrg(evil, 5))
	if out, err := program(t, a.dir, nil, "shellcheck", ReperformFile); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestReperformSkips says why a list is not asked for again.
func TestReperformSkips(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, "acme")
	foreign := a.byOrgID(5)
	foreign.Foreign = 2
	for name, c := range map[string]struct {
		asked audit.Asked
		url   string
		want  string
	}{
		"rows of others":  {foreign, a.url, "were not asked for"},
		"no address":      {a.byOrgID(5), "", "address is not known"},
		"a database file": {a.byOrgID(5), "influxd.bolt", "address is not known"},
		"a secret in it":  {a.byOrgID(5), "http://canary:canary@localhost", "address is not known"},
		"a broken query":  {audit.Asked{Request: listRequest + "?%zz", Status: 200, Verdict: audit.Complete}, a.url, "address is not known"},
		"a single one":    {audit.Asked{Request: listRequest + "/00aa", Status: 200, Verdict: audit.Complete}, a.url, "no list was compared"},
	} {
		t.Run(name, func(t *testing.T) {
			a.url = c.url
			a.seal(t, "weekly", c.asked)
			out, code := a.reperform(t, "sh", a.token)
			if code != 2 || !strings.Contains(out, c.want) || strings.Contains(fmt.Sprint(filesBelow(t, a.dir)), "canary") {
				t.Errorf("exit code %d, want %q:\n%s", code, c.want, out)
			}
		})
	}
}
