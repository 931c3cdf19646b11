package audit

import "iter"

// Limits of what is read ahead.
const (
	prefetchBatch   = 128 // values that are handed over together
	prefetchBatches = 4
)

// batch is values of a sequence, and the error that ended it after them.
type batch[T any] struct {
	values []T
	err    error
}

// Prefetch walks seq in a goroutine of its own, a bounded number of values ahead.
// The goroutine has ended when the walk has.
func Prefetch[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		batches, free, done := make(chan batch[T], prefetchBatches), make(chan []T, prefetchBatches), make(chan struct{})
		go fill(seq, batches, free, done)
		defer func() {
			close(done)
			for range batches { // closed when the goroutine ends
			}
		}()
		for b := range batches {
			for _, v := range b.values {
				if !yield(v, nil) {
					return
				}
			}
			select {
			case free <- b.values[:0]: // yield was given copies
			default:
			}
			if b.err != nil {
				yield(*new(T), b.err)
				return
			}
		}
	}
}

func fill[T any](seq iter.Seq2[T, error], batches chan<- batch[T], free <-chan []T, done <-chan struct{}) {
	defer close(batches)
	send := func(b batch[T]) bool {
		select {
		case batches <- b:
			return true
		case <-done:
			return false
		}
	}
	var b batch[T]
	for v, err := range seq {
		if b.err = err; err != nil {
			break
		}
		if b.values = append(b.values, v); len(b.values) == prefetchBatch {
			if !send(b) {
				return
			}
			select {
			case b.values = <-free:
			default:
				b.values = make([]T, 0, prefetchBatch)
			}
		}
	}
	send(b)
}
