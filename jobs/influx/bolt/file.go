package bolt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/gzip"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"tokenaudit/jobs/influx"
)

var (
	errInUse   = errors.New("influxd has this file open; copy it, or use influx backup")
	errDamaged = errors.New("the database file is damaged, or was copied while influxd wrote to it; stop influxd and copy it again, or use influx backup")
)

// database is one state of a database file, open for reading only.
type database struct {
	db      *bbolt.DB
	tx      *bbolt.Tx
	written time.Time
	lost    int // pages that are neither in use nor free
}

// openDatabase opens a database file, or what influx backup makes of one.
func openDatabase(ctx context.Context, path string) (*database, error) {
	f, written, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	if packed(f) {
		defer f.Close()
		if f, err = unpack(ctx, f); err != nil {
			return nil, fmt.Errorf("the backup cannot be unpacked: %w", err)
		}
	}
	b := &database{written: written}
	if err := guarded(func() error { return b.begin(f) }); err != nil {
		f.Close()
		return nil, explain(err)
	}
	if err := b.whole(f); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func openRegular(path string) (*os.File, time.Time, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	if !info.Mode().IsRegular() {
		return nil, time.Time{}, errors.New("it is not a file")
	}
	f, err := os.Open(path)
	return f, info.ModTime(), err
}

func packed(f *os.File) bool {
	var magic [2]byte
	_, err := f.ReadAt(magic[:], 0)
	return err == nil && magic == [2]byte{0x1f, 0x8b}
}

// unpack writes to a file without a name, that only this user may read: it holds
// secrets, and nothing is left of it however the program ends.
func unpack(ctx context.Context, from io.Reader) (*os.File, error) {
	unpacked, err := gzip.NewReader(from)
	if err != nil {
		return nil, err
	}
	f, err := influx.TempFile()
	if err != nil {
		return nil, err
	}
	for {
		_, err := io.CopyN(f, unpacked, 1<<20)
		if err == io.EOF {
			return f, nil
		}
		if err = cmp.Or(ctx.Err(), err); err != nil {
			f.Close()
			return nil, err
		}
	}
}

func (b *database) begin(f *os.File) error {
	db, err := bbolt.Open(f.Name(), 0, &bbolt.Options{
		ReadOnly: true, Timeout: 200 * time.Millisecond, NoStatistics: true,
		OpenFile: func(string, int, os.FileMode) (*os.File, error) { return f, nil },
	})
	if err != nil {
		return err
	}
	b.db = db
	b.tx, err = db.Begin(false)
	return err
}

// whole refuses a damaged file, and one without a bucket that every InfluxDB 2 has.
func (b *database) whole(f *os.File) error {
	if err := guarded(func() error { return b.sound(f) }); err != nil {
		return err
	}
	for _, bucket := range []string{storeOf(false).bucket, usersBucket, orgsBucket, bucketsBucket, mappingsBucket} {
		if err := b.has(bucket); err != nil {
			return err
		}
	}
	return nil
}

// sound comes before anything is read through bbolt.
func (b *database) sound(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	pageSize := int64(b.db.Info().PageSize)
	meta, err := newestMeta(f, pageSize)
	switch have := uint64(info.Size() / pageSize); {
	case err != nil:
		return err
	case meta.transaction != uint64(b.tx.ID()):
		return errDamaged
	case have < meta.pages:
		return fmt.Errorf("the database file is cut short: %d of %d pages", have, meta.pages)
	}
	b.lost, err = (&pageCheck{file: f, size: pageSize, metaPage: meta}).check()
	return err
}

func (b *database) has(bucket string) error {
	return guarded(func() error {
		if b.tx.Bucket([]byte(bucket)) == nil {
			return fmt.Errorf("it has no bucket %s, so it is not the influxd.bolt of InfluxDB 2", bucket)
		}
		return nil
	})
}

// Close frees the file; it is not needed again, so that there is nothing to do
// about an error.
func (b *database) Close() {
	b.tx.Rollback()
	b.db.Close()
}

// explain says what to do about a file that bbolt does not open.
func explain(err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return errInUse
	case errors.Is(err, errDamaged):
		return err
	}
	return fmt.Errorf("it is not a database file of InfluxDB, or it is cut short: %w", err)
}
