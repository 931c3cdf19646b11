package report

import (
	"context"
	"errors"

	"tokenaudit/jobs/audit"
)

// survey is what the workbook must know before its first sheet: one walk over the
// rows. Memory grows with the users only.
type survey struct {
	at      audit.Summary
	rows    int // of the sheet Authorizations
	counts  audit.Counts
	states  map[audit.OwnerState]int // authorizations by the state of their owner
	targets map[string]int           // authorizations that exist
	// presences counts the 1.x authorizations on their own.
	presences map[presenceKey]int
	holders   map[holderKey]*holder
	tasks     *shelves[group, task]
	changes   *shelves[transition, changed]
}

type presenceKey struct {
	presence audit.Presence
	legacy   bool
}

// task is an authorization that needs a decision. Place is its row among the
// authorizations, from 0; the record of the server has none.
type task struct {
	Record audit.Record
	Place  int
}

func newSurvey(ctx context.Context, d *draft) (*survey, error) {
	s := &survey{
		at: d.in.Summary, counts: audit.NewCounts(), states: map[audit.OwnerState]int{}, targets: map[string]int{}, presences: map[presenceKey]int{}, holders: map[holderKey]*holder{},
		tasks: newShelves[group, task](d.staging, "task"), changes: newShelves[transition, changed](d.staging, "change"),
	}
	err := s.walk(ctx, d)
	return s, errors.Join(err, s.tasks.close(), s.changes.close())
}

func (s *survey) walk(ctx context.Context, d *draft) error {
	for r, err := range d.rows(ctx) {
		if err != nil {
			return err
		}
		if err := s.meet(r); err != nil {
			return err
		}
	}
	return nil
}

func (s *survey) meet(r audit.Record) error {
	s.counts.Add(r, s.at.Started)
	if r.Exists() {
		s.states[r.Owner.State]++
		s.targets[r.Target]++
		s.presences[presenceKey{r.Presence, r.Legacy}]++
		s.hold(r)
	}
	if err := errors.Join(s.assign(r), s.compare(r)); err != nil {
		return err
	}
	if !r.IsServer() {
		s.rows++
	}
	return nil
}

// assign puts what needs a decision where its worst finding belongs.
func (s *survey) assign(r audit.Record) error {
	fs := standing(r)
	if len(fs) == 0 {
		return nil
	}
	return s.tasks.put(group{fs[0].Severity, fs[0].Check}, task{Record: r, Place: s.rows})
}

// legacy is how many 1.x authorizations exist.
func (s *survey) legacy() int {
	n := 0
	for k, c := range s.presences {
		if k.legacy {
			n += c
		}
	}
	return n
}
