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
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
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
		Use: "diff -c FILE RUN RUN", Short: "Say what differs between two reviews", Args: runIDs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return c.diffRuns(cmd.Context(), f, args[0], args[1]) },
	}
	f.add(cmd)
	return cmd
}

func (c *cli) diffRuns(ctx context.Context, f historyFlags, from, to string) error {
	r, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	before, err := stored(ctx, r, from)
	if err != nil {
		return err
	}
	after, err := stored(ctx, r, to)
	if err != nil {
		return err
	}
	var ds []difference
	targets := slices.Concat(before.targets, after.targets)
	slices.Sort(targets)
	for _, target := range slices.Compact(targets) {
		if ds, err = compare(ds, before.read(ctx, target), after.read(ctx, target)); err != nil {
			return err
		}
	}
	return c.printDifferences(f.json, ds)
}

// storedRun reads the snapshots of a run.
type storedRun struct {
	evidence.Archive
	entry   ledger.Entry
	targets []string
}

func stored(ctx context.Context, p past, id string) (storedRun, error) {
	e, err := p.Find(ctx, id)
	if err != nil {
		return storedRun{}, err
	}
	out := storedRun{Archive: p.Archive, entry: e}
	if e.Summary == nil {
		return out, fmt.Errorf("run %s is not finished", id)
	}
	for _, t := range e.Summary.Coverage.Targets {
		out.targets = append(out.targets, t.Target)
	}
	return out, nil
}

func (s storedRun) read(ctx context.Context, target string) iter.Seq2[audit.Record, error] {
	if !slices.Contains(s.targets, target) {
		return func(func(audit.Record, error) bool) {}
	}
	return s.Read(ctx, s.entry.Run, target)
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

func differ(ds []difference, a, b audit.Record) []difference {
	switch {
	case a.Exists() && !b.Exists():
		ds = append(ds, about("token removed", a, audit.Finding{}))
	case b.Exists() && !a.Exists():
		ds = append(ds, about("token added", b, audit.Finding{}))
	}
	for _, f := range onlyIn(a, b) {
		ds = append(ds, about("finding removed", a, f))
	}
	for _, f := range onlyIn(b, a) {
		ds = append(ds, about("finding added", b, f))
	}
	return ds
}

// onlyIn are the current findings of a that b lacks.
func onlyIn(a, b audit.Record) []audit.Finding {
	var out []audit.Finding
	for _, f := range a.Findings {
		same := func(g audit.Finding) bool { return g.Check == f.Check && g.Current() }
		if f.Current() && !slices.ContainsFunc(b.Findings, same) {
			out = append(out, f)
		}
	}
	return out
}

func about(change string, r audit.Record, f audit.Finding) difference {
	return difference{change, r.Target, r.ID, r.Description, cmp.Or(r.Owner.Name, r.User, r.UserID), f.Check, f.Severity}
}

func (c *cli) printDifferences(asJSON bool, ds []difference) error {
	if asJSON {
		return c.encode(append([]difference{}, ds...))
	}
	if len(ds) == 0 {
		_, err := fmt.Fprintln(c.stdout, "No difference.")
		return err
	}
	t := newTable("CHANGE", "SEVERITY", "CHECK", "TOKEN", "ID", "OWNER", "TARGET")
	for _, d := range ds {
		t.AppendRow(table.Row{d.Change, d.Severity, d.Check, audit.Line(d.Token, 32), audit.Line(d.ID, 16), audit.Line(d.Owner, 24), d.Target})
	}
	_, err := fmt.Fprintln(c.stdout, t.Render())
	return err
}
