package table

import (
	"cmp"
	"maps"
	"slices"

	"tokenaudit/jobs/audit"
)

// Group is where a finding stands in the report: severity first, then check.
type Group struct {
	Severity audit.Severity
	Check    string
}

func GroupOf(f audit.Finding) Group { return Group{f.Severity, f.Check} }

// CompareGroups orders by severity, then by the order of the checks. What this
// version does not know comes last, by name.
func CompareGroups(a, b Group) int {
	return cmp.Or(
		cmp.Compare(Rank(audit.Severities(), a.Severity), Rank(audit.Severities(), b.Severity)),
		cmp.Compare(uint(audit.CheckPlace(a.Check)), uint(audit.CheckPlace(b.Check))), // the unknown is the largest
		cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Check, b.Check),
	)
}

// Rank is the index of v, or behind all of them.
func Rank[T comparable](in []T, v T) int {
	if i := slices.Index(in, v); i >= 0 {
		return i
	}
	return len(in)
}

// FindingCounts count findings by group and state.
type FindingCounts map[Group]map[audit.FindingState]int

func (c FindingCounts) Add(f *audit.Finding) {
	g := Group{f.Severity, f.Check}
	states := c[g]
	if states == nil {
		states = map[audit.FindingState]int{}
		c[g] = states
	}
	states[f.State]++
}

// Groups are those that there are, worst first.
func (c FindingCounts) Groups() []Group {
	return slices.SortedFunc(maps.Keys(c), CompareGroups)
}

// Sum is how many findings are of the kinds that are counted.
func (c FindingCounts) Sum(counted func(Group, audit.FindingState) bool) int {
	n := 0
	for g, states := range c {
		for state, m := range states {
			if counted(g, state) {
				n += m
			}
		}
	}
	return n
}
