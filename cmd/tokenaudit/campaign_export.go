package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/evidence"
)

type exportFlags struct {
	campaignFlags
	reviewer, format, folder string
	all                      bool
}

func (c *cli) campaignExport() *cobra.Command {
	f := exportFlags{format: "xlsx"}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the files that reviewers fill in",
		Long: `export writes a file for each reviewer who has something to decide, or for one. Reviewers
fill in the column Decision, sign the file and send it back:

  ssh-keygen -Y sign -n tokenaudit-review -f KEY FILE

The files lie outside the evidence. Those that are there already are left as they are.`,
		Example: `  tokenaudit campaign export
  tokenaudit campaign export --reviewer ben@example.com --format csv
  tokenaudit campaign export --folder /srv/reviews`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.exportCampaign(cmd.Context(), f) },
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.reviewer, "reviewer", "", "only for this person (default: everybody with open items)")
	choiceFlag(cmd, &f.format, "format", "form of the files", "xlsx", "csv")
	cmd.Flags().StringVar(&f.folder, "folder", ".", "where to write them")
	cmd.Flags().BoolVar(&f.all, "all", false, "with the items that are decided, and their decisions")
	return cmd
}

func (c *cli) exportCampaign(ctx context.Context, f exportFlags) error {
	if err := checkChoice("format", "format", f.format, []string{"xlsx", "csv"}); err != nil {
		return err
	}
	return c.change(ctx, f.campaignFlags, func(cs *campaigns, folder evidence.CampaignFolder, b *campaign.Book) error {
		if b.Closing != nil {
			return fmt.Errorf("campaign %s was closed on %s; nothing is left to decide", b.ID(), b.Closing.At.Format(time.DateOnly))
		}
		reviewers := b.ReviewersNow()
		if f.reviewer != "" {
			if !slices.ContainsFunc(reviewers, func(who string) bool { return campaign.Same(who, f.reviewer) }) {
				return usagef("--reviewer: %s has no item in campaign %s; reviewers: %s", audit.Line(f.reviewer, 100), b.ID(), strings.Join(reviewers, ", "))
			}
			reviewers = []string{f.reviewer}
		}
		if err := os.MkdirAll(f.folder, 0o700); err != nil {
			return err
		}
		written, left := 0, 0
		for _, who := range reviewers {
			open := len(b.OpenFor(who))
			if open == 0 && !f.all {
				continue
			}
			text, err := reviewerFile(b, who, f.format, f.all)
			if err != nil {
				return err
			}
			path := filepath.Join(f.folder, reviewerFileName(b, who, f.format))
			if exists(path) {
				c.say("%s: is there already, and may have decisions; left as it is\n", path)
				left++
				continue
			}
			if err := writeNew(path, text); err != nil {
				return err
			}
			sum := sha256.Sum256(text)
			if err := b.Note(ctx, folder, campaign.Export{At: cs.now.UTC().Truncate(time.Second), Reviewer: who, Items: open, SHA256: hex.EncodeToString(sum[:])}); err != nil {
				return err
			}
			c.say("%s: %s to decide for %s\n", path, audit.Plural(open, "item"), who)
			written++
		}
		switch {
		case written > 0:
		case left > 0:
			return errors.New("nothing was written; move the files, or choose another --folder")
		case f.reviewer != "":
			c.say("%s has nothing left to decide; --all exports what is decided.\n", f.reviewer)
		default:
			c.say("No reviewer has anything left to decide; --all exports what is decided.\n")
		}
		return nil
	})
}
