package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/influxdb3/influxdb3test"
)

// clinic is a server and what is configured to review it.
type clinic struct {
	*influxtest.Server
	dir                    string
	acme, admin, bob, left string
	hidden                 string // a token of the user who left
	targets, jobs, more    string // of the configuration; URL stands for that of the server
}

// newClinic had other orgs before, so that two servers do not have the same IDs.
func newClinic(t *testing.T, mode influxtest.Mode, others ...string) *clinic {
	t.Helper()
	c := &clinic{Server: influxtest.New(mode), dir: t.TempDir()}
	for _, name := range others {
		c.DeleteOrg(c.AddOrg(name))
	}
	c.acme = c.AddOrg("acme")
	c.admin, c.bob, c.left = c.AddUser("admin"), c.AddUser("bob"), c.AddUser("left")
	for _, user := range []string{c.admin, c.bob, c.left} {
		c.AddMember(c.acme, user)
	}
	rights := influxtest.AuditorPermissions(c.acme)
	if mode != influxtest.OSS {
		rights = influxtest.AllAccess(c.acme, c.admin)
	}
	_, token := c.AddAuthorization(influxtest.Authorization{OrgID: c.acme, UserID: c.admin, Description: "audit", Permissions: rights})
	c.AddAuthorization(influxtest.Authorization{OrgID: c.acme, UserID: c.bob, Description: "sensor", Permissions: influxtest.WriteBuckets(c.acme)})
	c.hidden, _ = c.AddAuthorization(influxtest.Authorization{OrgID: c.acme, UserID: c.left, Description: "laptop", Permissions: influxtest.WriteBuckets(c.acme)})
	if err := os.WriteFile(filepath.Join(c.dir, "token"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(c)
	t.Cleanup(web.Close)
	c.targets = fmt.Sprintf("  - {name: prod, url: %q, org: acme, token: {file: ./token}}\n", web.URL)
	c.jobs = "  - {name: weekly, schedule: \"@weekly\"}\n"
	return c
}

// tool runs a command with the configuration.
func (c *clinic) tool(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	config := filepath.Join(c.dir, "c.yaml")
	text := "store: sqlite:./data/ledger.db\nevidence: ./evidence\ntargets:\n" + c.targets + "jobs:\n" + c.jobs + c.more
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	code = run(t.Context(), append(args, "-c", config), &said, &said)
	return code, said.String()
}

// files are those that a command could leave, with what is in them.
func (c *clinic) files(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "c.yaml" {
			return err
		}
		content, err := os.ReadFile(path)
		out[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// verdictOf finds the verdict in what a review printed.
func verdictOf(said string) audit.Verdict {
	if found := regexp.MustCompile(`: coverage (\w+)`).FindStringSubmatch(said); found != nil {
		return audit.Verdict(found[1])
	}
	return ""
}

// TestDoctorSaysWhatTheReviewWillSay: before each review doctor exits as the review does,
// and leaves everything as it was.
func TestDoctorSaysWhatTheReviewWillSay(t *testing.T) {
	t.Parallel()
	type step struct {
		name   string
		change func(*testing.T, *clinic)
		want   audit.Verdict
		says   string // by doctor
	}
	tests := []struct {
		name  string
		mode  influxtest.Mode
		steps []step
	}{
		{"one org", influxtest.OSS, []step{
			{"all is seen", nil, audit.Complete, "coverage +complete"},
			{"a user who is known leaves", func(_ *testing.T, c *clinic) { c.DeleteUser(c.left) }, audit.Complete, "coverage +complete"},
			{"the job has another name", func(_ *testing.T, c *clinic) { c.jobs = strings.Replace(c.jobs, "weekly", "monthly", 1) }, audit.Complete, "coverage +complete"},
			{"the credential sees less", func(t *testing.T, c *clinic) {
				_, token := c.AddAuthorization(influxtest.Authorization{OrgID: c.acme, UserID: c.admin, Permissions: influxtest.AllAccess(c.acme, c.admin)})
				if err := os.WriteFile(filepath.Join(c.dir, "token"), []byte(token), 0o600); err != nil {
					t.Fatal(err)
				}
			}, audit.Partial, `credential-sees-all[^→]*\n  BAD  stored-listed[^→]*→ Fix credential-sees-all first\.`},
		}},
		{"a hidden token that nobody knows", influxtest.OSS, []step{
			{"first", func(_ *testing.T, c *clinic) { c.DeleteUser(c.left) }, audit.Partial, "stored-listed"},
			{"second", nil, audit.Partial, "stored-listed"},
			{"accepted", func(_ *testing.T, c *clinic) {
				c.more = fmt.Sprintf("accepted_gaps:\n  - {target: prod, gap: stored-listed, reason: known, requested_by: alice, approved_by: bob, expires: %s}\n", time.Now().AddDate(0, 0, 30).Format(time.DateOnly))
			}, audit.Complete, "coverage +complete, with 1 accepted gap until"},
			{"revoked", func(_ *testing.T, c *clinic) { c.DeleteAuthorization(c.hidden) }, audit.Complete, "coverage +complete"},
		}},
		{"one org of two", influxtest.OSS, []step{
			{"first", func(_ *testing.T, c *clinic) {
				globex := c.AddOrg("globex")
				c.AddAuthorization(influxtest.Authorization{OrgID: globex, UserID: c.admin, Permissions: influxtest.ReadBuckets(globex)})
			}, audit.Partial, "BAD +instance-seen"},
			{"accepted", func(_ *testing.T, c *clinic) {
				c.more = fmt.Sprintf("accepted_gaps:\n  - {target: prod, gap: instance-seen, reason: known, requested_by: alice, approved_by: bob, expires: %s}\n", time.Now().AddDate(0, 0, 30).Format(time.DateOnly))
			}, audit.Complete, "coverage +complete, with 1 accepted gap until"},
		}},
		{"a target that is taken out", influxtest.OSS, []step{
			{"two", func(t *testing.T, c *clinic) {
				other := newClinic(t, influxtest.OSS, "globex")
				c.targets += strings.NewReplacer("prod", "gone", "./token", filepath.Join(other.dir, "token")).Replace(other.targets)
			}, audit.Complete, ""},
			{"one", func(_ *testing.T, c *clinic) { c.targets = strings.SplitAfter(c.targets, "\n")[0] }, audit.Partial, "job weekly\n +BAD +targets-configured"},
		}},
		{"cloud", influxtest.CloudServerless, []step{{"first", nil, audit.Partial, "BAD"}}},
		{"nothing is let in", influxtest.OSS, []step{
			{"first", func(t *testing.T, c *clinic) {
				if err := os.WriteFile(filepath.Join(c.dir, "token"), []byte("canary-token-other"), 0o600); err != nil {
					t.Fatal(err)
				}
			}, audit.NotKnown, "credential-active"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newClinic(t, test.mode)
			for _, s := range test.steps {
				if s.change != nil {
					s.change(t, c)
				}
				before := c.files(t)
				code, out := c.tool(t, "doctor")
				if diff := cmp.Diff(before, c.files(t)); diff != "" {
					t.Fatalf("%s: doctor left (-before +after)\n%s", s.name, diff)
				}
				wantCode, said := c.tool(t, "run", "--now")
				verdict := verdictOf(said)
				if code != wantCode || (verdict == audit.Complete) != (code == exitDone) || s.want != "" && verdict != s.want {
					t.Errorf("%s: doctor exits %d, the review %d with %s, want %s\n%s\n%s", s.name, code, wantCode, verdict, s.want, out, said)
				}
				if !regexp.MustCompile(s.says).MatchString(out) {
					t.Errorf("%s: want %q in\n%s", s.name, s.says, out)
				}
			}
		})
	}
}

// TestDoctorOldKey: what goes on working is no fault.
func TestDoctorOldKey(t *testing.T) {
	t.Parallel()
	c := newClinic(t, influxtest.OSS)
	c.jobs = "  - {name: weekly, schedule: \"@weekly\", slack: {channel: C0123456789, token: {env: NO_SUCH}, owners: {bob: U0000000001}}}\n"
	_, out := c.tool(t, "doctor")
	if !regexp.MustCompile(`(?m)^  note old key +job "weekly": slack.owners is an old key`).MatchString(out) || !strings.Contains(out, "To fix: 1 line marked BAD.") {
		t.Errorf("want a note, and that the token of Slack cannot be read as the only fault:\n%s", out)
	}
}

// TestDoctorOfFailingServer: a server that answers 500 to everything is one thing to mend,
// before the first review and after it, and no credential is called accepted.
func TestDoctorOfFailingServer(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"no review before", "after a review"} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			c := newClinic(t, influxtest.OSS)
			if first == "after a review" {
				if code, out := c.tool(t, "run", "--now"); code != exitDone {
					t.Fatalf("exit %d\n%s", code, out)
				}
			}
			c.Fault = func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusInternalServerError)
				io.WriteString(w, `{"code":"internal error","message":"internal error"}`)
				return true
			}
			code, out := c.tool(t, "doctor")
			flat := strings.Join(strings.Fields(out), " ")
			for _, not := range []string{"accepted", "Allow", "proxy", "user by user", "stored record"} {
				if strings.Contains(flat, not) {
					t.Errorf("says %q", not)
				}
			}
			for _, want := range []string{"BAD server answers with nothing but errors of its own", "BAD list-whole", "the server answers 500 to every request: GET /api/v2/me: 500 internal error → Look at the log", "To fix: 3 lines marked BAD."} {
				if !strings.Contains(flat, want) {
					t.Errorf("lacks %q", want)
				}
			}
			if t.Failed() || code != exitIncomplete {
				t.Errorf("exit %d\n%s", code, out)
			}
		})
	}
}

// TestDoctorOfWritingCredential: a credential that can do more than read is no fault of the
// review, and is said with what to do.
func TestDoctorOfWritingCredential(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		permissions func(c *clinic) []influxtest.Permission
		says        bool
	}{
		{"reads", func(c *clinic) []influxtest.Permission { return influxtest.AuditorPermissions(c.acme) }, false},
		{"writes too", func(c *clinic) []influxtest.Permission {
			return append(influxtest.AuditorPermissions(c.acme), influxtest.WriteBuckets(c.acme)...)
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newClinic(t, influxtest.OSS)
			auditor := c.AddUser("auditor")
			c.AddMember(c.acme, auditor)
			_, token := c.AddAuthorization(influxtest.Authorization{OrgID: c.acme, UserID: auditor, Permissions: test.permissions(c)})
			if err := os.WriteFile(filepath.Join(c.dir, "token"), []byte(token), 0o600); err != nil {
				t.Fatal(err)
			}
			code, out := c.tool(t, "doctor")
			flat := strings.Join(strings.Fields(out), " ")
			said := regexp.MustCompile(`note credential [0-9a-f]{16} can write, and a review needs to read only \[auditor-can-write\] → Create a credential with influx auth create --read-authorizations --read-users`).MatchString(flat)
			if said != test.says || code != exitDone {
				t.Errorf("exit %d, said %t\n%s", code, said, out)
			}
		})
	}
}

// TestDoctorLimits: what no review of a product can show is one line, however many targets.
func TestDoctorLimits(t *testing.T) {
	t.Parallel()
	o := office{t, t.TempDir()}
	var targets string
	for _, name := range []string{"edge", "plant"} {
		db, operator := influxdb3test.New(influxdb3test.Core, "3.8.4")
		web := httptest.NewServer(db)
		t.Cleanup(web.Close)
		o.write(name, operator)
		targets += fmt.Sprintf("  - {name: %s, kind: core, url: %q, token: {file: %s}}\n", name, web.URL, name)
	}
	o.write("tokenaudit.yaml", "store: sqlite:./t.db\nevidence: ./evidence\ntargets:\n"+targets+"jobs: [{name: weekly, schedule: \"0 9 * * 1\", reports: [csv]}]\n")
	_, out, _ := o.run("doctor")
	if strings.Count(out, "recovery-endpoint") != 1 || strings.Contains(out, "anyone who reaches the recovery endpoint") || !strings.Contains(out, "every-token-is-admin, operator-token") {
		t.Error(out)
	}
}
