package runner

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"log/slog"
	"time"

	"tokenaudit/jobs/audit"
)

// Slots is the part of the ledger that decides which run is due.
type Slots interface {
	Reached(ctx context.Context, job, schedule string, now time.Time) (time.Time, error)
	Begin(ctx context.Context, run audit.Run, targets []string) (opened bool, err error)
	Reach(ctx context.Context, job string, slot time.Time) error
	Running(ctx context.Context, job string) (run audit.Run, found bool, err error)
}

// Ledger remembers runs; the one in jobs/ledger is the only one.
type Ledger interface {
	Leases
	Slots
	Items
	Reports
	Outbox
}

// Snapshots hold what the targets held.
type Snapshots interface {
	// Folder is where the evidence of a run lies on this machine, Location where
	// people find it.
	Folder(run audit.Run) string
	Location(run audit.Run) string
	// Forget lets go of what this process remembers of a job, where another may have
	// gone on with it.
	Forget(job string) error
	// Write makes a snapshot appear whole or not at all, where every process sees it.
	Write(ctx context.Context, run audit.Run, target string, records iter.Seq2[audit.Record, error]) error
	// Read ends in an error with a method Unreachable if the snapshot may be whole,
	// but could not be had at the moment.
	Read(ctx context.Context, run audit.Run, target string) iter.Seq2[audit.Record, error]
}

// Clock tells the time. One that is kept elsewhere may fail.
type Clock func(context.Context) (time.Time, error)

// Runner takes jobs through their runs.
type Runner struct {
	Ledger    Ledger
	Snapshots Snapshots
	Tool      audit.Tool
	// Parallel is how many targets are audited at the same time; 0 is 8.
	Parallel int
	// PerHost is how many of them may ask the same host; 0 is Parallel.
	PerHost int
	// Now is the clock; package history has the one of the ledger.
	Now Clock
	// Holder tells this process from others on the same ledger.
	Holder string
	Log    *slog.Logger
	// Progress is told of each authorization that a target showed. Optional.
	Progress func(target string)
	// Beat is called by the loop of Serve: once the jobs run on their schedules, and
	// then at every heartbeat. Optional.
	Beat func()
}

// Tick does whatever a job owes at this moment: opens the newest due slot,
// finishes a run that is open, delivers what is not delivered. A cron fire is
// only a hint; the ledger decides, so it does no harm to call it at any time. The
// summary is that of the run that was finished, nil if there was none. The error
// is ErrLeased when another process is at it.
func (r *Runner) Tick(ctx context.Context, j Job) (s *audit.Summary, err error) {
	err = r.leased(ctx, j, func(ctx context.Context) error {
		if err := r.openDue(ctx, j); err != nil {
			return err
		}
		s, err = r.finish(ctx, j)
		return err
	})
	return s, err
}

func (r *Runner) openDue(ctx context.Context, j Job) error {
	now, err := r.Now(ctx)
	if err != nil {
		return err
	}
	reached, err := r.Ledger.Reached(ctx, j.Name, j.Schedule.String(), now)
	if err != nil {
		return err
	}
	if ahead := reached.Sub(now); ahead > 24*time.Hour {
		return fmt.Errorf("job %q: the ledger has slots until %s dealt with, which lies ahead; set the clock right, or give the job another name", j.Name, reached.Format(time.RFC3339))
	}
	offset := j.offset()
	slot, missed := j.Schedule.Latest(reached, now.Add(-offset))
	if slot.IsZero() || now.Sub(slot)-offset > j.CatchUp {
		return nil
	}
	run := audit.Run{Job: j.Name, Slot: slot, Trigger: audit.Scheduled, Missed: missed, Started: started(now)}
	if late := now.Sub(slot) - offset; late > onTime {
		run.Trigger = audit.CatchUp
	}
	if _, err := r.Ledger.Begin(ctx, run, j.targetNames()); err != nil {
		return err
	}
	return r.Ledger.Reach(ctx, j.Name, slot)
}

// onTime is how late a run may begin and still count as on time: two heartbeats.
const onTime = 2 * time.Minute

// offset is the job's own part of the jitter, the same at every start.
func (j Job) offset() time.Duration {
	if j.Jitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(j.Name))
	return time.Duration(h.Sum64() % uint64(j.Jitter))
}

func (j Job) targetNames() []string {
	var names []string
	for _, t := range j.Targets {
		names = append(names, t.Name)
	}
	return names
}

// ReviewNow runs a review at once, with the present minute as its slot, or the
// present second where that minute is taken or due by the schedule. A dry run
// leaves no trace in later reviews.
func (r *Runner) ReviewNow(ctx context.Context, j Job, trigger audit.Trigger) (s *audit.Summary, err error) {
	err = r.leased(ctx, j, func(ctx context.Context) error {
		s, err = r.reviewNow(ctx, j, trigger)
		return err
	})
	return s, err
}

func (r *Runner) reviewNow(ctx context.Context, j Job, trigger audit.Trigger) (*audit.Summary, error) {
	if err := r.clear(ctx, j, trigger); err != nil {
		return nil, err
	}
	for range 3 {
		now, err := r.Now(ctx)
		if err != nil {
			return nil, err
		}
		for _, slot := range j.freeSlots(now, trigger) {
			run := audit.Run{Job: j.Name, Slot: slot, Trigger: trigger, Started: started(now)}
			opened, err := r.Ledger.Begin(ctx, run, j.targetNames())
			if err != nil {
				return nil, err
			}
			if opened {
				return r.finish(ctx, j)
			}
		}
		select {
		case <-time.After(now.Truncate(time.Second).Add(time.Second).Sub(now)):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return nil, fmt.Errorf("job %q: no slot is free at this moment; try again", j.Name)
}

// clear finishes what an earlier run left. A dry run must not: it has nobody to
// tell, and the message of the earlier run would be lost.
func (r *Runner) clear(ctx context.Context, j Job, trigger audit.Trigger) error {
	run, found, err := r.Ledger.Running(ctx, j.Name)
	switch {
	case err != nil:
		return err
	case found && trigger == audit.DryRun && run.Trigger != audit.DryRun:
		return fmt.Errorf("run %s was cut off and is not finished; finish it first, by a run that is not dry", run.ID())
	}
	if _, err := r.finish(ctx, j); err != nil && !errors.As(err, new(*DeliveryError)) {
		return fmt.Errorf("finishing what an earlier run left: %w", err)
	}
	return nil
}

// freeSlots are slots for a review at once that belong to no scheduled one.
func (j Job) freeSlots(now time.Time, trigger audit.Trigger) []time.Time {
	var out []time.Time
	for _, slot := range []time.Time{now.UTC().Truncate(time.Minute), now.UTC().Truncate(time.Second)} {
		due := j.Schedule.Next(slot.Add(-time.Second)).Equal(slot)
		if !due && (trigger != audit.DryRun || slot.Second() != 0) {
			out = append(out, slot)
		}
	}
	return out
}

// started is the time of a review as the ledger keeps it.
func started(now time.Time) time.Time { return now.UTC().Truncate(time.Millisecond) }

// finish takes the open run of a job to its end and delivers what is not sent.
func (r *Runner) finish(ctx context.Context, j Job) (*audit.Summary, error) {
	run, found, err := r.Ledger.Running(ctx, j.Name)
	if err != nil {
		return nil, err
	}
	var summary *audit.Summary
	if found {
		if summary, err = r.review(ctx, j, run); err != nil {
			return nil, &runError{run, err}
		}
	}
	return summary, r.deliver(ctx, j)
}

// runError is what kept a run from its end.
type runError struct {
	run audit.Run
	err error
}

func (e *runError) Error() string { return fmt.Sprintf("run %s: %v", e.run.ID(), e.err) }

func (e *runError) Unwrap() error { return e.err }

func (r *Runner) review(ctx context.Context, j Job, run audit.Run) (*audit.Summary, error) {
	ctx = audit.WithRun(ctx, run)
	log := r.Log.With("job", j.Name, "run", run.ID())
	log.Info("reviewing", "trigger", run.Trigger, "targets", len(j.Targets), "missed", run.Missed)
	r.ping(ctx, j, run, PingStart, "")
	summary, err := r.collectAndReport(ctx, j, run)
	if err != nil {
		r.ping(ctx, j, run, PingFail, "not done, to be tried again: "+err.Error())
		return nil, err
	}
	log.Info("reviewed", "verdict", summary.Coverage.Verdict, "authorizations", summary.Authorizations.Total,
		"findings", summary.Findings.Total, "evidence", r.Snapshots.Location(run))
	r.pingOutcome(ctx, j, run, *summary)
	return summary, nil
}

func (r *Runner) collectAndReport(ctx context.Context, j Job, run audit.Run) (*audit.Summary, error) {
	if err := r.Snapshots.Forget(j.Name); err != nil {
		return nil, err
	}
	if err := r.collectAll(ctx, j, run); err != nil {
		return nil, err
	}
	return r.report(ctx, j, run)
}

// Rows gives the records of a reported run.
func (r *Runner) Rows(ctx context.Context, s audit.Summary) Rows {
	run := s.Run()
	return func() iter.Seq2[audit.Record, error] {
		return func(yield func(audit.Record, error) bool) {
			for _, t := range s.Coverage.Targets {
				for rec, err := range audit.Prefetch(r.Snapshots.Read(ctx, run, t.Target)) {
					if !yield(rec, err) || err != nil {
						return
					}
				}
			}
		}
	}
}

// errDeadline is the cause when a run took longer than it may.
var errDeadline = errors.New("the deadline of the run has passed")
