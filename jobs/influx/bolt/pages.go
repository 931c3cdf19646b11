package bolt

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
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

// pageCheck checks the trees of a database file before bbolt, which trusts them,
// walks them: a wrong page number sends it round in circles until the stack is
// full, and a wrong length leaves records out without a word. The format is that
// of go.etcd.io/bbolt internal/common.
type pageCheck struct {
	file io.ReaderAt
	size int64 // of a page
	metaPage
	used []bool
}

// check gives the number of pages that are neither in use nor free; something may
// be missing then.
func (p *pageCheck) check() (lost int, err error) {
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
func (p *pageCheck) take(id uint64) ([]byte, error) {
	var header [pageHeader]byte
	if id < firstDataPage || id >= p.pages {
		return nil, errDamaged
	}
	if _, err := p.file.ReadAt(header[:], int64(id)*p.size); err != nil {
		return nil, err
	}
	span := 1 + uint64(binary.NativeEndian.Uint32(header[12:]))
	if binary.NativeEndian.Uint64(header[:]) != id || span > p.pages-id || int64(span)*p.size > largestRow {
		return nil, errDamaged
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

func (p *pageCheck) use(id uint64) error {
	if id < firstDataPage || id >= p.pages || p.used[id] {
		return errDamaged
	}
	p.used[id] = true
	return nil
}

// tree checks a page and what it leads to.
func (p *pageCheck) tree(id uint64, depth int, order *keyOrder) error {
	page, err := p.take(id)
	if err != nil {
		return err
	}
	return p.elements(page, depth, order)
}

// elements checks the elements of a page and what they lead to.
func (p *pageCheck) elements(page []byte, depth int, order *keyOrder) error {
	all, err := elementsOf(page)
	if err != nil || depth > deepestTree {
		return errDamaged
	}
	for _, e := range all {
		if !order.accepts(e.key, e.leaf) {
			return errDamaged
		}
		switch {
		case !e.leaf:
			err = p.tree(e.child, depth+1, order)
		case e.bucket:
			if len(e.value) < bucketHeader {
				return errDamaged
			}
			if root := binary.NativeEndian.Uint64(e.value); root != 0 {
				err = p.tree(root, depth+1, &keyOrder{})
			} else {
				err = p.elements(e.value[bucketHeader:], depth+1, &keyOrder{})
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// free marks the pages of the freelist.
func (p *pageCheck) free() error {
	page, err := p.take(p.freelist)
	if err != nil {
		return err
	}
	list, n := page[pageHeader:], uint64(binary.NativeEndian.Uint16(page[10:]))
	if n == manyFree {
		n, list = binary.NativeEndian.Uint64(list), list[freePageNumber:]
	}
	if binary.NativeEndian.Uint16(page[8:]) != freelistPage || n > uint64(len(list)/freePageNumber) {
		return errDamaged
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

// metaPage says where the state of a database file begins. A page begins with 16
// bytes about itself; a meta page goes on with 56 bytes and their checksum
// (go.etcd.io/bbolt internal/common/page.go and meta.go).
type metaPage struct {
	root, freelist, pages, transaction uint64
}

// newestMeta reads both meta pages. If one is damaged, bbolt falls back to the
// other one, an older state, and says nothing; so both must be sound, and one
// transaction apart, as InfluxDB and its backup leave them.
func newestMeta(f io.ReaderAt, pageSize int64) (metaPage, error) {
	var metas [2]metaPage
	for i := range metas {
		var err error
		if metas[i], err = metaAt(f, int64(i)*pageSize); err != nil {
			return metaPage{}, err
		}
	}
	switch metas[0].transaction - metas[1].transaction {
	case 1:
		return metas[0], nil
	case ^uint64(0):
		return metas[1], nil
	}
	return metaPage{}, errDamaged
}

func metaAt(f io.ReaderAt, at int64) (metaPage, error) {
	const summed = 56
	var b [summed + 8]byte
	if _, err := f.ReadAt(b[:], at+pageHeader); err != nil {
		return metaPage{}, err
	}
	sum := fnv.New64a()
	sum.Write(b[:summed])
	order := binary.NativeEndian
	if sum.Sum64() != order.Uint64(b[summed:]) {
		return metaPage{}, errDamaged
	}
	return metaPage{root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]), pages: order.Uint64(b[40:]), transaction: order.Uint64(b[48:])}, nil
}

// pageElement is a key and what it leads to: another page, or a value.
type pageElement struct {
	key    []byte
	leaf   bool
	child  uint64 // of a branch
	value  []byte // of a leaf
	bucket bool   // value is a bucket
}

// elementsOf reads a branch or leaf page. bbolt writes the headers of all elements
// and then, without a gap, what they hold, so that a number of elements that is
// wrong shows.
func elementsOf(page []byte) ([]pageElement, error) {
	if len(page) < pageHeader {
		return nil, errDamaged
	}
	order := binary.NativeEndian
	kind, n := order.Uint16(page[8:]), int(order.Uint16(page[10:]))
	next := uint64(pageHeader + n*elementHeader)
	if next > uint64(len(page)) || kind != leafPage && (kind != branchPage || n == 0) {
		return nil, errDamaged
	}
	out := make([]pageElement, n)
	for i := range out {
		e := &out[i]
		at := uint64(pageHeader + i*elementHeader)
		u32 := func(i uint64) uint64 { return uint64(order.Uint32(page[at+i:])) }
		var begin, keySize, valueSize uint64
		if kind == leafPage {
			e.leaf, e.bucket = true, u32(0)&bucketElement != 0
			begin, keySize, valueSize = at+u32(4), u32(8), u32(12)
		} else {
			e.child = order.Uint64(page[at+8:])
			begin, keySize = at+u32(0), u32(4)
		}
		end := begin + keySize + valueSize
		if begin != next || end > uint64(len(page)) || keySize == 0 {
			return nil, errDamaged
		}
		e.key, e.value = page[begin:begin+keySize], page[begin+keySize:end]
		next = end
	}
	return out, nil
}
