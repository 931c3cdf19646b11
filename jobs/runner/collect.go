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

// comparison is what a target answered, to be judged against an earlier run.
type comparison struct {
	audit.Review
	bases []audit.Baseline // the newest first
	lost  []error          // why newer ones could not be read
}

// collect is the first step, for one target: ask for everything, compare it with
// the previous snapshot, judge it, write the new snapshot. The server is asked under
// asking, which ends with the deadline; what was collected until then is kept under
// ctx.
func (r *Runner) collect(ctx, asking context.Context, j Job, run audit.Run, name string) error {
	bases, err := r.Ledger.Baselines(ctx, run, name)
	c := comparison{Review: audit.Review{Target: name, Now: run.Started, Policy: j.Policy}, bases: bases}
	if errors.As(err, new(*audit.DamagedError)) {
		c.lost = append(c.lost, err)
	} else if err != nil {
		return err
	}
	if err := r.guard(j, "collecting "+name, func() (err error) { c.Collection, err = r.ask(asking, j, name); return }); err != nil {
		c.Collection = notAsked(err)
	}
	if c.Close != nil {
		defer c.Close()
	}
	item, err := r.write(ctx, asking, j, run, c)
	for panicked := false; err != nil; {
		switch {
		case errors.As(err, new(baselineError)):
			c.lost, c.bases = append(c.lost, err), c.bases[1:]
		case errors.As(err, new(*audit.PanicError)) && !panicked: // what it answered cannot be judged
			panicked, c.Collection = true, notAsked(err)
		default:
			return err
		}
		item, err = r.write(ctx, asking, j, run, c)
	}
	if ctx.Err() != nil { // nothing was asked because the process ends: the target stays pending
		return context.Cause(ctx)
	}
	if err := r.tryAgain(ctx, j, run, item.Coverage); err != nil {
		return err
	}
	return r.Ledger.SaveItem(ctx, run, item)
}

// ask asks a target for everything there is.
func (r *Runner) ask(ctx context.Context, j Job, name string) (audit.Collection, error) {
	at := slices.IndexFunc(j.Targets, func(t Target) bool { return t.Name == name })
	if at < 0 {
		return audit.Collection{}, errors.New("it is no longer configured")
	}
	return j.Targets[at].Source.Collect(ctx, func() {
		if r.Progress != nil {
			r.Progress(name)
		}
	})
}

// notAsked stands for a target that could not be reviewed: nothing is listed,
// nothing can be asked, so everything known of it stands as it was.
func notAsked(why error) audit.Collection {
	cov := audit.NewCoverage("")
	cov.Gap(audit.TargetReviewed, audit.NotKnown, "not reviewed: %v", why)
	return audit.Collection{Coverage: cov, Authorizations: func(func(audit.Authorization, error) bool) {}}
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

// write judges what a target answered against the newest baseline, and writes the
// snapshot. The error is a baselineError if that baseline could not be read.
func (r *Runner) write(ctx, asking context.Context, j Job, run audit.Run, c comparison) (item audit.Item, err error) {
	item = audit.Item{Coverage: c.Coverage.Clone(), Counts: audit.NewCounts()}
	cov := &item.Coverage
	cov.Target = c.Target
	cov.Credentials = audit.RememberCredentials(cov.Credentials, c.Before, c.Now)
	for _, err := range c.lost {
		cov.Gap(audit.BaselineRead, audit.Partial, "an earlier snapshot could not be read, so what changed or vanished since is not known: %v", err)
	}
	review := c.Review
	if c.Probe != nil {
		review.Probe = func(ctx context.Context, a audit.Authorization) audit.Probe {
			return c.believe(cov, c.Probe(ctx, a))
		}
	}
	missing := map[audit.Presence]int{}
	counted := func(yield func(audit.Record, error) bool) {
		for rec, err := range review.Merge(ctx, asking, r.before(ctx, j, c)) {
			if err == nil {
				item.Counts.Add(rec, run.Started)
				cov.Count(rec)
				missing[rec.Presence]++
			}
			if !yield(rec, err) {
				return
			}
		}
	}
	err = r.guard(j, "judging "+c.Target, func() error { return r.Snapshots.Write(ctx, run, c.Target, counted) })
	if err != nil {
		return item, err
	}
	if asking.Err() != nil {
		cov.Gap(audit.TargetReviewed, audit.Partial, "not everything could be asked: %v", context.Cause(asking))
	}
	delete(missing, audit.Listed)
	noteMissing(cov, missing)
	if c.Conclude != nil {
		c.Conclude(cov)
	}
	cov.Reconcile()
	cov.Accept(c.Policy.AcceptedGaps, c.Now)
	return item, nil
}

// noteMissing puts the authorizations that the list now lacks among the questions
// asked, by what became of them.
func noteMissing(cov *audit.Coverage, n map[audit.Presence]int) {
	if len(n) == 0 {
		return
	}
	a := audit.Asked{
		What: "authorizations of the previous review that the list lacks, one by one", Request: "GET /api/v2/authorizations/{id}",
		Rows: n[audit.Gone] + n[audit.Hidden] + n[audit.Unseen], Verdict: audit.Complete,
		Reason: fmt.Sprintf("%d no longer exist, %d exist and are hidden, %d could not be asked", n[audit.Gone], n[audit.Hidden], n[audit.Unseen]),
	}
	if n[audit.Unseen] > 0 {
		a.Verdict = audit.Partial
	}
	cov.Asked = append(cov.Asked, a)
}

// believe takes no authorization for gone when the target asks another server or
// org than the review before did: there it may never have been.
func (c *comparison) believe(cov *audit.Coverage, p audit.Probe) audit.Probe {
	if p.Presence != audit.Gone || len(c.bases) == 0 || c.bases[0].Source == c.Coverage.Source {
		return p
	}
	cov.Gap(audit.SourceSame, audit.Partial, "the target asks %s now, and %s before; what is missing there is not taken for gone. Give another server or org a target of its own", c.Coverage.Source, c.bases[0].Source)
	return audit.Probe{Presence: audit.Unseen, Evidence: "not taken for gone: " + p.Evidence}
}

// baselineError is a previous snapshot that cannot be read: pruned or damaged.
type baselineError struct{ error }

// before is what the target is compared with: an earlier snapshot, or for a first
// review what is known from elsewhere.
func (r *Runner) before(ctx context.Context, j Job, c comparison) iter.Seq2[audit.Record, error] {
	switch {
	case len(c.bases) == 0 && c.Known != nil:
		return c.Known
	case len(c.bases) == 0:
		return func(func(audit.Record, error) bool) {}
	}
	return func(yield func(audit.Record, error) bool) {
		err := r.guard(j, "reading the snapshot of "+c.Target, func() error {
			for rec, err := range r.Snapshots.Read(ctx, c.bases[0].Run, c.Target) {
				if err != nil {
					return err
				}
				if !yield(rec, nil) {
					return nil
				}
			}
			return nil
		})
		if err != nil && !errors.As(err, new(interface{ Unreachable() })) {
			err = baselineError{err}
		}
		if err != nil {
			yield(audit.Record{}, err)
		}
	}
}
