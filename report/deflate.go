package report

import (
	"bytes"
	"io"
	"runtime"

	"github.com/klauspost/compress/flate"
)

const blockSize = 256 << 10

// packer deflates what is written to it in blocks, each on a goroutine of its own,
// and writes them down in order. A block ends with a sync flush (RFC 1951 knows
// blocks that need nothing before them), so together they are one stream. Memory is
// that of a few blocks. It may be used again after Close, for another out.
type packer struct {
	out  io.Writer
	ring []*block
	at   int // of the block that is being filled
}

type block struct {
	in      []byte
	packed  bytes.Buffer
	deflate *flate.Writer
	busy    bool
	done    chan error
}

func newPacker() (*packer, error) {
	p := &packer{}
	for range runtime.GOMAXPROCS(0) + 1 {
		deflate, err := flate.NewWriter(nil, flate.BestSpeed)
		if err != nil {
			return nil, err
		}
		p.ring = append(p.ring, &block{in: make([]byte, 0, blockSize), deflate: deflate, done: make(chan error, 1)})
	}
	return p, nil
}

func (p *packer) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		into := p.ring[p.at]
		room := min(len(b), blockSize-len(into.in))
		into.in, b = append(into.in, b[:room]...), b[room:]
		if len(into.in) < blockSize {
			break
		}
		if err := p.turn(false); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// Close ends the stream.
func (p *packer) Close() error {
	if err := p.turn(true); err != nil {
		return err
	}
	for range p.ring {
		p.at = (p.at + 1) % len(p.ring)
		if err := p.collect(); err != nil {
			return err
		}
	}
	return nil
}

// turn hands the block that is full over and makes room in the oldest.
func (p *packer) turn(last bool) error {
	b := p.ring[p.at]
	b.busy = true
	go func() { b.done <- b.pack(last) }()
	p.at = (p.at + 1) % len(p.ring)
	return p.collect()
}

func (b *block) pack(last bool) error {
	b.packed.Reset()
	b.deflate.Reset(&b.packed)
	if _, err := b.deflate.Write(b.in); err != nil {
		return err
	}
	if last {
		return b.deflate.Close()
	}
	return b.deflate.Flush()
}

// collect waits for the block whose turn it is and writes it down.
func (p *packer) collect() error {
	b := p.ring[p.at]
	if !b.busy {
		return nil
	}
	err := <-b.done
	b.busy, b.in = false, b.in[:0]
	if err == nil {
		_, err = p.out.Write(b.packed.Bytes())
	}
	return err
}
