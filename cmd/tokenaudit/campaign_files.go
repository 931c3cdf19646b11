package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tokenaudit/configs"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/evidence"
	campaignfiles "tokenaudit/report/campaign"
)

// sealCampaign makes the report of a campaign, and the sums of its folder.
func sealCampaign(ctx context.Context, f *configs.File, folder evidence.CampaignFolder, b *campaign.Book, at time.Time) error {
	var key []byte
	if job := jobNamed(f, b.Job); !job.SigningKey.IsZero() {
		text, err := job.SigningKey.ReadLines(ctx)
		if err != nil {
			return fmt.Errorf("signing_key: %w", err)
		}
		key = []byte(text.Reveal())
	}
	return errors.Join(campaignfiles.Write(ctx, folder, b, campaignfiles.Made{At: at, Tool: tool()}, key), folder.Tidy())
}

// reviewerFileName is how the file of a reviewer is called.
func reviewerFileName(b *campaign.Book, who, format string) string {
	return strings.ReplaceAll(b.ID(), "/", "-") + "-" + campaign.FileName(who) + "." + format
}

// reviewerFile is the file of a reviewer: the rows with an open item, or all of them with
// what was decided.
func reviewerFile(b *campaign.Book, who, format string, all bool) ([]byte, error) {
	open, decided := map[string]bool{}, map[string]campaign.Decision{}
	for _, s := range b.Status() {
		open[s.Item.ID] = s.State.Open()
		if s.Decision != nil && all {
			decided[s.Item.ID] = *s.Decision
		}
	}
	lines := b.Lines(b.ItemsOf(who))
	if !all {
		lines = slices.DeleteFunc(lines, func(l campaign.Line) bool {
			return !slices.ContainsFunc(l.Items, func(it campaign.Item) bool { return open[it.ID] })
		})
	}
	for _, l := range lines {
		if d, ok := decided[l.Items[0].ID]; ok {
			decided[l.ID] = d
		}
	}
	var out bytes.Buffer
	write := campaignfiles.WriteWorkbook
	if format == "csv" {
		write = campaignfiles.WriteCSV
	}
	err := write(&out, b.Campaign, who, lines, decided)
	return out.Bytes(), err
}
