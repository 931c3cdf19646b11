package table

import (
	"cmp"
	"slices"

	"tokenaudit/jobs/audit"
)

// Bounds of what is shown to people. The CSV files have everything.
const (
	MostTasks          = 5_000
	MostFindings       = 20_000
	MostChanges        = 20_000
	MostAuthorizations = 100_000
	MostOwners         = 100_000
	MostInventory      = 20_000
	MostOnPage         = 5_000 // tokens
)

// Worst keeps as many items as it may of any number: those that come first in an
// order, and of equals those that came first. Memory is that of what is kept.
type Worst[K, T any] struct {
	most  int
	order func(a, b K) int
	seen  int
	items []kept[K, T] // a quarter more than most at times
	full  bool         // what is not before last is not kept
	last  K
}

type kept[K, T any] struct {
	key  K
	seq  int
	item T
}

func NewWorst[K, T any](most int, order func(a, b K) int) *Worst[K, T] {
	return &Worst[K, T]{most: most, order: order}
}

// Offer counts an item, and makes it if it is among the worst so far.
func (w *Worst[K, T]) Offer(key K, item func() T) {
	w.seen++
	if w.full && w.order(key, w.last) >= 0 {
		return
	}
	w.items = append(w.items, kept[K, T]{key, w.seen, item()})
	if len(w.items) > w.most+w.most/4 {
		w.trim()
	}
}

// trim sorts the items, and drops those that are too many.
func (w *Worst[K, T]) trim() {
	slices.SortFunc(w.items, func(a, b kept[K, T]) int {
		return cmp.Or(w.order(a.key, b.key), cmp.Compare(a.seq, b.seq))
	})
	if len(w.items) >= w.most && w.most > 0 {
		w.full, w.last = true, w.items[w.most-1].key
	}
	w.items = slices.Delete(w.items, min(len(w.items), w.most), len(w.items))
}

// Seen is how many items there were, kept or not.
func (w *Worst[K, T]) Seen() int { return w.seen }

// Take gives what was kept, in order, and keeps it no longer.
func (w *Worst[K, T]) Take() []T {
	w.trim()
	out := make([]T, len(w.items))
	for i, k := range w.items {
		out[i] = k.item
	}
	w.items = nil
	return out
}

// Shown says how much of a table a file has.
type Shown struct {
	File  string `json:"file"`
	Table string `json:"table"`
	Rows  int    `json:"rows"`
	Of    int    `json:"of"`
	AllIn string `json:"all_in,omitempty"` // the files that have all of them; none if there are none
}

// Whole reports whether nothing is left out.
func (s Shown) Whole() bool { return s.Rows >= s.Of }

// Words say how much is left out, and where it is.
func (s Shown) Words() string {
	words := "The worst " + audit.Number(s.Rows) + " of " + audit.Number(s.Of)
	if s.AllIn == "" {
		return words + "; the others are in no file, since this report was made without csv."
	}
	return words + ", all in " + s.AllIn + "."
}
