package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tokenaudit/jobs/audit"
)

// Reports is the part of the ledger that holds what became of a run.
type Reports interface {
	Previous(ctx context.Context, run audit.Run) (*audit.Previous, error)
	Trend(ctx context.Context, run audit.Run) ([]audit.TrendPoint, error)
	Head(ctx context.Context, run audit.Run) (*audit.Link, error)
	Finish(ctx context.Context, run audit.Run, s audit.Summary, pack audit.Link, parts []string) error
	Summary(ctx context.Context, run audit.Run) (audit.Summary, error)
}

// Outbox is the part of the ledger that holds what is to be delivered.
type Outbox interface {
	Unsent(ctx context.Context, job string) ([]audit.Part, error)
	SavePart(ctx context.Context, p audit.Part) error
}

// report is the second step: sum up, write the reports, close the run.
func (r *Runner) report(ctx context.Context, j Job, run audit.Run) (*audit.Summary, error) {
	e, err := r.evidence(ctx, j, run)
	if err != nil {
		return nil, err
	}
	pack, err := j.Report(ctx, r.Snapshots.Folder(run), e)
	if err != nil {
		return nil, fmt.Errorf("writing the reports: %w", err)
	}
	parts := slices.Sorted(maps.Keys(j.Parts))
	if run.Trigger == audit.DryRun { // nobody is told, whoever finishes it
		parts = nil
	}
	if err := r.Ledger.Finish(ctx, run, e.Summary, pack, parts); err != nil {
		return nil, err
	}
	return &e.Summary, nil
}

func (r *Runner) evidence(ctx context.Context, j Job, run audit.Run) (e Evidence, err error) {
	items, err := r.Ledger.Items(ctx, run)
	if err != nil {
		return e, err
	}
	previous, err := r.Ledger.Previous(ctx, run)
	if err != nil {
		return e, err
	}
	if e.Trend, err = r.Ledger.Trend(ctx, run); err != nil {
		return e, err
	}
	if e.Previous, err = r.Ledger.Head(ctx, run); err != nil {
		return e, err
	}
	e.Summary = audit.Summarize(run, items, r.Now(), r.Tool, j.Policy, previous)
	e.Rows = r.Rows(e.Summary)
	return e, nil
}

// deliver is the third step: send the parts that are not sent, those of earlier
// runs too. A part that fails stays in the outbox for the next time.
func (r *Runner) deliver(ctx context.Context, j Job) error {
	parts, err := r.Ledger.Unsent(ctx, j.Name)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range parts {
		if send := j.Parts[p.Name]; send != nil {
			errs = append(errs, r.deliverPart(ctx, send, p))
		}
	}
	return errors.Join(errs...)
}

func (r *Runner) deliverPart(ctx context.Context, send Send, p audit.Part) error {
	s, err := r.Ledger.Summary(ctx, p.Run)
	if err != nil {
		return err
	}
	again := p.State != audit.PartNew
	p.State = audit.PartSending
	if p.Since.IsZero() {
		p.Since = r.Now()
	}
	if err := r.Ledger.SavePart(ctx, p); err != nil {
		return err
	}
	ref, sendErr := send(ctx, s, r.Rows(s), r.Snapshots.Folder(p.Run))
	p.Ref, p.State = ref, after(sendErr, again)
	if sendErr != nil {
		p.Error = sendErr.Error()
		sendErr = &DeliveryError{Part: p, Err: sendErr}
	}
	return errors.Join(sendErr, r.Ledger.SavePart(context.WithoutCancel(ctx), p))
}

// after is the state of a part after an attempt. What surely did not arrive is new
// again. What may have arrived is sent once more and then let be.
func after(err error, again bool) audit.PartState {
	switch {
	case err == nil:
		return audit.PartSent
	case !errors.As(err, new(*UncertainError)):
		return audit.PartNew
	case again:
		return audit.PartSent
	}
	return audit.PartUncertain
}

// UncertainError wraps the error of a Send after which the message may have
// arrived all the same.
type UncertainError struct{ Err error }

func (e *UncertainError) Error() string { return e.Err.Error() }

func (e *UncertainError) Unwrap() error { return e.Err }

// DeliveryError is a message that did not arrive. The run itself is done and its
// evidence is on disk.
type DeliveryError struct {
	Part audit.Part
	Err  error
}

func (e *DeliveryError) Error() string {
	return fmt.Sprintf("delivering part %q of run %s: %v", e.Part.Name, e.Part.Run.ID(), e.Err)
}

func (e *DeliveryError) Unwrap() error { return e.Err }
