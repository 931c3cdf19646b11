package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/target"
	campaignfiles "tokenaudit/report/campaign"
	"tokenaudit/report/signature"
)

// campaignFlags are those of the commands below campaign.
type campaignFlags struct {
	config, campaign string
	json             bool
}

func (c *cli) campaign() *cobra.Command {
	return group("campaign", "Let people decide on tokens, and prove that it was done", `  tokenaudit campaign open quarterly
  tokenaudit campaign export --reviewer ben@example.com
  tokenaudit campaign import quarterly-ben@example.com.xlsx   # and its .sig
  tokenaudit campaign show
  tokenaudit campaign close
  tokenaudit campaign report --script > revoke.sh`,
		c.campaignList(), c.campaignOpen(), c.campaignShow(), c.campaignExport(), c.campaignImport(), c.campaignAssign(), c.campaignClose(), c.campaignReport())
}

func (f *campaignFlags) add(cmd *cobra.Command) {
	configFlag(cmd, &f.config)
	cmd.Flags().StringVar(&f.campaign, "campaign", "", "NAME, or NAME/OPENED (default: the open one, or the newest)")
	completeNames(cmd, "campaign", campaignNames)
}

func campaignNames(f *configs.File) []string {
	return namesOf(f.Campaigns, func(c configs.Campaign) string { return c.Name })
}

// campaigns are those of a configuration, and the evidence that has their folders.
type campaigns struct {
	file    *configs.File
	archive evidence.Archive
	unlock  func() error // nil where they are only read
	now     time.Time    // when it had the lock
}

// openCampaigns opens them to be read, or to be changed, by one process at a time. It
// needs no ledger, so that it works beside serve.
func (c *cli) openCampaigns(ctx context.Context, path string, change bool) (*campaigns, error) {
	f, err := c.loadConfig(path)
	if err != nil {
		return nil, err
	}
	if change {
		if err := refuseRoot(f); err != nil {
			return nil, err
		}
	}
	cs := &campaigns{file: f}
	if change {
		if cs.unlock, err = ledger.LockCampaigns(ctx, f.Store, f.StorePassword); err != nil {
			return nil, forOwner(f, err)
		}
	}
	if cs.archive, err = evidence.Open(f.Evidence, f.EvidenceLock); err != nil {
		return nil, errors.Join(err, cs.close())
	}
	cs.now = time.Now() // and not before others had the lock
	if c.clock != nil {
		if cs.now, err = c.clock(ctx); err != nil {
			return nil, errors.Join(err, cs.close())
		}
	}
	return cs, nil
}

func (cs *campaigns) close() error {
	err := cs.archive.Close()
	if cs.unlock != nil {
		err = errors.Join(err, cs.unlock())
	}
	return err
}

// change opens the campaign that is named, lets do change it, and makes report and sums
// again, also where do failed half-way.
func (c *cli) change(ctx context.Context, f campaignFlags, do func(cs *campaigns, folder evidence.CampaignFolder, b *campaign.Book) error) (err error) {
	cs, err := c.openCampaigns(ctx, f.config, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cs.close()) }()
	b, folder, err := cs.choose(ctx, f.campaign)
	if err != nil {
		return err
	}
	return errors.Join(do(cs, folder, b), cs.seal(ctx, folder, b))
}

// seal makes report and sums of a campaign.
func (cs *campaigns) seal(ctx context.Context, folder evidence.CampaignFolder, b *campaign.Book) error {
	return sealCampaign(ctx, cs.file, folder, b, cs.now)
}

// damagedCampaign is one that cannot be read.
type damagedCampaign struct {
	id  string
	err error
}

func (d damagedCampaign) Error() string { return "campaign " + d.id + ": " + d.err.Error() }

func (d damagedCampaign) Unwrap() error { return d.err }

// isNamed reports whether NAME/OPENED, a name or "" stands for a campaign.
func isNamed(id, name string) bool {
	return name == "" || name == id || strings.HasPrefix(id, name+"/")
}

// books loads the campaigns that a name stands for, oldest first in each name. Known are
// the IDs of all.
func (cs *campaigns) books(ctx context.Context, name string) (books []*campaign.Book, damaged []damagedCampaign, known []string, err error) {
	known, err = cs.archive.Campaigns(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, id := range known {
		if !isNamed(id, name) {
			continue
		}
		switch b, err := campaign.Load(ctx, cs.archive.Campaign(id)); {
		case err == nil:
			books = append(books, b)
		case errors.Is(err, fs.ErrNotExist): // cut off while it opened
		case unreachable(err) || ctx.Err() != nil:
			return nil, nil, nil, err
		default:
			damaged = append(damaged, damagedCampaign{id, err})
		}
	}
	return books, damaged, known, nil
}

// choose finds a campaign by NAME/OPENED, by its name the newest, or without a name the
// only one that is open, or else the newest.
func (cs *campaigns) choose(ctx context.Context, name string) (*campaign.Book, evidence.CampaignFolder, error) {
	named, damaged, known, err := cs.books(ctx, name)
	switch {
	case err != nil:
		return nil, evidence.CampaignFolder{}, err
	case len(damaged) > 0: // it may be the one that is meant
		return nil, evidence.CampaignFolder{}, damaged[0]
	case len(known) == 0:
		return nil, evidence.CampaignFolder{}, cs.none()
	}
	slices.SortStableFunc(named, func(a, b *campaign.Book) int { return a.Opened.Compare(b.Opened) })
	open := slices.DeleteFunc(slices.Clone(named), func(b *campaign.Book) bool { return b.Closing != nil })
	switch {
	case len(named) == 0:
		for _, id := range known {
			of, _, _ := campaign.ParseID(id)
			known = append(known, of)
		}
		slices.Sort(known)
		return nil, evidence.CampaignFolder{}, usagef("--campaign: %s", setting.Unknown("campaign", name, slices.Compact(known)))
	case name == "" && len(open) > 1:
		ids := namesOf(open, func(b *campaign.Book) string { return b.ID() })
		return nil, evidence.CampaignFolder{}, usagef("several campaigns are open; choose one with --campaign: %s", strings.Join(ids, ", "))
	case name == "" && len(open) == 1:
		named = open
	}
	id := named[len(named)-1].ID()
	b, err := campaignfiles.Load(ctx, cs.archive.Campaign(id))
	if err != nil {
		err = fmt.Errorf("campaign %s: %w", id, err)
	}
	return b, cs.archive.Campaign(id), err
}

func (cs *campaigns) none() error {
	if len(cs.file.Campaigns) == 0 {
		return usagef("%s has no campaigns; add one under campaigns (tokenaudit help campaigns)", cs.file.Path())
	}
	return fmt.Errorf("no campaign was opened yet; open one: tokenaudit campaign open %s", cs.file.Campaigns[0].Name)
}

// configured is the campaign of the configuration that a book is of; of one that is not
// configured any more, the name.
func (cs *campaigns) configured(b *campaign.Book) configs.Campaign {
	at := slices.IndexFunc(cs.file.Campaigns, func(c configs.Campaign) bool { return c.Name == b.Name })
	if at < 0 {
		return configs.Campaign{Name: b.Name}
	}
	return cs.file.Campaigns[at]
}

// operator is who runs the command, as the system names them.
func operator() string {
	host, _ := os.Hostname()
	name := fmt.Sprint("uid ", os.Geteuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return name + "@" + cmp.Or(host, "unknown")
}

// deciding are the reviewers of open campaigns of a name, as far as they can be read.
func deciding(ctx context.Context, f *configs.File, name string) (people []string) {
	archive, err := evidence.Open(f.Evidence, f.EvidenceLock)
	if err != nil {
		return nil // said of the evidence
	}
	defer archive.Close()
	books, _, _, _ := (&campaigns{file: f, archive: archive}).books(ctx, name)
	for _, b := range books {
		if b.Closing != nil {
			continue
		}
		for _, who := range b.ReviewersNow() {
			if len(b.OpenFor(who)) > 0 {
				people = append(people, who)
			}
		}
	}
	return people
}

// examineSigners says whether everybody who decides can sign, by the configuration and by
// what was assigned since.
func examineSigners(ctx context.Context, f *configs.File, cfg configs.Campaign) target.Diagnosis {
	d := target.Diagnosis{What: "signers"}
	text, err := os.ReadFile(string(cfg.Signers))
	var allowed signature.Signers
	if err == nil {
		allowed, err = signature.Parse(text, campaign.Namespace)
	}
	if err != nil {
		d.Result, d.Fix = err.Error(), "Write a line for each person, such as: "+cfg.Manager+" namespaces=\""+campaign.Namespace+"\" ssh-ed25519 AAAA…"
		return d
	}
	people := append(deciding(ctx, f, cfg.Name), cfg.Reviewer, cfg.Manager)
	for _, o := range f.Owners {
		people = append(people, o.Reviewer)
	}
	for _, t := range f.Targets {
		people = append(people, t.Reviewer)
	}
	slices.Sort(people)
	people = slices.DeleteFunc(slices.Compact(people), func(who string) bool { return who == "" })
	missing := slices.DeleteFunc(slices.Clone(people), allowed.Has)
	if len(missing) > 0 {
		d.Result = "no key of " + audit.Names(missing, 5) + ", whose decisions cannot be signed"
		d.Fix = "Add their public keys to " + string(cfg.Signers)
		return d
	}
	d.OK, d.Result = true, fmt.Sprintf("%d people, each with a key", len(people))
	return d
}
