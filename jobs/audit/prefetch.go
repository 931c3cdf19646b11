package audit

import (
	"fmt"
	"iter"
	"runtime/debug"
)

// PanicError is a panic, as an error to those who wait for the code that panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Guard does work, and returns a panic in it as a *PanicError. One that was handed on
// from another goroutine, by a panic with it, stays as it is.
func Guard(work func() error) (err error) {
	defer func() {
		switch value := recover().(type) {
		case nil:
		case *PanicError:
			err = value
		default:
			err = &PanicError{value, debug.Stack()}
		}
	}()
	return work()
}

// Limits of what is fetched before it is asked for.
const (
	prefetchBatch   = 128 // values that are handed over together
	prefetchBatches = 4
)

// batch is values of a sequence, and the error that ended it after them.
type batch[T any] struct {
	values []T
	err    error
}

// Prefetch walks seq in a goroutine of its own, a bounded number of values in
// advance. The goroutine has ended when the walk has. A panic in seq ends the walk
// with a *PanicError.
func Prefetch[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		batches, free, done := make(chan batch[T], prefetchBatches), make(chan []T, prefetchBatches), make(chan struct{})
		go func() {
			defer close(batches)
			fill(seq, batches, free, done)
		}()
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
	send := func(b batch[T]) bool {
		select {
		case batches <- b:
			return true
		case <-done:
			return false
		}
	}
	var b batch[T]
	b.err = Guard(func() error {
		for v, err := range seq {
			if err != nil {
				return err
			}
			if b.values = append(b.values, v); len(b.values) < prefetchBatch {
				continue
			}
			if !send(b) {
				b.values = nil
				return nil
			}
			select {
			case b.values = <-free:
			default:
				b.values = make([]T, 0, prefetchBatch)
			}
		}
		return nil
	})
	send(b)
}
