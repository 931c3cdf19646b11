//go:build unix

package ledgertest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
)

// hostileText: what others wrote must not keep a message from being noted as sent.
func hostileText(t *testing.T, s store) {
	l, run := s.open(t), weekly(0)
	mustBegin(t, l, run)
	const hostile = "owner:\x00\xff\xfe'; DROP TABLE run; --\u202e"
	o := audit.Conclusion{Run: run, Summary: audit.Summary{ID: run.ID()}, Deliveries: []audit.Delivery{{Notifier: "slack", Name: hostile}}}
	if err := l.Finish(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	parts, err := l.Unsent(t.Context(), run.Job)
	if err != nil || len(parts) != 1 || !strings.HasSuffix(parts[0].Name, "DROP TABLE run; --\u202e") {
		t.Fatalf("Unsent = %+v, %v", parts, err)
	}
	mustLease(t, l, "me")
	parts[0].State, parts[0].Ref, parts[0].Error = audit.DeliverySent, hostile, hostile
	if err := l.SaveDelivery(t.Context(), "me", parts[0]); err != nil {
		t.Error(err)
	}
	if parts, err := l.Unsent(t.Context(), run.Job); err != nil || len(parts) != 0 {
		t.Errorf("Unsent = %+v, %v", parts, err)
	}
}

func mustLease(t *testing.T, l *ledger.Ledger, holder string) {
	t.Helper()
	if held, err := l.Acquire(t.Context(), "weekly", holder, monday, monday.Add(time.Minute)); err != nil || !held {
		t.Fatalf("Hold = %t, %v", held, err)
	}
}

// oneOfMany: of those who open a slot or hold a job at the same time, one gets it.
func oneOfMany(t *testing.T, s store) {
	oneOf(t, s.open(t))
}

func oneOf(t *testing.T, ledgers ...*ledger.Ledger) {
	t.Helper()
	const many = 8
	var group sync.WaitGroup
	var opened, held atomic.Int32
	for i := range many {
		l := ledgers[i%len(ledgers)]
		group.Go(func() {
			if got, err := l.Acquire(t.Context(), "weekly", fmt.Sprint(i), monday, monday.Add(time.Minute)); err != nil {
				t.Error(err)
			} else if got {
				held.Add(1)
			}
			if got, err := l.Begin(t.Context(), weekly(i%2), []string{"prod"}); err != nil {
				t.Error(err)
			} else if got {
				opened.Add(1)
			}
		})
	}
	group.Wait()
	if held.Load() != 1 || opened.Load() != 1 {
		t.Errorf("%d hold the job, %d opened a run; want one each", held.Load(), opened.Load())
	}
}

// read: a reader finds what is there, and makes nothing.
func read(t *testing.T, s store) {
	for range 2 {
		if _, err := ledger.OpenReader(t.Context(), s.url, s.password); err == nil || !strings.Contains(err.Error(), "no review has run yet") {
			t.Fatalf("before the first review: %v", err)
		}
	}
	l := s.open(t)
	mustBegin(t, l, weekly(0))
	mustFinish(t, l, weekly(0), 5)
	mustBegin(t, l, weekly(1))
	r, err := ledger.OpenReader(t.Context(), s.url, s.password)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for job, want := range map[string]int{"": 2, "weekly": 2, "other": 0} {
		if runs, err := r.List(t.Context(), job, 0); err != nil || len(runs) != want {
			t.Errorf("List(%q) = %+v, %v", job, runs, err)
		}
	}
	if runs, err := r.List(t.Context(), "", 1); err != nil || len(runs) != 1 || runs[0].Run.ID() != weekly(1).ID() || len(runs[0].Deliveries) != 0 {
		t.Errorf("the newest: %+v, %v", runs, err)
	}
	if runs, err := r.List(t.Context(), "weekly", 2); err != nil || len(runs) != 2 || len(runs[1].Deliveries) != 2 {
		t.Errorf("the deliveries of the older: %+v, %v", runs, err)
	}
	if runs, err := r.Runs(t.Context()); err != nil || len(runs) != 2 || runs[0].Reported || !runs[1].Reported || runs[1].Verdict == "" || runs[1].Run.ID() != weekly(0).ID() {
		t.Errorf("Runs = %+v, %v", runs, err)
	}
	if _, err := r.Find(t.Context(), weekly(7)); !errors.Is(err, ledger.ErrNoRun) {
		t.Errorf("of a run that is not there: %v", err)
	}
	if e, err := r.Find(t.Context(), weekly(0)); err != nil || !e.Reported || len(e.Deliveries) != 2 {
		t.Errorf("Find = %+v, %v", e, err)
	}
}
