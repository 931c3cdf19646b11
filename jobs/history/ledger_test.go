package history

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func open(t *testing.T) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "sub", "ledger?#%.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func weekly(weeks int) audit.Run {
	slot := monday.AddDate(0, 0, 7*weeks)
	return audit.Run{Job: "weekly", Slot: slot, Trigger: audit.Scheduled, Missed: weeks, Started: slot.Add(time.Second)}
}

func (l *Ledger) mustBegin(t *testing.T, run audit.Run, targets ...string) {
	t.Helper()
	if opened, err := l.Begin(t.Context(), run, targets); err != nil || !opened {
		t.Fatalf("Begin(%s) = %t, %v", run.ID(), opened, err)
	}
}

func (l *Ledger) mustFinish(t *testing.T, run audit.Run, total int) {
	t.Helper()
	s := audit.Summary{ID: run.ID(), Job: run.Job, Slot: run.Slot, Coverage: audit.TotalCoverage{Verdict: audit.Complete}}
	s.Findings.BySeverity = map[audit.Severity]int{audit.High: total}
	o := audit.Conclusion{Run: run, Summary: s, Pack: audit.Link{Sequence: 3, Manifest: "abc"}, Parts: []audit.Part{{Outlet: "slack", Name: "summary"}, {Outlet: "slack", Name: "owner:a"}}}
	if err := l.Finish(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func TestBeginOnce(t *testing.T) {
	l, run := open(t), weekly(0)
	l.mustBegin(t, run, "prod")
	for name, again := range map[string]audit.Run{"the same slot": run, "another slot while one runs": weekly(1)} {
		if opened, err := l.Begin(t.Context(), again, nil); opened || err != nil {
			t.Errorf("%s: opened %t, error %v", name, opened, err)
		}
	}
	other := run
	other.Job = "daily"
	l.mustBegin(t, other)
	l.mustFinish(t, run, 1)
	if opened, err := l.Begin(t.Context(), run, nil); opened || err != nil {
		t.Errorf("a finished slot: opened %t, error %v", opened, err)
	}
	l.mustBegin(t, weekly(1))
}

func TestReached(t *testing.T) {
	l := open(t)
	check := func(want time.Time) {
		t.Helper()
		got, err := l.Reached(t.Context(), "weekly", "0 9 * * 1 UTC", monday.AddDate(0, 0, 99))
		if err != nil || !got.Equal(want) {
			t.Errorf("Reached = %s, %v; want %s", got, err, want)
		}
	}
	first := monday.AddDate(0, 0, -3)
	if got, err := l.Reached(t.Context(), "weekly", "0 9 * * 1 UTC", first); err != nil || !got.Equal(first) {
		t.Fatalf("Reached = %s, %v", got, err)
	}
	if err := l.Reach(t.Context(), "weekly", monday); err != nil {
		t.Fatal(err)
	}
	check(first) // no run has that slot
	l.mustBegin(t, weekly(0))
	l.Reach(t.Context(), "weekly", monday)
	check(monday)
	l.Reach(t.Context(), "weekly", first)
	check(monday) // never backwards
	if got, err := l.Reached(t.Context(), "weekly", "@hourly UTC", first); err != nil || !got.Equal(first) {
		t.Errorf("another schedule: Reached = %s, %v; want %s", got, err, first)
	}
}

func TestRunItemsAndOutbox(t *testing.T) {
	l, run := open(t), weekly(2)
	l.mustBegin(t, run, "zulu", "alpha")
	got, found, err := l.Running(t.Context(), "weekly")
	if diff := cmp.Diff(run, got); diff != "" || !found || err != nil {
		t.Errorf("Running: found %t, error %v, (-want +got):\n%s", found, err, diff)
	}
	item := audit.Item{Coverage: audit.NewCoverage("alpha"), Counts: audit.NewCounts()}
	item.Counts.Authorizations.Total, item.Coverage.Source = 7, "here"
	if err := l.SaveItem(t.Context(), run, item); err != nil {
		t.Fatal(err)
	}
	if pending, err := l.Pending(t.Context(), run); err != nil || len(pending) != 1 || pending[0] != "zulu" {
		t.Errorf("Pending = %q, %v", pending, err)
	}
	if items, err := l.Items(t.Context(), run); err != nil || cmp.Diff([]audit.Item{item}, items) != "" {
		t.Errorf("Items = %+v, %v", items, err)
	}
	if bases, err := l.Baselines(t.Context(), weekly(3), "alpha"); err != nil || len(bases) != 1 || !bases[0].Run.Slot.Equal(run.Slot) || bases[0].Source != "here" {
		t.Errorf("Baselines = %+v, %v", bases, err)
	}
	if bases, err := l.Baselines(t.Context(), weekly(3), "zulu"); err != nil || len(bases) != 0 {
		t.Errorf("a target that is not done is a baseline: %v, %v", bases, err)
	}
	l.mustFinish(t, run, 5)
	if _, found, err := l.Running(t.Context(), "weekly"); found || err != nil {
		t.Errorf("still running: %t, %v", found, err)
	}
	if p, err := l.Previous(t.Context(), weekly(3)); err != nil || p == nil || p.BySeverity[audit.High] != 5 {
		t.Errorf("Previous = %+v, %v", p, err)
	}
	if trend, err := l.Trend(t.Context(), weekly(3)); err != nil || len(trend) != 1 || trend[0].Run != run.ID() {
		t.Errorf("Trend = %+v, %v", trend, err)
	}
	if head, err := l.Head(t.Context(), weekly(3)); err != nil || head == nil || *head != (audit.Link{Sequence: 3, Run: run.ID(), Manifest: "abc"}) {
		t.Errorf("Head = %+v, %v", head, err)
	}
	if head, err := l.Head(t.Context(), run); err != nil || head != nil {
		t.Errorf("a run is its own head: %+v, %v", head, err)
	}
	if p, err := l.Previous(t.Context(), run); err != nil || p != nil {
		t.Errorf("a run is its own previous one: %+v, %v", p, err)
	}
	parts, err := l.Unsent(t.Context(), "weekly")
	if err != nil || len(parts) != 2 || parts[0].State != audit.PartNew || cmp.Diff(run, parts[0].Run) != "" {
		t.Fatalf("Unsent = %+v, %v", parts, err)
	}
	parts[0].State, parts[0].Ref, parts[0].Since = audit.PartSent, "C1/1.2", monday
	if err := l.SavePart(t.Context(), "me", parts[0]); err == nil {
		t.Error("a part was saved by a process that does not hold the job")
	}
	if held, err := l.Hold(t.Context(), "weekly", "me", monday, monday.Add(time.Minute)); err != nil || !held {
		t.Fatalf("Hold = %t, %v", held, err)
	}
	if err := l.SavePart(t.Context(), "me", parts[0]); err != nil {
		t.Fatal(err)
	}
	if parts, err := l.Unsent(t.Context(), "weekly"); err != nil || len(parts) != 1 || parts[0].Root != "C1/1.2" || parts[0].Position != 1 {
		t.Errorf("Unsent = %+v, %v", parts, err)
	}
}

func TestHold(t *testing.T) {
	l := open(t)
	for _, step := range []struct {
		name, holder string
		after        time.Duration
		want         bool
	}{
		{"free", "a", 0, true}, {"held by another", "b", 30 * time.Second, false}, {"held by itself", "a", 40 * time.Second, true},
		{"renewed", "b", 70 * time.Second, false}, {"run out", "b", 101 * time.Second, true}, {"taken over", "a", 102 * time.Second, false},
	} {
		now := monday.Add(step.after)
		if got, err := l.Hold(t.Context(), "weekly", step.holder, now, now.Add(time.Minute)); err != nil || got != step.want {
			t.Errorf("%s: %t, %v; want %t", step.name, got, err, step.want)
		}
	}
	l.Release(t.Context(), "weekly", "a") // not the holder
	if got, _ := l.Hold(t.Context(), "weekly", "a", monday, monday); got {
		t.Error("released by somebody else")
	}
	l.Release(t.Context(), "weekly", "b")
	if got, _ := l.Hold(t.Context(), "weekly", "a", monday, monday); !got {
		t.Error("not released")
	}
}

func TestOpen(t *testing.T) {
	if _, err := Open(t.Context(), "mysql://x"); err == nil || !strings.Contains(err.Error(), "sqlite:PATH") {
		t.Errorf("error %v", err)
	}
	path := filepath.Join(t.TempDir(), "garbage.db")
	os.WriteFile(path, []byte(strings.Repeat("not a database", 100)), 0o600)
	if _, err := Open(t.Context(), "sqlite:"+path); err == nil {
		t.Error("opened a file that is no database")
	}
	path = filepath.Join(t.TempDir(), "new", "ledger.db")
	for range 2 { // made, then found again
		l, err := Open(t.Context(), "sqlite:"+path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), "sqlite:"+path); !errors.Is(err, ErrBusy) {
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
