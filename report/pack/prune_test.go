package pack

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPrune(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 8, nil)
	third := manifestIn(t, w.folder(3)).Slot
	for _, test := range []struct {
		before time.Time
		gone   int
		first  int
	}{
		{third.AddDate(-1, 0, 0), 0, 1},
		{third, 2, 3},
		{third, 0, 3},
		{third.AddDate(1, 0, 0), 1, 4}, // the newest five stay, however old
	} {
		gone, err := Prune(t.Context(), w.dir, test.before)
		must(t, err)
		if len(gone) != test.gone {
			t.Errorf("before %s: %v gone, want %d", test.before, gone, test.gone)
		}
		if _, err := os.Stat(filepath.Join(w.folder(test.first), manifestFile)); err != nil {
			t.Error(err)
		}
		if v := w.verify(Options{}); !v.OK() {
			t.Errorf("before %s: %s", test.before, problems(v.Problems))
		}
	}
}

// TestPruneTouchesNoDamagedChain: where a manifest cannot be read nothing is taken away.
func TestPruneTouchesNoDamagedChain(t *testing.T) {
	t.Parallel()
	w := newWeeks(t, 8, nil)
	path := filepath.Join(w.folder(2), manifestFile)
	must(t, os.WriteFile(path, []byte("{}"), 0o600))
	if gone, err := Prune(t.Context(), w.dir, time.Now().AddDate(100, 0, 0)); err == nil || len(gone) > 0 {
		t.Errorf("%v gone, error %v", gone, err)
	}
	if _, err := os.Stat(w.folder(1)); err != nil {
		t.Error(err)
	}
}
