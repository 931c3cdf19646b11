package influx

import "encoding/binary"

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
		return nil, errBoltBroken
	}
	kind, n := binary.NativeEndian.Uint16(page[8:]), int(binary.NativeEndian.Uint16(page[10:]))
	next := uint64(pageHeader + n*elementHeader)
	if next > uint64(len(page)) || kind != leafPage && (kind != branchPage || n == 0) {
		return nil, errBoltBroken
	}
	out := make([]pageElement, n)
	for i := range out {
		at := pageHeader + i*elementHeader
		e, begin, end := readElement(page, at, kind == leafPage)
		if begin != next || end > uint64(len(page)) || e.size == 0 {
			return nil, errBoltBroken
		}
		next = end
		e.key, e.value = page[begin:begin+e.size], page[begin+e.size:end]
		out[i] = e.pageElement
	}
	return out, nil
}

// elementHead is an element without what it holds.
type elementHead struct {
	pageElement
	size uint64 // of the key
}

// readElement gives where what it holds begins and ends in the page.
func readElement(page []byte, at int, leaf bool) (e elementHead, begin, end uint64) {
	u32 := func(i int) uint64 { return uint64(binary.NativeEndian.Uint32(page[at+i:])) }
	e.leaf = leaf
	if leaf {
		e.bucket, e.size = u32(0)&bucketElement != 0, u32(8)
		begin = uint64(at) + u32(4)
		return e, begin, begin + e.size + u32(12)
	}
	e.child, e.size = binary.NativeEndian.Uint64(page[at+8:]), u32(4)
	begin = uint64(at) + u32(0)
	return e, begin, begin + e.size
}
