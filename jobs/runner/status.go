package runner

import (
	"time"

	"tokenaudit/jobs/audit"
)

// Grace is what a review may take beyond the deadline of its job: to begin, two
// heartbeats after its slot, and to write its reports.
const Grace = 5 * time.Minute

// Status is how a job stands with its schedule.
type Status struct {
	Next time.Time // the next slot to come
	// Late is for how long the oldest slot that is not reviewed has been due; 0
	// if none is.
	Late time.Duration
	// Overdue: that slot has been waiting, or its review has been under way, for
	// longer than a review may take.
	Overdue bool
	// Missed counts slots that nobody reviewed, nor will: they are older than
	// catch_up allows.
	Missed int
}

// Status compares what the ledger has of a job with its schedule.
func (j Job) Status(s audit.JobStatus, now time.Time) Status {
	out := Status{Next: j.Schedule.Next(now), Missed: s.Missed}
	if s.Schedule != j.Schedule.String() { // never seen, or under another schedule: nothing is owed
		return out
	}
	if slot, earlier := j.Schedule.Latest(s.Reached, now.Add(-j.offset()-j.CatchUp-1)); !slot.IsZero() {
		out.Missed += earlier + 1
	}
	if due, since := j.owed(s, now); !due.IsZero() {
		out.Late, out.Overdue = now.Sub(due), now.Sub(since) > j.Deadline+Grace
	}
	return out
}

// owed is when the oldest slot that is not reviewed was due, and since when its
// review could have been done: one that is caught up has its time from its start.
func (j Job) owed(s audit.JobStatus, now time.Time) (due, since time.Time) {
	if run := s.Running; run != nil && (run.Trigger == audit.Scheduled || run.Trigger == audit.CatchUp) {
		return run.Slot.Add(j.offset()), run.Started
	}
	if due = j.Schedule.Next(s.Reached).Add(j.offset()); due.After(now) {
		return time.Time{}, time.Time{}
	}
	return due, due
}
