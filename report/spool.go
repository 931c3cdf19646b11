package report

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
)

// spool holds values outside of memory, in the order they came.
type spool[T any] struct {
	file *os.File
	buf  *bufio.Writer
	enc  *gob.Encoder
}

func newSpool[T any](path string) (*spool[T], error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	buf := bufio.NewWriter(f)
	return &spool[T]{file: f, buf: buf, enc: gob.NewEncoder(buf)}, nil
}

func (s *spool[T]) close() error { return errors.Join(s.buf.Flush(), s.file.Close()) }

func (s *spool[T]) all() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		f, err := os.Open(s.file.Name())
		if err != nil {
			yield(none, err)
			return
		}
		defer f.Close()
		dec := gob.NewDecoder(bufio.NewReader(f))
		for {
			var v T
			if err := dec.Decode(&v); err == io.EOF || !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// shelves are spools by key. What is put there in order, and the keys sorted, are
// values of any number sorted by key and then as they came.
type shelves[K comparable, T any] struct {
	dir, name string
	spools    map[K]*spool[T]
	counts    map[K]int
}

func newShelves[K comparable, T any](dir, name string) *shelves[K, T] {
	return &shelves[K, T]{dir: dir, name: name, spools: map[K]*spool[T]{}, counts: map[K]int{}}
}

func (s *shelves[K, T]) put(k K, v T) error {
	sp := s.spools[k]
	if sp == nil {
		var err error
		if sp, err = newSpool[T](filepath.Join(s.dir, fmt.Sprintf("%s-%d", s.name, len(s.spools)))); err != nil {
			return err
		}
		s.spools[k] = sp
	}
	s.counts[k]++
	return sp.enc.Encode(v)
}

func (s *shelves[K, T]) close() (err error) {
	for _, sp := range s.spools {
		err = errors.Join(err, sp.close())
	}
	return err
}

// total is how many values there are.
func (s *shelves[K, T]) total() int {
	n := 0
	for _, c := range s.counts {
		n += c
	}
	return n
}

// all walks the values; it may be walked more than once, after close.
func (s *shelves[K, T]) all(order func(K, K) int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var keys []K
		for k := range s.spools {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, order)
		for _, k := range keys {
			for v, err := range s.spools[k].all() {
				if !yield(v, err) || err != nil {
					return
				}
			}
		}
	}
}
