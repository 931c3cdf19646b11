package main

import (
	"context"
	"fmt"
	"io"
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
		Use:   "rebuild -c FILE",
		Short: "Make the ledger from the evidence packs, after it was lost or put back from a copy",
		Long: `rebuild reads the packs of every job in the evidence, configured or not, checks
what it reads against the manifests and the chain, and makes the ledger of it: the
reviews, what the next ones are compared with, the place in the chain, and the
slots that are dealt with. A ledger in a file is moved aside, under a name with the
time, and never deleted; in PostgreSQL the reviews are exchanged in one step.

What was retired (history retire) stays, as far as the old ledger can be read;
since the newest pack it is in no other place.

No message of a review that is in the packs is sent again, whether it had arrived
or not. A pack that cannot be read, or is not the one that the chain holds, stays
in the ledger as lost: the next pack follows on it, so that verify names it.`,
		Example: `  tokenaudit history rebuild -c tokenaudit.yaml --dry-run
  tokenaudit history rebuild -c tokenaudit.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.rebuildLedger(cmd.Context(), f) },
	}
	cmd.Flags().StringVarP(&f.config, "config", "c", "", "configuration file")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "only say what it would make")
	cmd.Flags().BoolVar(&f.forgetMissing, "forget-missing", false, "go on without the reviews that the ledger knows and the evidence lacks")
	return cmd
}

func (c *cli) rebuildLedger(ctx context.Context, f rebuildFlags) error {
	file, err := c.loadConfig(f.config)
	if err != nil {
		return err
	}
	return c.rebuildFrom(ctx, file, f)
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
		return c.sayRebuilt(file, jobs, notes, "would be made")
	}
	aside, err := ledger.Rebuild(ctx, file.Store, file.StorePassword, time.Now(), ledger.Rebuilding{
		Check: check,
		Fill: func(l *ledger.Ledger) error {
			for i := range jobs {
				if err := jobs[i].write(ctx, l, archive); err != nil {
					return fmt.Errorf("job %q: %w", jobs[i].name, err)
				}
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	for i := range jobs {
		if err := jobs[i].mendChain(ctx, archive); err != nil {
			return err
		}
	}
	if aside != "" {
		notes = append(notes, "the old ledger is kept as "+aside)
	}
	return c.sayRebuilt(file, jobs, notes, "was made")
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
			fmt.Fprintf(&out, "; slots up to %s are dealt with", j.reached.UTC().Format("Mon 2006-01-02 15:04 MST"))
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
	fmt.Fprintf(&out, "The ledger %s %s from %s. Nothing of these reviews is delivered again.\n", f.Store, made, audit.Plural(read, "pack"))
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
		notes = append(notes, "if anything was retired since the newest pack, that is lost with the old ledger: say it again (tokenaudit history retire)")
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
		notes = append(notes, audit.Plural(pruned, "review")+" whose packs retention took away: no longer in the ledger")
	}
	if len(missing) == 0 {
		return notes, nil
	}
	text := strings.Join(missing[:min(5, len(missing))], ", ")
	if more := len(missing) - 5; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if !forget {
		return notes, fmt.Errorf("the evidence lacks what the ledger knows: %s; put the packs back from a copy, set evidence to where they are, or go on without them: --forget-missing", text)
	}
	return append(notes, "no longer in the ledger, as the evidence lacks it: "+text), nil
}
