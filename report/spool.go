package report

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// spool holds rows outside of memory, in the order they came, in blocks of many. It
// keeps what the sheets of tasks, findings and changes show, and nothing else of a
// record.
type spool struct {
	file  *os.File
	block []byte
	head  []byte
	now   time.Time // of the review
}

// spoolBlock is the length at which a block is written down.
const spoolBlock = 32 << 10

func newSpool(path string, now time.Time) (*spool, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return &spool{file: f, now: now}, err
}

func (s *spool) put(r *row) error {
	if s.block = appendRow(s.block, r); len(s.block) < spoolBlock {
		return nil
	}
	return s.flush()
}

func (s *spool) flush() error {
	s.head = binary.AppendUvarint(s.head[:0], uint64(len(s.block)))
	if _, err := s.file.Write(s.head); err != nil {
		return err
	}
	_, err := s.file.Write(s.block)
	s.block = s.block[:0]
	return err
}

func (s *spool) close() error {
	err := errors.Join(s.flush(), s.file.Close())
	s.block = nil
	return err
}

// all walks the rows. Each is only there until the next one; its texts are for good.
func (s *spool) all() iter.Seq2[*row, error] {
	return func(yield func(*row, error) bool) {
		r := new(row)
		for p, err := range s.blocks() {
			for err == nil && p.left != "" {
				*r = row{now: s.now}
				if err = p.row(r); err == nil && !yield(r, nil) {
					return
				}
			}
			if err != nil {
				yield(r, err)
				return
			}
		}
	}
}

func (s *spool) blocks() iter.Seq2[*rowParser, error] {
	return func(yield func(*rowParser, error) bool) {
		f, err := os.Open(s.file.Name())
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		in, buf := bufio.NewReader(f), []byte(nil)
		for {
			if buf, err = readBlock(in, buf); err == io.EOF {
				return
			}
			if !yield(&rowParser{left: string(buf), ok: true}, err) || err != nil {
				return
			}
		}
	}
}

func readBlock(in *bufio.Reader, buf []byte) ([]byte, error) {
	n, err := binary.ReadUvarint(in)
	if err != nil {
		return buf, err
	}
	buf = slices.Grow(buf[:0], int(n))[:n]
	if _, err = io.ReadFull(in, buf); err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return buf, err
}

// shelves are spools by key. What is put there in order, and the keys sorted, are
// rows of any number sorted by key and then as they came.
type shelves[K comparable] struct {
	dir, name string
	now       time.Time
	spools    map[K]*spool
	counts    map[K]int
}

func newShelves[K comparable](d *draft, name string) *shelves[K] {
	return &shelves[K]{dir: d.staging, name: name, now: d.in.Summary.Started, spools: map[K]*spool{}, counts: map[K]int{}}
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
