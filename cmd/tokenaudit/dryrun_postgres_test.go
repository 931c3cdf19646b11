//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/ledger/ledgertest"
)

// TestDryRunOnPostgres makes no tables, writes no row and takes no lease.
func TestDryRunOnPostgres(t *testing.T) {
	t.Parallel()
	p, dir := ledgertest.New(t), t.TempDir()
	config, store := filepath.Join(dir, "tokenaudit.yaml"), p.Database(t)
	configOnPostgres(t, config, p.Password)(store)
	says := func(want string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		if code := run(t.Context(), append(args, "-c", config), &out, &out); code != exitDone && code != exitIncomplete || !strings.Contains(out.String(), want) {
			t.Fatalf("%v: exit code %d, without %q\n%s", args, code, want, &out)
		}
	}
	says("This is the first review", "run", "--dry-run")
	if _, err := ledger.OpenReader(t.Context(), store, p.Password); err == nil || !strings.Contains(err.Error(), ledger.ErrNone.Error()) {
		t.Errorf("the store after a dry run: %v", err)
	}
	says("evidence/weekly", "run", "--now")
	l, err := ledger.Open(t.Context(), store, p.Password)
	must(t, err)
	defer l.Close()
	now, err := l.Now(t.Context())
	must(t, err)
	if leased, err := l.Acquire(t.Context(), "weekly", "another process", now, now.Add(time.Hour)); !leased || err != nil {
		t.Fatal(leased, err)
	}
	says("Compared with weekly/", "run", "--dry-run")
	r, err := ledger.OpenReader(t.Context(), store, p.Password)
	must(t, err)
	defer r.Close()
	if all, err := r.List(t.Context(), "", 0); err != nil || len(all) != 1 {
		t.Errorf("%d runs, %v", len(all), err)
	}
	if packs, err := os.ReadDir(filepath.Join(dir, "evidence", "weekly")); err != nil || len(packs) != 2 { // one, and the chain
		t.Errorf("%v, %v", packs, err)
	}
}
