package influx

import (
	"encoding/binary"
	"hash/fnv"
	"io"
)

// soundHeaders refuses a file of which one of the two meta pages is damaged. bbolt
// then falls back to the other one, an older state, and says nothing; InfluxDB and
// its backup leave both sound.
func soundHeaders(f io.ReaderAt, pageSize int64) error {
	// A page begins with 16 bytes about itself; the meta page goes on with 56 bytes
	// and their checksum (go.etcd.io/bbolt internal/common/page.go and meta.go).
	const pageHeader, summed = 16, 56
	for page := range int64(2) {
		var meta [summed + 8]byte
		if _, err := f.ReadAt(meta[:], page*pageSize+pageHeader); err != nil {
			return err
		}
		sum := fnv.New64a()
		sum.Write(meta[:summed])
		if sum.Sum64() != binary.NativeEndian.Uint64(meta[summed:]) {
			return errBoltBroken
		}
	}
	return nil
}
