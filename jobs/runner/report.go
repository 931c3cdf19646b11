package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
)

// report is the second step: add up, write the reports, close the run.
func (r *Runner) report(ctx context.Context, j Job, run audit.Run) (*audit.Summary, error) {
	e, err := r.evidence(ctx, j, run)
	if err != nil {
		return nil, err
	}
	pack, highlights, err := j.Report(ctx, r.Snapshots.Folder(run), e)
	if err != nil {
		return nil, fmt.Errorf("writing the reports: %w", err)
	}
	return &e.Summary, r.conclude(ctx, j, run, e.Summary, pack, highlights)
}

// conclude closes a run, with what is to be delivered of it.
func (r *Runner) conclude(ctx context.Context, j Job, run audit.Run, s audit.Summary, pack audit.Link, highlights audit.Highlights) error {
	out := audit.Conclusion{Run: run, Summary: s, Pack: pack}
	if len(j.Notifiers) > 0 {
		out.Highlights = highlights
		for _, n := range j.Notifiers {
			for _, name := range n.Deliveries(out.Summary, out.Highlights) {
				out.Deliveries = append(out.Deliveries, audit.Delivery{Notifier: n.Name, Name: name})
			}
		}
	}
	return r.Ledger.Finish(ctx, out)
}

// adopt closes a run whose pack is sealed, with what is in the pack: another review
// of the same slot would replace it.
func (r *Runner) adopt(ctx context.Context, j Job, run audit.Run) (*audit.Summary, error) {
	s, pack, err := j.Sealed(ctx, run)
	if err != nil {
		return nil, fmt.Errorf("reading the evidence pack of the run: %w", err)
	}
	pending, err := r.Ledger.Pending(ctx, run)
	if err != nil {
		return nil, err
	}
	for _, target := range s.Coverage.Targets {
		if slices.Contains(pending, target.Target) {
			if err := r.Ledger.SaveItem(ctx, run, audit.Item{Coverage: target, Counts: audit.NewCounts()}); err != nil {
				return nil, err
			}
		}
	}
	r.Log.Info("the pack of the run was sealed before the interruption", "job", j.Name, "run", run.ID(), "pack", pack.Sequence)
	var highlights audit.Highlights
	if len(j.Notifiers) > 0 {
		if highlights, err = audit.HighlightsOf(r.Rows(ctx, s), s, j.Contacts); err != nil {
			return nil, err
		}
	}
	return &s, r.conclude(ctx, j, run, s, pack, highlights)
}

// evidence gathers what the reports are made of. A record of an earlier run that is
// damaged does not keep this one from its report, which says what it lacks.
func (r *Runner) evidence(ctx context.Context, j Job, run audit.Run) (e Evidence, err error) {
	items, err := r.Ledger.Items(ctx, run)
	if err != nil {
		return e, err
	}
	if e.Trend, err = r.Ledger.Trend(ctx, run); errors.As(err, new(*audit.DamagedError)) {
		r.Log.Warn("a review is missing in the trend", "job", j.Name, "run", run.ID(), "error", err)
	} else if err != nil {
		return e, err
	}
	if e.Previous, err = r.Ledger.Head(ctx, run); err != nil {
		return e, err
	}
	finished, err := r.Now(ctx)
	if err != nil {
		return e, err
	}
	if e.Summary, err = summarize(ctx, r.Ledger, j, run, items, finished, r.Tool); err != nil {
		return e, err
	}
	if e.Summary.Campaigns, e.Campaigns, err = r.follow(ctx, j, e.Summary, false); err != nil {
		return e, fmt.Errorf("comparing with the campaigns: %w", err)
	}
	e.Rows = r.Rows(ctx, e.Summary)
	return e, nil
}

// Total is the coverage that a run of now would have over all targets of the job, of which
// items are the outcome.
func (a *Assessor) Total(ctx context.Context, j Job, items []audit.Item) (audit.TotalCoverage, error) {
	run, err := a.TryOut(ctx, j)
	if err != nil {
		return audit.TotalCoverage{}, err
	}
	s, err := summarize(ctx, a.Earlier, j, run, items, run.Started, audit.Tool{})
	return s.Coverage, err
}

// summarize adds up a run and compares it with the one before. Without earlier runs it is
// the first one.
func summarize(ctx context.Context, earlier Earlier, j Job, run audit.Run, items []audit.Item, finished time.Time, tool audit.Tool) (s audit.Summary, err error) {
	var previous *audit.Previous
	if earlier != nil {
		previous, err = earlier.Previous(ctx, run)
	}
	notCompared, isDamaged := errors.AsType[*audit.DamagedError](err)
	if err != nil && !isDamaged {
		return s, err
	}
	var gone []audit.RetiredSource
	if previous != nil {
		retired, err := earlier.Retired(ctx)
		if err != nil {
			return s, err
		}
		gone = retiredTargets(previous.Coverage, items, retired)
		previous.Coverage = slices.DeleteFunc(previous.Coverage, func(t audit.Coverage) bool { return retiredWhole(t, retired) })
	}
	s = audit.Summarize(run, items, finished, tool, j.Policy, previous)
	s.Coverage.Retired, s.Basis, s.Retention = gone, j.Basis, j.Retention
	if j.Schedule != nil {
		s.Schedule = j.Schedule.String()
	}
	if isDamaged {
		s.Coverage.Gap(audit.BaselineRead, audit.Partial, "the review before could not be read, so changes and removed targets are not known: %v", notCompared)
	}
	return s, nil
}

// retiredTargets are what was retired of the targets of the review before, where they are
// configured no more.
func retiredTargets(before []audit.Coverage, items []audit.Item, retired map[string]audit.Retirement) (gone []audit.RetiredSource) {
	for _, t := range before {
		same := slices.ContainsFunc(items, func(it audit.Item) bool { return it.Coverage.Target == t.Target })
		if same || !retiredWhole(t, retired) {
			continue
		}
		sources, tokens := t.Sources, t.Listed+t.Legacy+t.Hidden+t.Unseen
		if len(sources) == 0 {
			sources = []string{t.Target}
		}
		if len(sources) > 1 { // how many are of which is not known
			tokens = 0
		}
		for _, source := range sources {
			gone = append(gone, audit.RetiredSource{Source: source, Reason: retired[source].Reason, At: retired[source].At, Tokens: tokens})
		}
	}
	return gone
}

// retiredWhole reports whether all of a target is not followed any more. A target of which
// no source is known is retired by its name.
func retiredWhole(t audit.Coverage, retired map[string]audit.Retirement) bool {
	if len(t.Sources) == 0 {
		_, is := retired[t.Target]
		return is
	}
	return !slices.ContainsFunc(t.Sources, func(s string) bool { _, is := retired[s]; return !is })
}
