package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
)

// TestDoctorLooksAtTheStore: it changes nothing, whoever is at work, and names what is
// damaged.
func TestDoctorLooksAtTheStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	file := &configs.File{Store: ledger.AtPath(path)}
	l, err := ledger.Open(t.Context(), file.Store, secret.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	run := audit.Run{Job: "weekly", Slot: november, Trigger: audit.Manual, Started: november}
	if _, err := l.Begin(t.Context(), run, []string{"prod"}); err != nil {
		t.Fatal(err)
	}
	if held, err := l.Acquire(t.Context(), "weekly", "serve", november, november.AddDate(1, 0, 0)); err != nil || !held {
		t.Fatal(held, err)
	}
	if d := examineStore(t.Context(), file); !d.OK || d.Result != "SQLite, runs: 1" {
		t.Errorf("while serve is at work: %+v", d)
	}
	if held, err := l.Acquire(t.Context(), "weekly", "another", november, november.AddDate(1, 0, 0)); err != nil || held {
		t.Errorf("the lease was taken away: %t, %v", held, err)
	}
	if err := l.Finish(t.Context(), audit.Conclusion{Run: run, Summary: audit.Summary{ID: run.ID()}}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `UPDATE run SET summary = '{'`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := examineStore(t.Context(), file); d.OK || !strings.Contains(d.Result, run.ID()) || !strings.Contains(d.Fix, "backup") {
		t.Errorf("damaged: %+v", d)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the doctor changed the store: %v", err)
	}
}

// TestDoctorOnFiles: what to do about a store or a folder fits the cause.
func TestDoctorOnFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("no ledger\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if d := examineStore(t.Context(), &configs.File{Store: ledger.AtPath(text)}); d.OK || !strings.Contains(d.Fix, "is not a ledger: set store to another file") {
		t.Errorf("a text: %+v", d)
	}
	if d := examineStore(t.Context(), &configs.File{Store: ledger.AtPath(filepath.Join(text, "ledger.db"))}); d.OK || !strings.Contains(d.Fix, "notes.txt is a file: set a folder") {
		t.Errorf("below a file: %+v", d)
	}
	if d := examineFolder(filepath.Join(text, "evidence")); d.OK || !strings.Contains(d.Fix, "notes.txt is a file: set a folder") {
		t.Errorf("below a file: %+v", d)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
}
