package xlsx

import (
	"errors"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// totals is what the workbook must know before its small sheets. Memory grows with
// the users only.
type totals struct {
	at      audit.Summary
	rows    int // of the sheet Authorizations
	counts  audit.Counts
	states  map[audit.OwnerState]int // authorizations by the state of their owner
	targets map[string]int           // authorizations that exist
	// presences counts the 1.x authorizations on their own.
	presences map[presenceKey]int
	holders   map[table.HolderKey]*table.Holder
	tasks     *table.GroupedRows[table.Group] // by their worst finding; their place is among the authorizations
	changes   *table.GroupedRows[transition]
	excepted  []excepted // no more than the configuration has
	row       table.Row  // that is met, with its place and one of its changes after the other
}

type presenceKey struct {
	presence audit.Presence
	legacy   bool
}

// excepted is a finding that an exception allows.
type excepted struct {
	authorization string
	audit.Finding
}

func newTotals(d *table.Draft) *totals {
	return &totals{
		at: d.In.Summary, counts: audit.NewCounts(), states: map[audit.OwnerState]int{}, targets: map[string]int{}, presences: map[presenceKey]int{}, holders: map[table.HolderKey]*table.Holder{},
		tasks: table.NewGroupedRows[table.Group](d, "task"), changes: table.NewGroupedRows[transition](d, "change"),
	}
}

func (s *totals) close() error { return errors.Join(s.tasks.Close(), s.changes.Close()) }

func (s *totals) add(r *table.Row) error {
	s.counts.Add(r.Record, s.at.Started)
	if r.Exists() {
		s.states[r.Owner.State]++
		s.targets[r.Target]++
		s.presences[presenceKey{r.Presence, r.Legacy}]++
		s.hold(r)
	}
	for _, f := range r.Findings {
		if f.State == audit.Excepted && f.Approval != nil {
			s.excepted = append(s.excepted, excepted{r.ID, f})
		}
	}
	s.row = *r
	s.row.Place = s.rows
	if err := errors.Join(s.assign(&s.row), s.compare(&s.row)); err != nil {
		return err
	}
	if !r.IsServer() {
		s.rows++
	}
	return nil
}

// assign puts what needs a decision where its worst finding belongs.
func (s *totals) assign(r *table.Row) error {
	if r.FirstCheck == "" {
		return nil
	}
	return s.tasks.Put(table.Group{Severity: r.FirstSeverity, Check: r.FirstCheck}, r)
}

// legacy is how many 1.x authorizations exist.
func (s *totals) legacy() int {
	n := 0
	for k, c := range s.presences {
		if k.legacy {
			n += c
		}
	}
	return n
}
