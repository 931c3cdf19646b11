package bolt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/klauspost/compress/gzip"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"tokenaudit/jobs/sorted"
)

var (
	errInUse   = errors.New("influxd has this file open; copy it, or use influx backup")
	errDamaged = errors.New("the database file is damaged, or was copied while influxd was writing. Stop influxd and copy it again, or use influx backup")
)

// database is one state of a database file, open for reading only.
type database struct {
	db      *bbolt.DB
	tx      *bbolt.Tx
	written time.Time
	lost    int // pages that are neither in use nor free
}

// openDatabase opens a database file, or what influx backup makes of one. It refuses a
// damaged file, and one without a bucket that every InfluxDB 2 has.
func openDatabase(ctx context.Context, path string) (*database, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	var magic [2]byte
	if _, err := f.ReadAt(magic[:], 0); err == nil && magic == [2]byte{0x1f, 0x8b} {
		defer f.Close()
		if f, err = unpack(ctx, f); err != nil {
			return nil, fmt.Errorf("the backup cannot be unpacked: %w", err)
		}
	}
	b := &database{written: info.ModTime()}
	err = guarded(func() (err error) {
		b.db, err = bbolt.Open(f.Name(), 0, &bbolt.Options{
			ReadOnly: true, Timeout: 200 * time.Millisecond, NoStatistics: true,
			OpenFile: func(string, int, os.FileMode) (*os.File, error) { return f, nil },
		})
		if err == nil {
			b.tx, err = b.db.Begin(false)
		}
		return err
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		err = errInUse
	case err != nil && !errors.Is(err, errDamaged):
		err = fmt.Errorf("it is not a database file of InfluxDB, or it is incomplete: %w", err)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	err = guarded(func() error {
		if err := b.sound(f); err != nil {
			return err
		}
		for _, bucket := range []string{storeOf(false).bucket, usersBucket, orgsBucket, bucketsBucket, mappingsBucket} {
			if b.tx.Bucket([]byte(bucket)) == nil {
				return fmt.Errorf("it has no bucket %s, so it is not the influxd.bolt of InfluxDB 2", bucket)
			}
		}
		return nil
	})
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// unpack writes to a file without a name, that only this user may read: it holds
// secrets, and nothing is left of it however the program ends.
func unpack(ctx context.Context, from io.Reader) (*os.File, error) {
	unpacked, err := gzip.NewReader(from)
	if err != nil {
		return nil, err
	}
	f, err := sorted.TempFile()
	if err != nil {
		return nil, err
	}
	for {
		_, err := io.CopyN(f, unpacked, 1<<20)
		if err == io.EOF {
			return f, nil
		}
		if own, ok := errors.AsType[*fs.PathError](err); ok && own.Path == f.Name() {
			err = &sorted.TempError{Err: err}
		}
		if err = cmp.Or(ctx.Err(), err); err != nil {
			f.Close()
			return nil, err
		}
	}
}

// sound checks the pages of the file before anything is read through bbolt.
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
		return fmt.Errorf("the database file is incomplete: %d of %d pages", have, meta.pages)
	}
	b.lost, err = (&pageCheck{file: f, size: pageSize, metaPage: meta}).check()
	return err
}

// Close frees the file; it is not needed again, so that there is nothing to do
// about an error.
func (b *database) Close() {
	b.tx.Rollback()
	b.db.Close()
}
