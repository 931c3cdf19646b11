package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/runner"
	campaignfiles "tokenaudit/report/campaign"
)

type assignFlags struct {
	campaignFlags
	from, to, reason string
}

func (c *cli) campaignAssign() *cobra.Command {
	var f assignFlags
	cmd := &cobra.Command{
		Use:   "assign ITEM… --to REVIEWER --reason TEXT",
		Short: "Give items to another reviewer, and resolve conflicts",
		Long: `assign gives items to another reviewer, by the ID of a token or of an item. With --from it
gives all open ones of somebody who left. Nobody gets a token of their own. Drafts stay. In a
conflict, and for an item that is signed, only what the new reviewer decides counts.`,
		Example: `  tokenaudit campaign assign 0772396d1f411000 --to carla@example.com \
    --reason SEC-12
  tokenaudit campaign assign --from ben@example.com --to carla@example.com \
    --reason "Ben left"`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 && f.from == "":
				return usagef("%s needs an item, or --from with a reviewer", cmd.CommandPath())
			case len(args) > 0 && f.from != "":
				return usagef("%s takes items or --from, not both", cmd.CommandPath())
			case !audit.IsAddress(f.to):
				return usagef("%s needs --to with the e-mail address of a reviewer", cmd.CommandPath())
			case strings.TrimSpace(f.reason) == "" || audit.Line(f.reason, 500) != f.reason:
				return usagef("%s needs a --reason of one line: it is part of the evidence", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.assign(cmd.Context(), f, args) },
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.from, "from", "", "all open items of this reviewer")
	cmd.Flags().StringVar(&f.to, "to", "", "who decides")
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, such as a ticket")
	return cmd
}

func (c *cli) assign(ctx context.Context, f assignFlags, items []string) error {
	return c.change(ctx, f.campaignFlags, func(cs *campaigns, folder evidence.CampaignFolder, b *campaign.Book) error {
		if f.from != "" {
			for _, s := range b.OpenFor(f.from) {
				items = append(items, s.Item.ID)
			}
			if len(items) == 0 {
				return usagef("--from: %s has no open item in campaign %s", audit.Line(f.from, 100), b.ID())
			}
		}
		var given []campaign.Assignment
		var own []error
		for _, item := range items {
			a, err := b.Assign(item, f.to, f.reason, operator(), cs.now)
			refused, is := errors.AsType[*campaign.AssignError](err)
			if is && refused.Code == campaign.SelfReview && f.from != "" { // the others need not wait
				own = append(own, fmt.Errorf("%s: %w", item, err))
				continue
			}
			if err != nil {
				return usagef("%s: %w", audit.Line(item, 100), err)
			}
			switch same := func(o campaign.Assignment) bool { return o.Item == a.Item }; {
			case slices.ContainsFunc(given, same): // named twice
			case campaign.Same(a.From, a.To) && !a.Resolves:
				c.say("%s: %s is the reviewer already\n", audit.Line(a.Item, 200), a.To)
			default:
				given = append(given, a)
			}
		}
		if allowed, err := cs.signers(b); err != nil || !allowed.Has(f.to) {
			c.warn("%s cannot sign: %v", f.to, cmp.Or(err, fmt.Errorf("signers of campaign %s has no key of theirs", b.Name)))
		}
		if len(given) > 0 {
			if err := b.Reassign(ctx, folder, given...); err != nil {
				return err
			}
		}
		for _, a := range given {
			c.say("%s: from %s to %s\n", audit.Line(a.Item, 200), orNobody(a.From), a.To)
		}
		return errors.Join(own...)
	})
}

func orNobody(who string) string {
	if who == "" {
		return "nobody"
	}
	return who
}

func (c *cli) campaignClose() *cobra.Command {
	var f campaignFlags
	var withOpen string
	cmd := &cobra.Command{
		Use:   "close",
		Short: "Close a campaign",
		Long: `close ends the decisions of a campaign and writes the closing statement, which the
manager signs:

  ssh-keygen -Y sign -n tokenaudit-review -f KEY closed.json
  tokenaudit campaign import closed.json.sig

While items are open it lists them, with exit code 6. With --with-open it closes, and the
reason is part of the evidence. Reviews go on to prove the revocations.`,
		Example: `  tokenaudit campaign close
  tokenaudit campaign close --with-open "plant is down until January, SEC-77"`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("with-open") && (strings.TrimSpace(withOpen) == "" || audit.Line(withOpen, 500) != withOpen) {
				return usagef("--with-open needs a reason of one line: it is part of the evidence")
			}
			return c.closeCampaign(cmd.Context(), f, withOpen)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&withOpen, "with-open", "", "close with open items, for this reason")
	return cmd
}

func (c *cli) closeCampaign(ctx context.Context, f campaignFlags, reason string) error {
	return c.change(ctx, f, func(cs *campaigns, folder evidence.CampaignFolder, b *campaign.Book) error {
		if b.Closing != nil {
			return fmt.Errorf("campaign %s was closed on %s", b.ID(), b.Closing.At.Format(time.DateOnly))
		}
		now := cs.now
		open := b.Figures(now).Open
		if open > 0 && reason == "" {
			c.printOpen(slices.DeleteFunc(b.Status(), func(s campaign.Status) bool { return !s.State.Open() }), false)
			c.say("\n%s open. Decide them, or close with --with-open REASON.\n", audit.Plural(open, "item")+map[bool]string{true: " is", false: " are"}[open == 1])
			return quietError{exitOpenItems}
		}
		if err := cs.closeBook(ctx, folder, b, reason); err != nil {
			return err
		}
		statement := shellWord(folder.Location() + "/" + campaign.ClosedFile)
		if evidence.IsBucket(cs.file.Evidence) { // where nobody signs
			statement = campaign.ClosedFile
		}
		c.say("%s\n%s signs the statement:\n  ssh-keygen -Y sign -n %s -f KEY %s\n  tokenaudit campaign import --campaign %s %s\n",
			campaignHeadline(b, b.Figures(now), now), b.Manager, campaign.Namespace, statement, b.ID(), statement+campaign.SignatureSuffix)
		if evidence.IsBucket(cs.file.Evidence) {
			c.say("campaign report --folder gets %s.\n", campaign.ClosedFile)
		}
		return nil
	})
}

// closeBook writes the closing statement over the files as they are.
func (cs *campaigns) closeBook(ctx context.Context, folder evidence.CampaignFolder, b *campaign.Book, reason string) error {
	files, err := campaignfiles.State(ctx, folder)
	if err != nil {
		return err
	}
	return b.Close(ctx, folder, reason, operator(), files, cs.now)
}

func (c *cli) campaignOpen() *cobra.Command {
	var f campaignFlags
	cmd := &cobra.Command{
		Use:   "open [NAME]",
		Short: "Open a campaign now, on the newest review of its job",
		Long: `open makes the items of a campaign of the newest review of its job and names a reviewer
for each. serve and run tell the reviewers. A campaign with a schedule opens by itself. While
one of the name is open, open opens no other; close it first, with a reason.`,
		Example: "  tokenaudit campaign open quarterly",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%s takes one campaign", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.openCampaign(cmd.Context(), f, strings.Join(args, ""))
		},
	}
	configFlag(cmd, &f.config)
	return cmd
}

// named is the campaign of that name, or the only one.
func (cs *campaigns) named(name string) (int, error) {
	names := campaignNames(cs.file)
	switch at := slices.Index(names, name); {
	case len(names) == 0:
		return 0, cs.none()
	case at >= 0:
		return at, nil
	case name == "" && len(names) == 1:
		return 0, nil
	case name == "":
		return 0, usagef("name a campaign: %s", strings.Join(names, ", "))
	}
	return 0, usagef("unknown campaign %q, known: %s", audit.Line(name, 100), strings.Join(names, ", "))
}

func (c *cli) openCampaign(ctx context.Context, f campaignFlags, name string) (err error) {
	cs, err := c.openCampaigns(ctx, f.config, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cs.close()) }()
	at, err := cs.named(name)
	if err != nil {
		return err
	}
	b, opened, err := cs.openNow(ctx, c.log(slog.LevelWarn), at)
	if err != nil {
		return err
	}
	is := "is"
	if !opened {
		is = "was"
	}
	c.say("Campaign %s %s open, on run %s\n  %s to decide until %s\n", b.ID(), is, b.Run, audit.Plural(len(b.Items), "token"), b.Due.Format(time.DateOnly))
	for _, who := range b.ReviewersNow() {
		c.say("  %s: %s\n", who, audit.Plural(len(b.OpenFor(who)), "item"))
	}
	if n := b.Figures(cs.now).Unassigned; n > 0 {
		c.say("  nobody: %s; campaign assign says who decides\n", audit.Plural(n, "item"))
	}
	return nil
}

// openNow opens a campaign of the configuration on the newest review of its job that saw
// anything, by its evidence. One that is open on that review stays the only one; opened is
// false then. The caller has the lock.
func (cs *campaigns) openNow(ctx context.Context, log *slog.Logger, at int) (b *campaign.Book, opened bool, err error) {
	cfg := cs.file.Campaigns[at]
	review, err := cs.newestReview(ctx, cfg.Job)
	if err != nil {
		return nil, false, err
	}
	ids, err := cs.archive.Campaigns(ctx)
	if err != nil {
		return nil, false, err
	}
	now := cs.now.UTC().Truncate(time.Second)
	for _, id := range ids {
		if name, _, ok := campaign.ParseID(id); !ok || name != cfg.Name {
			continue
		}
		folder := cs.archive.Campaign(id)
		switch before, err := campaign.Load(ctx, folder); {
		case errors.Is(err, fs.ErrNotExist):
			if err := discardUnopened(ctx, folder); err != nil {
				return nil, false, err
			}
		case err == nil && before.Closing == nil && before.Run == review.link.Run:
			now = before.Opened
		case err == nil && before.Closing == nil:
			return nil, false, usagef("campaign %s is open; close it first: tokenaudit campaign close --campaign %[1]s --with-open REASON", id)
		}
	}
	r := &runner.Runner{Snapshots: cs.archive, Campaigns: lockedFolders{campaignFolders{cs.file, cs.archive}}, Tool: tool(), Log: log}
	return r.OpenCampaign(ctx, runner.Opening{
		Terms: cs.file.CampaignTerms(cfg), At: now, Trigger: audit.Manual, Review: review.summary, Pack: review.link,
		People: cs.file.People(jobNamed(cs.file, cfg.Job), cs.file.RosterAt())(cs.now),
	})
}

// discardUnopened takes away what is left of a campaign that was cut off while it opened,
// which has its items alone.
func discardUnopened(ctx context.Context, folder evidence.CampaignFolder) error {
	names, err := folder.Names(ctx)
	if err != nil || slices.ContainsFunc(names, func(name string) bool { return name != campaign.ItemsFile }) {
		return err
	}
	return folder.Discard(ctx)
}

// lockedFolders are those of somebody who has the lock already.
type lockedFolders struct{ campaignFolders }

func (lockedFolders) Lock(context.Context) (func() error, error) {
	return func() error { return nil }, nil
}

// mostUnread is how many newest packs are looked through for a review that saw anything.
const mostUnread = 20

func (cs *campaigns) newestReview(ctx context.Context, job string) (sealedRun, error) {
	packs, _, err := cs.archive.Newest(ctx, job, mostUnread)
	if err != nil {
		return sealedRun{}, err
	}
	for _, p := range packs {
		s, err := readSealed(ctx, cs.archive, p.Run)
		if err != nil {
			return s, fmt.Errorf("run %s: %w", p.Run.ID(), err)
		}
		if s.summary.Coverage.Verdict != audit.NotKnown {
			return s, nil
		}
	}
	return sealedRun{}, fmt.Errorf("job %s has no review that saw anything; make one first: tokenaudit run --now --job %[1]s", job)
}
