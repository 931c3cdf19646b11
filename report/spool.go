package report

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"os"
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
