package runner

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"tokenaudit/jobs/audit"
)

// Clock tells the time. One that is kept elsewhere may fail.
type Clock func(context.Context) (time.Time, error)

// Runner takes jobs through their runs.
type Runner struct {
	Ledger    Ledger
	Snapshots Snapshots
	Tool      audit.Tool
	// Campaigns keep the evidence of campaigns; nil where there are none.
	Campaigns Campaigns
	// Parallel is how many targets are collected at the same time; 0 is 8.
	Parallel int
	// PerHost is how many of them may ask the same host; 0 is Parallel.
	PerHost int
	// Now is the clock that every process on the ledger goes by.
	Now Clock
	// Agree compares the ledger with the evidence of a job, before a run of it begins or
	// goes on and before anything is delivered; see the function of that name. Optional.
	Agree func(ctx context.Context, job string) error
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
// finishes a run that is open, delivers what is not delivered, opens the campaigns that are
// due and tells people of them. A cron fire is
// only a hint; the ledger decides, so it does no harm to call it at any time. The
// summary is that of the run that was finished, nil if there was none. The error
// is ErrLeased when another process is at it.
func (r *Runner) Tick(ctx context.Context, j Job) (s *audit.Summary, err error) {
	err = r.withLease(ctx, j, func(ctx context.Context) error {
		if err := r.openDue(ctx, j); err != nil {
			return err
		}
		s, err = r.finish(ctx, j)
		return errors.Join(err, r.tend(ctx, j, s != nil, err))
	})
	return s, err
}

// ReviewNow runs a review now, with the current minute as its slot, or the
// present second where that minute is taken or due by the schedule. What an earlier run
// left is finished first.
func (r *Runner) ReviewNow(ctx context.Context, j Job) (s *audit.Summary, err error) {
	err = r.withLease(ctx, j, func(ctx context.Context) error {
		if _, err := r.finish(ctx, j); errors.As(err, new(*DeliveryError)) {
			r.Log.Warn("a message of an earlier run was not delivered", "job", j.Name, "error", err)
		} else if err != nil {
			return fmt.Errorf("finishing an earlier run: %w", err)
		}
		if err := r.openNow(ctx, j); err != nil {
			return err
		}
		if s, err = r.finish(ctx, j); s == nil {
			return err
		}
		return errors.Join(err, r.rewind(ctx, j, *s), r.tend(ctx, j, true, err))
	})
	return s, err
}

// finish takes the open run of a job to its end and delivers what is not sent.
func (r *Runner) finish(ctx context.Context, j Job) (*audit.Summary, error) {
	run, found, err := r.Ledger.Running(ctx, j.Name)
	if err != nil {
		return nil, err
	}
	var summary *audit.Summary
	if found {
		if err = r.agree(ctx, j); err == nil {
			summary, err = r.review(ctx, j, run)
		}
		if err != nil {
			return nil, runError{fmt.Errorf("run %s: %w", run.ID(), err), run.ID()}
		}
	}
	return summary, r.deliver(ctx, j)
}

// runError is what kept a run from its end.
type runError struct {
	error
	run string
}

func (e runError) Unwrap() error { return e.error }

func (r *Runner) review(ctx context.Context, j Job, run audit.Run) (*audit.Summary, error) {
	ctx = audit.WithRun(ctx, run)
	log := r.Log.With("job", j.Name, "run", run.ID())
	level := slog.LevelInfo
	if run.ID() == j.tried {
		level = slog.LevelDebug
	}
	log.Log(ctx, level, "reviewing", "trigger", run.Trigger, "targets", len(j.Targets), "missed", run.Missed)
	r.ping(ctx, j, run, PingStart, "")
	summary, err := r.work(ctx, j, run)
	if err != nil {
		r.ping(ctx, j, run, PingFail, "failed, to be tried again: "+err.Error())
		return nil, err
	}
	log.Info("reviewed", "verdict", summary.Coverage.Verdict, "authorizations", summary.Authorizations.Total,
		"findings", summary.Findings.Total, "evidence", r.Snapshots.Location(run))
	event := PingSuccess
	if summary.Coverage.Verdict == audit.NotKnown { // a review that saw nothing is no success
		event = PingFail
	}
	r.ping(ctx, j, run, event, PingText(*summary))
	return summary, nil
}

// work collects and reports. Where the pack of the run is sealed already, as the run was
// cut off after that, there is nothing left to see or to write.
func (r *Runner) work(ctx context.Context, j Job, run audit.Run) (*audit.Summary, error) {
	if err := r.Snapshots.Forget(j.Name); err != nil {
		return nil, err
	}
	sealed, err := r.Snapshots.Sealed(ctx, run)
	if err != nil {
		return nil, err
	}
	if sealed {
		return r.adopt(ctx, j, run)
	}
	if err := r.collectAll(ctx, j, run); err != nil {
		return nil, err
	}
	return r.report(ctx, j, run)
}

// Rows gives the records of a reported run, target by target in the order of the
// configuration, ascending by ID.
func (r *Runner) Rows(ctx context.Context, s audit.Summary) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for _, target := range s.Reviewed() {
			for rec, err := range audit.Population(audit.Prefetch(r.Snapshots.Read(ctx, s.Run(), target))) {
				if !yield(rec, err) || err != nil {
					return
				}
			}
		}
	}
}

// guard does work. A panic in it becomes an error, and its stack is logged: what
// breaks one target or job must not end the process.
func (r *Runner) guard(j Job, what string, work func() error) error {
	return guard(r.Log, j, what, work)
}

func (a *Assessor) guard(j Job, what string, work func() error) error {
	return guard(a.Log, j, what, work)
}

func guard(log *slog.Logger, j Job, what string, work func() error) error {
	err := audit.Guard(work)
	if p, ok := errors.AsType[*audit.PanicError](err); ok {
		log.Error("panic", "job", j.Name, "in", what, "error", p, "stack", string(p.Stack))
	}
	return err
}
