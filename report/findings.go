package report

import (
	"cmp"
	"iter"
	"slices"

	"tokenaudit/jobs/audit"
)

// group is where a finding stands in the report: severity first, then check.
type group struct {
	severity audit.Severity
	check    string
}

// findings holds the findings of a review outside of memory, one file per group.
// The rows come by target and ID, so each file is in its final order and reading
// the files one after the other is a sort of any number of findings.
type findings struct {
	*shelves[group]
	at     map[group]*states
	groups []group // worst first, when all are there
	row    row     // that is met, with one of its findings after the other
}

// states are the numbers of findings in each state.
type states map[audit.FindingState]int

func newFindings(d *draft) *findings {
	return &findings{shelves: newShelves[group](d, "finding"), at: map[group]*states{}}
}

// fresh is how many findings of a check are new.
func (fs *findings) fresh(c audit.AppliedCheck) int {
	return fs.states(group{c.Severity, c.Check})[audit.New]
}

func (fs *findings) states(g group) states {
	if s := fs.at[g]; s != nil {
		return *s
	}
	return nil
}

// meet puts the findings aside that belong in the report.
func (fs *findings) meet(met *row) error {
	if len(met.Findings) == 0 {
		return nil
	}
	r := &fs.row
	*r = row{Record: met.Record, now: met.now} // which is all that tables of findings show
	for i := range r.Findings {
		f := &r.Findings[i]
		if !f.Reported(r.now) {
			continue
		}
		g := group{f.Severity, f.Check}
		if fs.at[g] == nil {
			fs.at[g] = &states{}
		}
		(*fs.at[g])[f.State]++
		r.finding = *f
		if err := fs.put(g, r); err != nil {
			return err
		}
	}
	return nil
}

func (fs *findings) close() error {
	fs.groups = fs.keys(compareGroups)
	return fs.shelves.close()
}

// all walks the findings, worst first; it may be walked more than once.
func (fs *findings) all() iter.Seq2[*row, error] { return fs.shelves.all(compareGroups) }

// compareGroups orders by severity, then by the order of the checks. What this
// version does not know comes last, by name.
func compareGroups(a, b group) int {
	return cmp.Or(
		cmp.Compare(place(audit.Severities(), a.severity), place(audit.Severities(), b.severity)),
		cmp.Compare(uint(audit.CheckPlace(a.check)), uint(audit.CheckPlace(b.check))), // the unknown is the largest
		cmp.Compare(a.severity, b.severity),
		cmp.Compare(a.check, b.check),
	)
}

func place[T comparable](in []T, v T) int {
	if i := slices.Index(in, v); i >= 0 {
		return i
	}
	return len(in)
}
