package pack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	user  string
	token string
	dir   string
	more  map[string]audit.Product // targets that the script does not ask
	// found are the tokens as the review found them.
	found []audit.Authorization
}

func newAuditor(t *testing.T, orgName string) *auditor {
	t.Helper()
	a := &auditor{db: influxtest.New(influxtest.OSS), name: orgName}
	a.org = a.db.AddOrg(orgName)
	a.user = a.db.AddUser("o'neil+x@example.com & co")
	a.db.AddMember(a.org, a.user)
	for i, ps := range [][]influxtest.Permission{influxtest.Operator(), influxtest.WriteBuckets(a.org), influxtest.ReadBuckets(a.org), influxtest.AuditorPermissions(a.org)} {
		a.token = a.find(a.user, influxtest.Active, ps)
		if i == 1 { // an inactive writer does not count
			a.find(a.user, influxtest.Inactive, ps)
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

// find adds a token to the server, as the review finds it, and returns its value.
func (a *auditor) find(user, status string, permissions []influxtest.Permission) string {
	id, token := a.db.AddAuthorization(influxtest.Authorization{OrgID: a.org, UserID: user, Status: status, Description: evil, Permissions: permissions})
	found := audit.Authorization{ID: id, Description: evil, OrgID: a.org, Org: a.name, UserID: user, Status: audit.Status(status), Permissions: []audit.Permission{}}
	for _, p := range permissions {
		found.Permissions = append(found.Permissions, audit.Permission{Action: p.Action, Resource: audit.Resource{Type: p.Resource.Type}})
	}
	a.found = append(a.found, found)
	return token
}

func (a *auditor) seal(t *testing.T, run string, asked ...audit.Asked) {
	t.Helper()
	cov := audit.NewCoverage("plant")
	cov.Asked, cov.Server = asked, "InfluxDB OSS v2.7.12"
	cov.Credentials = []audit.Credential{{Of: audit.TheTarget, ID: "00000000000000cc", Permissions: []string{"read:/authorizations"}, Accepted: true}}
	items := []audit.Item{{Coverage: cov}}
	for name, product := range a.more {
		other := audit.NewCoverage(name)
		other.Product = product
		items = append(items, audit.Item{Coverage: other})
	}
	s := audit.Summarize(audit.Run{Job: run, Slot: firstSlot}, items, firstSlot, audit.Tool{}, audit.Policy{}, nil)
	others := []audit.Authorization{{ID: "00000000000000bb", OrgID: a.org, Org: a.name, Legacy: true}, audit.Server("token values"), audit.OfOtherOrg(audit.Authorization{ID: "00000000000000aa"})}
	snapshot(t, a.dir, "plant", slices.Concat(a.found, others))
	must(t, os.RemoveAll(filepath.Join(a.dir, manifestFile))) // of the seal before
	_, err := Seal(t.Context(), a.dir, Input{Summary: s, Files: []string{"snapshot-plant.jsonl.gz"}, Addresses: map[string]string{"plant": a.url}})
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
		"equal":    {want: "ok       1. plant: authorizations of org o'neil & söhne: 5 authorizations (review: 5), 2 active write tokens (review: 2)"},
		"one more": {change: func(_ *testing.T, a *auditor) { a.add() }, code: 1, want: "DIFFERS  1. plant: authorizations of org o'neil & söhne: 6 authorizations (review: 5), 3 active"},
		"another one": {change: func(_ *testing.T, a *auditor) { // counts are equal
			a.db.DeleteAuthorization(a.found[1].ID)
			a.add()
		}, code: 1, want: ": 5 authorizations (review: 5), 2 active write tokens (review: 2)\n         missing  FOUND1: in the review, and not in the list of the server\n         extra    "},
		"one that may write now": {change: func(t *testing.T, a *auditor) {
			a.found[1].Status = audit.Inactive
			a.asNamed(t)
		}, code: 1, want: "changed  FOUND1: an active write token since"},
		"no answer": {change: func(_ *testing.T, a *auditor) { a.fail(500, "{}") }, code: 1, want: "no answer"},
		"an answer of others": {change: func(_ *testing.T, a *auditor) {
			a.fail(200, `{"users":[]}`)
		}, code: 1, want: "not a list of authorizations"},
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
				out = strings.ReplaceAll(out, a.found[1].ID, "FOUND1")
				if code != c.code || !strings.Contains(out, c.want) || strings.Contains(out, a.token) {
					t.Errorf("exit code %d, want %d and %q; got\n%s", code, c.code, c.want, out)
				}
			})
		}
	}
}

// TestReperformSeesLess: what a credential that may see less does not show proves nothing,
// and is told from what is gone.
func TestReperformSeesLess(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		asked func(a *auditor) audit.Asked
		token func(a *auditor) string
		code  int
		want  []string
		not   string
	}{
		"its own user only": {(*auditor).everything, func(a *auditor) string {
			narrow := a.db.AddUser("narrow")
			return a.find(narrow, influxtest.Active, influxtest.AllAccess(a.org, narrow))
		}, 1, []string{"LESS     1. plant: ", "unseen   ", ": the credential shows no token of its user", "sees less than that of the review", "asked with 00000000000000cc: read:/authorizations"}, "DIFFERS"},
		"its own org only": {(*auditor).everything, func(a *auditor) string {
			other := a.db.AddOrg("other")
			_, token := a.db.AddAuthorization(influxtest.Authorization{OrgID: other, UserID: a.user, Permissions: influxtest.AuditorPermissions(other)})
			return token
		}, 1, []string{": the credential shows no token of its org", "sees less than that of the review"}, "missing  "},
		"as much, and one is gone": {(*auditor).everything, func(a *auditor) string {
			a.db.DeleteAuthorization(a.found[2].ID)
			return a.token
		}, 1, []string{"DIFFERS  1. plant: ", "missing  "}, "sees less"},
		"one org of all, and a new one in another": {func(a *auditor) audit.Asked {
			asked := a.everything()
			asked.Rows, asked.Kept = 6, "orgID="+a.org
			return asked
		}, func(a *auditor) string {
			other := a.db.AddOrg("other")
			for range 2 {
				a.db.AddAuthorization(influxtest.Authorization{OrgID: other, UserID: a.user, Permissions: influxtest.WriteBuckets(other)})
			}
			return a.find(a.user, influxtest.Active, influxtest.Operator())
		}, 0, []string{"ok       1. plant: ", ": 6 authorizations (review: 6), 3 active write tokens (review: 3)"}, "extra"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuditor(t, "acme")
			token := c.token(a)
			a.seal(t, "weekly", c.asked(a))
			out, code := a.reperform(t, "sh", token)
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in\n%s", want, out)
				}
			}
			if code != c.code || strings.Contains(out, c.not) {
				t.Errorf("exit code %d, want %d and no %q:\n%s", code, c.code, c.not, out)
			}
		})
	}
}

// everything is the list of all that the review found.
func (a *auditor) everything() audit.Asked {
	return audit.Asked{What: "authorizations of every org", Request: listRequest, Status: http.StatusOK, Rows: len(a.found), Verdict: audit.Complete}
}

// TestReperformNamesTwenty: of each kind the first ones, and how many more.
func TestReperformNamesTwenty(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, "acme")
	a.seal(t, "weekly", a.everything())
	for range 25 {
		a.db.AddAuthorization(influxtest.Authorization{OrgID: a.org, UserID: a.user, Permissions: influxtest.ReadBuckets(a.org)})
	}
	out, code := a.reperform(t, "sh", a.token)
	if code != 1 || strings.Count(out, "extra    0")+strings.Count(out, "extra    1") != 20 || !strings.Contains(out, "extra    and 5 more") {
		t.Errorf("exit code %d:\n%s", code, out)
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
		"rows of others":  {foreign, a.url, "were not requested"},
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

// TestReperformNamesWhatItDoesNotAsk: each target of a product that the script does not ask is
// named with what to compare by hand, and the script does not end as if it had compared all.
func TestReperformNamesWhatItDoesNotAsk(t *testing.T) {
	t.Parallel()
	a := newAuditor(t, "acme")
	a.more = map[string]audit.Product{"edge " + evil: audit.ProductCore, "plant-3": audit.ProductEnterprise, "dedicated": audit.ProductDedicated, "clustered": audit.ProductClustered, "historian": audit.ProductV1}
	a.seal(t, "weekly", a.everything())
	out, code := a.reperform(t, "sh", a.token)
	for _, want := range []string{"ok       1. plant: ", ". plant-3: ", ". historian: tokens of InfluxDB 1.x: ", "SHOW USERS", "influxdb3 show tokens", "influxctl token list", "1 compared, 5 not asked for"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if code != 3 || strings.Count(out, "NOT ASKED  ") != 5 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if out, code := a.reperform(t, "sh", a.token, "1"); code != 0 {
		t.Errorf("exit code %d for the list alone:\n%s", code, out)
	}
	if out, err := program(t, a.dir, nil, "shellcheck", ReperformFile); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	a.db.DeleteAuthorization(a.found[2].ID)
	if out, code := a.reperform(t, "sh", a.token); code != 1 {
		t.Errorf("exit code %d where a list differs:\n%s", code, out)
	}
	a.seal(t, "weekly")
	if out, code := a.reperform(t, "sh", ""); code != 2 || strings.Count(out, "NOT ASKED  ") != 5 {
		t.Errorf("exit code %d where nothing can be asked, without a token:\n%s", code, out)
	}
}
