package runner_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/schedule"
)

// TestClockThatJumped: however a clock jumps by an hour or a day, each slot is reviewed once
// and none is left out.
func TestClockThatJumped(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{-24 * time.Hour, -25 * time.Hour / 2, -time.Hour, -time.Minute, time.Minute, time.Hour, 24 * time.Hour} {
		for _, when := range []string{"2026-11-25 08:59", "2026-11-25 09:00", "2026-11-25 09:01", "2026-11-25 12:00"} {
			t.Run(fmt.Sprint(jump, " at ", when), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				daily, err := schedule.Parse("0 9 * * *", "UTC")
				if err != nil {
					t.Fatal(err)
				}
				w.job.Schedule, w.job.CatchUp = daily, 25*time.Hour
				jumped := false
				for w.now = at("2026-11-22 12:00"); w.now.Before(at("2026-11-29 12:00")); w.now = w.now.Add(time.Minute) {
					if !jumped && w.now.Equal(at(when)) {
						w.tick()
						jumped, w.now = true, w.now.Add(jump)
					}
					if m := w.now.Minute(); m < 3 || m > 57 {
						w.tick()
					}
				}
				var want []string
				for day := 23; day <= 29; day++ {
					want = append(want, fmt.Sprintf("weekly/2026-11-%dT0900Z", day))
				}
				if diff := cmp.Diff(want, w.sent); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// ahead is a world whose clock was a year ahead for one slot.
func ahead(t *testing.T) *world {
	w := newWorld(t)
	w.tick()
	w.now = at("2026-11-23 09:00")
	w.tick()
	w.now = at("2027-11-22 09:00")
	if s := w.tick(); s == nil || s.Missed != 51 {
		t.Fatalf("a year ahead: %+v", s)
	}
	w.now = at("2026-11-30 09:00")
	return w
}

// TestClockAYearAhead: once it is right again, the job says how it goes on, a review that
// somebody asks for starts its schedule again, and the review of the future is compared with
// no later one, even when its time comes.
func TestClockAYearAhead(t *testing.T) {
	t.Parallel()
	w := ahead(t)
	const remedy = "which is in the future. If the clock of this machine is wrong, correct it. If it is right now, start the schedule again: tokenaudit run --now --job weekly"
	if _, err := w.runner.Tick(t.Context(), w.job); err == nil || !strings.Contains(err.Error(), remedy) {
		t.Fatalf("error %v", err)
	}
	w.now = at("2026-11-30 10:30")
	w.prod.tokens = tokens("a1", "b2", "c3")
	if s := w.review(); s.Previous == nil || s.Previous.ID != "weekly/2026-11-23T0900Z" || s.Authorizations.New != 1 {
		t.Errorf("asked for: previous %+v, %d new", s.Previous, s.Authorizations.New)
	}
	status, err := w.ledger.Status(t.Context(), w.job.Name)
	if err != nil || status.Last.ID != "weekly/2026-11-30T1030Z" {
		t.Errorf("the newest review is %+v, %v", status.Last, err)
	}
	w.now = at("2026-12-07 09:00")
	if s := w.tick(); s == nil || s.ID != "weekly/2026-12-07T0900Z" || s.Missed != 0 || s.Previous.ID != "weekly/2026-11-30T1030Z" || s.Authorizations.New != 0 {
		t.Fatalf("on schedule: %+v", s)
	}
	w.now = at("2027-11-22 09:00") // of which there is a review
	if s := w.tick(); s != nil {
		t.Errorf("reviewed %s twice", s.ID)
	}
	w.now = at("2027-11-29 09:00")
	if s := w.tick(); s == nil || s.ID != "weekly/2027-11-29T0900Z" || s.Previous.ID != "weekly/2026-12-07T0900Z" || s.Authorizations.New != 0 {
		t.Errorf("a year later: %+v", s)
	}
}

// TestClockContradicted: a review by a clock that a target contradicts starts nothing again.
func TestClockContradicted(t *testing.T) {
	t.Parallel()
	w := ahead(t)
	w.prod.cover = func() audit.Coverage {
		c := audit.NewCoverage("")
		c.ClockSkewSeconds = 364 * 24 * 3600 // ours was right before
		return c
	}
	w.now = at("2026-11-30 10:30")
	w.review()
	w.now = at("2026-12-07 09:00")
	if _, err := w.runner.Tick(t.Context(), w.job); err == nil || !strings.Contains(err.Error(), "is in the future") {
		t.Errorf("error %v", err)
	}
	w.now = at("2027-11-29 09:00") // the clock is right again
	if s := w.tick(); s == nil || s.Missed != 0 {
		t.Errorf("%+v", s)
	}
}

// TestInterruptedInTheFuture: a review that was cut off under a clock that was ahead is
// finished, and does not wait for a target until that time.
func TestInterruptedInTheFuture(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	w.now = at("2027-11-22 09:00")
	ctx, kill := context.WithCancel(t.Context())
	w.prod.collect = func(ctx context.Context) error { kill(); return ctx.Err() }
	if _, err := w.runner.Tick(ctx, w.job); err == nil {
		t.Fatal("not cut off")
	}
	w.now, w.prod.collect, w.prod.err = at("2026-11-23 10:30"), nil, errors.New("refused")
	if s := w.review(); s.ID != "weekly/2026-11-23T1030Z" {
		t.Errorf("reviewed %s", s.ID)
	}
	w.now, w.prod.err = at("2026-11-30 09:00"), nil
	if s := w.tick(); s == nil || s.ID != "weekly/2026-11-30T0900Z" {
		t.Errorf("on schedule: %+v", s)
	}
}
