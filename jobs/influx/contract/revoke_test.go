package contract

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/influx/influxtest/conformance"
	reports "tokenaudit/report/campaign"
)

// revocation is a server whose tokens a campaign decided on, and the script for them.
type revocation struct {
	*reviewer
	org, owner string
	leaver     string // owns the orphan
	ids        map[string]string
	script     string
}

var tokens = [...]string{"orphan", "old", "changed", "inactive", "gone", "narrow", "kept"}

// hostile would do harm in a shell if it were more than text.
const hostile = "'; touch pwned; $(touch pwned) `touch pwned`\n touch pwned # \u202e"

func newRevocation(t *testing.T) *revocation {
	t.Helper()
	for _, program := range []string{"sh", "curl", "jq", "sha256sum"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(program + " is not installed")
		}
	}
	w := conformance.Empty(influxDB(t, false))
	v := &revocation{ids: map[string]string{}, org: w.AddOrg("acme"), owner: w.AddUser("o'neil"), leaver: w.AddUser("carol")}
	w.AddMember(v.org, v.owner)
	_, w.Tokens["operator"] = w.AddAuthorization(influxtest.Authorization{OrgID: v.org, UserID: w.AddUser("admin"), Permissions: influxtest.Operator()})
	for _, name := range tokens {
		owner := v.owner
		if name == "orphan" {
			owner = v.leaver
		}
		permissions := append(influxtest.WriteBuckets(v.org), influxtest.ReadBuckets(v.org)...)
		v.ids[name], w.Tokens[name] = w.AddAuthorization(influxtest.Authorization{OrgID: v.org, UserID: owner, Status: influxtest.Active, Description: name + " of söhne " + hostile, Permissions: permissions})
		w.IDs[name] = v.ids[name]
	}
	v.reviewer = newReviewer(t, w, "operator", "")
	s, err := v.runner.ReviewNow(t.Context(), v.job)
	if err != nil {
		t.Fatal(err)
	}
	v.now = v.now.Add(time.Hour)
	terms := campaign.Terms{Name: "quarterly", Job: "weekly", Zone: "UTC", Scope: campaign.ScopeAll, Due: 14 * 24 * time.Hour, DefaultWithin: 30 * 24 * time.Hour, Reviewer: "ben@example.com", Manager: "cleo@example.com"}
	c, items, err := campaign.Open(terms, v.now, audit.Scheduled, audit.Link{Run: s.ID}, v.runner.Rows(t.Context(), *s), campaign.People{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	book := &campaign.Book{Campaign: c, Items: items}
	kinds := map[string]campaign.Kind{v.ids["kept"]: campaign.Keep, v.ids["narrow"]: campaign.Modify}
	for _, it := range items {
		kind, decided := kinds[it.Authorization]
		if !decided {
			kind = campaign.Revoke
		}
		if it.User == "admin" {
			continue
		}
		book.Decisions = append(book.Decisions, campaign.Decision{At: v.now, By: "ben@example.com", Signed: true, Item: it.ID, Decision: kind, Justification: hostile, UntilOrScope: hostile, Ticket: hostile, Fingerprint: it.Fingerprint})
	}
	text, err := reports.Script(book, map[string]string{"prod": v.url + "/"})
	if err != nil {
		t.Fatal(err)
	}
	v.script = filepath.Join(t.TempDir(), reports.ScriptFile)
	if err := os.WriteFile(v.script, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return v
}

// run runs the script, and names the tokens in what it says.
func (v *revocation) run(t *testing.T, shell, token, path string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), shell, append([]string{v.script}, args...)...)
	cmd.Dir = filepath.Dir(v.script)
	cmd.Env = []string{"PATH=" + path + os.Getenv("PATH"), "INFLUX_TOKEN=" + v.Tokens[token], "NO_PROXY=*"}
	out, err := cmd.CombinedOutput()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	}
	said := string(out)
	for _, value := range v.Tokens {
		if strings.Contains(said, value) {
			t.Errorf("it prints the value of a token:\n%s", said)
		}
	}
	for name, id := range v.ids {
		said = strings.ReplaceAll(said, id, name)
	}
	if _, err := os.Stat(filepath.Join(cmd.Dir, "pwned")); err == nil {
		t.Error("text from outside was run")
	}
	return said, cmd.ProcessState.ExitCode()
}

// left are the tokens that the server still has, with their status.
func (v *revocation) left(t *testing.T) string {
	t.Helper()
	var left []string
	rows := v.review(t).Rows
	for _, name := range tokens {
		if p := rows[name].Presence; p == audit.Listed || p == audit.Hidden {
			left = append(left, name)
		}
	}
	return strings.Join(left, " ")
}

// meanwhile lets tokens change after the decision.
func (v *revocation) meanwhile() {
	v.SetStatus(v.ids["inactive"], influxtest.Inactive)
	v.DeleteUser(v.leaver)
	v.DeleteAuthorization(v.ids["gone"])
	v.DeleteAuthorization(v.ids["changed"]) // and comes again with other permissions, under its ID
	v.AddAuthorization(influxtest.Authorization{ID: v.ids["changed"], OrgID: v.org, UserID: v.owner, Status: influxtest.Active, Permissions: influxtest.ReadBuckets(v.org)})
}

func TestRevokeScript(t *testing.T) {
	const (
		all  = "orphan old changed inactive narrow kept"
		dry  = "would    prod orphan: DELETE URL/api/v2/authorizations/orphan; its user or org was deleted|would    prod old: influx auth delete --host URL --id old|would    prod inactive: influx auth delete|gone     prod gone|REFUSED  prod changed: it is not as it was decided on"
		done = "done     prod orphan: delete|done     prod old: delete|done     prod inactive: delete|gone     prod gone|REFUSED  prod changed"
	)
	for name, c := range map[string]struct {
		shell, token string
		args         []string
		want, left   string
		code         int
	}{
		"dry by default":          {"sh", "operator", nil, dry, all, 1},
		"dry in bash":             {"bash", "operator", nil, dry, all, 1},
		"done":                    {"sh", "operator", []string{"--yes"}, done, "changed narrow kept", 1},
		"done in bash":            {"bash", "operator", []string{"--yes"}, done, "changed narrow kept", 1},
		"set inactive":            {"sh", "operator", []string{"--yes", "--inactive"}, "FAILED   prod orphan: its user or org was deleted, so it cannot be set inactive|done     prod old: inactive|done     prod inactive: it is inactive|REFUSED  prod changed", all, 1},
		"only one":                {"sh", "operator", []string{"--yes", "OLD"}, "done     prod old: delete", "orphan changed inactive narrow kept", 0},
		"another target":          {"sh", "operator", []string{"--yes", "test"}, "nothing to revoke", all, 2},
		"a credential that reads": {"sh", "old", []string{"--yes"}, "FAILED   prod ", all, 1},
		"a token of nobody":       {"sh", "unknown", []string{"--yes"}, "FAILED   prod old: the server answered 401", all, 1},
		"an option that is none":  {"sh", "operator", []string{"--force"}, "unknown option --force", all, 2},
	} {
		t.Run(name, func(t *testing.T) {
			v := newRevocation(t)
			v.meanwhile()
			args := append([]string{}, c.args...)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "OLD", v.ids["old"])
			}
			out, code := v.run(t, c.shell, c.token, "", args...)
			out = strings.ReplaceAll(out, v.url, "URL")
			for want := range strings.SplitSeq(c.want, "|") {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q", want)
				}
			}
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if left := v.left(t); left != c.left {
				t.Errorf("left are %s, want %s", left, c.left)
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// TestRevokeWithCLI calls the influx CLI where there is one, and shows nothing of what that
// prints: the value of the token is in it.
func TestRevokeWithCLI(t *testing.T) {
	v := newRevocation(t)
	bin := t.TempDir()
	cli := `#!/bin/sh
printf '%s\n' "$INFLUX_TOKEN $*" >>"` + bin + `/called"
printf 'ID Token\n%s\n' "` + v.Tokens["old"] + `"
curl -s -X DELETE -H "Authorization: Token $INFLUX_TOKEN" "$4/api/v2/authorizations/$6"
`
	if err := os.WriteFile(filepath.Join(bin, "influx"), []byte(cli), 0o700); err != nil {
		t.Fatal(err)
	}
	v.DeleteUser(v.leaver)
	out, code := v.run(t, "sh", "operator", bin+":", "--yes", v.ids["old"], v.ids["orphan"])
	if code != 0 || !strings.Contains(out, "done     prod old: delete") || !strings.Contains(out, "done     prod orphan: delete") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	called, err := os.ReadFile(filepath.Join(bin, "called"))
	if err != nil || string(called) != v.Tokens["operator"]+" auth delete --host "+v.url+" --id "+v.ids["old"]+"\n" {
		t.Errorf("it called %q (%v)", called, err)
	}
}
