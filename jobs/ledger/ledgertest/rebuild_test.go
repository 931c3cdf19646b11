//go:build unix

package ledgertest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
)

// rebuild: what makes the new ledger decides what is in it, all or nothing, and nobody
// is at work meanwhile.
func rebuild(t *testing.T, s store) {
	ctx := t.Context()
	if packs, err := ledger.OldPacks(ctx, s.url, s.password); err != nil || len(packs) > 0 {
		t.Errorf("packs of no ledger: %v, %v", packs, err)
	}
	l := s.open(t)
	mustBegin(t, l, weekly(0), "prod")
	if err := l.SaveItem(ctx, weekly(0), audit.Item{Coverage: audit.Coverage{Target: "prod", Sources: []string{"server/a"}}}); err != nil {
		t.Fatal(err)
	}
	mustFinish(t, l, weekly(0), 1)
	mustBegin(t, l, weekly(1), "prod")
	if err := l.Announce(ctx, []audit.CampaignDelivery{told("open", "ben@example.com")}); err != nil {
		t.Fatal(err)
	}
	if err := l.Retire(ctx, audit.Retirement{Source: "server/b", Reason: "gone", At: monday}); err != nil {
		t.Fatal(err)
	}
	if ok, err := l.Acquire(ctx, "weekly", "another", time.Now(), time.Now().Add(time.Hour)); err != nil || !ok {
		t.Fatal(ok, err)
	}
	remake := func(check, fill error) (old []audit.Pack, aside string, err error) {
		aside, err = ledger.Rebuild(ctx, s.url, s.password, monday, ledger.Rebuilding{
			Check: func(packs []audit.Pack, unreadable error) error {
				old = packs
				return errors.Join(check, unreadable)
			},
			Fill: func(l *ledger.Ledger) error {
				mustBegin(t, l, weekly(2), "prod")
				if err := l.SaveItem(ctx, weekly(2), audit.Item{Coverage: audit.Coverage{Target: "prod", Sources: []string{"server/a"}}}); err != nil {
					t.Error(err)
				}
				summary := audit.Summary{ID: weekly(2).ID(), Coverage: audit.TotalCoverage{Verdict: audit.Complete}}
				if err := l.Finish(ctx, audit.Conclusion{Run: weekly(2), Summary: summary, Pack: audit.Link{Sequence: 7, Manifest: "def"}}); err != nil {
					t.Error(err)
				}
				if _, err := l.Reached(ctx, "weekly", "0 9 * * 1 UTC", weekly(2).Slot); err != nil {
					t.Error(err)
				}
				said := told("3d", "ben@example.com")
				said.State = audit.DeliverySent
				if err := l.Announce(ctx, []audit.CampaignDelivery{said}); err != nil {
					t.Error(err)
				}
				return fill
			},
		})
		return old, aside, err
	}
	if _, _, err := remake(nil, nil); err == nil || !strings.Contains(err.Error(), "another tokenaudit works on") {
		t.Errorf("while another is at work: %v", err)
	}
	l.Release(ctx, "weekly", "another")
	l.Close()

	no := errors.New("no")
	for name, errs := range map[string][2]error{"check": {no, nil}, "fill": {nil, no}} {
		if _, _, err := remake(errs[0], errs[1]); !errors.Is(err, no) {
			t.Errorf("%s: error %v", name, err)
		}
		l = s.open(t)
		if unsent, err := l.Unsent(ctx, "weekly"); err != nil || len(unsent) != 2 {
			t.Errorf("%s: %d unsent, %v", name, len(unsent), err)
		}
		l.Close()
	}
	old, aside, err := remake(nil, nil)
	if err != nil || len(old) != 2 || !old[0].Running || old[1].Run != weekly(0) || old[1].Link.Sequence != 3 {
		t.Errorf("old packs %+v, %v", old, err)
	}
	l = s.open(t)
	if unsent, err := l.Unsent(ctx, "weekly"); err != nil || len(unsent) != 0 {
		t.Errorf("unsent %+v, %v", unsent, err)
	}
	if unsaid, err := l.Unsaid(ctx, "weekly"); err != nil || len(unsaid) != 0 {
		t.Errorf("unsaid %+v, %v", unsaid, err)
	}
	if head, err := l.Head(ctx, weekly(3)); err != nil || head == nil || *head != (audit.Link{Sequence: 7, Run: weekly(2).ID(), Manifest: "def"}) {
		t.Errorf("head %+v, %v", head, err)
	}
	other := weekly(3)
	other.Job = "another"
	if bases, err := l.Baselines(ctx, other, "x", []string{"server/a"}); err != nil || len(bases) != 1 || bases[0].Run != weekly(2) {
		t.Errorf("baselines %+v, %v", bases, err)
	}
	if retired, err := l.Retired(ctx); err != nil || retired["server/b"].Reason != "gone" {
		t.Errorf("retired %v, %v", retired, err)
	}
	if status, err := l.Status(ctx, "weekly"); err != nil || !status.Reached.Equal(weekly(2).Slot) || status.Running != nil || status.Deliveries[audit.DeliverySent] != 1 {
		t.Errorf("status %+v, %v", status, err)
	}
	path, isFile := ledger.StorePath(s.url)
	if !isFile {
		return
	}
	// The old file is kept as it was, and can be looked at.
	if aside != path+".20261123T090000.000Z" {
		t.Errorf("aside %s", aside)
	}
	if packs, err := ledger.OldPacks(ctx, ledger.AtPath(aside), s.password); err != nil || len(packs) != 2 {
		t.Errorf("packs aside %v, %v", packs, err)
	}
	filepath.WalkDir(filepath.Dir(path), func(p string, d fs.DirEntry, _ error) error {
		if info, err := d.Info(); err == nil && info.Mode().Perm()&0o077 != 0 || strings.Contains(p, ".rebuild") {
			t.Errorf("%s has mode %s, %v", p, d.Type(), err)
		}
		return nil
	})
}

// TestRebuildUnreadable: a file that is no database is moved aside, too.
func TestRebuildUnreadable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	for _, name := range []string{path, path + "-wal", path + ".rebuild", path + ".rebuild-wal"} { // the last two of a killed one
		if err := os.WriteFile(name, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := error(nil)
	aside, err := ledger.Rebuild(t.Context(), ledger.AtPath(path), store{}.password, monday, ledger.Rebuilding{
		Check: func(_ []audit.Pack, unreadable error) error { said = unreadable; return nil },
		Fill:  func(*ledger.Ledger) error { return nil },
	})
	if err != nil || said == nil {
		t.Fatalf("%v; said %v", err, said)
	}
	for _, name := range []string{aside, aside + "-wal"} {
		if text, err := os.ReadFile(name); err != nil || !strings.HasPrefix(string(text), "no database") {
			t.Errorf("%s: %v", name, err)
		}
	}
	store{url: ledger.AtPath(path)}.open(t)
}

// TestDeletedWAL: what is known of reviews that ended is in the file itself when the
// process is killed, and not in the one beside it.
func TestDeletedWAL(t *testing.T) {
	t.Parallel()
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "ledger.db")
	l := store{url: ledger.AtPath(path)}.open(t)
	if ok, err := l.Acquire(ctx, "weekly", "me", monday, monday.Add(time.Hour)); err != nil || !ok {
		t.Fatal(ok, err)
	}
	mustBegin(t, l, weekly(0))
	mustFinish(t, l, weekly(0), 1)
	if err := l.Release(ctx, "weekly", "me"); err != nil {
		t.Fatal(err)
	}
	mustBegin(t, l, weekly(1))     // is cut off
	text, err := os.ReadFile(path) // what is left without the file beside it
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(t.TempDir(), "left.db")
	if err := os.WriteFile(left, text, 0o600); err != nil {
		t.Fatal(err)
	}
	packs, err := ledger.OldPacks(ctx, ledger.AtPath(left), store{}.password)
	if err != nil || len(packs) != 1 || packs[0].Run != weekly(0) || packs[0].Running {
		t.Errorf("packs %+v, %v", packs, err)
	}
}

// pass: a slot can be dealt with though there is no run of it.
func pass(t *testing.T, s store) {
	l := s.open(t)
	if _, err := l.Reached(t.Context(), "weekly", "0 9 * * 1 UTC", monday); err != nil {
		t.Fatal(err)
	}
	for _, slot := range []time.Time{weekly(1).Slot, weekly(0).Slot} { // never backwards
		if err := l.Pass(t.Context(), "weekly", slot); err != nil {
			t.Fatal(err)
		}
	}
	if at, err := l.Reached(t.Context(), "weekly", "0 9 * * 1 UTC", monday); err != nil || !at.Equal(weekly(1).Slot) {
		t.Errorf("reached %s, %v", at, err)
	}
}
