package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"tokenaudit/jobs/audit"
)

// Outbox is the part of the ledger that holds what is to be delivered.
type Outbox interface {
	// Unsent are the parts of a job that are neither sent nor expired: oldest run
	// first, and in each run and outlet in the order in which they are sent.
	Unsent(ctx context.Context, job string) ([]audit.Part, error)
	// SavePart stores how far a part has come. The error is ErrHeld unless holder
	// holds the job.
	SavePart(ctx context.Context, holder string, p audit.Part) error
}

// deliver is the third step: send the parts that are not sent, those of earlier
// runs too. A part that fails stays in the outbox for the next time; if it is the
// root, the others of its outlet wait for it.
func (r *Runner) deliver(ctx context.Context, j Job) error {
	parts, err := r.Ledger.Unsent(ctx, j.Name)
	if err != nil {
		return err
	}
	var errs []error
	roots := map[string]string{}
	for _, p := range parts {
		at := slices.IndexFunc(j.Outlets, func(o Outlet) bool { return o.Name == p.Outlet })
		thread := p.Run.ID() + " " + p.Outlet
		if p.Root = cmp.Or(p.Root, roots[thread]); at < 0 || p.Position > 0 && p.Root == "" {
			errs = append(errs, r.expire(ctx, j, p))
			continue
		}
		ref, err := r.deliverPart(ctx, j, j.Outlets[at], p)
		if p.Position == 0 && err == nil {
			roots[thread] = ref
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// expire lets a part be whose time is over; it says so once.
func (r *Runner) expire(ctx context.Context, j Job, p audit.Part) error {
	now, err := r.Now(ctx)
	if err != nil || now.Before(p.Run.Started.Add(j.DeliverWithin)) {
		return err
	}
	p.State, p.Error = audit.PartExpired, cmp.Or(p.Error, "the message before it did not arrive, or its outlet is no longer configured")
	late := fmt.Errorf("not delivered within %s, let be: %s", j.DeliverWithin, p.Error)
	return errors.Join(&DeliveryError{Part: p, Err: late}, r.Ledger.SavePart(ctx, r.Holder, p))
}

func (r *Runner) deliverPart(ctx context.Context, j Job, o Outlet, p audit.Part) (ref string, err error) {
	if err := r.expire(ctx, j, p); err != nil {
		return "", err
	}
	summary, news, err := r.Ledger.Conclusion(ctx, p.Run)
	if err != nil {
		return "", err
	}
	m := Message{Part: p, Summary: summary, News: news}
	if p.State = audit.PartSending; p.Since.IsZero() {
		if p.Since, err = r.Now(ctx); err != nil {
			return "", err
		}
		m.Since = p.Since
	}
	if err := r.Ledger.SavePart(ctx, r.Holder, p); err != nil {
		return "", err
	}
	ref, sendErr := o.Send(ctx, m)
	p.Ref, p.State, p.Error = ref, after(sendErr), ""
	if sendErr != nil {
		p.Ref, p.Error = "", sendErr.Error()
		sendErr = &DeliveryError{Part: p, Err: sendErr}
		r.Log.Warn("a message was not delivered", "job", j.Name, "run", p.Run.ID(), "part", p.Outlet+"/"+p.Name, "error", p.Error)
	}
	return ref, errors.Join(sendErr, r.Ledger.SavePart(context.WithoutCancel(ctx), r.Holder, p))
}

// after is the state of a part after an attempt. What surely did not arrive is new
// again.
func after(err error) audit.PartState {
	uncertain, isUncertain := errors.AsType[*UncertainError](err)
	switch {
	case err == nil, isUncertain && uncertain.LetBe:
		return audit.PartSent
	case isUncertain:
		return audit.PartUncertain
	}
	return audit.PartNew
}

// UncertainError wraps the error of a Send after which the message may have
// arrived all the same. With LetBe it is not to be tried again: one more attempt
// would rather be one message too many.
type UncertainError struct {
	Err   error
	LetBe bool
}

func (e *UncertainError) Error() string { return e.Err.Error() }

func (e *UncertainError) Unwrap() error { return e.Err }

// DeliveryError is a message that did not arrive. The run itself is done and its
// evidence is on disk.
type DeliveryError struct {
	Part audit.Part
	Err  error
}

func (e *DeliveryError) Error() string {
	return fmt.Sprintf("delivering %s %q of run %s: %v", e.Part.Outlet, e.Part.Name, e.Part.Run.ID(), e.Err)
}

func (e *DeliveryError) Unwrap() error { return e.Err }
