package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/target"
)

// knownPacks is a ledger, to be compared with the evidence.
type knownPacks interface {
	PackJobs(ctx context.Context) ([]string, error)
	runner.KnownPacks
}

// noLedger is one that is not there.
type noLedger struct{}

func (noLedger) PackJobs(context.Context) ([]string, error)          { return nil, nil }
func (noLedger) Packs(context.Context, string) ([]audit.Pack, error) { return nil, nil }

// disagreeError says for which jobs the ledger is not the one of the evidence.
type disagreeError struct {
	jobs    []string // what is wrong, job by job
	lacking bool     // the evidence lacks packs of one of them
	config  string
}

func (e *disagreeError) Error() string {
	return fmt.Sprintf("the ledger and the evidence do not match. Nothing is written until they match:\n\n%s\n\n%s", strings.Join(e.jobs, "\n"), e.Remedy())
}

// Remedy is what to do. A ledger that is rebuilt from evidence which lacks packs forgets them.
func (e *disagreeError) Remedy() string {
	rebuild := "tokenaudit history rebuild -c " + e.config
	if e.lacking {
		return "Set evidence to the folder or bucket that has the packs, or restore them from a backup. If they are lost for good: " + rebuild
	}
	return "To rebuild the ledger from the evidence packs: " + rebuild
}

// agree compares a ledger with the evidence, for every job that either of them knows,
// configured or not. The error is a *disagreeError if they do not agree.
func agree(ctx context.Context, known knownPacks, archive evidence.Archive, config string) error {
	jobs, err := known.PackJobs(ctx)
	if err != nil {
		return err
	}
	folders, err := archive.Jobs(ctx)
	if err != nil {
		return err
	}
	jobs = append(jobs, folders...)
	slices.Sort(jobs)
	e := &disagreeError{config: config}
	for _, job := range slices.Compact(jobs) {
		err := runner.Agree(ctx, known, archive, job)
		if d, ok := errors.AsType[*runner.DisagreementError](err); ok {
			e.jobs = append(e.jobs, fmt.Sprintf("job %q: %s", d.Job, d.Text))
			e.lacking = e.lacking || d.Lacking
		} else if err != nil {
			return err
		}
	}
	if len(e.jobs) > 0 {
		return e
	}
	return nil
}

// openJobs is wire, and the comparison of the ledger with the evidence. Evidence that
// cannot be reached says nothing: each run compares again before it begins.
func openJobs(ctx context.Context, f *configs.File, log *slog.Logger, secrets *secret.Redactor) (*app, error) {
	if path, ok := ledger.StorePath(f.Store); ok && !exists(path) { // before an empty one is made
		if err := agreeWithout(ctx, f, log); err != nil {
			return nil, err
		}
	}
	a, err := wire(ctx, f, nil, log, secrets)
	if err != nil {
		return nil, err
	}
	if err := passable(agree(ctx, a.ledger, a.snapshots, f.Path()), log); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func agreeWithout(ctx context.Context, f *configs.File, log *slog.Logger) error {
	archive, err := evidence.Open(f.Evidence, evidence.Lock{})
	if err != nil {
		return err
	}
	return errors.Join(passable(agree(ctx, noLedger{}, archive, f.Path()), log), archive.Close())
}

// unreachable tells an error of evidence that may be whole, and cannot be had at the
// moment.
func unreachable(err error) bool { return errors.As(err, new(interface{ Unreachable() })) }

// passable takes away an error that passes by itself.
func passable(err error, log *slog.Logger) error {
	if unreachable(err) {
		log.Warn("the evidence cannot be reached, so the ledger was not compared with it yet", "error", err)
		return nil
	}
	return err
}

// examineAgreement compares the ledger with the evidence, and changes neither.
func examineAgreement(ctx context.Context, f *configs.File) target.Diagnosis {
	d := target.Diagnosis{What: "ledger and evidence"}
	err := func() error {
		archive, err := evidence.Open(f.Evidence, evidence.Lock{})
		if err != nil {
			return err
		}
		defer archive.Close()
		r, err := ledger.OpenReader(ctx, f.Store, f.StorePassword)
		if errors.Is(err, ledger.ErrNone) {
			return agree(ctx, noLedger{}, archive, f.Path())
		}
		if err != nil {
			return err
		}
		defer r.Close()
		return agree(ctx, r, archive, f.Path())
	}()
	disagree, ok := errors.AsType[*disagreeError](err)
	switch {
	case ok:
		d.Result, d.Fix = strings.Join(disagree.jobs, "; "), disagree.Remedy()
	case errors.Is(err, ledger.ErrOlder):
		d.OK, d.Result = true, "will be compared by the next run or serve"
	case err != nil:
		d.Result, d.Fix = "not compared: "+err.Error(), "Fix store and evidence first."
	default:
		d.OK, d.Result = true, "agree"
	}
	return d
}
