//go:build unix

package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/ledger/ledgertest"
)

// configOnPostgres makes an InfluxDB, and writes a configuration of it with a store.
func configOnPostgres(t *testing.T, path string, password secret.Ref) (write func(store string)) {
	t.Helper()
	db := influxtest.NewDemo(time.Now())
	influx := httptest.NewServer(db.Server)
	t.Cleanup(influx.Close)
	must(t, os.WriteFile(filepath.Join(filepath.Dir(path), "influx-token"), []byte(db.Token), 0o600))
	return func(store string) {
		t.Helper()
		must(t, os.WriteFile(path, fmt.Appendf(nil, `store: %s
store_password: {file: %s}
evidence: ./evidence
evidence_shared: on
targets: [{name: prod, url: %q, org: %s, token: {file: influx-token}}]
jobs: [{name: weekly, schedule: "0 9 * * 1", reports: [csv]}]
`, store, password.File, influx.URL, db.Org), 0o600))
	}
}

// TestRebuildOnPostgres: a database that was lost, and one that was put back from a copy,
// are refused and made from the packs, and the chain goes on.
func TestRebuildOnPostgres(t *testing.T) {
	t.Parallel()
	p, dir := ledgertest.New(t), t.TempDir()
	config := filepath.Join(dir, "tokenaudit.yaml")
	on := configOnPostgres(t, config, p.Password)
	try := func(args ...string) (string, int) {
		var out bytes.Buffer
		code := run(t.Context(), append(args, "-c", config), &out, &out)
		return out.String(), code
	}
	says := func(want string, args ...string) {
		t.Helper()
		if out, code := try(args...); code != exitDone && code != exitIncomplete || !strings.Contains(out, want) {
			t.Fatalf("%v: exit code %d, without %q\n%s", args, code, want, out)
		}
	}
	refused := func(want string) {
		t.Helper()
		for _, args := range [][]string{{"run", "--now"}, {"serve"}} {
			if out, code := try(args...); code != exitFailed || !strings.Contains(out, want) {
				t.Errorf("%v: exit code %d, without %q\n%s", args, code, want, out)
			}
		}
	}
	first, second := p.Database(t), p.Database(t)
	on(first)
	says("evidence/weekly", "run", "--now")
	says("evidence/weekly", "run", "--now")
	on(second)
	refused("the ledger knows no review of the job")
	says("was rebuilt from 2 packs", "history", "rebuild")
	says("evidence/weekly", "run", "--now")
	on(first)
	refused("the ledger ends with pack 2")
	says("would be rebuilt from 3 packs", "history", "rebuild", "--dry-run")
	refused("the ledger ends with pack 2")
	says("was rebuilt from 3 packs", "history", "rebuild")
	says("evidence/weekly", "run", "--now")
	var out bytes.Buffer
	if code := run(t.Context(), []string{"verify", filepath.Join(dir, "evidence", "weekly")}, &out, &out); code != exitDone || !strings.Contains(out.String(), "the packs 1 to 4 follow") {
		t.Errorf("exit code %d\n%s", code, &out)
	}
	on(second)
	must(t, os.Rename(filepath.Join(dir, "evidence"), filepath.Join(dir, "elsewhere")))
	refused("the evidence lacks pack 3")
	if out, code := try("history", "rebuild"); code != exitFailed || !strings.Contains(out, "--forget-missing") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	says("because the evidence does not have it: pack 3", "history", "rebuild", "--forget-missing")
	says("evidence/weekly", "run", "--now")
}
