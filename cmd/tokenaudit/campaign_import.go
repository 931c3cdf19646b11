package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/evidence"
	campaignfiles "tokenaudit/report/campaign"
	"tokenaudit/report/signature"
)

func (c *cli) campaignImport() *cobra.Command {
	var f campaignFlags
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "import FILE…",
		Short: "Take the decisions of reviewers",
		Long: `import reads files that reviewers filled in, and the signature beside each (FILE.sig). It
takes the rows that fit and refuses the others, each with a code ("tokenaudit help
campaigns"). A file without a signature is a draft; its decisions count once it is signed.
To import a file twice changes nothing. The exit code is 5 if rows were refused.

closed.json.sig, the signature of the manager, is imported likewise.`,
		Example: `  tokenaudit campaign import --dry-run ben.xlsx
  tokenaudit campaign import *.xlsx
  tokenaudit campaign import closed.json.sig`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s needs a file that a reviewer filled in", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.importFiles(cmd.Context(), f, args, dryRun)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be taken and refused, and change nothing")
	return cmd
}

func (c *cli) importFiles(ctx context.Context, f campaignFlags, paths []string, dryRun bool) (err error) {
	cs, err := c.openCampaigns(ctx, f.config, !dryRun)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cs.close()) }()
	refused, failed := 0, []error{}
	for _, path := range paths {
		if name := filepath.Base(path); strings.HasSuffix(name, campaign.SignatureSuffix) && name != campaign.ClosedFile+campaign.SignatureSuffix {
			of := filepath.Clean(strings.TrimSuffix(path, campaign.SignatureSuffix))
			if !slices.ContainsFunc(paths, func(p string) bool { return filepath.Clean(p) == of }) {
				failed = append(failed, fmt.Errorf("%s: it is a signature; name the file that it is of", shownPath(path)))
			}
			continue
		}
		n, err := c.importFile(ctx, cs, f.campaign, path, dryRun)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", shownPath(path), err))
		}
		refused += n
	}
	switch err := errors.Join(failed...); {
	case err != nil:
		return err
	case refused > 0:
		return quietError{exitRefused}
	}
	return nil
}

// shownPath is a path whose name anybody chose, who sent the file.
func shownPath(path string) string { return audit.Line(path, 1000) }

// largestReviewed is what a file of a reviewer may have.
const largestReviewed = 100 << 20

// importFile imports one file, and says how many rows it refused.
func (c *cli) importFile(ctx context.Context, cs *campaigns, name, path string, dryRun bool) (refused int, err error) {
	content, err := readAtMost(path, largestReviewed)
	if err != nil {
		return 0, err
	}
	if filepath.Base(path) == campaign.ClosedFile+campaign.SignatureSuffix {
		return 0, c.importManager(ctx, cs, name, content, dryRun)
	}
	rows, ext, err := campaignfiles.Read(content)
	if err != nil {
		return 0, err
	}
	if len(rows) == 0 {
		return 0, errors.New("it has no row to import")
	}
	if name == "" {
		if name, err = cs.campaignOf(ctx, rows); err != nil {
			return 0, err
		}
	}
	b, folder, err := cs.choose(ctx, name)
	if err != nil {
		return 0, err
	}
	in := campaign.Received{Name: filepath.Base(path), Content: content, Reviewer: reviewerOf(rows)}
	in.Signature, err = readAtMost(path+campaign.SignatureSuffix, largestReviewed)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return 0, err
	default:
		if in.Reviewer, in.Key, err = cs.signer(b, filepath.Base(path), content, in.Signature, in.Reviewer, cs.now); err != nil {
			return 0, fmt.Errorf("its signature %w", err)
		}
	}
	if before, was := b.Imported(in); was {
		c.say("%s: imported before, on %s; nothing changes\n", shownPath(path), before.At.Format(time.DateOnly))
		if dryRun {
			return 0, nil
		}
		return 0, cs.seal(ctx, folder, b)
	}
	imported := b.NewImport(in, ext, cs.now)
	o := b.Judge(imported, rows)
	if !dryRun {
		if err := clearNumber(ctx, folder, imported); err != nil {
			return 0, err
		}
		if err := b.Take(ctx, folder, imported, in, o); err != nil {
			return 0, err
		}
		if err := cs.seal(ctx, folder, b); err != nil {
			return 0, err
		}
	}
	c.sayImported(path, imported, o, dryRun)
	return len(o.Refused), nil
}

// clearNumber takes away what an import that was cut off left under the number of another.
func clearNumber(ctx context.Context, folder evidence.CampaignFolder, in campaign.Import) error {
	names, err := folder.Names(ctx)
	for _, name := range names {
		if err == nil && strings.HasPrefix(name, in.NumberedAs()) {
			err = folder.Remove(ctx, name)
		}
	}
	return err
}

// campaignOf is the campaign that most rows of a file say they are of, among those that the
// evidence has; "" if no row says one.
func (cs *campaigns) campaignOf(ctx context.Context, rows []campaign.Row) (string, error) {
	ids, err := cs.archive.Campaigns(ctx)
	if err != nil {
		return "", err
	}
	here := most(rows, func(r campaign.Row) string {
		if slices.Contains(ids, r.Campaign) {
			return r.Campaign
		}
		return ""
	})
	if other := most(rows, func(r campaign.Row) string { return r.Campaign }); here == "" && other != "" {
		return "", fmt.Errorf("it is of the campaign %s, which the evidence here does not have; import it where it was exported", audit.Line(other, 100))
	}
	return here, nil
}

// reviewerOf is whom most rows of a file say they are for.
func reviewerOf(rows []campaign.Row) string {
	return most(rows, func(r campaign.Row) string { return strings.ToLower(strings.TrimSpace(r.Reviewer)) })
}

func most(rows []campaign.Row, value func(campaign.Row) string) string {
	n, best := map[string]int{}, ""
	for _, r := range rows {
		v := value(r)
		if n[v]++; v != "" && n[v] > n[best] || best == "" {
			best = v
		}
	}
	return best
}

// signers are who may sign for a campaign.
func (cs *campaigns) signers(b *campaign.Book) (allowed signature.Signers, err error) {
	path := string(cs.configured(b).Signers)
	if path == "" {
		return allowed, fmt.Errorf("campaign %s is not in the configuration any more, and with it signers", b.Name)
	}
	text, err := os.ReadFile(path)
	if err == nil {
		allowed, err = signature.Parse(text, campaign.Namespace)
	}
	if err != nil {
		return allowed, fmt.Errorf("signers: %w", err)
	}
	return allowed, nil
}

// signer is who signed a file of a campaign at a time, and by which key.
func (cs *campaigns) signer(b *campaign.Book, name string, content, armored []byte, said string, at time.Time) (who, key string, err error) {
	allowed, err := cs.signers(b)
	if err != nil {
		return "", "", fmt.Errorf("cannot be checked: %w", err)
	}
	line, key, err := allowed.Verify(name, content, armored, at)
	if err != nil {
		return "", "", err
	}
	who, err = line.Person(said)
	return who, key, err
}

// endSigner is the manager who signed the closing statement of a campaign at a time.
func (cs *campaigns) endSigner(ctx context.Context, b *campaign.Book, armored []byte, at time.Time) (who string, err error) {
	text, err := cs.archive.Campaign(b.ID()).Read(ctx, campaign.ClosedFile)
	if err != nil {
		return "", err
	}
	who, _, err = cs.signer(b, campaign.ClosedFile, text, armored, b.Manager, at)
	if err == nil && !campaign.Same(who, b.Manager) {
		err = fmt.Errorf("is signed by %s, and the manager of campaign %s is %s", who, b.ID(), b.Manager)
	}
	return who, err
}

// importManager takes the signature of the closing statement that it fits, of those that
// name stands for, newest first.
func (c *cli) importManager(ctx context.Context, cs *campaigns, name string, armored []byte, dryRun bool) error {
	books, _, _, err := cs.books(ctx, name)
	if err != nil {
		return err
	}
	closed := slices.DeleteFunc(books, func(b *campaign.Book) bool { return b.Closing == nil })
	slices.SortStableFunc(closed, func(x, y *campaign.Book) int { return y.Closing.At.Compare(x.Closing.At) })
	var failed []error
	for _, b := range closed {
		who, err := cs.endSigner(ctx, b, armored, cs.now)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		b, folder, err := cs.choose(ctx, b.ID())
		if err != nil {
			return err
		}
		c.say("Campaign %s: the end is signed by %s\n", b.ID(), who)
		if dryRun {
			return nil
		}
		if err := folder.Write(ctx, campaign.ClosedFile+campaign.SignatureSuffix, armored); err != nil {
			return err
		}
		return cs.seal(ctx, folder, b)
	}
	switch len(closed) {
	case 0:
		b, _, err := cs.choose(ctx, name)
		if err != nil {
			return err
		}
		return fmt.Errorf("campaign %s is not closed yet: the manager signs its closing statement", b.ID())
	case 1:
		return fmt.Errorf("it %w", failed[0])
	}
	return fmt.Errorf("it fits the closing statement of none of %d campaigns; of the newest, %s, it %w", len(closed), closed[0].ID(), failed[0])
}

// mostRefused is how many refused rows are printed; refused.csv has them all.
const mostRefused = 50

func (c *cli) sayImported(path string, in campaign.Import, o campaign.Outcome, dryRun bool) {
	form := "draft of " + cmp.Or(in.Reviewer, "nobody")
	if in.Signed {
		form = "signed by " + in.Reviewer
	}
	if dryRun {
		form += ", dry run"
	}
	taken := audit.Plural(o.Taken, "row") + " taken"
	if len(o.Decisions) != o.Taken {
		taken += " (" + audit.Plural(len(o.Decisions), "token") + " in all)"
	}
	c.say("%s: %s\n  %s, %d refused, %d as before, %d without a decision\n", shownPath(path), audit.Line(form, 200), taken, len(o.Refused), o.Unchanged, o.Empty)
	if len(o.Refused) > 0 {
		t := newTable(column{name: "ROW", right: true}, column{name: "ITEM", shrink: 16}, column{name: "CODE"}, column{name: "REASON", shrink: 20})
		for _, r := range o.Refused[:min(len(o.Refused), mostRefused)] {
			t.row(r.Line, audit.Line(r.Item, 80), r.Code, audit.Line(r.Reason, 200))
		}
		c.say("%s\n", t.render(c.columns()))
		switch more := len(o.Refused) - mostRefused; {
		case more > 0 && dryRun:
			c.say("and %d more\n", more)
		case more > 0:
			c.say("and %d more, in %s\n", more, campaign.RefusedFile)
		}
	}
	if !in.Signed && len(o.Decisions) > 0 {
		c.say("These decisions count once the file is signed and imported again:\n  ssh-keygen -Y sign -n %s -f KEY %s\n", campaign.Namespace, shellWord(shownPath(path)))
	}
}

// readAtMost reads a file of people.
func readAtMost(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path) // to open a pipe waits for its other end
	if err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("it is no file; name the workbook or CSV that a reviewer sent back")
	}
	if err != nil {
		return nil, withoutPath(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(content)) > most {
		err = fmt.Errorf("larger than the limit of %d MiB", most>>20)
	}
	return content, err
}

// withoutPath is for a message that has the path already.
func withoutPath(err error) error {
	if failed, is := errors.AsType[*fs.PathError](err); is {
		return failed.Err
	}
	return err
}
