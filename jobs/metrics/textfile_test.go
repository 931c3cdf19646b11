//go:build unix

package metrics_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tokenaudit/jobs/metrics"
)

// TestTextfile: others can read it, whatever the umask; what a killed process left
// is written over, and a link in its place is not followed.
func TestTextfile(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	dir := t.TempDir()
	path, draft, elsewhere := filepath.Join(dir, "tokenaudit.prom"), filepath.Join(dir, ".tokenaudit.prom.draft"), filepath.Join(dir, "elsewhere")
	if err := errors.Join(os.WriteFile(elsewhere, []byte("precious"), 0o600), os.Symlink(elsewhere, draft)); err != nil {
		t.Fatal(err)
	}
	if err := metrics.WriteTextfile(path, registry(t, newCollector(t, &ledger{}, 0))); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v, %v; want a file of 0644", info.Mode(), err)
	}
	if text, err := os.ReadFile(elsewhere); err != nil || string(text) != "precious" {
		t.Errorf("the link was followed: %q, %v", text, err)
	}
	if _, err := os.Lstat(draft); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the draft stays: %v", err)
	}
}

// TestTextfileOfBrokenLedger: the file of before stays, so that its age tells.
func TestTextfileOfBrokenLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenaudit.prom")
	if err := os.WriteFile(path, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := metrics.WriteTextfile(path, registry(t, newCollector(t, &ledger{err: errors.New("disk full")}, 0)))
	if text, _ := os.ReadFile(path); err == nil || string(text) != "before" {
		t.Errorf("error %v, file %q", err, text)
	}
}

func TestTextfileWithoutFolder(t *testing.T) {
	err := metrics.WriteTextfile(filepath.Join(t.TempDir(), "none", "a.prom"), registry(t, newCollector(t, &ledger{}, 0)))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
