package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
	"tokenaudit/notify"
	campaignfiles "tokenaudit/report/campaign"
)

// campaignFolders are the evidence folders of campaigns, as the runner needs them.
type campaignFolders struct {
	file    *configs.File
	archive evidence.Archive
}

// IDs implements runner.Campaigns.
func (c campaignFolders) IDs(ctx context.Context) ([]string, error) { return c.archive.Campaigns(ctx) }

// Folder implements runner.Campaigns.
func (c campaignFolders) Folder(id string) campaign.Files { return c.archive.Campaign(id) }

// Load implements runner.Campaigns.
func (c campaignFolders) Load(ctx context.Context, id string) (*campaign.Book, error) {
	return campaignfiles.Load(ctx, c.archive.Campaign(id))
}

// Lock implements runner.Campaigns.
func (c campaignFolders) Lock(ctx context.Context) (func() error, error) {
	return ledger.LockCampaigns(ctx, c.file.Store, c.file.StorePassword)
}

// Seal implements runner.Campaigns.
func (c campaignFolders) Seal(ctx context.Context, b *campaign.Book, at time.Time) error {
	return sealCampaign(ctx, c.file, c.archive.Campaign(b.ID()), b, at)
}

// State implements runner.Campaigns.
func (c campaignFolders) State(ctx context.Context, id string) ([]campaign.FileDigest, error) {
	return campaignfiles.State(ctx, c.archive.Campaign(id))
}

// campaignsOf are the campaigns of a job.
func campaignsOf(f *configs.File, job configs.Job) (out []runner.Campaign, err error) {
	for _, cfg := range f.Campaigns {
		if cfg.Job != job.Name {
			continue
		}
		c := runner.Campaign{Terms: f.CampaignTerms(cfg)}
		if cfg.Schedule != "" {
			if c.Schedule, err = schedule.Parse(cfg.Schedule, job.Timezone); err != nil {
				return nil, fmt.Errorf("campaign %q: %w", cfg.Name, err)
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// campaignMessage is what there is to say about a campaign to a reviewer, or to whom it is
// escalated.
func (a *app) campaignMessage(m runner.CampaignMessage) notify.CampaignMessage {
	b := m.Book
	out := notify.CampaignMessage{
		Campaign: b.ID(), Name: b.Name, Kind: m.Kind, Delivery: m.Name, Manifest: b.Manifest, Recipient: m.Recipient, Due: b.Due, Zone: zoneOf(jobNamed(a.file, m.Job)),
		Left: m.Left, How: "tokenaudit campaign import FILE", BySeverity: map[audit.Severity]int{}, Again: m.Again(), Since: m.Since,
	}
	if m.Kind != string(campaign.NoticeEscalation) {
		out.Reviewer, out.File = m.Recipient, reviewerFileName(b, m.Recipient, "xlsx")
		out.Open = func(context.Context) (io.ReadCloser, error) {
			text, err := reviewerFile(b, m.Recipient, "xlsx", false)
			return io.NopCloser(bytes.NewReader(text)), err
		}
	}
	var open []campaign.Item
	people := map[string]*notify.ReviewerCount{}
	for _, s := range b.Status() {
		if s.State == campaign.Gone || out.Reviewer != "" && !campaign.Same(s.Reviewer, out.Reviewer) {
			continue
		}
		who := people[s.Reviewer]
		if who == nil {
			who = &notify.ReviewerCount{Reviewer: s.Reviewer}
			people[s.Reviewer] = who
		}
		out.Items++
		who.Items++
		if s.State.Open() {
			open = append(open, s.Item)
			out.Undecided++
			who.Undecided++
			out.BySeverity[s.Item.Severity]++
		}
	}
	out.Worst = worstItems(open)
	if out.Reviewer == "" {
		for _, who := range people {
			if who.Undecided > 0 {
				out.Reviewers = append(out.Reviewers, *who)
			}
		}
		slices.SortFunc(out.Reviewers, func(x, y notify.ReviewerCount) int {
			return cmp.Or(y.Undecided-x.Undecided, cmp.Compare(x.Reviewer, y.Reviewer))
		})
		most := min(len(out.Reviewers), notify.MaxCampaignReviewers)
		out.Reviewers, out.MoreReviewers = out.Reviewers[:most], len(out.Reviewers)-most
	}
	return out
}

// worstItems are the first to decide on, worst first.
func worstItems(open []campaign.Item) (out []notify.CampaignItem) {
	rank := func(it campaign.Item) int {
		if at := slices.Index(audit.Severities(), it.Severity); at >= 0 {
			return at
		}
		return len(audit.Severities())
	}
	slices.SortStableFunc(open, func(x, y campaign.Item) int { return rank(x) - rank(y) })
	for _, it := range open[:min(len(open), notify.MaxCampaignItems)] {
		of := notify.CampaignItem{Target: it.Target, Authorization: it.Authorization, Description: it.Description, Owner: it.OwnerName(), Severity: it.Severity}
		if len(it.Why) > 0 {
			of.Why = it.Why[0]
		}
		out = append(out, of)
	}
	return out
}

// noteCampaigns writes down in a ledger that is made anew what the folders of the configured
// campaigns tell: the openings that are done, and as said what was due by now. Nobody is
// told twice.
func noteCampaigns(ctx context.Context, l *ledger.Ledger, archive evidence.Archive, jobs []runner.Job, now time.Time) error {
	ids, err := archive.Campaigns(ctx)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		for _, c := range j.Campaigns {
			var reached time.Time
			for _, id := range ids {
				name, opened, ok := campaign.ParseID(id)
				if !ok || name != c.Terms.Name {
					continue
				}
				b, err := campaign.Load(ctx, archive.Campaign(id))
				switch {
				case err == nil:
					err = l.Announce(ctx, j.Notices(b, now, audit.DeliverySent))
				case errors.Is(err, fs.ErrNotExist): // cut off while it was opened
					opened, err = opened.Add(-time.Second), nil
				case !unreachable(err): // damaged, which is said when it is needed
					err = nil
				}
				if err != nil {
					return fmt.Errorf("campaign %s: %w", id, err)
				}
				if opened.After(reached) {
					reached = opened
				}
			}
			if c.Schedule == nil || reached.IsZero() {
				continue
			}
			if _, err := l.Reached(ctx, c.Key(), c.Schedule.String(), reached); err != nil {
				return err
			}
		}
	}
	return nil
}
