package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
)

// deliverFor is how long the messages of a job may take in one go: a receiver that
// is slow, or asks to be left alone for hours, keeps neither the next slot of the job
// waiting nor, in a call of run, the next job.
const deliverFor = 5 * time.Minute

var errSlow = fmt.Errorf("the messages took longer than %s; the rest is sent next time", deliverFor)

// deliver is the third step: send what is not sent, of earlier runs too. A delivery
// that fails stays in the outbox for the next time; if it is the root, the others of
// its notifier wait for it.
func (r *Runner) deliver(ctx context.Context, j Job) error {
	deliveries, err := r.Ledger.Unsent(ctx, j.Name)
	if err != nil || len(deliveries) == 0 {
		return err
	}
	if err := r.agree(ctx, j); err != nil { // an older ledger has messages to send that were sent
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, deliverFor, errSlow)
	defer cancel()
	var errs []error
	roots := map[string]string{}
	said := conclusions{ledger: r.Ledger}
	for _, d := range deliveries {
		if ctx.Err() != nil {
			errs = append(errs, context.Cause(ctx))
			break
		}
		at := slices.IndexFunc(j.Notifiers, func(n Notifier) bool { return n.Name == d.Notifier })
		thread := d.Run.ID() + " " + d.Notifier
		if d.Root = cmp.Or(d.Root, roots[thread]); at < 0 || d.Position > 0 && d.Root == "" {
			errs = append(errs, r.expire(ctx, j, d, r.saveDelivery))
			continue
		}
		ref, err := r.send(ctx, j, j.Notifiers[at], d, &said)
		if d.Position == 0 && err == nil {
			roots[thread] = ref
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// saving stores how far a delivery has come.
type saving func(context.Context, audit.Delivery) error

func (r *Runner) saveDelivery(ctx context.Context, d audit.Delivery) error {
	return r.Ledger.SaveDelivery(ctx, r.Holder, d)
}

// expire gives up a delivery whose time is over; it says so once.
func (r *Runner) expire(ctx context.Context, j Job, d audit.Delivery, save saving) error {
	now, err := r.Now(ctx)
	if err != nil || now.Before(d.Run.Started.Add(j.DeliverWithin)) {
		return err
	}
	d.State, d.Error = audit.DeliveryExpired, cmp.Or(d.Error, "the previous message did not arrive, or its notifier is no longer configured")
	late := fmt.Errorf("not delivered within %s and cancelled: %s", audit.SpanWords(j.DeliverWithin), d.Error)
	return errors.Join(&DeliveryError{Delivery: d, Err: late}, save(ctx, d))
}

// conclusions reads what runs ended with. It keeps the one that was read last, as a run may
// have thousands of deliveries, which follow one another.
type conclusions struct {
	ledger     Ledger
	run        string
	summary    audit.Summary
	highlights audit.Highlights
}

func (c *conclusions) of(ctx context.Context, run audit.Run) (audit.Summary, audit.Highlights, error) {
	if c.run != run.ID() {
		s, h, err := c.ledger.Conclusion(ctx, run)
		if err != nil {
			return s, h, err
		}
		c.run, c.summary, c.highlights = run.ID(), s, h
	}
	return c.summary, c.highlights, nil
}

func (r *Runner) send(ctx context.Context, j Job, n Notifier, d audit.Delivery, said *conclusions) (ref string, err error) {
	if err := r.expire(ctx, j, d, r.saveDelivery); err != nil {
		return "", err
	}
	summary, highlights, err := said.of(ctx, d.Run)
	if err != nil {
		return "", err
	}
	return r.attempt(ctx, d, r.saveDelivery, func(d audit.Delivery) (string, error) {
		return n.Send(ctx, Message{Delivery: d, Summary: summary, Highlights: highlights})
	})
}

// attempt sends a delivery once. That it is being sent is stored before, and what became
// of it after. The send is told how the delivery was before this attempt.
func (r *Runner) attempt(ctx context.Context, d audit.Delivery, save saving, send func(audit.Delivery) (ref string, err error)) (ref string, err error) {
	if d.Since.IsZero() {
		if d.Since, err = r.Now(ctx); err != nil {
			return "", err
		}
	}
	before := d
	d.State = audit.DeliverySending
	if err := save(ctx, d); err != nil {
		return "", err
	}
	ref, sendErr := send(before)
	d.Ref, d.State, d.Error = ref, after(sendErr), ""
	if sendErr != nil {
		d.Ref, d.Error = "", sendErr.Error()
		sendErr = &DeliveryError{Delivery: d, Err: sendErr}
	}
	return ref, errors.Join(sendErr, save(context.WithoutCancel(ctx), d))
}

// after is the state of a delivery after an attempt. What surely did not arrive is new
// again.
func after(err error) audit.DeliveryState {
	uncertain, isUncertain := errors.AsType[*UncertainError](err)
	switch {
	case err == nil, isUncertain && uncertain.GiveUp:
		return audit.DeliverySent
	case isUncertain:
		return audit.DeliveryUncertain
	}
	return audit.DeliveryNew
}

// UncertainError wraps the error of a Send after which the message may have
// arrived all the same. With GiveUp it is not to be tried again: one more attempt
// would rather be one message too many.
type UncertainError struct {
	Err    error
	GiveUp bool
}

func (e *UncertainError) Error() string { return e.Err.Error() }

func (e *UncertainError) Unwrap() error { return e.Err }

// DeliveryError is a message that did not arrive. The run itself is done and its
// evidence is on disk.
type DeliveryError struct {
	Delivery audit.Delivery
	Err      error
}

func (e *DeliveryError) Error() string {
	d := e.Delivery
	return fmt.Sprintf("delivering %s %q of %s %s: %v", d.Notifier, d.Name, d.Of(), d.Run.ID(), e.Err)
}

func (e *DeliveryError) Unwrap() error { return e.Err }
