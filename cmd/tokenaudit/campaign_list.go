package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/campaign"
)

func (c *cli) campaignList() *cobra.Command {
	var f campaignFlags
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the campaigns that were opened",
		Example: "  tokenaudit campaign list\n  tokenaudit campaign list --json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cs, err := c.openCampaigns(cmd.Context(), f.config, false)
			if err != nil {
				return err
			}
			defer cs.close()
			return c.listCampaigns(cmd.Context(), cs, f.json)
		},
	}
	configFlag(cmd, &f.config)
	jsonFlag(cmd, &f.json)
	return cmd
}

// campaignJSON is a campaign in campaign list --json and campaign show --json.
type campaignJSON struct {
	Campaign    string             `json:"campaign"`
	Damaged     string             `json:"damaged"`
	Job         string             `json:"job"`
	Run         string             `json:"run"`
	Opened      time.Time          `json:"opened"`
	Due         time.Time          `json:"due"`
	Closed      *time.Time         `json:"closed"`
	EndSignedBy string             `json:"end_signed_by"`
	Evidence    string             `json:"evidence"`
	Items       int                `json:"items"`
	Open        int                `json:"open"`
	Signed      int                `json:"signed"`
	OnTime      int                `json:"on_time"`
	Gone        int                `json:"gone"`
	Conflicts   int                `json:"conflicts"`
	Unassigned  int                `json:"unassigned"`
	Keep        int                `json:"keep"`
	Revoke      int                `json:"revoke"`
	Modify      int                `json:"modify"`
	Reassigned  int                `json:"reassigned"`
	SelfReviews int                `json:"self_reviews"`
	Refused     int                `json:"refused"`
	Revocations revocationsJSON    `json:"revocations"`
	Reviewers   []campaignReviewer `json:"reviewers"`
}

type revocationsJSON struct {
	Decided     int `json:"decided"`
	Done        int `json:"done"`
	Late        int `json:"late"`
	Outstanding int `json:"outstanding"`
	Overdue     int `json:"overdue"`
	Unproven    int `json:"unproven"`
	DaysMedian  int `json:"days_median"`
	DaysWorst   int `json:"days_worst"`
}

type campaignReviewer struct {
	Reviewer string `json:"reviewer"`
	Items    int    `json:"items"`
	Open     int    `json:"open"`
	Signed   int    `json:"signed"`
}

func (cs *campaigns) json(ctx context.Context, b *campaign.Book) campaignJSON {
	f := b.Figures(cs.now)
	r := f.Revocations
	out := campaignJSON{
		Campaign: b.ID(), Job: b.Job, Run: b.Run, Opened: b.Opened, Due: b.Due, Evidence: cs.archive.Campaign(b.ID()).Location(),
		Items: f.Items, Open: f.Open, Signed: f.Signed, OnTime: f.OnTime, Gone: f.Gone, Conflicts: f.Conflicts, Unassigned: f.Unassigned,
		Keep: f.ByDecision[campaign.Keep], Revoke: f.ByDecision[campaign.Revoke], Modify: f.ByDecision[campaign.Modify],
		Reassigned: f.Reassigned, SelfReviews: f.SelfReviews, Refused: f.RefusedRows(),
		Revocations: revocationsJSON{r.Decided, r.Done, r.Late, r.Outstanding, r.Overdue, r.Unproven, r.DaysMedian, r.DaysWorst}, Reviewers: []campaignReviewer{},
	}
	if b.Closing != nil {
		out.Closed = &b.Closing.At
		out.EndSignedBy, _ = cs.endSigned(ctx, b)
	}
	for _, p := range f.Reviewers {
		out.Reviewers = append(out.Reviewers, campaignReviewer{p.Reviewer, p.Items, p.Open, p.Signed})
	}
	return out
}

// endSigned is who signed the closing statement of a campaign, "" for nobody; the error says
// why a signature that is there proves nobody.
func (cs *campaigns) endSigned(ctx context.Context, b *campaign.Book) (who string, err error) {
	armored, err := cs.archive.Campaign(b.ID()).Read(ctx, campaign.ClosedFile+campaign.SignatureSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err == nil {
		who, err = cs.endSigner(ctx, b, armored, b.Closing.At)
	}
	if err != nil {
		return "", fmt.Errorf("its signature %w", err)
	}
	return who, nil
}

func (c *cli) listCampaigns(ctx context.Context, cs *campaigns, asJSON bool) error {
	books, damaged, _, err := cs.books(ctx, "")
	if err != nil {
		return err
	}
	for _, d := range damaged {
		err = errors.Join(err, d)
	}
	if asJSON {
		all := []campaignJSON{}
		for _, b := range books {
			all = append(all, cs.json(ctx, b))
		}
		for _, d := range damaged {
			all = append(all, campaignJSON{Campaign: d.id, Damaged: d.err.Error(), Reviewers: []campaignReviewer{}})
		}
		slices.SortFunc(all, func(x, y campaignJSON) int { return strings.Compare(x.Campaign, y.Campaign) })
		return errors.Join(c.encode(all), err)
	}
	if len(books)+len(damaged) == 0 {
		fmt.Fprintln(c.stdout, cs.none())
		return nil
	}
	t := newTable(column{name: "CAMPAIGN"}, column{name: "STATE", shrink: 10}, column{name: "DUE"}, column{name: "ITEMS", right: true}, column{name: "OPEN", right: true},
		column{name: "TO REVOKE", right: true, drop: 2}, column{name: "DONE", right: true, drop: 2}, column{name: "OVERDUE", right: true}, column{name: "JOB", drop: 1})
	for _, b := range books {
		fig := b.Figures(cs.now)
		state := stateOf(b, cs.now)
		if who, _ := cs.endSigned(ctx, b); b.Closing != nil && who == "" {
			state += ", not signed"
		}
		t.row(b.ID(), state, b.Due.Format(time.DateOnly), fig.Items, fig.Open, fig.Revocations.Decided, fig.Revocations.Done, fig.Revocations.Overdue, b.Job)
	}
	for _, d := range damaged {
		t.row(d.id, "damaged", "", "", "", "", "", "", "")
	}
	fmt.Fprintln(c.stdout, t.render(c.columns()))
	return err
}

// stateOf is the state of a campaign in a word.
func stateOf(b *campaign.Book, now time.Time) string {
	switch {
	case b.Closing != nil:
		return "closed"
	case b.Overdue(now):
		return "overdue"
	}
	return "open"
}
