package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
)

func (c *cli) historyReplay() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use:   "replay RUN",
		Short: "Check a stored review again with the policy of a configuration",
		Long: `replay checks the tokens of a review again with another policy, without any server:
what would last week's review have found? Checks that need more than the token, its
owner and the policy keep their findings.
` + runHelp,
		Example: `  tokenaudit history replay -c stricter.yaml latest`,
		Args:    oneRun, ValidArgsFunction: completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error { return c.replayRun(cmd.Context(), f, args[0]) },
	}
	f.add(cmd)
	return cmd
}

// replayed counts a check under the stored policy and under the new one.
type replayed struct {
	Check    string         `json:"check"`
	Severity audit.Severity `json:"severity"` // under the new policy
	Before   int            `json:"before"`
	Now      int            `json:"now"`
	Added    int            `json:"added"`
	Removed  int            `json:"removed"`
}

func (c *cli) replayRun(ctx context.Context, f historyFlags, name string) error {
	r, err := f.open(ctx, c)
	if err != nil {
		return err
	}
	defer r.Close()
	run, err := r.run(ctx, f.job, name)
	if err != nil {
		return err
	}
	s, err := r.stored(ctx, run)
	if err != nil {
		return err
	}
	policy := r.file.Audit()
	counts := map[string]*replayed{}
	for _, target := range s.Reviewed() {
		for rec, err := range r.records(ctx, s.Run(), target) {
			if err != nil {
				return err
			}
			if rec.Exists() || rec.IsServer() {
				count(counts, audit.Replay(rec, policy, s.Started))
			}
		}
	}
	out := []replayed{}
	for _, applied := range policy.Applied().Checks {
		if n := counts[applied.Check]; n != nil {
			n.Severity = applied.Severity
			out = append(out, *n)
		}
	}
	if f.json {
		return c.encode(out)
	}
	t := newTable(column{name: "SEVERITY"}, column{name: "CHECK"}, column{name: "BEFORE", right: true}, column{name: "NOW", right: true}, column{name: "ADDED", right: true}, column{name: "REMOVED", right: true})
	for _, n := range out {
		t.row(c.paint.severity(n.Severity), n.Check, audit.Number(n.Before), audit.Number(n.Now), audit.Number(n.Added), audit.Number(n.Removed))
	}
	_, err = fmt.Fprintln(c.stdout, t.render(c.columns()))
	return err
}

func count(counts map[string]*replayed, fs []audit.Finding) {
	for _, f := range fs {
		n := counts[f.Check]
		if n == nil {
			n = &replayed{Check: f.Check}
			counts[f.Check] = n
		}
		switch f.State {
		case audit.New:
			n.Now++
			n.Added++
		case audit.Resolved, audit.NotJudged:
			n.Before++
			n.Removed++
		default:
			n.Before++
			n.Now++
		}
	}
}
