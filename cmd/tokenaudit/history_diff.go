package main

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
)

// difference is one finding, or one token, that only one of two sides has.
type difference struct {
	Change   string         `json:"change"` // finding added, finding removed, token added, token removed
	Target   string         `json:"target"`
	ID       string         `json:"authorization"`
	Token    string         `json:"description"`
	Owner    string         `json:"owner"`
	Check    string         `json:"check,omitempty"`
	Severity audit.Severity `json:"severity,omitempty"`
}

func (c *cli) historyDiff() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use: "diff RUN RUN", Short: "Show the differences between two reviews", Args: runIDs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return c.diffRuns(cmd.Context(), f, args[0], args[1]) },
	}
	f.add(c, cmd)
	return cmd
}

func (c *cli) diffRuns(ctx context.Context, f historyFlags, from, to string) error {
	r, err := f.open(ctx, c)
	if err != nil {
		return err
	}
	defer r.Close()
	before, had, err := r.stored(ctx, from)
	if err != nil {
		return err
	}
	after, has, err := r.stored(ctx, to)
	if err != nil {
		return err
	}
	read := func(run audit.Run, targets []string, target string) iter.Seq2[audit.Record, error] {
		if !slices.Contains(targets, target) {
			return func(func(audit.Record, error) bool) {}
		}
		return r.Read(ctx, run, target)
	}
	all := slices.Concat(had, has)
	slices.Sort(all)
	var ds []difference
	for _, target := range slices.Compact(all) {
		if ds, err = compare(ds, read(before, had, target), read(after, has, target)); err != nil {
			return err
		}
	}
	if f.json {
		return c.encode(append([]difference{}, ds...))
	}
	if len(ds) == 0 {
		_, err := fmt.Fprintln(c.stdout, "No difference.")
		return err
	}
	t := oldTable("CHANGE", "SEVERITY", "CHECK", "TOKEN", "ID", "OWNER", "TARGET")
	for _, d := range ds {
		t.AppendRow(table.Row{d.Change, d.Severity, d.Check, audit.Line(d.Token, 32), audit.Line(d.ID, 16), audit.Line(d.Owner, 24), d.Target})
	}
	_, err = fmt.Fprintln(c.stdout, t.Render())
	return err
}

// compare walks two snapshots of one target together; both ascend by key.
func compare(ds []difference, before, after iter.Seq2[audit.Record, error]) ([]difference, error) {
	nextBefore, stop := iter.Pull2(before)
	defer stop()
	nextAfter, stop := iter.Pull2(after)
	defer stop()
	a, errA, okA := nextBefore()
	b, errB, okB := nextAfter()
	for okA || okB {
		if err := cmp.Or(errA, errB); err != nil {
			return ds, err
		}
		switch {
		case okA && okB && a.Key() == b.Key():
			ds = differ(ds, a, b)
			a, errA, okA = nextBefore()
			b, errB, okB = nextAfter()
		case !okB || okA && a.Key() < b.Key():
			ds = differ(ds, a, audit.Record{Presence: audit.Gone})
			a, errA, okA = nextBefore()
		default:
			ds = differ(ds, audit.Record{Presence: audit.Gone}, b)
			b, errB, okB = nextAfter()
		}
	}
	return ds, nil
}

// differ adds what only one of two records of a token says.
func differ(ds []difference, a, b audit.Record) []difference {
	add := func(change string, r audit.Record, f audit.Finding) {
		ds = append(ds, difference{change, r.Target, r.ID, r.Description, cmp.Or(r.Owner.Name, r.User, r.UserID), f.Check, f.Severity})
	}
	findings := func(change string, in, notIn audit.Record) {
		for _, f := range in.Findings {
			same := func(g audit.Finding) bool { return g.Check == f.Check && g.Current() }
			if f.Current() && !slices.ContainsFunc(notIn.Findings, same) {
				add(change, in, f)
			}
		}
	}
	switch {
	case a.Exists() && !b.Exists():
		add("token removed", a, audit.Finding{})
	case b.Exists() && !a.Exists():
		add("token added", b, audit.Finding{})
	}
	findings("finding removed", a, b)
	findings("finding added", b, a)
	return ds
}
