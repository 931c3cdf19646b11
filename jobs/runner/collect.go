package runner

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// Items is the part of the ledger that holds the targets of a run.
type Items interface {
	Pending(ctx context.Context, run audit.Run) ([]string, error)
	SaveItem(ctx context.Context, run audit.Run, item audit.Item) error
	Items(ctx context.Context, run audit.Run) ([]audit.Item, error)
	Baselines(ctx context.Context, run audit.Run, target string) ([]audit.Baseline, error)
}

// audit is the first step, for one target: collect, compare with the previous
// snapshot, judge, write the new snapshot. The server is asked under asking,
// which ends with the deadline; what was collected until then is kept under ctx.
func (r *Runner) audit(ctx, asking context.Context, j Job, run audit.Run, name string) error {
	bases, err := r.Ledger.Baselines(ctx, run, name)
	if err != nil {
		return err
	}
	col := r.collect(asking, j, name)
	if col.Close != nil {
		defer col.Close()
	}
	s := &snapshot{Runner: r, job: j, run: run, target: name, col: col, bases: bases, asking: asking}
	err = s.write(ctx)
	for errors.As(err, new(baselineError)) {
		s.lost, s.bases = append(s.lost, err), s.bases[1:]
		err = s.write(ctx)
	}
	if err != nil {
		return err
	}
	if ctx.Err() != nil { // nothing was asked because the process ends: the target stays pending
		return context.Cause(ctx)
	}
	if err := r.tryAgain(ctx, j, run, s.item.Coverage); err != nil {
		return err
	}
	return r.Ledger.SaveItem(ctx, run, s.item)
}

// tryAgain keeps a target pending that showed nothing at all, until the deadline:
// a server that is away for minutes must not cost a scheduled review its week.
// Somebody who asks for a review at once gets the answer of that moment.
func (r *Runner) tryAgain(ctx context.Context, j Job, run audit.Run, cov audit.Coverage) error {
	until := run.Started.Add(j.Deadline)
	scheduled := run.Trigger == audit.Scheduled || run.Trigger == audit.CatchUp
	configured := slices.Contains(j.targetNames(), cov.Target)
	if !scheduled || !configured || cov.Verdict != audit.NotKnown {
		return nil
	}
	if now, err := r.Now(ctx); err != nil || !now.Before(until) {
		return err
	}
	return fmt.Errorf("nothing could be seen, trying again until %s: %s", until.Format(time.RFC3339), strings.Join(cov.Reasons, "; "))
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
	col    audit.Collection
	asking context.Context  // for questions to the server; ends with the deadline
	bases  []audit.Baseline // to compare with, the newest first
	lost   []error          // why newer ones could not be read
	item   audit.Item
	asked  vanished
}

// vanished counts what became of the authorizations that the list now lacks.
type vanished struct{ gone, hidden, unseen int }

func (v *vanished) count(r audit.Record) {
	switch r.Presence {
	case audit.Gone:
		v.gone++
	case audit.Hidden:
		v.hidden++
	case audit.Unseen:
		v.unseen++
	}
}

// note puts them among the questions asked.
func (v vanished) note(cov *audit.Coverage) {
	rows := v.gone + v.hidden + v.unseen
	if rows == 0 {
		return
	}
	a := audit.Asked{What: "authorizations of the previous review that the list lacks, one by one", Request: "GET /api/v2/authorizations/{id}", Rows: rows, Verdict: audit.Complete}
	if v.unseen > 0 {
		a.Verdict = audit.Partial
	}
	a.Reason = fmt.Sprintf("%d no longer exist, %d exist and are hidden, %d could not be asked", v.gone, v.hidden, v.unseen)
	cov.Asked = append(slices.Clip(cov.Asked), a)
}

// baselineError is a previous snapshot that cannot be read: pruned or damaged.
type baselineError struct{ error }

func (s *snapshot) write(ctx context.Context) error {
	s.item, s.asked = audit.Item{Coverage: s.col.Coverage, Counts: audit.NewCounts()}, vanished{}
	cov := &s.item.Coverage
	cov.Target = s.target
	for _, err := range s.lost {
		cov.Lower(audit.Partial, "an earlier snapshot could not be read, so what changed or vanished since is not known: %v", err)
	}
	records := s.review().Merge(ctx, s.col.Authorizations, s.before(ctx))
	if err := s.Snapshots.Write(ctx, s.run, s.target, s.counted(records)); err != nil {
		return err
	}
	if s.asking.Err() != nil {
		cov.Lower(audit.Partial, "not everything could be asked: %v", context.Cause(s.asking))
	}
	s.asked.note(cov)
	cov.Settle()
	return nil
}

// review judges the target, asking the server no longer than the deadline.
func (s *snapshot) review() audit.Review {
	review := audit.Review{Target: s.target, Now: s.run.Started, Policy: s.job.Policy, Scope: s.col.Scope, OrgDeleted: s.col.OrgDeleted}
	review.Owner = func(_ context.Context, a audit.Authorization) audit.Owner { return s.col.Owner(s.asking, a) }
	if s.col.Probe != nil {
		review.Probe = func(_ context.Context, a audit.Authorization) audit.Probe { return s.believe(s.col.Probe(s.asking, a)) }
	}
	return review
}

// believe takes no authorization for gone when the target asks another server or
// org than the review before did: there it may never have been.
func (s *snapshot) believe(p audit.Probe) audit.Probe {
	if p.Presence != audit.Gone || len(s.bases) == 0 || s.bases[0].Source == s.col.Coverage.Source {
		return p
	}
	s.item.Coverage.Lower(audit.Partial, "the target asks %s now, and %s before; what is missing there is not taken for gone. Give another server or org a target of its own", s.col.Coverage.Source, s.bases[0].Source)
	return audit.Probe{Presence: audit.Unseen, Evidence: "not taken for gone: " + p.Evidence}
}

// before is what the target is compared with: an earlier snapshot, or for a first
// review what is known from elsewhere.
func (s *snapshot) before(ctx context.Context) iter.Seq2[audit.Record, error] {
	switch {
	case len(s.bases) == 0 && s.col.Known != nil:
		return s.col.Known
	case len(s.bases) == 0:
		return func(func(audit.Record, error) bool) {}
	}
	return func(yield func(audit.Record, error) bool) {
		for rec, err := range s.Snapshots.Read(ctx, s.bases[0].Run, s.target) {
			if err != nil && !errors.As(err, new(interface{ Unreachable() })) {
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
				s.asked.count(rec)
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}
