package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
)

// rebuildFlags are the flags of history rebuild.
type rebuildFlags struct {
	config                string
	dryRun, forgetMissing bool
}

func (c *cli) historyRebuild() *cobra.Command {
	var f rebuildFlags
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Rebuild a lost or restored ledger from the evidence packs",
		Long: `rebuild reads the packs of every job in the evidence, configured or not, and checks them
against the manifests and the chain. From them it makes the ledger: the reviews, the
base of the next comparison, the place in the chain, and the slots that are done. A slot
is a time at which a review is due. A ledger in a file is renamed, with the time in its
name, and never deleted. In PostgreSQL the reviews are replaced in one transaction.

Retired sources (history retire) stay retired if the old ledger can be read. After the
newest pack, only the ledger knows them.

No message of a review in the packs is sent again, even if it had not arrived. Reminders of
campaigns that are due by now count as sent, too. A pack
that cannot be read, or differs from the chain, stays in the ledger as lost. The next
pack follows it, so that verify reports it.`,
		Example: `  tokenaudit history rebuild -c tokenaudit.yaml --dry-run
  tokenaudit history rebuild -c tokenaudit.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.rebuildLedger(cmd.Context(), f) },
	}
	configFlag(cmd, &f.config)
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "only show what would be rebuilt")
	cmd.Flags().BoolVar(&f.forgetMissing, "forget-missing", false, "continue without the reviews that are in the ledger but not in the evidence")
	return cmd
}

func (c *cli) rebuildLedger(ctx context.Context, f rebuildFlags) error {
	file, err := c.loadConfig(f.config)
	if err != nil {
		return err
	}
	if !f.dryRun {
		if err := refuseRoot(file); err != nil {
			return err
		}
	}
	return forOwner(file, c.rebuildFrom(ctx, file, f))
}

func (c *cli) rebuildFrom(ctx context.Context, file *configs.File, f rebuildFlags) error {
	archive, err := evidence.Open(file.Evidence, evidence.Lock{})
	if err != nil {
		return err
	}
	defer archive.Close()
	jobs, err := readJobs(ctx, archive)
	if err != nil {
		return err
	}
	reviews, err := jobsOf(file, c.log(slog.LevelWarn), c.secrets)
	if err != nil {
		return err
	}
	for i, cfg := range file.Jobs {
		reviews[i].Notifiers = (&app{file: file}).notifiers(cfg, c.log(slog.LevelWarn))
	}
	var notes []string
	check := func(old []audit.Pack, unreadable error) (err error) {
		notes, err = compareOld(jobs, old, unreadable, f.forgetMissing)
		return err
	}
	if f.dryRun {
		old, err := ledger.OldPacks(ctx, file.Store, file.StorePassword)
		if err := check(old, err); err != nil {
			return err
		}
		return c.sayRebuilt(file, jobs, notes, "would be rebuilt")
	}
	now := time.Now()
	aside, err := ledger.Rebuild(ctx, file.Store, file.StorePassword, now, ledger.Rebuilding{
		Check: check,
		Fill: func(l *ledger.Ledger) error {
			for i := range jobs {
				if err := jobs[i].write(ctx, l, archive); err != nil {
					return fmt.Errorf("job %q: %w", jobs[i].name, err)
				}
			}
			return noteCampaigns(ctx, l, archive, reviews, now)
		},
	})
	if err != nil {
		return stopFirst(err)
	}
	for i := range jobs {
		if err := jobs[i].mendChain(ctx, archive); err != nil {
			return err
		}
	}
	if aside != "" {
		notes = append(notes, "the old ledger is kept as "+aside)
	}
	return c.sayRebuilt(file, jobs, notes, "was rebuilt")
}

// stopFirst says what to do where the service works on the store: the command changes what
// it relies on.
func stopFirst(err error) error {
	if errors.Is(err, ledger.ErrBusy) {
		return fmt.Errorf("%w. Stop the service for this command, such as with systemctl stop tokenaudit", err)
	}
	return err
}

func (c *cli) sayRebuilt(f *configs.File, jobs []jobPacks, notes []string, made string) error {
	var out strings.Builder
	read, bad := 0, false
	for _, j := range jobs {
		n := len(slices.DeleteFunc(slices.Clone(j.packs), func(p foundPack) bool { return p.lost != "" }))
		read += n
		fmt.Fprintf(&out, "%s: %s", j.name, audit.Plural(n, "review"))
		if last := len(j.packs) - 1; last >= 0 {
			fmt.Fprintf(&out, ", the newest pack is number %d, run %s", j.packs[last].link.Sequence, j.packs[last].run.ID())
		}
		if !j.reached.IsZero() {
			fmt.Fprintf(&out, "; slots up to %s are done", j.reached.UTC().Format("Mon 2006-01-02 15:04 MST"))
		}
		fmt.Fprintln(&out)
		for _, p := range j.packs {
			if p.lost != "" {
				fmt.Fprintf(&out, "  %s: %s\n", p.name(), line(p.lost))
			}
			bad = bad || p.lost != ""
		}
		for _, problem := range j.problems {
			fmt.Fprintf(&out, "  %s\n", line(problem))
			bad = true
		}
	}
	for _, note := range notes {
		fmt.Fprintln(&out, note)
	}
	fmt.Fprintf(&out, "The ledger %s %s from %s. No message of these reviews is sent again.\n", f.Store, made, audit.Plural(read, "pack"))
	if _, err := io.WriteString(c.stdout, out.String()); err != nil {
		return err
	}
	if bad { // it is done, and not all could be seen
		return quietError{exitIncomplete}
	}
	return nil
}

// compareOld finds what the present ledger knows and the evidence lacks. Packs that
// retention took away are no loss.
func compareOld(jobs []jobPacks, old []audit.Pack, unreadable error, forget bool) (notes []string, err error) {
	if unreadable != nil {
		notes = append(notes, "the old ledger cannot be read: "+line(unreadable.Error()))
	}
	if len(old) == 0 && len(jobs) > 0 { // it was lost, or cannot be read
		notes = append(notes, "sources that were retired after the newest pack are lost with the old ledger: retire them again (tokenaudit history retire)")
	}
	pruned, missing := 0, []string{}
	for _, p := range old {
		at := slices.IndexFunc(jobs, func(j jobPacks) bool { return j.name == p.Run.Job })
		switch {
		case p.Running || p.Run.Trigger == audit.Lost:
		case at >= 0 && slices.ContainsFunc(jobs[at].packs, func(f foundPack) bool { return f.run.ID() == p.Run.ID() }):
		case at >= 0 && jobs[at].pruned != nil && p.Link.Sequence <= jobs[at].pruned.Sequence:
			pruned++
		default:
			missing = append(missing, fmt.Sprintf("pack %d (run %s)", p.Link.Sequence, p.Run.ID()))
		}
	}
	if pruned > 0 {
		notes = append(notes, audit.Plural(pruned, "review")+" whose packs retention removed: no longer in the ledger")
	}
	if len(missing) == 0 {
		return notes, nil
	}
	text := strings.Join(missing[:min(5, len(missing))], ", ")
	if more := len(missing) - 5; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if !forget {
		return notes, fmt.Errorf("the evidence lacks packs that the ledger has: %s. Restore them from a backup, set evidence to their folder or bucket, or continue without them: --forget-missing", text)
	}
	return append(notes, "no longer in the ledger, because the evidence does not have it: "+text), nil
}
