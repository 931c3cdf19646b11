package report

import (
	"context"
	"time"

	"tokenaudit/jobs/audit"
)

// choice picks the records that the page shows: those with the worst findings,
// and of equals the first. It counts in one walk and picks in a second, so that
// it holds a few numbers instead of the records.
type choice struct {
	groups map[group]int
	free   []int // by rank, how many may still be picked
	owners map[audit.OwnerState]int
	at     time.Time // of the review
}

func chooseRows(ctx context.Context, d *draft) (*choice, error) {
	c := &choice{groups: map[group]int{}, owners: map[audit.OwnerState]int{}, at: d.in.Summary.Started}
	for i, g := range d.findings.groups {
		c.groups[g] = i
	}
	c.free = make([]int, 2*len(c.groups)+1)
	for r, err := range d.records(ctx) {
		if err != nil {
			return nil, err
		}
		c.count(r)
	}
	c.share(mostRows)
	return c, nil
}

func (c *choice) count(r audit.Record) {
	c.free[c.rank(r)]++
	if r.Exists() {
		c.owners[r.Owner.State]++
	}
}

// share gives the places to the ranks, worst first.
func (c *choice) share(places int) {
	for i, n := range c.free {
		c.free[i] = min(n, places)
		places -= c.free[i]
	}
}

// rank is the place of the worst finding in the table of findings: current ones by
// severity and check, then resolved ones; without findings it is the last.
func (c *choice) rank(r audit.Record) int {
	worst := 2 * len(c.groups)
	for _, f := range r.Findings {
		if !f.Reported(c.at) {
			continue
		}
		at := c.groups[group{f.Severity, f.Check}]
		if !f.Current() {
			at += len(c.groups)
		}
		worst = min(worst, at)
	}
	return worst
}

func (c *choice) pick(rank int) bool {
	if c.free[rank] == 0 {
		return false
	}
	c.free[rank]--
	return true
}
