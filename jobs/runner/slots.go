package runner

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"tokenaudit/jobs/audit"
)

// onTime is how late a run may begin and still count as on time.
const onTime = 2 * time.Minute

// Grace is what a review may take beyond the deadline of its job: to begin, and to
// write its reports.
const Grace = 5 * time.Minute

// clockJump is by how much two clocks differ if one of them is wrong, and not only some
// minutes ahead.
const clockJump = 24 * time.Hour

// rewind starts the schedule of a job again after a review that somebody asked for, if the
// ledger has it done until a time in the future: under a clock that was wrong. The clock of
// now is taken for right unless a target of that review contradicts it.
func (r *Runner) rewind(ctx context.Context, j Job, s audit.Summary) error {
	reached, err := r.Ledger.Dealt(ctx, j.Name)
	if err != nil || reached.Sub(s.Started) <= clockJump {
		return err
	}
	if target, words := s.Coverage.ClockJump(clockJump); words != "" {
		r.Log.Warn("the schedule is not started again, because a target has another time", "job", j.Name, "run", s.ID, "target", target, "clock", words)
		return nil
	}
	r.Log.Warn("the schedule is started again, because the ledger had slots done in the future", "job", j.Name, "run", s.ID, "until", reached)
	err = r.Ledger.Rewind(ctx, j.Name, s.Started)
	for _, c := range j.Campaigns {
		err = errors.Join(err, r.Ledger.Rewind(ctx, c.Key(), s.Started))
	}
	return err
}

// openDue opens the run of the newest slot that is due, if any is.
func (r *Runner) openDue(ctx context.Context, j Job) error {
	now, err := r.Now(ctx)
	if err != nil {
		return err
	}
	reached, err := r.Ledger.Reached(ctx, j.Name, j.Schedule.String(), now)
	if err != nil {
		return err
	}
	if reached.Sub(now) > clockJump {
		return fmt.Errorf("job %q: in the ledger, slots are done until %s, which is in the future. If the clock of this machine is wrong, correct it. If it is right now, start the schedule again: tokenaudit run --now --job %s", j.Name, reached.Format(time.RFC3339), j.Name)
	}
	offset := j.offset()
	slot, missed := j.Schedule.Latest(reached, now.Add(-offset))
	late := now.Sub(slot) - offset
	if slot.IsZero() || late > j.CatchUp {
		return nil
	}
	run := audit.Run{Job: j.Name, Slot: slot, Trigger: audit.Scheduled, Missed: missed, Started: started(now)}
	if late > onTime {
		run.Trigger = audit.CatchUp
	}
	if err := r.agree(ctx, j); err != nil {
		return err
	}
	if sealed, err := r.Snapshots.Sealed(ctx, run); err != nil {
		return err
	} else if sealed { // a pack is replaced by nothing, whatever the ledger knows of it
		r.Log.Warn("the slot already has an evidence pack and is not reviewed again", "job", j.Name, "run", run.ID(), "evidence", r.Snapshots.Location(run))
		return r.Ledger.Pass(ctx, j.Name, slot)
	}
	if _, err := r.Ledger.Begin(ctx, run, j.targetNames()); err != nil {
		return err
	}
	return r.Ledger.Reach(ctx, j.Name, slot)
}

// openNow opens a run of this moment, whose slot belongs to no scheduled one. It
// waits for the next second where both the minute and the second are taken, by a run
// that the ledger knows or by a pack of another one.
func (r *Runner) openNow(ctx context.Context, j Job) error {
	if err := r.agree(ctx, j); err != nil {
		return err
	}
	for range 3 {
		now, err := r.Now(ctx)
		if err != nil {
			return err
		}
		for _, slot := range []time.Time{now.UTC().Truncate(time.Minute), now.UTC().Truncate(time.Second)} {
			if due := j.Schedule.Next(slot.Add(-time.Second)).Equal(slot); due {
				continue
			}
			run := audit.Run{Job: j.Name, Slot: slot, Trigger: audit.Manual, Started: started(now)}
			if sealed, err := r.Snapshots.Sealed(ctx, run); err != nil {
				return err
			} else if sealed {
				continue
			}
			if opened, err := r.Ledger.Begin(ctx, run, j.targetNames()); err != nil || opened {
				return err
			}
		}
		select {
		case <-time.After(now.Truncate(time.Second).Add(time.Second).Sub(now)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("job %q: there is already a review of this second; try again", j.Name)
}

// started is the time of a review as the ledger keeps it.
func started(now time.Time) time.Time { return now.UTC().Truncate(time.Millisecond) }

// offset is the job's own part of the jitter, the same at every start.
func (j Job) offset() time.Duration {
	if j.Jitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(j.Name))
	return time.Duration(h.Sum64() % uint64(j.Jitter))
}

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
	offset := j.offset()
	if slot, earlier := j.Schedule.Latest(s.Reached, now.Add(-offset-j.CatchUp-1)); !slot.IsZero() {
		out.Missed += earlier + 1
	}
	due := j.Schedule.Next(s.Reached).Add(offset)
	since := due // when the review could have begun
	if run := s.Running; run != nil && (run.Trigger == audit.Scheduled || run.Trigger == audit.CatchUp) {
		due, since = run.Slot.Add(offset), run.Started
	}
	if !due.After(now) {
		out.Late, out.Overdue = now.Sub(due), now.Sub(since) > j.Deadline+Grace
	}
	return out
}
