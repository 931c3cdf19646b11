package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
)

// lookEvery is how often the folders of campaigns are looked at where nothing is due: what
// people decided, or opened, is found that late. A bucket is not listed at every heartbeat.
const lookEvery = 5 * time.Minute

// watch remembers between the ticks of a job when to look at the campaigns again.
type watch struct {
	next time.Time
	over map[string]bool // IDs of which nothing will be said any more
	err  error           // of the last look
}

func newWatch() *watch { return &watch{over: map[string]bool{}} }

// tend does what the campaigns of a job owe at this moment, after its run: it opens those
// that are due, notes what has to be said, and says it. None opens while a run is
// unfinished, as it is about to be the newest. What was noted before is said, or expires,
// also where the job has no campaign any more.
func (r *Runner) tend(ctx context.Context, j Job, reviewed bool, finished error) error {
	if r.Campaigns == nil {
		return nil
	}
	now, err := r.Now(ctx)
	if err != nil {
		return err
	}
	if len(j.Campaigns) == 0 {
		return r.deliverNotices(ctx, j, now)
	}
	opened := false
	if !errors.As(finished, new(runError)) {
		opened, err = r.openCampaigns(ctx, j, now)
	}
	w := cmp.Or(j.watch, newWatch())
	if reviewed || opened || !now.Before(w.next) || w.next.Sub(now) > lookEvery { // or the clock went back
		w.err = r.announce(ctx, j, w, now)
	}
	return errors.Join(err, w.err, r.deliverNotices(ctx, j, now))
}

// announce notes what has to be said of the campaigns of a job by now.
func (r *Runner) announce(ctx context.Context, j Job, w *watch, now time.Time) error {
	if !slices.ContainsFunc(j.Notifiers, func(n Notifier) bool { return n.SendCampaign != nil }) {
		return nil
	}
	if err := r.agree(ctx, j); err != nil { // to an older ledger, nothing was said yet
		return err
	}
	ids, err := r.Campaigns.IDs(ctx)
	if err != nil {
		return err
	}
	w.next = now.Add(lookEvery)
	var errs []error
	for _, id := range ids {
		if w.over[id] {
			continue
		}
		book, err := campaign.Load(ctx, r.Campaigns.Folder(id))
		if err != nil { // it may be opening at this moment
			if !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, fmt.Errorf("campaign %s: %w", id, err))
			}
			continue
		}
		if book.Job != j.Name || book.Closing != nil {
			w.over[id] = true
			continue
		}
		if next := book.NextNotice(now); !next.IsZero() && next.Before(w.next) {
			w.next = next
		}
		errs = append(errs, r.Ledger.Announce(ctx, j.Notices(book, now, audit.DeliveryNew)))
	}
	return errors.Join(errs...)
}

// Notices are the messages that are due of a campaign, to be noted in a state.
func (j Job) Notices(book *campaign.Book, now time.Time, state audit.DeliveryState) (out []audit.CampaignDelivery) {
	for _, n := range j.Notifiers {
		for _, notice := range book.Notices(now) {
			if n.SendCampaign == nil || !n.Tells(notice.Recipient) {
				continue
			}
			d := audit.CampaignDelivery{Job: j.Name, Kind: string(notice.Kind), Recipient: notice.Recipient}
			d.Run = audit.Run{Job: book.Name, Slot: book.Opened, Started: started(now)}
			d.Notifier, d.Name, d.State = n.Name, notice.Name, state
			out = append(out, d)
		}
	}
	return out
}

// deliverNotices sends what is noted of campaigns and not sent. What is no longer true is
// not said: it was decided meanwhile, or a later reminder says the same.
func (r *Runner) deliverNotices(ctx context.Context, j Job, now time.Time) error {
	all, err := r.Ledger.Unsaid(ctx, j.Name)
	if err != nil || len(all) == 0 {
		return err
	}
	if err := r.agree(ctx, j); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, deliverFor, errSlow)
	defer cancel()
	books := map[string]*campaign.Book{}
	var errs []error
	for _, d := range all {
		if ctx.Err() != nil {
			errs = append(errs, context.Cause(ctx))
			break
		}
		id := d.Run.ID()
		if books[id] == nil {
			if books[id], err = campaign.Load(ctx, r.Campaigns.Folder(id)); err != nil {
				errs = append(errs, fmt.Errorf("campaign %s: %w", id, err), r.expire(ctx, j, d.Delivery, r.saveNotice(d)))
				continue
			}
		}
		errs = append(errs, r.deliverNotice(ctx, j, d, books[id], now))
	}
	return errors.Join(errs...)
}

func (r *Runner) deliverNotice(ctx context.Context, j Job, d audit.CampaignDelivery, book *campaign.Book, now time.Time) error {
	save := r.saveNotice(d)
	if !slices.ContainsFunc(book.Notices(now), func(n campaign.Notice) bool { return n.Name == d.Name }) {
		d.State = audit.DeliveryWithdrawn
		return save(ctx, d.Delivery)
	}
	if err := r.expire(ctx, j, d.Delivery, save); err != nil {
		return err
	}
	at := slices.IndexFunc(j.Notifiers, func(n Notifier) bool { return n.Name == d.Notifier && n.SendCampaign != nil })
	if at < 0 {
		return nil // until it expires
	}
	_, err := r.attempt(ctx, d.Delivery, save, func(before audit.Delivery) (string, error) {
		m := CampaignMessage{CampaignDelivery: d, Book: book, Left: book.Left(j.People(now))}
		m.Delivery = before
		return j.Notifiers[at].SendCampaign(ctx, m)
	})
	return err
}

func (r *Runner) saveNotice(d audit.CampaignDelivery) saving {
	return func(ctx context.Context, as audit.Delivery) error {
		d.Delivery = as
		return r.Ledger.SaveCampaignDelivery(ctx, r.Holder, d)
	}
}
