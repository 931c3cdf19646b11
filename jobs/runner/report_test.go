package runner_test

import (
	"context"
	"iter"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/runner"
)

// TestHighlightsAreHeardOnTheWay: they are those of all records, whether the reports
// walk them to the end, break off or do not walk at all, and a whole walk is enough.
func TestHighlightsAreHeardOnTheWay(t *testing.T) {
	t.Parallel()
	walk := func(t *testing.T, e runner.Evidence, most int) {
		n := 0
		for _, err := range e.Rows {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == most {
				return
			}
		}
	}
	tests := map[string]struct {
		report func(*testing.T, runner.Evidence)
		reads  int
	}{
		"no walk":    {func(*testing.T, runner.Evidence) {}, 1},
		"broken off": {func(t *testing.T, e runner.Evidence) { walk(t, e, 1) }, 2},
		"one walk":   {func(t *testing.T, e runner.Evidence) { walk(t, e, -1) }, 1},
		"two walks":  {func(t *testing.T, e runner.Evidence) { walk(t, e, -1); walk(t, e, -1) }, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			reads := &countedReads{Snapshots: w.runner.Snapshots}
			w.runner.Snapshots = reads
			w.job.Report = func(_ context.Context, _ string, e runner.Evidence) (audit.Link, error) {
				test.report(t, e)
				return audit.Link{Sequence: 1}, nil
			}
			var highlights audit.Highlights
			w.job.Notifiers[0].Deliveries = func(_ audit.Summary, n audit.Highlights) []string {
				highlights = n
				return []string{"summary"}
			}
			if _, err := w.runner.ReviewNow(t.Context(), w.job, audit.Manual); err != nil {
				t.Fatal(err)
			}
			if highlights.Authorizations != 2 || reads.n != test.reads {
				t.Errorf("highlights of %d authorizations, %d reads instead of %d", highlights.Authorizations, reads.n, test.reads)
			}
		})
	}
}

type countedReads struct {
	runner.Snapshots
	n int
}

func (c *countedReads) Read(ctx context.Context, run audit.Run, target string) iter.Seq2[audit.Record, error] {
	c.n++
	return c.Snapshots.Read(ctx, run, target)
}
