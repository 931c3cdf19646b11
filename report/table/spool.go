package table

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"os"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
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

func (s *spool) put(r *Row) error {
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
func (s *spool) all() iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		r := new(Row)
		for p, err := range s.blocks() {
			for err == nil && p.left != "" {
				*r = Row{Now: s.now}
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

// texts of a row that are spooled.
func (r *Row) texts() [25]*string {
	return [...]*string{
		&r.Target, &r.ID, &r.OrgID, &r.Org, &r.UserID, &r.User, &r.Description, (*string)(&r.Status),
		(*string)(&r.Presence), &r.Evidence, &r.Owner.Name, (*string)(&r.Owner.State),
		&r.Finding.Check, (*string)(&r.Finding.Severity), &r.Finding.Detail, (*string)(&r.Finding.State),
		&r.Scope, &r.Titles, (*string)(&r.WorstSeverity), &r.FirstCheck,
		&r.Changed.Field, &r.Changed.From, &r.Changed.To, (*string)(&r.Changed.Severity), &r.Changed.What,
	}
}

func (r *Row) times() [2]*time.Time { return [...]*time.Time{&r.CreatedAt, &r.Finding.Since} }

func appendRow(b []byte, r *Row) []byte {
	for _, s := range r.texts() {
		b = append(binary.AppendUvarint(b, uint64(len(*s))), *s...)
	}
	for _, t := range r.times() {
		b = binary.AppendVarint(b, t.Unix()-time.Time{}.Unix())
		b = binary.AppendUvarint(b, uint64(t.Nanosecond()))
	}
	b = binary.AppendUvarint(b, uint64(r.Place))
	if r.Legacy {
		return append(b, 1)
	}
	return append(b, 0)
}

var errSpool = errors.New("a spooled row is damaged")

// row reads what appendRow wrote. The texts share the memory of the block.
func (p *rowParser) row(r *Row) error {
	for _, text := range r.texts() {
		*text = p.text()
	}
	for _, t := range r.times() {
		seconds := p.signed() + time.Time{}.Unix()
		*t = time.Unix(seconds, int64(p.number())).UTC()
	}
	r.Place = int(p.number())
	r.Legacy = p.number() == 1
	r.Check = audit.CheckOf(r.Finding.Check)
	if !p.ok {
		return errSpool
	}
	return nil
}

// rowParser reads the rows of a block.
type rowParser struct {
	left string
	ok   bool
}

func (p *rowParser) text() string {
	n := p.number()
	if n > uint64(len(p.left)) {
		p.ok = false
		return ""
	}
	text := p.left[:n]
	p.left = p.left[n:]
	return text
}

// number is a varint; encoding/binary reads those of byte slices only.
func (p *rowParser) number() (n uint64) {
	for i := range min(len(p.left), binary.MaxVarintLen64) {
		c := p.left[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			p.left = p.left[i+1:]
			return n
		}
	}
	p.ok = false
	return 0
}

func (p *rowParser) signed() int64 {
	n := p.number()
	return int64(n>>1) ^ -int64(n&1)
}
