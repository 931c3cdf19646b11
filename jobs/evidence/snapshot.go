package evidence

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/pgzip"
	"github.com/klauspost/readahead"

	"tokenaudit/jobs/audit"
)

// Limits of what is compressed or uncompressed while more is written or read.
const (
	zipBuffer  = 256 << 10
	zipBuffers = 2
)

// SnapshotPrefix begins the names of snapshots, RequestsPrefix those of what targets were
// asked, and of no other file of a run.
const (
	SnapshotPrefix = "snapshot-"
	RequestsPrefix = "requests-"
)

// SnapshotFile names the snapshot of a target in the folder of a run.
func SnapshotFile(target string) string { return SnapshotPrefix + target + ".jsonl.gz" }

// RequestsFile names the requests that a target was sent, beside its snapshot. There is
// none of a target that was sent nothing, and in packs of earlier versions.
func RequestsFile(target string) string { return RequestsPrefix + target + ".jsonl" }

func (a Archive) path(run audit.Run, target string) string {
	return filepath.Join(a.Folder(run), SnapshotFile(target))
}

// Write writes the snapshot of one target, to the bucket if there is one. It appears
// whole or not at all; the first error of records ends it. The folder of a sealed pack is
// refused.
func (a Archive) Write(ctx context.Context, run audit.Run, target string, records iter.Seq2[audit.Record, error]) error {
	return a.put(ctx, run, SnapshotFile(target), func(w io.Writer) error {
		zip, err := pgzip.NewWriterLevel(w, pgzip.BestSpeed)
		if err == nil {
			err = zip.SetConcurrency(zipBuffer, zipBuffers)
		}
		if err != nil {
			return err
		}
		err = writeLines(zip, records)
		if closing := zip.Close(); err == nil { // else it says the same again
			err = closing
		}
		return err
	})
}

// WriteRequests writes what one target was asked, if anything, one request a line, as
// Write does.
func (a Archive) WriteRequests(ctx context.Context, run audit.Run, target string, requests []audit.Request) error {
	if len(requests) == 0 {
		return nil
	}
	return a.put(ctx, run, RequestsFile(target), func(w io.Writer) error {
		lines := json.NewEncoder(w)
		lines.SetEscapeHTML(false)
		for _, r := range requests {
			if err := lines.Encode(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// put makes a file of a run appear whole or not at all.
func (a Archive) put(ctx context.Context, run audit.Run, name string, content func(io.Writer) error) error {
	path := filepath.Join(a.Folder(run), name)
	switch sealed, err := a.Sealed(ctx, run); {
	case err != nil:
		return err
	case sealed:
		return a.replaceError(run)
	}
	if err := write(path, "."+name, content); err != nil || a.bucket == nil {
		return err
	}
	return a.bucket.store(ctx, a.key(path), path, a.until(run), false)
}

// write lets a file appear whole or not at all. Until then it has the name temp, which is
// always the same, so that what a killed process left is taken away.
func write(path, temp string, content func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	folder := filepath.Dir(path)
	if info, err := os.Lstat(folder); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is a link, and a review does not write through links; remove it", folder)
	}
	temp = filepath.Join(folder, temp)
	if err := os.RemoveAll(temp); err != nil {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temp)
		}
	}()
	err = content(f)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	if runtime.GOOS == "windows" { // which cannot flush a folder
		return nil
	}
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close()) // so that the rename survives a power cut
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
		ReadSnapshot(path)(yield)
	}
}

// ReadSnapshot walks a snapshot on this machine.
func ReadSnapshot(path string) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(audit.Record{}, err)
			return
		}
		defer f.Close()
		lines, err := unzipped(f)
		if err != nil {
			yield(audit.Record{}, fmt.Errorf("snapshot %s: %w", path, err))
			return
		}
		defer lines.Close() // waits until the goroutine has ended
		for r, err := range readLines(&lineLimit{r: lines}) {
			if err != nil {
				err = fmt.Errorf("snapshot %s: %w", path, err)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// longestLine is what no record has: an authorization that is listed may have 8 MiB.
const longestLine = 128 << 20

// lineLimit ends a line that would fill the memory: a snapshot may be forged.
type lineLimit struct {
	r    io.Reader
	line int
}

func (l *lineLimit) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if at := bytes.LastIndexByte(p[:n], '\n'); at >= 0 {
		l.line = n - at - 1
	} else {
		l.line += n
	}
	if l.line > longestLine {
		return 0, fmt.Errorf("a line has more than %d MiB", longestLine>>20)
	}
	return n, err
}

// unzipped uncompresses, in a goroutine of its own, while lines are read.
func unzipped(r io.Reader) (io.ReadCloser, error) {
	zip, err := gzip.NewReader(bufio.NewReaderSize(r, 64<<10))
	if err == io.EOF { // an empty file
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	return readahead.NewReaderSize(zip, zipBuffers, zipBuffer)
}
