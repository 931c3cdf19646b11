package influx

import (
	"encoding/binary"
	"hash/fnv"
	"io"
)

// boltMeta says where the state of a database file begins. A page begins with 16
// bytes about itself; a meta page goes on with 56 bytes and their checksum
// (go.etcd.io/bbolt internal/common/page.go and meta.go).
type boltMeta struct {
	root, freelist, pages, transaction uint64
}

// newestMeta reads both meta pages. If one is damaged, bbolt falls back to the
// other one, an older state, and says nothing; so both must be sound, and one
// transaction apart, as InfluxDB and its backup leave them.
func newestMeta(f io.ReaderAt, pageSize int64) (boltMeta, error) {
	var metas [2]boltMeta
	for i := range metas {
		var err error
		if metas[i], err = metaAt(f, int64(i)*pageSize); err != nil {
			return boltMeta{}, err
		}
	}
	switch metas[0].transaction - metas[1].transaction {
	case 1:
		return metas[0], nil
	case ^uint64(0):
		return metas[1], nil
	}
	return boltMeta{}, errBoltBroken
}

func metaAt(f io.ReaderAt, at int64) (boltMeta, error) {
	const summed = 56
	var b [summed + 8]byte
	if _, err := f.ReadAt(b[:], at+pageHeader); err != nil {
		return boltMeta{}, err
	}
	sum := fnv.New64a()
	sum.Write(b[:summed])
	order := binary.NativeEndian
	if sum.Sum64() != order.Uint64(b[summed:]) {
		return boltMeta{}, errBoltBroken
	}
	return boltMeta{root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]), pages: order.Uint64(b[40:]), transaction: order.Uint64(b[48:])}, nil
}
