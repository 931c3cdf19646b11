package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/target"
	campaignfiles "tokenaudit/report/campaign"
)

type reportFlags struct {
	campaignFlags
	folder string
	script bool
}

func (c *cli) campaignReport() *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Make the report of a campaign, or the script that revokes",
		Long: `report makes report.xlsx and report.html of a campaign as it stands, in its evidence
folder, and with --folder copies all of the evidence there.

With --script it prints a shell script for what is decided and signed and still there. The
script asks for each token whether it is still the one that was decided on. It only shows
what it would do; --yes does it. tokenaudit itself never changes InfluxDB.`,
		Example: `  tokenaudit campaign report
  tokenaudit campaign report --folder ./for-the-auditor
  tokenaudit campaign report --script > revoke.sh && sh revoke.sh`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.reportCampaign(cmd.Context(), f) },
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.folder, "folder", "", "copy the evidence of the campaign there")
	cmd.Flags().BoolVar(&f.script, "script", false, "print revoke.sh instead")
	return cmd
}

func (c *cli) reportCampaign(ctx context.Context, f reportFlags) error {
	switch {
	case f.script && f.folder != "":
		return usagef("--script prints the script; it takes no --folder")
	case f.script:
		return c.printScript(ctx, f)
	case f.folder != "":
		there, err := os.ReadDir(f.folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if len(there) > 0 {
			return usagef("--folder: %s has files already; choose an empty folder", f.folder)
		}
	}
	return c.change(ctx, f.campaignFlags, func(cs *campaigns, folder evidence.CampaignFolder, b *campaign.Book) error {
		c.say("%s/report.html\n%[1]s/report.xlsx\n", folder.Location())
		if f.folder == "" {
			return nil
		}
		if err := cs.seal(ctx, folder, b); err != nil {
			return err
		}
		return c.copyCampaign(ctx, f.folder, folder, b)
	})
}

// copyCampaign copies the evidence of a campaign into a folder that is empty.
func (c *cli) copyCampaign(ctx context.Context, to string, folder evidence.CampaignFolder, b *campaign.Book) error {
	names, err := folder.Names(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		content, err := folder.Read(ctx, name)
		if err != nil {
			return err
		}
		local, err := filepath.Localize(name)
		if err != nil {
			return err
		}
		path := filepath.Join(to, local)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := writeNew(path, content); err != nil {
			return err
		}
	}
	c.say("%s of campaign %s copied to %s\n", audit.Plural(len(names), "file"), b.ID(), to)
	return nil
}

func (c *cli) printScript(ctx context.Context, f reportFlags) error {
	cs, err := c.openCampaigns(ctx, f.config, false)
	if err != nil {
		return err
	}
	defer cs.close()
	b, _, err := cs.choose(ctx, f.campaign)
	if err != nil {
		return err
	}
	text, err := campaignfiles.Script(b, scriptAddresses(cs.file.Targets))
	if err != nil {
		return err
	}
	_, err = c.data.Write(text)
	return err
}

// scriptAddresses are where the script asks for the tokens of targets; a database file has none.
func scriptAddresses(targets []target.Config) map[string]string {
	out := map[string]string{}
	for _, t := range targets {
		switch {
		case t.Kind == target.KindDedicated:
			out[t.Name] = strings.TrimSuffix(cmp.Or(t.URL, target.DedicatedURL), "/") + "/api/v0/accounts/" + t.Account + "/clusters/" + t.Cluster + "/tokens"
		case t.URL == "":
		case t.Kind == target.KindClustered:
			out[t.Name] = strings.TrimSuffix(t.URL, "/") + "/api/v0/tokens"
		default:
			out[t.Name] = t.URL
		}
	}
	return out
}
