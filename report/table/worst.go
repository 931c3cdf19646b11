package table

import (
	"cmp"
	"container/heap"
	"slices"
)

// Bounds of what is shown to people. The CSV files have everything.
const (
	MostTasks          = 5_000
	MostFindings       = 20_000
	MostChanges        = 20_000
	MostAuthorizations = 100_000
	MostOwners         = 100_000
	MostOnPage         = 5_000 // rows of each of its tables
)

// Worst keeps as many items as it may of any number: those that come first in an
// order, and of equals those that came first. Memory is that of what is kept.
type Worst[K, T any] struct {
	most  int
	order func(a, b K) int
	seen  int
	items []kept[K, T] // a heap with the one to go first on top
}

type kept[K, T any] struct {
	key  K
	seq  int
	item T
}

func NewWorst[K, T any](most int, order func(a, b K) int) *Worst[K, T] {
	return &Worst[K, T]{most: most, order: order}
}

// Offer counts an item, and makes and keeps it if it is among the worst so far.
func (w *Worst[K, T]) Offer(key K, item func() T) {
	w.seen++
	switch {
	case len(w.items) < w.most:
		heap.Push(w, kept[K, T]{key, w.seen, item()})
	case w.most > 0 && w.order(key, w.items[0].key) < 0:
		w.items[0] = kept[K, T]{key, w.seen, item()}
		heap.Fix(w, 0)
	}
}

// Seen is how many items there were, kept or not.
func (w *Worst[K, T]) Seen() int { return w.seen }

// Take gives what was kept, in order, and keeps it no longer.
func (w *Worst[K, T]) Take() []T {
	slices.SortFunc(w.items, w.compare)
	out := make([]T, len(w.items))
	for i, k := range w.items {
		out[i] = k.item
	}
	w.items = nil
	return out
}

func (w *Worst[K, T]) compare(a, b kept[K, T]) int {
	return cmp.Or(w.order(a.key, b.key), cmp.Compare(a.seq, b.seq))
}

// Len, Less, Swap, Push and Pop are for container/heap.
func (w *Worst[K, T]) Len() int           { return len(w.items) }
func (w *Worst[K, T]) Less(i, j int) bool { return w.compare(w.items[i], w.items[j]) > 0 }
func (w *Worst[K, T]) Swap(i, j int)      { w.items[i], w.items[j] = w.items[j], w.items[i] }
func (w *Worst[K, T]) Push(x any)         { w.items = append(w.items, x.(kept[K, T])) }
func (w *Worst[K, T]) Pop() any           { panic("not used") }

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
	words := "The worst " + Grouped(s.Rows) + " of " + Grouped(s.Of)
	if s.AllIn == "" {
		return words + "; the others are in no file, since this report was made without csv."
	}
	return words + ", all in " + s.AllIn + "."
}
