package main

import (
	"context"
	"errors"
	"iter"
	"log/slog"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
)

// earlier is what earlier reviews left, opened to look at it only.
type earlier struct {
	*runner.Assessor
	ledger  *ledger.Reader // nil where no review was made yet
	archive evidence.Archive
}

// openEarlier makes an assessor. One without earlier reviews is one for a first review;
// err says why they could not be read. What is held is freed by close, whatever err.
func openEarlier(ctx context.Context, f *configs.File, log *slog.Logger) (e *earlier, err error) {
	e = &earlier{Assessor: &runner.Assessor{Log: log}}
	if e.archive, err = evidence.Open(f.Evidence, evidence.Lock{}); err != nil {
		return e, err
	}
	e.Snapshots = e.archive
	r, err := ledger.OpenReader(ctx, f.Store, f.StorePassword)
	if errors.Is(err, ledger.ErrNone) {
		return e, nil
	}
	if err != nil {
		return e, err
	}
	e.ledger, e.Earlier, e.Now = r, r, r.Now
	return e, nil
}

// known is the ledger, to be compared with the evidence.
func (e *earlier) known() knownPacks {
	if e.ledger == nil {
		return noLedger{}
	}
	return e.ledger
}

func (e *earlier) close() error {
	err := e.archive.Close()
	if e.ledger != nil {
		err = errors.Join(err, e.ledger.Close())
	}
	return err
}

// assess reaches the verdict on a target that a review of the job would reach now, and
// keeps nothing.
func assess(ctx context.Context, a *runner.Assessor, j runner.Job, target string, write func(iter.Seq2[audit.Record, error]) error) (audit.Coverage, error) {
	run, err := a.TryOut(ctx, j)
	if err != nil {
		return audit.Coverage{}, err
	}
	item, err := a.Assess(ctx, ctx, j, run, target, write)
	return item.Coverage, err
}

// jobsToTry are the jobs as far as a verdict needs them. Targets that no job reviews are
// in one without a name.
func jobsToTry(f *configs.File, targets []runner.Target, secrets *secret.Redactor) ([]runner.Job, error) {
	var out []runner.Job
	roster := f.RosterAt()
	reviewed := map[string]bool{}
	for _, cfg := range f.Jobs {
		j, err := jobOf(f, cfg, targets, roster, secrets)
		if err != nil {
			return nil, err
		}
		for _, t := range j.Targets {
			reviewed[t.Name] = true
		}
		out = append(out, j)
	}
	rest := runner.Job{Reviewed: f.Reviewed(), Policy: f.Audit(), Roster: roster}
	for _, t := range targets {
		if !reviewed[t.Name] {
			rest.Targets = append(rest.Targets, t)
		}
	}
	if len(rest.Targets) > 0 {
		out = append(out, rest)
	}
	return out, nil
}
