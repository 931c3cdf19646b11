package audit

import (
	"errors"
	"testing"
)

// TestPrefetch gives every value in order, however often its batches are used again,
// and the error after them.
func TestPrefetch(t *testing.T) {
	const n = 3*prefetchBatch*prefetchBatches + 1
	broken := errors.New("line cut")
	seq := func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		yield(0, broken)
	}
	for _, stop := range []int{1, prefetchBatch, n / 2, n + 1} {
		met, failed := 0, error(nil)
		for v, err := range Prefetch(seq) {
			if failed = err; err != nil {
				break
			}
			if v != met {
				t.Fatalf("%d instead of %d", v, met)
			}
			if met++; met == stop {
				break
			}
		}
		if want := min(stop, n); met != want || errors.Is(failed, broken) != (stop > n) {
			t.Errorf("stop after %d: met %d, error %v", stop, met, failed)
		}
	}
}
