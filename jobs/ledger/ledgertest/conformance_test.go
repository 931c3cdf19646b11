//go:build unix

package ledgertest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
)

// conformance is what every store does alike. Each test has a store of its own.
var conformance = map[string]func(*testing.T, store){
	"begin once": beginOnce, "reached": reached, "held in the future": heldInTheFuture, "rewound": rewound, "run, items and outbox": runItemsAndOutbox, "hold": hold,
	"hostile text": hostileText, "one of many": oneOfMany, "read": read,
	"status": status, "status of nothing": statusOfNothing, "status of a dry run": statusOfDryRun,
	"newer": newer, "older": older, "rebuild": rebuild, "pass": pass, "damaged": damaged, "inspect": inspect,
	"campaign messages": campaignMessages, "newest review": newest, "lock of campaigns": lockCampaigns,
}

// TestSQLite runs the conformance suite on a file.
func TestSQLite(t *testing.T) {
	for name, test := range conformance {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, store{url: "sqlite:" + filepath.Join(t.TempDir(), "sub", "ledger?#%.db")})
		})
	}
}

// TestPostgres runs it, and what only a server does, on one server: each test on a
// database of its own, and those that stop the server after all others.
func TestPostgres(t *testing.T) {
	p := New(t)
	t.Run("running", func(t *testing.T) {
		for _, tests := range []map[string]func(*testing.T, store){conformance, {"several": several, "clock": clock, "examine": examine}} {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, store{p.Database(t), p.Password})
				})
			}
		}
	})
	t.Run("restarted", func(t *testing.T) { restart(t, p) })
	t.Run("unreachable", func(t *testing.T) { unreachable(t, p) })
}

type store struct {
	url      string
	password secret.Ref
}

func (s store) open(t *testing.T) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), s.url, s.password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func weekly(weeks int) audit.Run {
	slot := monday.AddDate(0, 0, 7*weeks)
	return audit.Run{Job: "weekly", Slot: slot, Trigger: audit.Scheduled, Missed: weeks, Started: slot.Add(time.Second)}
}

func mustBegin(t *testing.T, l *ledger.Ledger, run audit.Run, targets ...string) {
	t.Helper()
	if opened, err := l.Begin(t.Context(), run, targets); err != nil || !opened {
		t.Fatalf("Begin(%s) = %t, %v", run.ID(), opened, err)
	}
}

// finishedUnder is the policy of the runs that mustFinish finishes.
var finishedUnder = audit.Policy{ServiceUsers: []string{"telegraf"}}

func mustFinish(t *testing.T, l *ledger.Ledger, run audit.Run, total int) {
	t.Helper()
	s := audit.Summary{ID: run.ID(), Job: run.Job, Slot: run.Slot, Coverage: audit.TotalCoverage{Verdict: audit.Complete}, Policy: finishedUnder.Applied()}
	s.Findings.BySeverity = map[audit.Severity]int{audit.High: total}
	s.NeedsAction = audit.ActionCounts{Tokens: total, BySeverity: map[audit.Severity]int{audit.High: total}}
	o := audit.Conclusion{Run: run, Summary: s, Pack: audit.Link{Sequence: 3, Manifest: "abc"}, Deliveries: []audit.Delivery{{Notifier: "slack", Name: "summary"}, {Notifier: "slack", Name: "owner:a"}}}
	if err := l.Finish(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func beginOnce(t *testing.T, s store) {
	l, run := s.open(t), weekly(0)
	mustBegin(t, l, run, "prod")
	for name, again := range map[string]audit.Run{"the same slot": run, "another slot while one runs": weekly(1)} {
		if opened, err := l.Begin(t.Context(), again, nil); opened || err != nil {
			t.Errorf("%s: opened %t, error %v", name, opened, err)
		}
	}
	other := run
	other.Job = "daily"
	mustBegin(t, l, other)
	mustFinish(t, l, run, 1)
	if opened, err := l.Begin(t.Context(), run, nil); opened || err != nil {
		t.Errorf("a finished slot: opened %t, error %v", opened, err)
	}
	mustBegin(t, l, weekly(1))
}

func reached(t *testing.T, s store) {
	l := s.open(t)
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
	mustBegin(t, l, weekly(0))
	l.Reach(t.Context(), "weekly", monday)
	check(monday)
	l.Reach(t.Context(), "weekly", first)
	check(monday) // never backwards
	if got, err := l.Reached(t.Context(), "weekly", "@hourly UTC", first); err != nil || !got.Equal(first) {
		t.Errorf("another schedule: Reached = %s, %v; want %s", got, err, first)
	}
}

func runItemsAndOutbox(t *testing.T, s store) {
	l, run := s.open(t), weekly(2)
	mustBegin(t, l, run, "zulu", "alpha")
	got, found, err := l.Running(t.Context(), "weekly")
	if diff := cmp.Diff(run, got); diff != "" || !found || err != nil {
		t.Errorf("Running: found %t, error %v, (-want +got):\n%s", found, err, diff)
	}
	item := audit.Item{Coverage: audit.NewCoverage("alpha"), Counts: audit.NewCounts()}
	item.Counts.Authorizations.Total, item.Coverage.Sources = 7, []string{"server/a", "server/b"}
	item.Policy = "the hash of a policy"
	if err := l.SaveItem(t.Context(), run, item); err != nil {
		t.Fatal(err)
	}
	if pending, err := l.Pending(t.Context(), run); err != nil || len(pending) != 1 || pending[0] != "zulu" {
		t.Errorf("Pending = %q, %v", pending, err)
	}
	if items, err := l.Items(t.Context(), run); err != nil || cmp.Diff([]audit.Item{item}, items, cmpopts.EquateEmpty()) != "" {
		t.Errorf("Items = %+v, %v", items, err)
	}
	daily := weekly(3)
	daily.Job = "daily"
	for name, tc := range map[string]struct {
		run       audit.Run
		target    string
		sources   []string
		want, own int
	}{
		"its own":                      {weekly(3), "alpha", nil, 1, 1},
		"its own, by a source as well": {weekly(3), "alpha", []string{"server/a"}, 1, 1},
		"not done":                     {weekly(3), "zulu", nil, 0, 0},
		"another name of the target":   {weekly(3), "zulu", []string{"server/b"}, 1, 0},
		"another job, by both sources": {daily, "alpha", []string{"server/a", "server/b"}, 2, 0},
		"another job, another source":  {daily, "alpha", []string{"server/c"}, 0, 0},
		"the run itself":               {weekly(2), "zulu", []string{"server/a"}, 0, 0},
		"a run that began before it":   {weekly(1), "alpha", []string{"server/a"}, 0, 0},
	} {
		bases, err := l.Baselines(t.Context(), tc.run, tc.target, tc.sources)
		own := 0
		for _, b := range bases {
			if b.Own {
				own++
			}
			if !b.Run.Slot.Equal(run.Slot) || b.Coverage.Target != "alpha" || b.Policy != item.Policy {
				t.Errorf("%s: %+v", name, b)
			}
		}
		if err != nil || len(bases) != tc.want || own != tc.own {
			t.Errorf("%s: %d baselines, %d its own, %v; want %d, %d", name, len(bases), own, err, tc.want, tc.own)
		}
	}
	gone := audit.Retirement{Source: "server/a", Reason: "taken down", At: run.Started}
	if err := l.Retire(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if all, err := l.Retired(t.Context()); err != nil || cmp.Diff(map[string]audit.Retirement{"server/a": gone}, all) != "" {
		t.Errorf("Retired = %+v, %v", all, err)
	}
	gone.At = run.Started.Add(-time.Second) // and it answered after that
	if err := l.Retire(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if all, err := l.Retired(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("Retired = %+v, %v", all, err)
	}
	if p, err := l.PolicyOf(t.Context(), run); err != nil || len(p.Checks) > 0 {
		t.Errorf("a run without a summary has the policy %+v, %v", p, err)
	}
	mustFinish(t, l, run, 5)
	if p, err := l.PolicyOf(t.Context(), run); err != nil || p.SHA256 != finishedUnder.Applied().SHA256 {
		t.Errorf("PolicyOf = %+v, %v", p, err)
	}
	if _, found, err := l.Running(t.Context(), "weekly"); found || err != nil {
		t.Errorf("still running: %t, %v", found, err)
	}
	if p, err := l.Previous(t.Context(), weekly(3)); err != nil || p == nil || p.BySeverity[audit.High] != 5 || p.NeedsAction.Tokens != 5 || p.Exceptions != 0 || p.Policy.SHA256 != finishedUnder.Applied().SHA256 {
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
	if err != nil || len(parts) != 2 || parts[0].State != audit.DeliveryNew || cmp.Diff(run, parts[0].Run) != "" {
		t.Fatalf("Unsent = %+v, %v", parts, err)
	}
	parts[0].State, parts[0].Ref, parts[0].Since = audit.DeliverySent, "C1/1.2", monday
	if err := l.SaveDelivery(t.Context(), "me", parts[0]); err == nil {
		t.Error("a part was saved by a process that does not hold the job")
	}
	if held, err := l.Acquire(t.Context(), "weekly", "me", monday, monday.Add(time.Minute)); err != nil || !held {
		t.Fatalf("Hold = %t, %v", held, err)
	}
	if err := l.SaveDelivery(t.Context(), "me", parts[0]); err != nil {
		t.Fatal(err)
	}
	if parts, err := l.Unsent(t.Context(), "weekly"); err != nil || len(parts) != 1 || parts[0].Root != "C1/1.2" || parts[0].Position != 1 {
		t.Errorf("Unsent = %+v, %v", parts, err)
	}
}

func hold(t *testing.T, s store) {
	l := s.open(t)
	for _, step := range []struct {
		name, holder string
		after        time.Duration
		want         bool
	}{
		{"free", "a", 0, true}, {"held by another", "b", 30 * time.Second, false}, {"held by itself", "a", 40 * time.Second, true},
		{"renewed", "b", 70 * time.Second, false}, {"run out", "b", 101 * time.Second, true}, {"taken over", "a", 102 * time.Second, false},
	} {
		now := monday.Add(step.after)
		if got, err := l.Acquire(t.Context(), "weekly", step.holder, now, now.Add(time.Minute)); err != nil || got != step.want {
			t.Errorf("%s: %t, %v; want %t", step.name, got, err, step.want)
		}
	}
	l.Release(t.Context(), "weekly", "a") // not the holder
	later := monday.Add(103 * time.Second)
	if got, _ := l.Acquire(t.Context(), "weekly", "a", later, later.Add(time.Minute)); got {
		t.Error("released by somebody else")
	}
	l.Release(t.Context(), "weekly", "b")
	if got, _ := l.Acquire(t.Context(), "weekly", "a", later, later.Add(time.Minute)); !got {
		t.Error("not released")
	}
}

// heldInTheFuture: a lease of a clock that was ahead locks nobody out until that time.
func heldInTheFuture(t *testing.T, s store) {
	l := s.open(t)
	for _, step := range []struct {
		name, holder string
		at           time.Time
		want         bool
	}{
		{"a year ahead", "a", monday.AddDate(1, 0, 0), true},
		{"right again", "b", monday, true},
		{"taken over", "a", monday.Add(time.Second), false},
		{"a little behind", "a", monday.Add(-50 * time.Second), false},
	} {
		if got, err := l.Acquire(t.Context(), "weekly", step.holder, step.at, step.at.Add(time.Minute)); err != nil || got != step.want {
			t.Errorf("%s: %t, %v; want %t", step.name, got, err, step.want)
		}
	}
}

// rewound: after a clock that was ahead, the schedule begins again at a moment, and the runs
// of that clock stand before it.
func rewound(t *testing.T, s store) {
	l := s.open(t)
	if _, err := l.Reached(t.Context(), "weekly", "0 9 * * 1 UTC", monday); err != nil {
		t.Fatal(err)
	}
	first, future := weekly(1), weekly(60)
	end(t, l, first, audit.Complete)
	end(t, l, future, audit.Complete)
	if err := l.Reach(t.Context(), "weekly", future.Slot); err != nil {
		t.Fatal(err)
	}
	now := weekly(2)
	now.Trigger = audit.Manual
	end(t, l, now, audit.Complete)
	if err := l.Rewind(t.Context(), "weekly", now.Started); err != nil {
		t.Fatal(err)
	}
	if at, err := l.Reached(t.Context(), "weekly", "0 9 * * 1 UTC", now.Started); err != nil || !at.Equal(now.Started.Truncate(time.Second)) {
		t.Errorf("reached %s, %v", at, err)
	}
	if p, err := l.Previous(t.Context(), weekly(100)); err != nil || p == nil || p.ID != now.ID() {
		t.Errorf("previous %+v, %v", p, err)
	}
	if status := mustStatus(t, l); status.Last.ID != now.ID() {
		t.Errorf("the newest is %s", status.Last.ID)
	}
}
