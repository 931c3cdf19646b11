package influx

import (
	"bytes"
	"encoding/binary"
	"io"
)

const (
	pageHeader     = 16 // id, flags, number of elements, further pages
	elementHeader  = 16
	branchPage     = 0x01
	leafPage       = 0x02
	freelistPage   = 0x10
	bucketElement  = 0x01
	manyFree       = 0xffff // the number stands in the first place of the list
	noFreelist     = ^uint64(0)
	deepestTree    = 64
	firstDataPage  = 2
	bucketHeader   = 16 // its root page, or 0 if its only page follows; its sequence
	freePageNumber = 8
)

// boltPages checks the trees of a database file before bbolt, which trusts them,
// walks them: a wrong page number sends it round in circles until the stack is
// full, and a wrong length leaves records out without a word. The format is that
// of go.etcd.io/bbolt internal/common.
type boltPages struct {
	file io.ReaderAt
	size int64 // of a page
	boltMeta
	used []bool
}

// check gives the number of pages that are neither in use nor free; something may
// be missing then.
func (p *boltPages) check() (lost int, err error) {
	p.used = make([]bool, p.pages)
	if err := p.tree(p.root, 0, &keyOrder{}); err != nil {
		return 0, err
	}
	if p.freelist == noFreelist {
		return 0, nil
	}
	if err := p.free(); err != nil {
		return 0, err
	}
	for _, used := range p.used[firstDataPage:] {
		if !used {
			lost++
		}
	}
	return lost, nil
}

// take reads a page with those that continue it. Each has one place in the file.
func (p *boltPages) take(id uint64) ([]byte, error) {
	var header [pageHeader]byte
	if id < firstDataPage || id >= p.pages {
		return nil, errBoltBroken
	}
	if _, err := p.file.ReadAt(header[:], int64(id)*p.size); err != nil {
		return nil, err
	}
	span := 1 + uint64(binary.NativeEndian.Uint32(header[12:]))
	if binary.NativeEndian.Uint64(header[:]) != id || span > p.pages-id || int64(span)*p.size > largestRow {
		return nil, errBoltBroken
	}
	for i := id; i < id+span; i++ {
		if err := p.use(i); err != nil {
			return nil, err
		}
	}
	page := make([]byte, int64(span)*p.size)
	_, err := p.file.ReadAt(page, int64(id)*p.size)
	return page, err
}

func (p *boltPages) use(id uint64) error {
	if id < firstDataPage || id >= p.pages || p.used[id] {
		return errBoltBroken
	}
	p.used[id] = true
	return nil
}

func (p *boltPages) tree(id uint64, depth int, order *keyOrder) error {
	page, err := p.take(id)
	if err != nil {
		return err
	}
	return p.elements(page, depth, order)
}

// elements checks the elements of a page and what they lead to.
func (p *boltPages) elements(page []byte, depth int, order *keyOrder) error {
	all, err := elementsOf(page)
	if err != nil || depth > deepestTree {
		return errBoltBroken
	}
	for _, e := range all {
		if !order.accepts(e.key, e.leaf) {
			return errBoltBroken
		}
		switch {
		case !e.leaf:
			err = p.tree(e.child, depth+1, order)
		case e.bucket:
			err = p.bucket(e.value, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *boltPages) bucket(value []byte, depth int) error {
	if len(value) < bucketHeader {
		return errBoltBroken
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return p.tree(root, depth, &keyOrder{})
	}
	return p.elements(value[bucketHeader:], depth, &keyOrder{})
}

func (p *boltPages) free() error {
	page, err := p.take(p.freelist)
	if err != nil {
		return err
	}
	list, n := page[pageHeader:], uint64(binary.NativeEndian.Uint16(page[10:]))
	if n == manyFree {
		n, list = binary.NativeEndian.Uint64(list), list[freePageNumber:]
	}
	if binary.NativeEndian.Uint16(page[8:]) != freelistPage || n > uint64(len(list)/freePageNumber) {
		return errBoltBroken
	}
	for i := range n {
		if err := p.use(binary.NativeEndian.Uint64(list[i*freePageNumber:])); err != nil {
			return err
		}
	}
	return nil
}

// keyOrder follows the keys of a tree from left to right. The key of a branch is
// not above the first key under it, and above the last one before it.
type keyOrder struct {
	last []byte
	leaf bool
}

func (o *keyOrder) accepts(key []byte, leaf bool) bool {
	c := bytes.Compare(key, o.last)
	ok := o.last == nil || c > 0 || c == 0 && !o.leaf
	o.last, o.leaf = key, leaf
	return ok
}
