package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"tokenaudit/jobs/audit"
)

// SnapshotFile names the snapshot of a target in the folder of a run.
func SnapshotFile(target string) string { return "snapshot-" + target + ".jsonl.gz" }

func (a Archive) path(run audit.Run, target string) string {
	return filepath.Join(a.Folder(run), SnapshotFile(target))
}

// Write writes the snapshot of one target, to the bucket if there is one. It appears
// whole or not at all; the first error of records ends it.
func (a Archive) Write(ctx context.Context, run audit.Run, target string, records iter.Seq2[audit.Record, error]) error {
	path := a.path(run, target)
	if err := write(path, records); err != nil || a.bucket == nil {
		return err
	}
	return a.bucket.store(ctx, a.key(path), path, a.until(run), false)
}

func write(path string, records iter.Seq2[audit.Record, error]) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	folder := filepath.Dir(path)
	if info, err := os.Lstat(folder); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is a link, and a review writes through none; take it away", folder)
	}
	// The name is fixed, so that what a killed process left is taken away.
	temp := filepath.Join(folder, "."+filepath.Base(path))
	if err := os.RemoveAll(temp); err != nil {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := errors.Join(encode(f, records), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

func encode(w io.Writer, records iter.Seq2[audit.Record, error]) error {
	return zipped(w, func(w io.Writer) error { return writeLines(w, records) })
}

// syncFolder makes a rename survive a power cut.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Read walks the snapshot of one target. A file that was cut or changed ends in
// an error: gzip carries a checksum.
func (a Archive) Read(ctx context.Context, run audit.Run, target string) iter.Seq2[audit.Record, error] {
	path := a.path(run, target)
	return func(yield func(audit.Record, error) bool) {
		if err := a.fetch(ctx, path); err != nil {
			yield(audit.Record{}, err)
			return
		}
		for r, err := range decode(path) {
			if err != nil {
				err = fmt.Errorf("snapshot %s: %w", path, err)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func decode(path string) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(audit.Record{}, err)
			return
		}
		defer f.Close()
		lines, err := unzipped(f)
		if err != nil {
			yield(audit.Record{}, err)
			return
		}
		defer lines.Close()
		for r, err := range readLines(lines) {
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}
