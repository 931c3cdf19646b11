package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
)

func (c *cli) historyRetire() *cobra.Command {
	var f historyFlags
	var reason string
	cmd := &cobra.Command{
		Use:   "retire SOURCE --reason TEXT",
		Short: "Retire a server or an org that no longer exists",
		Long: `retire ends the tracking of a source. Give the ID of an org, as Coverage shows it
(server/0d0fb00000000011), or the name of a target for all its sources. Until then its
tokens stay listed as not seen when another source answers. The next review reports when
and why it was retired. Its tokens are not reported as gone.`,
		Example: `  tokenaudit history retire server/0d0fb00000000011 --reason "SEC-1234"
  tokenaudit history retire -c tokenaudit.yaml plant --reason "switched off"`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) != 1 || args[0] == "":
				return usagef("%s needs one source, or the name of a target", cmd.CommandPath())
			case strings.TrimSpace(reason) == "":
				return usagef("%s needs a --reason: it is shown in the next report", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.retire(cmd.Context(), f, args[0], reason) },
	}
	configFlag(cmd, &f.config)
	cmd.Flags().StringVar(&reason, "reason", "", "why it was retired, such as a ticket")
	return cmd
}

func (c *cli) retire(ctx context.Context, f historyFlags, name, reason string) error {
	r, err := f.open(ctx, c)
	if err != nil {
		return err
	}
	if err := refuseRoot(r.file); err != nil {
		return errors.Join(err, r.Close())
	}
	entries, err := r.List(ctx, "", 0)
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	sources, known := sourcesNamed(entries, name)
	if len(sources) == 0 {
		return usagef("no review has seen %q; known sources: %s", name, strings.Join(known, ", "))
	}
	for _, source := range sources {
		if run := answered(entries, source); run != "" {
			return fmt.Errorf("%s answered in run %s, the newest review of it. A source can be retired after a review in which it did not answer", source, run)
		}
	}
	l, err := ledger.Open(ctx, r.file.Store, r.file.StorePassword)
	if err != nil {
		return stopFirst(err)
	}
	defer l.Close()
	now, err := l.Now(ctx)
	if err != nil {
		return err
	}
	before, err := l.Retired(ctx)
	if err != nil {
		return err
	}
	for _, source := range sources {
		if was, is := before[source]; is {
			return fmt.Errorf("%s was retired on %s: %s", source, was.At.Format(time.DateOnly), audit.Line(was.Reason, 300))
		}
		if err := l.Retire(ctx, audit.Retirement{Source: source, Reason: reason, At: now.UTC().Truncate(time.Millisecond)}); err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "%s is retired; the next review reports it.\n", source)
	}
	return nil
}

// answered is the newest run that knows a source, "" if it did not answer there.
func answered(entries []ledger.Entry, source string) string {
	for _, e := range entries { // newest first
		if e.Summary == nil || e.Run.Trigger == audit.DryRun {
			continue
		}
		for _, t := range e.Summary.Coverage.Targets {
			away := slices.ContainsFunc(t.Gaps, func(g audit.Gap) bool { return g.ID == audit.SourceSame+"/"+source })
			switch {
			case away, t.Dropped && slices.Contains(t.Sources, source), t.Verdict == audit.NotKnown && slices.Contains(t.Sources, source):
				return ""
			case slices.Contains(t.Sources, source):
				return e.Run.ID()
			}
		}
	}
	return ""
}

// sourcesNamed finds the sources that a name stands for: itself, or those of a target:
// what is away from it by the newest review, or, if nothing is, all that it had, or its
// name where no source is known.
func sourcesNamed(entries []ledger.Entry, name string) (sources, known []string) {
	all := map[string]bool{}
	for _, e := range entries { // newest first
		if e.Summary == nil {
			continue
		}
		for _, t := range e.Summary.Coverage.Targets {
			var away []string
			for _, g := range t.Gaps {
				if source, is := strings.CutPrefix(g.ID, audit.SourceSame+"/"); is {
					away = append(away, source)
				}
			}
			for _, named := range slices.Concat(away, t.Sources, []string{t.Target}) {
				all[named] = true
			}
			if t.Target == name && sources == nil {
				if sources = t.Sources; len(away) > 0 {
					sources = away
				} else if len(sources) == 0 {
					sources = []string{name}
				}
			}
		}
	}
	if sources == nil && all[name] {
		sources = []string{name}
	}
	return sources, slices.Sorted(maps.Keys(all))
}
