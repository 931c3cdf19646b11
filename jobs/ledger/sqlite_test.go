package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tokenaudit/configs/secret"
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
