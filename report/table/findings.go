package table

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
)

// Draft is a report in the making.
type Draft struct {
	*Staging
	In       Input
	Findings *Findings
}

func NewDraft(dir string, in Input) (*Draft, error) {
	staging, err := NewStaging(dir)
	return &Draft{Staging: staging, In: in}, err
}

// Group is where a finding stands in the report: severity first, then check.
type Group struct {
	Severity audit.Severity
	Check    string
}

// Findings holds the findings of a review outside of memory, one file per group.
// The rows come by target and ID, so each file is in its final order and reading
// the files one after the other is a sort of any number of findings.
type Findings struct {
	*GroupedRows[Group]
	at     map[Group]*states
	Groups []Group // worst first, when all are there
	row    Row     // that is met, with one of its findings after the other
}

// states are the numbers of findings in each state.
type states map[audit.FindingState]int

func NewFindings(d *Draft) *Findings {
	return &Findings{GroupedRows: NewGroupedRows[Group](d, "finding"), at: map[Group]*states{}}
}

// New is how many findings of a check are new.
func (fs *Findings) New(c audit.AppliedCheck) int {
	return fs.States(Group{c.Severity, c.Check})[audit.New]
}

func (fs *Findings) States(g Group) states {
	if s := fs.at[g]; s != nil {
		return *s
	}
	return nil
}

// Add puts the findings aside that belong in the report.
func (fs *Findings) Add(met *Row) error {
	if len(met.Findings) == 0 {
		return nil
	}
	r := &fs.row
	*r = Row{Record: met.Record, Now: met.Now} // which is all that tables of findings show
	for i := range r.Findings {
		f := &r.Findings[i]
		if !f.Reported(r.Now) {
			continue
		}
		g := Group{f.Severity, f.Check}
		if fs.at[g] == nil {
			fs.at[g] = &states{}
		}
		(*fs.at[g])[f.State]++
		r.Finding = *f
		if err := fs.Put(g, r); err != nil {
			return err
		}
	}
	return nil
}

func (fs *Findings) Close() error {
	fs.Groups = fs.keys(CompareGroups)
	return fs.GroupedRows.Close()
}

// all walks the findings, worst first; it may be walked more than once.
func (fs *Findings) all() iter.Seq2[*Row, error] { return fs.GroupedRows.All(CompareGroups) }

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

func Rank[T comparable](in []T, v T) int {
	if i := slices.Index(in, v); i >= 0 {
		return i
	}
	return len(in)
}

// GroupedRows are spools by key. What is put there in order, and the keys sorted, are
// rows of any number sorted by key and then as they came.
type GroupedRows[K comparable] struct {
	dir, name string
	now       time.Time
	spools    map[K]*spool
	Counts    map[K]int
}

func NewGroupedRows[K comparable](d *Draft, name string) *GroupedRows[K] {
	return &GroupedRows[K]{dir: d.Path, name: name, now: d.In.Summary.Started, spools: map[K]*spool{}, Counts: map[K]int{}}
}

func (s *GroupedRows[K]) Put(k K, r *Row) error {
	sp := s.spools[k]
	if sp == nil {
		var err error
		if sp, err = newSpool(filepath.Join(s.dir, fmt.Sprintf("%s-%d", s.name, len(s.spools))), s.now); err != nil {
			return err
		}
		s.spools[k] = sp
	}
	s.Counts[k]++
	return sp.put(r)
}

func (s *GroupedRows[K]) Close() (err error) {
	for _, sp := range s.spools {
		err = errors.Join(err, sp.close())
	}
	return err
}

// Total is how many rows there are.
func (s *GroupedRows[K]) Total() int {
	n := 0
	for _, c := range s.Counts {
		n += c
	}
	return n
}

// keys in order.
func (s *GroupedRows[K]) keys(order func(K, K) int) []K {
	var keys []K
	for k := range s.spools {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, order)
	return keys
}

// All walks the rows; it may be walked more than once, after close.
func (s *GroupedRows[K]) All(order func(K, K) int) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		for _, k := range s.keys(order) {
			for r, err := range s.spools[k].all() {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}
