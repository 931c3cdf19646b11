package report

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"time"
)

// shelves are spools by key. What is put there in order, and the keys sorted, are
// rows of any number sorted by key and then as they came.
type shelves[K comparable] struct {
	dir, name string
	now       time.Time
	spools    map[K]*spool
	counts    map[K]int
}

func newShelves[K comparable](d *draft, name string) *shelves[K] {
	return &shelves[K]{dir: d.Path, name: name, now: d.in.Summary.Started, spools: map[K]*spool{}, counts: map[K]int{}}
}

func (s *shelves[K]) put(k K, r *row) error {
	sp := s.spools[k]
	if sp == nil {
		var err error
		if sp, err = newSpool(filepath.Join(s.dir, fmt.Sprintf("%s-%d", s.name, len(s.spools))), s.now); err != nil {
			return err
		}
		s.spools[k] = sp
	}
	s.counts[k]++
	return sp.put(r)
}

func (s *shelves[K]) close() (err error) {
	for _, sp := range s.spools {
		err = errors.Join(err, sp.close())
	}
	return err
}

// total is how many rows there are.
func (s *shelves[K]) total() int {
	n := 0
	for _, c := range s.counts {
		n += c
	}
	return n
}

// keys in order.
func (s *shelves[K]) keys(order func(K, K) int) []K {
	var keys []K
	for k := range s.spools {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, order)
	return keys
}

// all walks the rows; it may be walked more than once, after close.
func (s *shelves[K]) all(order func(K, K) int) iter.Seq2[*row, error] {
	return func(yield func(*row, error) bool) {
		for _, k := range s.keys(order) {
			for r, err := range s.spools[k].all() {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}
