package table

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// What is kept is the beginning of the sorted whole, equals in the order they came.
func TestWorst(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int{0, 1, 7, 100} {
		for _, n := range []int{0, 1, 7, 8, 99, 1000} {
			type item struct{ key, at int }
			w, all, made := NewWorst[int, item](most, cmp.Compare[int]), []item(nil), 0
			for at := range n {
				all = append(all, item{random.IntN(20), at})
				w.Offer(all[at].key, func() item { made++; return all[at] })
			}
			slices.SortStableFunc(all, func(a, b item) int { return cmp.Compare(a.key, b.key) })
			if got := w.Take(); !slices.Equal(got, all[:min(most, n)]) {
				t.Errorf("%d of %d: %v", most, n, got)
			}
			if w.Seen() != n {
				t.Errorf("saw %d of %d", w.Seen(), n)
			}
			if n == 1000 && most == 7 && made > 100 {
				t.Errorf("made %d items to keep %d", made, most)
			}
		}
	}
}
