package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/schedule"
)

// Campaign is an access review that a job opens again and again.
type Campaign struct {
	Terms    campaign.Terms
	Schedule *schedule.Schedule // nil where people open it
}

// Key is the name under which the ledger has the slots of the campaign. No job can have it.
func (c Campaign) Key() string { return "campaign " + c.Terms.Name }

// Campaigns keep the evidence folders of campaigns.
type Campaigns interface {
	// IDs are those that have a folder, oldest first in each name. One that was cut off
	// while it was opened is among them.
	IDs(ctx context.Context) ([]string, error)
	Folder(id string) campaign.Files
	// Load reads a campaign that is to be changed. One that somebody else changed is an error.
	Load(ctx context.Context, id string) (*campaign.Book, error)
	// Lock keeps everybody else from changing a campaign until unlock is called. Who changes
	// one loads it, changes it and seals it in between, and does nothing that takes long.
	Lock(ctx context.Context) (unlock func() error, err error)
	// Seal writes the report of a campaign at a time, and the sums of its folder, anew. State
	// is what of the folder stays as it is.
	Seal(ctx context.Context, b *campaign.Book, at time.Time) error
	State(ctx context.Context, id string) ([]campaign.FileDigest, error)
}

// Opening is a campaign to be opened on a review.
type Opening struct {
	Terms   campaign.Terms
	At      time.Time // to the second
	Trigger audit.Trigger
	Review  audit.Summary
	Pack    audit.Link
	People  campaign.People
}

// OpenCampaign opens a campaign on the records of a review. One that was opened before at
// that time stays as it is, and is sealed again; opened is false then.
func (r *Runner) OpenCampaign(ctx context.Context, o Opening) (book *campaign.Book, opened bool, err error) {
	id := campaign.ID(o.Terms.Name, o.At)
	f := r.Campaigns.Folder(id)
	var c campaign.Campaign
	var items []campaign.Item
	if _, err := campaign.Load(ctx, f); errors.Is(err, fs.ErrNotExist) {
		earlier, err := r.earlierDecisions(ctx, o)
		if err != nil {
			return nil, false, err
		}
		if c, items, err = campaign.Open(o.Terms, o.At, o.Trigger, o.Pack, r.Rows(ctx, o.Review), o.People, earlier); err != nil {
			return nil, false, err
		}
		c.Tool = r.Tool
	}
	err = r.locked(ctx, func() error {
		book, err = campaign.Load(ctx, f)
		if errors.Is(err, fs.ErrNotExist) {
			opened = true
			book, err = campaign.Create(ctx, f, c, items)
		}
		if err != nil {
			return err
		}
		return r.Campaigns.Seal(ctx, book, o.At)
	})
	return book, opened && err == nil, err
}

// earlierDecisions are those of the campaigns of the name before an opening. One that is
// damaged does not keep the next from opening, which shows fewer decisions then.
func (r *Runner) earlierDecisions(ctx context.Context, o Opening) (campaign.Earlier, error) {
	ids, err := r.Campaigns.IDs(ctx)
	if err != nil {
		return nil, err
	}
	earlier := campaign.Earlier{}
	for _, id := range ids { // oldest first
		if name, at, ok := campaign.ParseID(id); !ok || name != o.Terms.Name || !at.Before(o.At) {
			continue
		}
		book, err := campaign.Load(ctx, r.Campaigns.Folder(id))
		switch {
		case err == nil:
			earlier.Add(book)
		case passes(ctx, err):
			return nil, err
		case !errors.Is(err, fs.ErrNotExist):
			r.Log.Warn("a campaign cannot be read, so its decisions are not shown in the next one", "campaign", id, "error", err)
		}
	}
	return earlier, nil
}

// locked does what changes campaigns while nobody else does.
func (r *Runner) locked(ctx context.Context, work func() error) error {
	unlock, err := r.Campaigns.Lock(ctx)
	if err != nil {
		return err
	}
	return errors.Join(work(), unlock())
}

// passes tells an error that may be gone the next time from a file that is damaged.
func passes(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.As(err, new(interface{ Unreachable() }))
}

// openCampaigns opens those campaigns of a job that are due, on its newest review.
func (r *Runner) openCampaigns(ctx context.Context, j Job, now time.Time) (opened bool, err error) {
	var errs []error
	for _, c := range j.Campaigns {
		if c.Schedule == nil {
			continue
		}
		did, err := r.openDueCampaign(ctx, j, c, now)
		if err != nil {
			errs = append(errs, fmt.Errorf("campaign %q: %w", c.Terms.Name, err))
		}
		opened = opened || did
	}
	return opened, errors.Join(errs...)
}

func (r *Runner) openDueCampaign(ctx context.Context, j Job, c Campaign, now time.Time) (opened bool, err error) {
	reached, err := r.Ledger.Reached(ctx, c.Key(), c.Schedule.String(), now)
	if err != nil {
		return false, err
	}
	offset := j.offset() // a review of the same slot comes first
	slot, missed := c.Schedule.Latest(reached, now.Add(-offset))
	if slot.IsZero() {
		return false, nil
	}
	log := r.Log.With("job", j.Name, "campaign", campaign.ID(c.Terms.Name, slot))
	late := now.Sub(slot) - offset
	if late > j.CatchUp {
		log.Error("the campaign was due too long ago and is not opened; to open it now: tokenaudit campaign open "+c.Terms.Name, "catch_up", j.CatchUp)
		return false, r.Ledger.Pass(ctx, c.Key(), slot)
	}
	review, pack, found, err := r.Ledger.Newest(ctx, j.Name)
	if err != nil || !found { // it waits for the first review
		return false, err
	}
	if err := r.agree(ctx, j); err != nil {
		return false, err
	}
	o := Opening{Terms: c.Terms, At: slot, Trigger: audit.Scheduled, Review: review, Pack: pack, People: j.People(now)}
	if late > onTime {
		o.Trigger = audit.CatchUp
	}
	book, opened, err := r.OpenCampaign(ctx, o)
	if err != nil {
		return false, err
	}
	if missed > 0 {
		log.Warn("earlier openings of the campaign were missed", "missed", missed)
	}
	log.Info("campaign opened", "items", book.Campaign.Items, "reviewers", len(book.Reviewers), "run", book.Run, "due", book.Due)
	return opened, r.Ledger.Pass(ctx, c.Key(), slot)
}

// CampaignEvidence are the files of a campaign at the end of a review, for its pack.
type CampaignEvidence struct {
	ID    string
	Files []campaign.FileDigest
}

// follow holds a review against the campaigns of its job that it is to be compared with, and
// says how they stand. It writes down what the review saw, unless dry. A campaign that is
// damaged does not keep the review from its report, which says so.
func (r *Runner) follow(ctx context.Context, j Job, s audit.Summary, dry bool) (standing []audit.CampaignStatus, files []CampaignEvidence, err error) {
	if r.Campaigns == nil {
		return nil, nil, nil
	}
	ids, err := r.Campaigns.IDs(ctx)
	if err != nil {
		return nil, nil, err
	}
	var books []*campaign.Book
	newest := map[string]bool{}
	for _, id := range slices.Backward(ids) {
		name, _, ok := campaign.ParseID(id)
		if !ok {
			continue
		}
		book, err := campaign.Load(ctx, r.Campaigns.Folder(id))
		switch {
		case err == nil && book.Job == j.Name && book.Follows(!newest[name]):
			books = append(books, book)
		case err == nil, errors.Is(err, fs.ErrNotExist): // of another job, settled, or cut off while it was opened
		case passes(ctx, err):
			return nil, nil, err
		case j.hasCampaign(name):
			standing = append(standing, r.damaged(j, s, id, err))
		}
		newest[name] = newest[name] || err == nil
	}
	for _, id := range s.Previous.MissingCampaigns(ids) {
		standing = append(standing, r.damaged(j, s, id, errors.New("its folder in the evidence is missing; restore it from a backup")))
	}
	seen, err := r.sight(ctx, j, s, books)
	if err != nil {
		return nil, nil, err
	}
	defer func() { newestFirst(standing) }()
	if dry {
		for _, book := range books {
			book.Remediation = append(book.Remediation, book.Compare(seen)...)
			standing = append(standing, book.Summary(s.Run()))
		}
		return standing, nil, nil
	}
	if len(books) > 0 {
		err = r.locked(ctx, func() error {
			for _, book := range books {
				status, evidence, err := r.remember(ctx, j, s, book.ID(), seen)
				if err != nil {
					return fmt.Errorf("campaign %s: %w", book.ID(), err)
				}
				standing = append(standing, status)
				if evidence.ID != "" {
					files = append(files, evidence)
				}
			}
			return nil
		})
	}
	return standing, files, err
}

// remember writes down what a review saw of a campaign, which may have gone on since it was
// loaded first.
func (r *Runner) remember(ctx context.Context, j Job, s audit.Summary, id string, seen *campaign.Sighting) (status audit.CampaignStatus, evidence CampaignEvidence, err error) {
	f := r.Campaigns.Folder(id)
	book, err := r.Campaigns.Load(ctx, id)
	if err != nil && !passes(ctx, err) {
		return r.damaged(j, s, id, err), evidence, nil
	}
	if err == nil {
		err = book.Remember(ctx, f, book.Compare(seen))
	}
	if err == nil {
		err = r.Campaigns.Seal(ctx, book, s.Finished)
	}
	if err != nil {
		return status, evidence, err
	}
	evidence.ID = id
	evidence.Files, err = r.Campaigns.State(ctx, id)
	return book.Summary(s.Run()), evidence, err
}

// damaged is how a campaign stands that cannot be read.
func (r *Runner) damaged(j Job, s audit.Summary, id string, err error) audit.CampaignStatus {
	r.Log.Error("the evidence of a campaign cannot be read", "job", j.Name, "run", s.ID, "campaign", id, "error", err)
	name, _, _ := campaign.ParseID(id)
	return audit.CampaignStatus{Name: name, ID: id, Problem: audit.Line(err.Error(), 300)}
}

// sight walks the snapshots of a review once, for all campaigns.
func (r *Runner) sight(ctx context.Context, j Job, s audit.Summary, books []*campaign.Book) (*campaign.Sighting, error) {
	seen := campaign.NewSighting(s.Run(), j.Contacts, books...)
	if len(books) == 0 {
		return seen, nil
	}
	for _, target := range s.Reviewed() {
		for rec, err := range audit.Prefetch(r.Snapshots.Read(ctx, s.Run(), target)) {
			if err != nil {
				return nil, err
			}
			seen.Add(&rec)
		}
	}
	return seen, nil
}

// newestFirst orders campaigns by their opening.
func newestFirst(all []audit.CampaignStatus) {
	slices.SortStableFunc(all, func(x, y audit.CampaignStatus) int {
		_, a, _ := campaign.ParseID(x.ID)
		_, b, _ := campaign.ParseID(y.ID)
		return cmp.Or(b.Compare(a), strings.Compare(x.Name, y.Name))
	})
}

func (j Job) hasCampaign(name string) bool {
	return slices.ContainsFunc(j.Campaigns, func(c Campaign) bool { return c.Terms.Name == name })
}
