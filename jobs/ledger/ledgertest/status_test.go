//go:build unix

package ledgertest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
)

func mustStatus(t *testing.T, l *ledger.Ledger) audit.JobStatus {
	t.Helper()
	s, err := l.Status(t.Context(), "weekly")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// end finishes a run a minute after its start.
func end(t *testing.T, l *ledger.Ledger, run audit.Run, v audit.Verdict, parts ...audit.Delivery) {
	t.Helper()
	mustBegin(t, l, run)
	s := audit.Summary{ID: run.ID(), Started: run.Started, Finished: run.Started.Add(time.Minute), Coverage: audit.TotalCoverage{Verdict: v}}
	if err := l.Finish(t.Context(), audit.Conclusion{Run: run, Summary: s, Deliveries: parts}); err != nil {
		t.Fatal(err)
	}
}

func statusOfNothing(t *testing.T, st store) {
	s := mustStatus(t, st.open(t))
	if diff := cmp.Diff(audit.JobStatus{Runs: map[audit.Verdict]int{}, Deliveries: map[audit.DeliveryState]int{}}, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func status(t *testing.T, st store) {
	l := st.open(t)
	if _, err := l.Reached(t.Context(), "weekly", "0 9 * * 1 UTC", monday); err != nil {
		t.Fatal(err)
	}
	end(t, l, weekly(1), audit.Complete, audit.Delivery{Notifier: "slack", Name: "summary"}, audit.Delivery{Notifier: "slack", Name: "owner:1"})
	end(t, l, weekly(2), audit.NotKnown, audit.Delivery{Notifier: "slack", Name: "summary"})
	byHand := weekly(3)
	byHand.Trigger, byHand.Missed = audit.Manual, 0
	end(t, l, byHand, audit.Partial)
	last := weekly(4)
	end(t, l, last, audit.NotKnown)
	dry := weekly(5)
	dry.Trigger = audit.DryRun
	end(t, l, dry, audit.Complete)
	other := weekly(6)
	other.Job = "daily"
	mustBegin(t, l, other)
	running := weekly(7)
	mustBegin(t, l, running)

	s := mustStatus(t, l)
	want := audit.JobStatus{
		Schedule: "0 9 * * 1 UTC", Reached: monday, Running: &running,
		LastSlot: last.Slot, LastSuccess: byHand.Started.Add(time.Minute), Missed: 1 + 2 + 4 + 7,
		Runs:       map[audit.Verdict]int{audit.Complete: 1, audit.Partial: 1, audit.NotKnown: 2},
		Deliveries: map[audit.DeliveryState]int{audit.DeliveryNew: 3},
	}
	if s.Last == nil || s.Last.ID != last.ID() {
		t.Errorf("Last = %+v, want that of %s", s.Last, last.ID())
	}
	s.Last = nil
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// statusOfDryRun: one that is under way, of an earlier version, is no run of the job, and
// in nobody's way.
func statusOfDryRun(t *testing.T, st store) {
	l, dry := st.open(t), weekly(1)
	dry.Trigger = audit.DryRun
	mustBegin(t, l, dry)
	if s := mustStatus(t, l); s.Running != nil || s.Missed != 0 {
		t.Errorf("status %+v", s)
	}
	if run, found, err := l.Running(t.Context(), dry.Job); found || err != nil {
		t.Errorf("running %+v, %v", run, err)
	}
	item := audit.Item{Coverage: audit.NewCoverage("prod"), Counts: audit.NewCounts()}
	item.Coverage.Sources = []string{"server/aaaa"}
	if err := l.SaveItem(t.Context(), dry, item); err != nil {
		t.Fatal(err)
	}
	next := weekly(2)
	mustBegin(t, l, next)
	if run, found, err := l.Running(t.Context(), dry.Job); !found || run.ID() != next.ID() || err != nil {
		t.Errorf("running %+v, %v", run, err)
	}
}
