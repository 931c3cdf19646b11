package evidence

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWorkFolders: that of a killed process goes, that of a living one stays, and
// what is not known to be one stays, too.
func TestWorkFolders(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	killed, other := filepath.Join(dir, "tokenaudit-evidence-1"), filepath.Join(dir, "tokenaudit-evidence-2")
	for _, path := range []string{filepath.Join(killed, "weekly"), other} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(killed, workLock), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := newWorkFolder()
	if err != nil {
		t.Fatal(err)
	}
	second, err := newWorkFolder()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{killed: false, other: true, first.path: true, second.path: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", filepath.Base(path), err == nil, want)
		}
	}
	if err := errors.Join(first.remove(), second.remove()); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); strings.Join(left, " ") != other {
		t.Errorf("left %v", left)
	}
}
