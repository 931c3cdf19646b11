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

// Prefetch walks seq in a goroutine of its own, a bounded number of values in
// advance. The goroutine has ended when the walk has. A panic in seq ends the walk
// with a *PanicError.
func Prefetch[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type batch struct {
		values []T
		err    error // that ended the walk after them
	}
	return func(yield func(T, error) bool) {
		batches, done := make(chan batch, prefetchBatches), make(chan struct{})
		go func() {
			defer close(batches)
			var values []T
			send := func(err error) bool {
				select {
				case batches <- batch{values, err}:
					values = make([]T, 0, prefetchBatch)
					return true
				case <-done:
					return false
				}
			}
			err := Guard(func() error {
				for v, err := range seq {
					if err != nil {
						return err
					}
					if values = append(values, v); len(values) == prefetchBatch && !send(nil) {
						return nil
					}
				}
				return nil
			})
			send(err)
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
			if b.err != nil {
				yield(*new(T), b.err)
				return
			}
		}
	}
}
