package pack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
)

func unlocked(context.Context, string) (time.Time, error) { return time.Time{}, nil }

// TestPruneUnderPartialCoverage: a pack goes once a complete one is newer, whatever the
// newest review saw; until then it stays, and Prune says why.
func TestPruneUnderPartialCoverage(t *testing.T) {
	t.Parallel()
	const c, p, u = audit.Complete, audit.Partial, audit.NotKnown
	later := time.Now().AddDate(0, 1, 0)
	for _, tc := range []struct {
		name   string
		packs  []audit.Verdict
		locked int // from which pack on, 0 for none
		gone   int
		words  string
	}{
		{"all complete", []audit.Verdict{c, c, c, c, c, c, c, c}, 0, 3, ""},
		{"the last ones partial", []audit.Verdict{c, c, c, c, p, p, u, p}, 0, 3, ""},
		{"one complete among the older ones", []audit.Verdict{p, c, p, p, p, p, p, p}, 0, 1, "2 packs older than keep not removed: no complete review since weekly/2026-07-06T0700Z"},
		{"never complete", []audit.Verdict{p, p, p, p, p, u, p, p}, 0, 0, "3 packs older than keep not removed: no review was complete yet"},
		{"the first one complete", []audit.Verdict{c, p, p, p, p, p}, 0, 0, "1 pack older than keep not removed: no complete review since weekly/2026-06-29T0700Z"},
		{"no more than are kept", []audit.Verdict{p, p, p, p, p}, 0, 0, ""},
		{"all locked", []audit.Verdict{c, c, c, c, c, c, c}, 1, 0, "2 packs older than keep not removed: the oldest is locked until " + later.UTC().Format(time.DateOnly)},
		{"the second one locked", []audit.Verdict{c, c, c, c, c, c, c}, 2, 1, "1 pack older than keep not removed: the oldest is locked until " + later.UTC().Format(time.DateOnly)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWeeks(t, 0, nil)
			for i, verdict := range tc.packs {
				w.seal(audit.Run{Job: "weekly", Slot: firstSlot.AddDate(0, 0, 7*i), Trigger: audit.Scheduled}, verdict)
			}
			asked := 0
			locked := func(context.Context, string) (time.Time, error) {
				if asked++; tc.locked > 0 && asked >= tc.locked {
					return later, nil
				}
				return time.Now().AddDate(0, -1, 0), nil
			}
			done, err := Prune(t.Context(), w.dir, firstSlot.AddDate(10, 0, 0), locked)
			must(t, err)
			if len(done.Runs) != tc.gone || done.Words() != tc.words {
				t.Errorf("%d gone, want %d; %q, want %q", len(done.Runs), tc.gone, done.Words(), tc.words)
			}
			left, err := filepath.Glob(filepath.Join(w.dir, "*", manifestFile))
			must(t, err)
			if len(left) != len(tc.packs)-tc.gone {
				t.Errorf("%d packs left", len(left))
			}
			v := w.verify(Options{})
			if said := strings.Contains(fmt.Sprint(v.Remarks), "retention removed"); !v.OK() || said != (tc.gone > 0) {
				t.Errorf("%s, remarks %v", problems(v.Problems), v.Remarks)
			}
		})
	}
}

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
		done, err := Prune(t.Context(), w.dir, test.before, unlocked)
		must(t, err)
		if len(done.Runs) != test.gone || done.Words() != "" {
			t.Errorf("before %s: %v gone, want %d; %s", test.before, done.Runs, test.gone, done.Words())
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
	if done, err := Prune(t.Context(), w.dir, time.Now().AddDate(100, 0, 0), unlocked); err == nil || len(done.Runs) > 0 {
		t.Errorf("%v gone, error %v", done.Runs, err)
	}
	if _, err := os.Stat(w.folder(1)); err != nil {
		t.Error(err)
	}
}
