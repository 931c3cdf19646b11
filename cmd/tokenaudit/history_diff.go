package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// runDiff is what history diff prints as JSON.
type runDiff struct {
	From          string        `json:"from"` // the older run
	To            string        `json:"to"`
	Consecutive   bool          `json:"consecutive"` // the review of to was compared with from
	Total         int           `json:"total"`       // changes, also those that --limit left out
	Counts        []changeCount `json:"counts"`      // of the total
	PolicyChanges []string      `json:"policy_changes"`
	Notes         []string      `json:"notes"` // what could not be compared
	Changes       []runChange   `json:"changes"`
}

type changeCount struct {
	Change string `json:"change"`
	Number int    `json:"number"`

	kind audit.DeltaKind
}

// runChange is one line of the sheet Changes.
type runChange struct {
	Change        string         `json:"change"`
	Severity      audit.Severity `json:"severity"` // of a finding
	Check         string         `json:"check"`
	Field         string         `json:"field"`
	From          string         `json:"from"`
	To            string         `json:"to"` // or the detail of a finding
	Authorization string         `json:"authorization"`
	Description   string         `json:"description"`
	Owner         string         `json:"owner"`
	Org           string         `json:"org"`
	Target        string         `json:"target"`
	Proof         string         `json:"proof"`

	kind audit.DeltaKind
	seen int // changes before it
}

func (c *cli) historyDiff() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use: "diff [RUN [RUN]]", Short: "Show the changes between two reviews", ValidArgsFunction: completeRuns,
		Long: `diff shows what the sheet Changes of a report shows. These are tokens that are new,
gone, hidden or not seen, fields that changed, and findings that are new, back or
resolved. Of two runs in a row it shows the changes that the newer report has. Of others
it compares the two snapshots by the same rules. The older run always comes first. A token
that is hidden or not seen is listed each time.

With one run, diff compares it with the one before, and without any the newest one.
` + runHelp,
		Example: `  tokenaudit history diff
  tokenaudit history diff --job weekly-review --limit 20
  tokenaudit history diff 2026-11-02 latest
  tokenaudit history diff --json | jq '.changes[] | select(.change == "new")'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 2 {
				return usagef("%s takes two runs at most; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.diffRuns(cmd.Context(), f, args) },
	}
	f.add(cmd)
	limitFlag(cmd, &f.limit, "show only so many, the worst")
	return cmd
}

func (c *cli) diffRuns(ctx context.Context, f historyFlags, names []string) error {
	if err := checkLimit(f.limit); err != nil {
		return err
	}
	r, err := f.open(ctx, c)
	if err != nil {
		return err
	}
	defer r.Close()
	runs, err := r.two(ctx, f.job, names)
	if err != nil {
		return err
	}
	before, err := r.stored(ctx, runs[0])
	if err != nil {
		return err
	}
	after, err := r.stored(ctx, runs[1])
	if err != nil {
		return err
	}
	d, err := r.diff(ctx, before, after, f.limit)
	if err != nil {
		return err
	}
	if f.json {
		return c.encode(d)
	}
	return c.printDiff(d)
}

// two are the runs that the names stand for, the older one first.
func (p past) two(ctx context.Context, job string, names []string) (runs [2]audit.Run, err error) {
	known, err := p.Runs(ctx)
	if err != nil {
		return runs, err
	}
	all := runNames(known)
	if len(names) == 0 {
		names = []string{latestRun}
	}
	if runs[1], err = all.find(job, names[0]); err != nil {
		return runs, err
	}
	if len(names) == 1 {
		runs[0], err = all.before(runs[1])
		return runs, err
	}
	runs[0], err = all.find(job, names[1])
	if runs[1].Started.Before(runs[0].Started) {
		runs[0], runs[1] = runs[1], runs[0]
	}
	return runs, err
}

// diff compares two finished runs. It keeps the worst changes, at most so many; 0 is all.
func (p past) diff(ctx context.Context, before, after audit.Summary, limit int) (runDiff, error) {
	d := runDiff{
		From: before.ID, To: after.ID, Consecutive: after.Previous != nil && after.Previous.ID == before.ID,
		Counts: []changeCount{}, PolicyChanges: append([]string{}, audit.PolicyChanges(before.Policy, after.Policy)...), Notes: []string{}, Changes: []runChange{},
	}
	if before.ID == after.ID {
		return d, nil
	}
	for _, target := range before.Reviewed() {
		if !slices.Contains(after.Reviewed(), target) {
			d.Notes = append(d.Notes, fmt.Sprintf("target %s: run %s did not review it, and its tokens are not compared", target, after.ID))
		}
	}
	worst := table.NewWorst[int, runChange](cmp.Or(limit, 1<<30), cmp.Compare[int])
	for _, target := range after.Reviewed() {
		lost := 0
		records := audit.Population(p.records(ctx, after.Run(), target))
		if !d.Consecutive {
			older := func(func(audit.Record, error) bool) {}
			if slices.Contains(before.Reviewed(), target) {
				at := slices.IndexFunc(after.Coverage.Targets, func(c audit.Coverage) bool { return c.Target == target })
				older = after.Coverage.Targets[at].SameServer(p.records(ctx, before.Run(), target))
			}
			records = after.Since(before, older, p.records(ctx, after.Run(), target), func(audit.Record) { lost++ })
		}
		for rec, err := range records {
			if err != nil {
				return d, err
			}
			for _, delta := range rec.Deltas(after.Started) {
				seen := worst.Seen()
				d.count(delta.Kind)
				worst.Offer(delta.Rank(), func() runChange { return changeOf(rec, delta, seen) })
			}
		}
		if lost > 0 {
			d.Notes = append(d.Notes, fmt.Sprintf("target %s: %s of run %s are not in run %s. Nothing proves that they were deleted", target, audit.Plural(lost, "token"), before.ID, after.ID))
		}
	}
	d.Total, d.Changes = worst.Seen(), append(d.Changes, worst.Take()...)
	slices.SortFunc(d.Changes, func(a, b runChange) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.seen, b.seen)) })
	return d, nil
}

func (d *runDiff) count(kind audit.DeltaKind) {
	at, found := slices.BinarySearchFunc(d.Counts, kind, func(c changeCount, k audit.DeltaKind) int { return cmp.Compare(c.kind, k) })
	if !found {
		d.Counts = slices.Insert(d.Counts, at, changeCount{Change: kind.ID(), kind: kind})
	}
	d.Counts[at].Number++
}

// longestText bounds what a server may send as a description.
const longestText = 400

func changeOf(r audit.Record, d audit.Delta, seen int) runChange {
	return runChange{
		Change: d.Kind.ID(), kind: d.Kind, Severity: d.Severity, Check: d.Check, Field: d.Field, From: d.From, To: strings.Clone(d.To), // the scope shares the memory of all permissions
		Authorization: r.ID, Description: strings.ToValidUTF8(r.Description[:min(len(r.Description), longestText)], ""), Owner: cmp.Or(r.Owner.Name, r.User, r.UserID), Org: r.Org, Target: r.Target, Proof: r.Evidence, seen: seen,
	}
}

func (c *cli) printDiff(d runDiff) error {
	columns := c.columns()
	var out strings.Builder
	say := func(words string) { fmt.Fprintln(&out, hanging("", words, min(columns, textWidth))) }
	counted := []string{}
	for _, n := range d.Counts {
		counted = append(counted, strings.ToLower(n.kind.String())+" "+audit.Number(n.Number))
	}
	say(fmt.Sprintf("From %s to %s: %s", d.From, d.To, cmp.Or(strings.Join(counted, ", "), "no change")))
	for _, change := range d.PolicyChanges[:min(len(d.PolicyChanges), mostChanges)] {
		say("Policy: " + audit.Line(change, 300))
	}
	for _, note := range d.Notes {
		say("Not compared: " + audit.Line(note, 500))
	}
	if len(d.Changes) == 0 {
		_, err := io.WriteString(c.stdout, out.String())
		return err
	}
	fmt.Fprintln(&out)
	t := newTable(column{name: "CHANGE", shrink: 8}, column{name: "SEVERITY"}, column{name: "WHAT"}, column{name: "TOKEN", shrink: 12}, column{name: "ID"},
		column{name: "OWNER", shrink: 12, drop: 3}, column{name: "DETAIL", shrink: 24, drop: 1}, column{name: "TARGET", drop: 2})
	several := slices.ContainsFunc(d.Changes, func(r runChange) bool { return r.Target != d.Changes[0].Target })
	for _, r := range d.Changes {
		target := ""
		if several {
			target = audit.Line(r.Target, 40)
		}
		t.row(r.kind, c.paint.severity(r.Severity), cmp.Or(r.Check, r.Field), audit.Line(r.Description, 40), audit.Line(r.Authorization, 60), audit.Line(r.Owner, 40), r.detail(), target)
	}
	fmt.Fprintln(&out, t.render(columns))
	if len(d.Changes) < d.Total {
		fmt.Fprintf(&out, "\nThe worst %s of %s; without --limit all are shown.\n", audit.Number(len(d.Changes)), audit.Plural(d.Total, "change"))
	}
	_, err := io.WriteString(c.stdout, out.String())
	return err
}

// detail is what a change is from and to. Of permissions only the difference is shown, as
// a list of all of them is long.
func (r runChange) detail() string {
	from, to := r.From, r.To
	if r.Field == "permissions" {
		was, is := strings.Fields(from), strings.Fields(to)
		from = strings.Join(slices.DeleteFunc(was, func(p string) bool { return slices.Contains(is, p) }), " ")
		to = strings.Join(slices.DeleteFunc(is, func(p string) bool { return slices.Contains(strings.Fields(r.From), p) }), " ")
	}
	if r.Field != "" {
		return audit.Line(cmp.Or(from, "none"), 80) + " → " + audit.Line(cmp.Or(to, "none"), 80)
	}
	return audit.Line(strings.TrimSpace(from+" "+to), 120)
}
