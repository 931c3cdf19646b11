package main

import (
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/dedicated/dedicatedtest"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/influxdb1/influxdb1test"
	"tokenaudit/jobs/influxdb3/influxdb3test"
	"tokenaudit/notify/notifytest"
)

// family is one configuration with a target of each product, and the servers behind it.
type family struct {
	office
	out        string // of all commands
	enterprise *influxdb3test.Server
	dedicated  *dedicatedtest.Server
	revoked    string // ID of a token on dedicated
	v1         *influxdb1test.Server
	slack      *notifytest.Slack
	secrets    []string // that no artefact may hold
}

func newFamily(t *testing.T) *family {
	t.Helper()
	f := &family{office: office{t, t.TempDir()}}
	now := time.Now().UTC().Truncate(time.Second)
	clock := func() time.Time { return now.AddDate(0, 0, -30) }
	var targets strings.Builder
	target := func(name, format string, args ...any) {
		fmt.Fprintf(&targets, "  - {name: %s, %s}\n", name, fmt.Sprintf(format, args...))
	}
	serve := func(h http.Handler) string {
		web := httptest.NewServer(h)
		t.Cleanup(web.Close)
		return web.URL
	}
	file := func(target, value string) string {
		f.write(target+"-token", value)
		f.secrets = append(f.secrets, value)
		return "{file: " + target + "-token}"
	}

	for _, p := range []struct {
		name, kind string
		mode       influxtest.Mode
	}{{"oss", "oss", influxtest.OSS}, {"serverless", "cloud-serverless", influxtest.CloudServerless}, {"tsm", "cloud-tsm", influxtest.CloudTSM}} {
		db := influxtest.New(p.mode)
		db.Now = clock
		org, user := db.AddOrg("acme"), db.AddUser("telegraf")
		db.AddMember(org, user)
		_, token := db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: user, Description: "audit", Permissions: influxtest.AuditorPermissions(org)})
		db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: user, Description: "line of " + p.name, Permissions: influxtest.WriteBuckets(org, db.AddBucket(org, "lines"))})
		at := file(p.name, token)
		target(p.name, "kind: %s, url: %q, org: acme, token: %s, users: [{name: telegraf, token: %s}]", p.kind, serve(db), at, at)
	}

	for _, build := range []influxdb3test.Build{influxdb3test.Core, influxdb3test.Enterprise} {
		name := strings.ToLower(string(build))
		db, operator := influxdb3test.New(build, "3.8.4")
		db.Now = clock
		db.AddDatabase("lines")
		line := influxdb3test.Token{Name: "line of " + name}
		if build == influxdb3test.Enterprise {
			f.enterprise = db
			line.Grants = []influxdb3test.Grant{influxdb3test.On("lines", "write")}
		}
		_, token := db.AddToken(influxdb3test.Token{Name: "audit", Expiry: now.AddDate(1, 0, 0)})
		_, value := db.AddToken(line)
		for _, text := range []string{operator, token, value} {
			sum := sha512.Sum512([]byte(text))
			f.secrets = append(f.secrets, text, hex.EncodeToString(sum[:])[:audit.MaxSecretSum+1])
		}
		target(name, "url: %q, token: %s", serve(db), file(name, token)) // found by asking
	}

	for _, name := range []string{"dedicated", "clustered"} {
		db, keys := dedicatedtest.NewClustered(), "kind: clustered"
		if name == "dedicated" {
			db = dedicatedtest.NewDedicated()
			f.dedicated, keys = db, fmt.Sprintf("kind: cloud-dedicated, account: %s, cluster: %s", db.Account, db.Cluster)
		}
		db.Now = clock
		db.AddDatabase("lines")
		canary, _ := db.Create("canary")
		id, value := db.Create("line of "+name, dedicatedtest.Permission{Action: "write", Resource: "lines"})
		if f.secrets = append(f.secrets, value); name == "dedicated" {
			f.revoked = id
		}
		target(name, "%s, url: %q, token: %s, canary: %s", keys, serve(db), file(name, db.Credential), canary)
	}

	f.v1 = influxdb1test.Start(t, influxdb1test.Options{})
	f.v1.Run(t, `CREATE DATABASE "lines"`, `CREATE USER "line of v1" WITH PASSWORD 'secret of a line'`, `GRANT WRITE ON "lines" TO "line of v1"`)
	basic := base64.StdEncoding.EncodeToString([]byte(influxdb1test.Admin + ":" + f.v1.Password))
	f.secrets = append(f.secrets, "secret of a line", basic)
	target("v1", "kind: v1, url: %q, username: %s, password: %s", f.v1.URL, influxdb1test.Admin, file("v1", f.v1.Password))

	f.slack = &notifytest.Slack{}
	slack := serve(f.slack)
	f.write("tokenaudit.yaml", fmt.Sprintf(`store: sqlite:./tokenaudit.db
evidence: ./evidence
policy: {service_users: [telegraf], rotate_after: 365d}
targets:
%sjobs:
  - name: weekly
    schedule: "0 9 1 1 *"
    reports: [xlsx, csv, html, ocsf]
    slack: {channel: C0123456789, token: %s, api_url: %s/api/}
campaigns: [{name: quarterly, job: weekly, reviewer: secops@example.com, manager: ciso@example.com, signers: ./signers}]
`, targets.String(), file("slack", "xoxb-canary"), slack))
	f.write("signers", "")
	return f
}

// must runs a command, and keeps what it says.
func (f *family) must(args ...string) {
	f.Helper()
	code, out, errs := f.run(args...)
	if f.out += out + errs; code != exitDone {
		f.Fatalf("%q: exit code %d\n%s%s", args, code, out, errs)
	}
}

// TestFamily: one configuration with targets of eight products and 1.x gives one report,
// one thread and one campaign, and what changes on each is found.
func TestFamily(t *testing.T) {
	f := newFamily(t)
	f.must("run", "--now")
	first := f.newest()
	verdicts := map[string]string{}
	for _, cov := range first.Coverage.Targets {
		verdicts[cov.Target] = fmt.Sprint(cov.Product.Name(), ", ", cov.Verdict)
		if cov.Verdict != audit.Complete {
			t.Logf("%s: %s", cov.Target, strings.Join(cov.Reasons, "; "))
		}
	}
	for target, want := range map[string]string{
		"oss": "InfluxDB OSS, complete", "serverless": "InfluxDB Cloud, complete", "tsm": "InfluxDB Cloud, complete",
		"core": "InfluxDB 3 Core, complete", "enterprise": "InfluxDB 3 Enterprise, complete",
		"dedicated": "InfluxDB Cloud Dedicated, complete", "clustered": "InfluxDB Clustered, complete", "v1": "InfluxDB 1.x, complete",
	} {
		if verdicts[target] != want {
			t.Errorf("target %s: %s, want %s", target, verdicts[target], want)
		}
	}

	_, operator := f.enterprise, f.enterprise.Regenerate()
	f.secrets = append(f.secrets, operator)
	f.dedicated.Revoke(f.revoked)
	f.v1.Run(t, `DROP USER "line of v1"`)
	f.must("run", "--now")
	second := f.newest()
	for check, want := range map[string]int{"active-write": first.Findings.ByCheck["active-write"] - 2, "secret-replaced": 1} {
		if got := second.Findings.ByCheck[check]; got != want {
			t.Errorf("%d findings of %s, want %d", got, check, want)
		}
	}

	roots := 0
	for _, m := range f.slack.Messages() {
		if m.Form["thread_ts"] == "" {
			roots++
		}
		f.out += m.Text + string(m.Blocks) + string(m.Metadata)
	}
	if roots != 2 {
		t.Errorf("%d threads of two reviews", roots)
	}

	f.must("campaign", "open")
	f.must("campaign", "export", "--format", "csv", "--folder", f.path("files"))
	for _, line := range []string{"line of oss", "line of serverless", "line of tsm", "line of core", "line of enterprise", "line of clustered"} {
		if rows := f.exported("secops", "csv"); !strings.Contains(rows, line) {
			t.Errorf("the campaign lacks %q", line)
		}
	}
	f.must("history", "diff")
	f.must("verify", f.path("evidence/weekly/"+second.Run().SlotName()))
	f.holdsNoSecret()
}

// newest is the summary of the newest review.
func (f *family) newest() (s audit.Summary) {
	f.Helper()
	packs, _ := filepath.Glob(f.path("evidence/weekly/*/summary.json"))
	for _, path := range packs {
		text, err := os.ReadFile(path)
		must(f, err)
		var of audit.Summary
		must(f, json.Unmarshal(text, &of))
		if of.Slot.After(s.Slot) {
			s = of
		}
	}
	return s
}

// holdsNoSecret looks into every file but those of the secrets, and what was said.
func (f *family) holdsNoSecret() {
	f.Helper()
	look := func(where, text string) {
		for _, secret := range f.secrets {
			if strings.Contains(text, secret) {
				f.Errorf("%s holds %q", where, secret)
			}
		}
	}
	look("the output", f.out)
	must(f, filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "-token") {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		from := io.Reader(file)
		if strings.HasSuffix(path, ".gz") {
			if from, err = gzip.NewReader(file); err != nil {
				return err
			}
		}
		text, err := io.ReadAll(from)
		look(path, string(text))
		return err
	}))
}
