package configs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
	"tokenaudit/notify/slack"
)

const minimal = `
targets:
  - name: prod
    url: https://influx.example.com
    token: {env: TOKEN}
`

func load(t *testing.T, source string) *File {
	t.Helper()
	file, _, problems := parse([]byte(source))
	if err := failure("config.yaml", problems); err != nil {
		t.Fatal(err)
	}
	return file
}

// anyPath compares files wherever they were read from.
var anyPath = cmpopts.IgnoreUnexported(File{})

func TestDefaults(t *testing.T) {
	want := &File{
		Store:    "sqlite:./data/tokenaudit.db",
		Evidence: "./data/evidence",
		Parallel: 8, ParallelPerHost: 4,
		Targets:      []target.Config{{Name: "prod", URL: "https://influx.example.com", Token: secret.Ref{Env: "TOKEN"}}},
		Policy:       Policy{RotateAfter: setting.Limit(90 * setting.Day), InactiveAfter: setting.Limit(30 * setting.Day), MaxAdmins: 2, MaxException: setting.Duration(180 * setting.Day)},
		RosterMaxAge: setting.Duration(31 * setting.Day),
		Jobs: []Job{{
			Name: "weekly", Schedule: "@weekly", Timezone: "UTC", Reports: []string{"xlsx", "csv"},
			CatchUp: setting.Duration(6 * setting.Day), DeliverWithin: setting.Duration(6 * setting.Day), Deadline: setting.Duration(time.Hour), Keep: setting.Limit(400 * setting.Day),
		}},
	}
	got := load(t, minimal+"policy: {}\njobs: [{name: weekly, schedule: '@weekly'}]\n")
	if diff := cmp.Diff(want, got, anyPath); diff != "" {
		t.Error(diff)
	}
}

func TestEveryValue(t *testing.T) {
	got := load(t, minimal+`
    org: acme
    ca_file: ca.pem
    users: [{name: iot}, {id: 0772396d1f411000, token: {exec: [vault, "a b"]}}]
policy:
  service_users: [telegraf-writer]
  rotate_after: off
  inactive_after: off
  max_admins: 3
  severity: {no-description: off, operator: low}
jobs:
  - name: weekly
    schedule: 0 9 * * 1
    timezone: Europe/Berlin
    targets: [prod]
    reports: [csv]
    slack: {channel: C1, token: {file: slack}, api_url: https://proxy.example.com/}
    ping: {exec: [vault, read, ping]}
    catch_up: 2d
    jitter: 5m
    deadline: 1h30m
`)
	want := &File{
		Store:    "sqlite:./data/tokenaudit.db",
		Evidence: "./data/evidence",
		Parallel: 8, ParallelPerHost: 4,
		Targets: []target.Config{{
			Name: "prod", URL: "https://influx.example.com", Token: secret.Ref{Env: "TOKEN"}, Org: "acme", CAFile: "ca.pem",
			Users: []target.User{{Name: "iot"}, {ID: "0772396d1f411000", Token: secret.Command("vault", "a b")}},
		}},
		Policy: Policy{
			ServiceUsers: []string{"telegraf-writer"}, MaxAdmins: 3, MaxException: setting.Duration(180 * setting.Day),
			Severity: map[string]audit.Severity{"no-description": audit.Off, "operator": audit.Low},
		},
		RosterMaxAge: setting.Duration(31 * setting.Day),
		Jobs: []Job{{
			Name: "weekly", Schedule: "0 9 * * 1", Timezone: "Europe/Berlin", Targets: []string{"prod"}, Reports: []string{"csv"},
			Slack:   &slack.Config{Channel: "C1", Token: secret.Ref{File: "slack"}, APIURL: "https://proxy.example.com/"},
			Ping:    secret.Command("vault", "read", "ping"),
			CatchUp: setting.Duration(2 * setting.Day), DeliverWithin: setting.Duration(6 * setting.Day), Jitter: setting.Duration(5 * time.Minute), Deadline: setting.Duration(90 * time.Minute), Keep: setting.Limit(400 * setting.Day),
		}},
	}
	if diff := cmp.Diff(want, got, anyPath); diff != "" {
		t.Error(diff)
	}
}

// TestTextStaysAsWritten has what YAML takes for numbers, dates or truth values.
func TestTextStaysAsWritten(t *testing.T) {
	for written, want := range map[string]string{
		"0772396d1f411000": "0772396d1f411000", "0772396111411000": "0772396111411000", "1e10000000000000": "1e10000000000000",
		"1234567890123456": "1234567890123456", "0x12": "0x12", "0o17": "0o17", "0b11": "0b11", "1_000": "1_000", "+5": "+5",
		"1.50": "1.50", ".inf": ".inf", ".NaN": ".NaN", "true": "true", "off": "off", "NO": "NO", "2024-01-02": "2024-01-02",
		`"null"`: "null", "'it''s'": "it's", "a b # c": "a b", "|\n    two\n    lines": "two\nlines\n",
	} {
		t.Run(written, func(t *testing.T) {
			got := load(t, minimal+"policy:\n  service_users:\n  - "+written+"\n").Policy.ServiceUsers
			if len(got) != 1 || got[0] != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

func TestLayouts(t *testing.T) {
	want := load(t, minimal)
	for name, source := range map[string]string{
		"Windows line ends":   strings.ReplaceAll(minimal, "\n", "\r\n"),
		"byte order mark":     "\ufeff" + strings.TrimPrefix(minimal, "\n"),
		"start mark":          "# comment\n---" + minimal,
		"flow":                "{targets: [{name: prod, url: 'https://influx.example.com', token: {env: TOKEN}}]}",
		"no final line break": strings.TrimSuffix(minimal, "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, load(t, source), anyPath); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRelativePaths(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "config.yaml")
	source := minimal + `
    ca_file: ca.pem
    users: [{name: iot, token: {file: ../iot}}]
  - {name: plant, url: "http://localhost:8086", token: {file: /run/secrets/plant}}
evidence: /var/evidence
jobs:
  - {name: a, schedule: "@weekly", slack: {channel: C1, token: {file: slack}}}
  - {name: b, schedule: "@weekly", slack: {webhook: {file: hook}}, ping: {file: ping}}
`
	for name, text := range map[string]string{path: source, filepath.Join(folder, "ca.pem"): certificate(t)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{
		"store": file.Store, "evidence": file.Evidence, "ca_file": string(file.Targets[0].CAFile), "no ca_file": string(file.Targets[1].CAFile),
		"env": file.Targets[0].Token.File, "user": file.Targets[0].Users[0].Token.File, "absolute": file.Targets[1].Token.File,
		"slack": file.Jobs[0].Slack.Token.File, "webhook": file.Jobs[1].Slack.Webhook.File,
		"ping": file.Jobs[1].Ping.File,
	}
	want := map[string]string{
		"store": "sqlite:" + filepath.Join(folder, "data/tokenaudit.db"), "evidence": "/var/evidence",
		"ca_file": filepath.Join(folder, "ca.pem"), "no ca_file": "", "env": "",
		"user": filepath.Join(filepath.Dir(folder), "iot"), "absolute": "/run/secrets/plant",
		"slack": filepath.Join(folder, "slack"), "webhook": filepath.Join(folder, "hook"),
		"ping": filepath.Join(folder, "ping"),
	}
	if diff := cmp.Diff(want, got, anyPath); diff != "" {
		t.Error(diff)
	}
}

func TestPostgresStoreIsNoPath(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "config.yaml")
	const store = "postgres://tokenaudit@db.example.com:5432/tokenaudit?sslmode=verify-full"
	source := minimal + "store: " + store + "\nstore_password: {file: db-password}\nevidence_shared: on\n"
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(folder, "db-password"); file.Store != store || file.StorePassword.File != want {
		t.Errorf("store %s with the password in %s; want %s", file.Store, file.StorePassword.File, want)
	}
}

func TestEnvironmentIsNotInterpolated(t *testing.T) {
	t.Setenv("ORG", "acme")
	if got := load(t, minimal+"    org: $ORG-${ORG}\n").Targets[0].Org; got != "$ORG-${ORG}" {
		t.Errorf("org %q", got)
	}
}

func TestExampleLoads(t *testing.T) {
	file := load(t, string(Example()))
	if len(file.Targets) < 2 || len(file.Jobs) == 0 || file.Jobs[0].Slack == nil {
		t.Errorf("the example shows too little: %+v", file)
	}
	if want := load(t, minimal); file.Store != want.Store || file.Evidence != want.Evidence ||
		file.Policy.RotateAfter != want.Policy.RotateAfter || file.Policy.InactiveAfter != want.Policy.InactiveAfter {
		t.Error("the example does not show the defaults")
	}
}

func TestMissingFile(t *testing.T) {
	if _, err := Load("nowhere.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
}

func TestPolicyAudit(t *testing.T) {
	severity := map[string]audit.Severity{"operator": audit.Low}
	file := File{
		Policy:       Policy{ServiceUsers: []string{"telegraf"}, RotateAfter: setting.Limit(setting.Day), InactiveAfter: setting.Limit(time.Hour), MaxAdmins: 3, Severity: severity},
		Exceptions:   []Exception{{Target: "prod", Authorization: "11ADECE381A52001", Check: "all", Expires: Date{time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)}}},
		AcceptedGaps: []AcceptedGap{{Target: "prod", Gap: "instance-seen", Reason: "r", RequestedBy: "alice", ApprovedBy: "bob", Ticket: "SEC-1", Expires: Date{time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)}}},
	}
	got := file.Audit()
	want := audit.Policy{
		ServiceUsers: []string{"telegraf"}, RotateAfter: setting.Day, InactiveAfter: time.Hour, MaxAdmins: 3, Severity: severity,
		FixWithin:    map[audit.Severity]time.Duration{audit.Critical: 3 * setting.Day, audit.High: 14 * setting.Day},
		Exceptions:   []audit.Exception{{Target: "prod", Authorization: "11adece381a52001", Check: "all", Expires: time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC)}},
		AcceptedGaps: []audit.AcceptedGap{{Target: "prod", Gap: "instance-seen", Reason: "r", RequestedBy: "alice", ApprovedBy: "bob", Ticket: "SEC-1", Expires: time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC)}},
	}
	if diff := cmp.Diff(want, got, anyPath); diff != "" {
		t.Error(diff)
	}
}
