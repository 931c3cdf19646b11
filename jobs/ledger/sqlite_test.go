package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
)

func TestOpen(t *testing.T) {
	if _, err := Open(t.Context(), "mysql://x", secret.Ref{}); err == nil || !strings.Contains(err.Error(), "sqlite:PATH") {
		t.Errorf("error %v", err)
	}
	path := filepath.Join(t.TempDir(), "garbage.db")
	os.WriteFile(path, []byte(strings.Repeat("not a database", 100)), 0o600)
	if _, err := Open(t.Context(), "sqlite:"+path, secret.Ref{}); err == nil {
		t.Error("opened a file that is no database")
	}
	path = filepath.Join(t.TempDir(), "new", "ledger.db")
	for range 2 { // made, then found again
		l, err := Open(t.Context(), "sqlite:"+path, secret.Ref{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), "sqlite:"+path, secret.Ref{}); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "need store: postgres://") {
			t.Errorf("a second one at the same time: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	filepath.WalkDir(filepath.Dir(path), func(p string, d fs.DirEntry, _ error) error {
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %o", p, info.Mode().Perm())
		}
		return nil
	})
}

// TestFileIsNotUnreachable: a file that cannot be opened is no server that is away, for
// which serve would wait without an end.
func TestFileIsNotUnreachable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o600)
	if _, err := Open(t.Context(), AtPath(filepath.Join(file, "ledger.db")), secret.Ref{}); err == nil || Unreachable(err) {
		t.Errorf("%v passes by itself: %t", err, Unreachable(err))
	}
}

// TestReaderReadsAnew: what another process finishes while a ledger is open to be read is
// read, and not what was there before.
func TestReaderReadsAnew(t *testing.T) {
	t.Parallel()
	store := AtPath(filepath.Join(t.TempDir(), "ledger.db"))
	slot := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	work := func(runs int) {
		t.Helper()
		l, err := Open(t.Context(), store, secret.Ref{})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for range runs {
			slot = slot.Add(time.Minute)
			run := audit.Run{Job: "weekly", Slot: slot, Trigger: audit.Manual, Started: slot}
			if opened, err := l.Begin(t.Context(), run, []string{"prod"}); err != nil || !opened {
				t.Fatal(opened, err)
			}
			if err := l.Finish(t.Context(), audit.Conclusion{Run: run, Summary: audit.Summary{Tool: audit.Tool{Name: strings.Repeat("x", 5000)}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	work(3)
	r, err := OpenReader(t.Context(), store, secret.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for want := 3; want < 40; want += 12 {
		if all, err := r.List(t.Context(), "weekly", 0); err != nil || len(all) != want {
			t.Fatalf("%d runs, %v; want %d", len(all), err, want)
		}
		work(12)
	}
}
