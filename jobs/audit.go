package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sync/errgroup"

	"tokenaudit/jobs/audit"
)

// Items is the part of the ledger that holds the targets of a run.
type Items interface {
	Pending(ctx context.Context, run audit.Run) ([]string, error)
	SaveItem(ctx context.Context, run audit.Run, item audit.Item) error
	Items(ctx context.Context, run audit.Run) ([]audit.Item, error)
	Baseline(ctx context.Context, run audit.Run, target string) (audit.Run, bool, error)
}

// auditAll audits the targets of a run that are not done, several at a time. A
// target that fails does not stop the others.
func (r *Runner) auditAll(ctx context.Context, j Job, run audit.Run, deadline time.Time) error {
	pending, err := r.Ledger.Pending(ctx, run)
	if err != nil {
		return err
	}
	asking, cancel := context.WithTimeoutCause(ctx, deadline.Sub(r.Now()), errDeadline)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(r.parallel())
	errs := make([]error, len(pending))
	for i, name := range pending {
		group.Go(func() error {
			if err := r.audit(ctx, asking, j, run, name); err != nil {
				errs[i] = fmt.Errorf("target %q: %w", name, err)
			}
			return nil
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (r *Runner) parallel() int {
	if r.Parallel > 0 {
		return r.Parallel
	}
	return 8
}

// audit is the first step, for one target: collect, compare with the previous
// snapshot, judge, write the new snapshot. The server is asked under asking,
// which ends with the deadline; what was collected is kept under ctx.
func (r *Runner) audit(ctx, asking context.Context, j Job, run audit.Run, name string) error {
	base, found, err := r.Ledger.Baseline(ctx, run, name)
	if err != nil {
		return err
	}
	s := &snapshot{Runner: r, job: j, run: run, target: name, base: base, first: !found}
	col := r.collect(asking, j, name)
	err = s.write(asking, col)
	if err != nil && ctx.Err() == nil && asking.Err() != nil {
		err = s.write(ctx, notAsked(context.Cause(asking)))
	}
	if errors.As(err, new(baselineError)) {
		s.lost, s.first = err, true
		err = s.write(asking, col)
	}
	if col.Close != nil {
		col.Close()
	}
	if err != nil {
		return err
	}
	return r.Ledger.SaveItem(ctx, run, s.item)
}

func (r *Runner) collect(ctx context.Context, j Job, name string) audit.Collection {
	for _, t := range j.Targets {
		if t.Name != name {
			continue
		}
		col, err := t.Source.Collect(ctx, func() { r.progress(name) })
		if err != nil {
			return notAsked(err)
		}
		return col
	}
	return notAsked(errors.New("it is no longer configured"))
}

func (r *Runner) progress(target string) {
	if r.Progress != nil {
		r.Progress(target)
	}
}

// notAsked stands for a target that could not be reviewed: nothing is listed,
// nothing can be asked, so everything known of it stands as it was.
func notAsked(why error) audit.Collection {
	cov := audit.NewCoverage("")
	cov.Lower(audit.NotKnown, "not reviewed: %v", why)
	return audit.Collection{Coverage: cov, Authorizations: func(func(audit.Authorization, error) bool) {}}
}

// snapshot is the work of comparing one target with its past.
type snapshot struct {
	*Runner
	job    Job
	run    audit.Run
	target string
	base   audit.Run
	first  bool  // there is nothing to compare with
	lost   error // why the previous snapshot could not be read
	item   audit.Item
}

// baselineError is a previous snapshot that cannot be read: pruned or damaged.
type baselineError struct{ error }

func (s *snapshot) write(ctx context.Context, col audit.Collection) error {
	s.item = audit.Item{Coverage: col.Coverage, Counts: audit.NewCounts()}
	cov := &s.item.Coverage
	cov.Target = s.target
	switch {
	case s.lost != nil:
		cov.Lower(audit.Partial, "the previous snapshot could not be read, so nothing is known of what changed or vanished: %v", s.lost)
	case s.first:
		cov.Blind("first review: what the server hides, such as tokens of users deleted earlier, is not known yet")
	}
	review := audit.Review{
		Target: s.target, Now: s.run.Started, Policy: s.job.Policy,
		Scope: col.Scope, Owner: col.Owner, Probe: col.Probe,
	}
	records := review.Merge(ctx, col.Authorizations, s.before())
	return s.Snapshots.Write(s.run, s.target, s.counted(records))
}

func (s *snapshot) before() iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		if s.first {
			return
		}
		for rec, err := range s.Snapshots.Read(s.base, s.target) {
			if err != nil {
				err = baselineError{err}
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}

// counted counts the records on their way into the file.
func (s *snapshot) counted(records iter.Seq2[audit.Record, error]) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for rec, err := range records {
			if err == nil {
				s.item.Counts.Add(rec, s.run.Started)
				s.item.Coverage.Met(rec)
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}
