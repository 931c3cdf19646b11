package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/influxdb1/influxdb1test"
)

// v1Site is a real InfluxDB 1.x and the folder of a tokenaudit that reviews it.
type v1Site struct {
	*influxdb1test.Server
	dir string
}

// tokenaudit runs the binary, and holds what it says to the password.
func (s v1Site) tokenaudit(t *testing.T, code int, args ...string) string {
	t.Helper()
	cmd := exec.Command("tokenaudit", args...)
	cmd.Dir = s.dir
	said, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		t.Fatalf("tokenaudit %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	if hasCanary(said) {
		t.Errorf("tokenaudit %s says the password:\n%s", strings.Join(args, " "), said)
	}
	return string(said)
}

// findings are those of the newest review that concern what is there, by what they are about.
func (s v1Site) findings(t *testing.T) map[string]string {
	t.Helper()
	packs, err := filepath.Glob(filepath.Join(s.dir, "evidence", "weekly", "*", "findings.csv"))
	must(t, err)
	newest := slices.MaxFunc(packs, func(a, b string) int { // of one minute the first has no seconds in its name
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	file, err := os.Open(newest)
	must(t, err)
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	must(t, err)
	column := func(name string) int { return slices.Index(rows[0], name) }
	found := map[string][]string{}
	for _, row := range rows[1:] {
		about := row[column("authorization_id")]
		found[about] = append(found[about], fmt.Sprintf("%s %s %s", row[column("severity")], row[column("check")], row[column("state")]))
	}
	out := map[string]string{}
	for about, list := range found {
		slices.Sort(list)
		out[about] = strings.Join(list, ", ")
	}
	return out
}

// TestReviewsOfInfluxDB1 runs the binary on a real InfluxDB 1.x: three reviews, between
// which users are created, granted, revoked and dropped, and authentication is switched off.
func TestReviewsOfInfluxDB1(t *testing.T) {
	t.Parallel()
	s := v1Site{influxdb1test.Start(t, influxdb1test.Options{}), t.TempDir()}
	must(t, os.WriteFile(filepath.Join(s.dir, "password"), []byte(s.Password), 0o600))
	config := fmt.Sprintf(`store: sqlite:./data/ledger.db
evidence: ./evidence
targets:
  - {name: plant, kind: v1, url: %q, username: %s, password: {file: ./password}, canary: same}
jobs:
  - {name: weekly, schedule: "@weekly", reports: [csv, xlsx, html, ocsf]}
`, s.URL, influxdb1test.Admin)
	must(t, os.WriteFile(filepath.Join(s.dir, "c.yaml"), []byte(config), 0o600))
	s.Run(t, `CREATE DATABASE db`,
		`CREATE USER granted WITH PASSWORD 'x'`,
		`CREATE USER revoked WITH PASSWORD 'x'`, `GRANT WRITE ON db TO revoked`,
		`CREATE USER dropped WITH PASSWORD 'x'`, `GRANT ALL ON db TO dropped`,
		`CREATE USER chief WITH PASSWORD 'x' WITH ALL PRIVILEGES`,
		`CREATE USER deputy WITH PASSWORD 'x' WITH ALL PRIVILEGES`,
		`CREATE USER same WITH PASSWORD 'x'`, `GRANT WRITE ON db TO same`)
	expect := func(review string, want map[string]string) {
		t.Helper()
		if diff := gocmp.Diff(want, s.findings(t)); diff != "" {
			t.Errorf("%s review:\n%s", review, diff)
		}
	}

	if said := s.tokenaudit(t, exitDone, "doctor", "-c", "c.yaml"); !strings.Contains(said, "InfluxDB OSS 1.") || strings.Contains(said, "BAD") {
		t.Errorf("doctor:\n%s", said)
	}
	said := s.tokenaudit(t, exitDone, "run", "--now", "-c", "c.yaml")
	if !strings.Contains(said, "coverage complete") || !strings.Contains(said, "7 tokens") {
		t.Errorf("the first review:\n%s", said)
	}
	expect("first", map[string]string{
		"user/auditor":    "info active-write new",
		"user/chief":      "critical operator new, info active-write new",
		"user/deputy":     "critical operator new, info active-write new",
		"user/revoked":    "info active-write new",
		"user/dropped":    "info active-write new",
		"user/same":       "info active-write new",
		"over-max-admins": "high too-many-admins new",
	})

	s.Run(t, `GRANT ALL ON db TO granted`, `REVOKE ALL ON db FROM revoked`, `DROP USER dropped`, `REVOKE ALL PRIVILEGES FROM chief`, `CREATE USER made WITH PASSWORD 'x' WITH ALL PRIVILEGES`)
	s.tokenaudit(t, exitDone, "run", "--now", "-c", "c.yaml")
	expect("second", map[string]string{
		"user/auditor":    "info active-write open",
		"user/chief":      "critical operator resolved, info active-write resolved",
		"user/deputy":     "critical operator open, info active-write open",
		"user/revoked":    "info active-write resolved",
		"user/dropped":    "info active-write resolved",
		"user/granted":    "info active-write new",
		"user/made":       "critical operator new, info active-write new",
		"user/same":       "info active-write open",
		"over-max-admins": "high too-many-admins open",
	})
	if said := s.tokenaudit(t, exitDone, "tokens", "show", "user/dropped", "-c", "c.yaml"); !strings.Contains(said, "gone") {
		t.Errorf("the user that was dropped:\n%s", said)
	}

	s.Run(t, `DROP USER made`, `CREATE USER dropped WITH PASSWORD 'y'`, `GRANT WRITE ON db TO dropped`)
	s.Restart(t, influxdb1test.Options{NoAuth: true})
	said = s.tokenaudit(t, exitFindings, "run", "--now", "-c", "c.yaml", "--fail-on", "critical")
	if !strings.Contains(said, "coverage complete") || !strings.Contains(said, "auth-off") {
		t.Errorf("the third review:\n%s", said)
	}
	expect("third", map[string]string{
		"server":          "critical auth-off new",
		"user/auditor":    "info active-write open",
		"user/deputy":     "critical operator open, info active-write open",
		"user/dropped":    "info active-write new",
		"user/granted":    "info active-write open",
		"user/made":       "critical operator resolved, info active-write resolved",
		"user/same":       "info active-write open",
		"over-max-admins": "high too-many-admins resolved",
	})
	s.tokenaudit(t, exitDone, "verify", "evidence/weekly")
	must(t, filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "password" {
			return err
		}
		found, err := holdsCanary(path)
		if found {
			t.Errorf("the password is in %s", path)
		}
		return err
	}))
}
