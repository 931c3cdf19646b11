package runner_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	const weekly, hour, day = "0 9 * * 1 UTC", time.Hour, 24 * time.Hour
	run := func(slot, started string, trigger audit.Trigger, missed int) *audit.Run {
		return &audit.Run{Job: "weekly", Slot: at(slot), Started: at(started), Trigger: trigger, Missed: missed}
	}
	for _, tc := range []struct {
		name   string
		now    string
		status audit.JobStatus
		want   runner.Status
	}{
		{"never seen", "2026-11-25 12:00", audit.JobStatus{}, runner.Status{Next: at("2026-11-30 09:00")}},
		{"another schedule", "2026-11-25 12:00", audit.JobStatus{Schedule: "@daily UTC", Reached: at("2026-01-01 00:00")}, runner.Status{Next: at("2026-11-30 09:00")}},
		{"nothing due", "2026-11-25 12:00", audit.JobStatus{Schedule: weekly, Reached: at("2026-11-23 09:00"), Missed: 2}, runner.Status{Next: at("2026-11-30 09:00"), Missed: 2}},
		{"at the slot", "2026-11-30 09:00", audit.JobStatus{Schedule: weekly, Reached: at("2026-11-23 09:00")}, runner.Status{Next: at("2026-12-07 09:00")}},
		{"waits", "2026-11-30 10:05", audit.JobStatus{Schedule: weekly, Reached: at("2026-11-23 09:00")}, runner.Status{Next: at("2026-12-07 09:00"), Late: hour + 5*time.Minute}},
		{"waits too long", "2026-11-30 10:06", audit.JobStatus{Schedule: weekly, Reached: at("2026-11-23 09:00")}, runner.Status{Next: at("2026-12-07 09:00"), Late: hour + 6*time.Minute, Overdue: true}},
		{"may still be caught up", "2026-12-06 09:00", audit.JobStatus{Schedule: weekly, Reached: at("2026-11-23 09:00")}, runner.Status{Next: at("2026-12-07 09:00"), Late: 6 * day, Overdue: true}},
		{"given up", "2026-12-06 09:01", audit.JobStatus{Schedule: weekly, Reached: at("2026-11-23 09:00"), Missed: 2}, runner.Status{Next: at("2026-12-07 09:00"), Late: 6*day + time.Minute, Overdue: true, Missed: 3}},
		{"one given up, one that may be caught up", "2026-12-08 09:00", audit.JobStatus{Schedule: weekly, Reached: at("2026-11-23 09:00")}, runner.Status{Next: at("2026-12-14 09:00"), Late: 8 * day, Overdue: true, Missed: 1}},
		{"under way", "2026-11-30 10:00", audit.JobStatus{Schedule: weekly, Reached: at("2026-11-30 09:00"), Running: run("2026-11-30 09:00", "2026-11-30 09:00", audit.Scheduled, 0)}, runner.Status{Next: at("2026-12-07 09:00"), Late: hour}},
		{"under way for too long", "2026-11-30 10:06", audit.JobStatus{Schedule: weekly, Reached: at("2026-11-30 09:00"), Running: run("2026-11-30 09:00", "2026-11-30 09:00", audit.Scheduled, 0)}, runner.Status{Next: at("2026-12-07 09:00"), Late: hour + 6*time.Minute, Overdue: true}},
		{"being caught up", "2026-12-02 10:00", audit.JobStatus{Schedule: weekly, Reached: at("2026-11-30 09:00"), Running: run("2026-11-30 09:00", "2026-12-02 09:50", audit.CatchUp, 1), Missed: 1}, runner.Status{Next: at("2026-12-07 09:00"), Late: 2*day + hour, Missed: 1}},
		{"one by hand is under way", "2026-11-30 08:00", audit.JobStatus{Schedule: weekly, Reached: at("2026-11-23 09:00"), Running: run("2026-11-28 09:00", "2026-11-28 09:00", audit.Manual, 0)}, runner.Status{Next: at("2026-11-30 09:00")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			schedule, err := schedule.Parse("0 9 * * 1", "UTC")
			if err != nil {
				t.Fatal(err)
			}
			job := runner.Job{Name: "weekly", Schedule: schedule, CatchUp: 6 * day, Deadline: hour}
			if diff := cmp.Diff(tc.want, job.Status(tc.status, at(tc.now))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestStatusWithJitter: a job is late from when it should have begun.
func TestStatusWithJitter(t *testing.T) {
	t.Parallel()
	schedule, err := schedule.Parse("0 9 * * 1", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	plain := runner.Job{Name: "weekly", Schedule: schedule, CatchUp: time.Hour, Deadline: time.Hour}
	spread := plain
	spread.Jitter = 12 * time.Hour
	status := audit.JobStatus{Schedule: schedule.String(), Reached: at("2026-11-23 09:00")}
	now := at("2026-12-01 00:00")
	if a, b := plain.Status(status, now).Late, spread.Status(status, now).Late; b >= a || b < a-12*time.Hour {
		t.Errorf("late by %s without jitter, %s with it", a, b)
	}
}

// TestMissedNeverFalls: slots that are given up are the same ones that the next
// run reports as missed.
func TestMissedNeverFalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	last := 0
	for _, now := range []string{"2026-11-23 09:00", "2026-11-30 09:00", "2026-12-06 09:01", "2026-12-07 08:59", "2026-12-22 09:00", "2026-12-22 09:01"} {
		w.now = at(now)
		if now == "2026-11-23 09:00" || now == "2026-12-22 09:00" { // in between nothing runs
			w.tick()
		}
		status, err := w.ledger.Status(t.Context(), w.job.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.job.Status(status, w.now).Missed; got < last {
			t.Errorf("%s: %d missed, %d before", now, got, last)
		} else {
			last = got
		}
	}
	if last != 3 {
		t.Errorf("%d missed, want those of 30 November, 7 and 14 December", last)
	}
}
