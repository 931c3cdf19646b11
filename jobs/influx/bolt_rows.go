package influx

import (
	"bytes"
	"iter"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

// guarded calls into bbolt, which trusts the pages of its file: on a damaged one it
// panics, or reads outside of the memory map, and both become an error here. What
// it says of them is dropped, as it may hold what is in the file.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			err = errBoltBroken
		}
	}()
	return f()
}

// boltRow is a key and its value, copied out of the memory map.
type boltRow struct {
	key   string
	value []byte
}

// name of the record in messages. A key that is not an ID is not repeated.
func (r boltRow) name() string {
	if idPattern.MatchString(r.key) {
		return r.key
	}
	return "one without an ID"
}

// largestRow bounds what a damaged length can allocate.
const largestRow = 64 << 20

func copyRow(key, value []byte) (boltRow, error) {
	if len(key)+len(value) > largestRow {
		return boltRow{}, errBoltBroken
	}
	return boltRow{string(key), bytes.Clone(value)}, nil
}

// rows walks a bucket in the order of its keys; one that does not exist is empty.
func (b *boltFile) rows(bucket string) iter.Seq2[boltRow, error] {
	return func(yield func(boltRow, error) bool) {
		var at *bbolt.Cursor
		for last := ""; ; {
			row, more, err := b.step(bucket, &at)
			if err == nil && more && row.key <= last {
				err = errBoltBroken
			}
			if err != nil {
				yield(boltRow{}, err)
				return
			}
			if !more || !yield(row, nil) {
				return
			}
			last = row.key
		}
	}
}

func (b *boltFile) step(bucket string, at **bbolt.Cursor) (row boltRow, more bool, err error) {
	err = guarded(func() (err error) {
		var key, value []byte
		if *at != nil {
			key, value = (*at).Next()
		} else if found := b.tx.Bucket([]byte(bucket)); found != nil {
			*at = found.Cursor()
			key, value = (*at).First()
		}
		more = key != nil
		row, err = copyRow(key, value)
		return err
	})
	return row, more, err
}

// get gives the record under a key; none is not an error.
func (b *boltFile) get(bucket, key string) (row boltRow, found bool, err error) {
	err = guarded(func() (err error) {
		if in := b.tx.Bucket([]byte(bucket)); in != nil {
			value := in.Get([]byte(key))
			found = value != nil
			row, err = copyRow([]byte(key), value)
		}
		return err
	})
	return row, found, err
}
