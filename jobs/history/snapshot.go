package history

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"

	"tokenaudit/jobs/audit"
)

// Snapshots are the files that hold what each target held, and with them the rest of
// the evidence: EVIDENCE/JOB/SLOT/snapshot-TARGET.jsonl.gz, one authorization a
// line, ascending by ID.
type Snapshots struct {
	Evidence string  // the folder
	bucket   *bucket // of which Evidence is a part, for work; nil if it is all there is
}

// OpenSnapshots opens the evidence: a folder, or the URL of a bucket, in front of
// which a folder for work stands until Close. Drivers of buckets are linked by
// whoever needs them, see gocloud.dev/blob.
func OpenSnapshots(ctx context.Context, evidence string) (Snapshots, error) {
	if !IsBucket(evidence) {
		return Snapshots{Evidence: evidence}, nil
	}
	b, err := openBucket(ctx, evidence)
	if err != nil {
		return Snapshots{}, err
	}
	return inFront(b)
}

func inFront(b *bucket) (Snapshots, error) {
	work, err := os.MkdirTemp("", "tokenaudit-evidence-*")
	if err != nil {
		return Snapshots{}, errors.Join(fmt.Errorf("evidence: a folder for work: %w", err), b.Close())
	}
	return Snapshots{Evidence: work, bucket: b}, nil
}

// Close takes the folder for work away.
func (s Snapshots) Close() error {
	if s.bucket == nil {
		return nil
	}
	return errors.Join(os.RemoveAll(s.Evidence), s.bucket.Close())
}

// dryRuns is out of the way: a dry run is no evidence.
const dryRuns = ".dry-run"

// Folder is where the evidence of a run lies on this machine.
func (s Snapshots) Folder(run audit.Run) string {
	if run.Trigger == audit.DryRun {
		return filepath.Join(s.Evidence, dryRuns, run.Job, run.SlotName())
	}
	return filepath.Join(s.Evidence, run.Job, run.SlotName())
}

// Location is where people find the evidence of a run: a folder or a URL.
func (s Snapshots) Location(run audit.Run) string {
	if s.bucket == nil {
		return s.Folder(run)
	}
	return s.bucket.location + "/" + s.key(s.Folder(run))
}

// Open opens a file of a run.
func (s Snapshots) Open(ctx context.Context, run audit.Run, name string) (io.ReadCloser, error) {
	path := filepath.Join(s.Folder(run), name)
	if err := s.fetch(ctx, path); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Try does what a review does to the bucket, if there is one, and leaves nothing.
func (s Snapshots) Try(ctx context.Context) error {
	if s.bucket == nil {
		return nil
	}
	return s.bucket.try(ctx)
}

// key is that of a file in the bucket.
func (s Snapshots) key(path string) string {
	return filepath.ToSlash(strings.TrimPrefix(path, s.Evidence+string(filepath.Separator)))
}

// fetch gets a file from the bucket, unless it is here.
func (s Snapshots) fetch(ctx context.Context, path string) error {
	if s.bucket == nil {
		return nil
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.bucket.fetch(ctx, s.key(path), path, s.Evidence)
}

// upload puts a file into the bucket and returns its SHA-256.
func (s Snapshots) upload(ctx context.Context, path string) (string, error) {
	return s.bucket.upload(ctx, s.key(path), path)
}

func (s Snapshots) path(run audit.Run, target string) string {
	return filepath.Join(s.Folder(run), "snapshot-"+target+".jsonl.gz")
}

// Write writes the snapshot of one target, to the bucket if there is one. It appears
// whole or not at all; the first error of records ends it.
func (s Snapshots) Write(ctx context.Context, run audit.Run, target string, records iter.Seq2[audit.Record, error]) error {
	path := s.path(run, target)
	if err := write(path, records); err != nil || s.bucket == nil {
		return err
	}
	_, err := s.upload(ctx, path)
	return err
}

func write(path string, records iter.Seq2[audit.Record, error]) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	// The name is fixed, so that what a killed process left is written over.
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
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
	return syncFolder(filepath.Dir(path))
}

func encode(w io.Writer, records iter.Seq2[audit.Record, error]) error {
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(zip, 64<<10)
	enc := json.NewEncoder(buffered)
	enc.SetEscapeHTML(false)
	for r, err := range records {
		if err != nil {
			return err
		}
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return errors.Join(buffered.Flush(), zip.Close())
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
func (s Snapshots) Read(ctx context.Context, run audit.Run, target string) iter.Seq2[audit.Record, error] {
	path := s.path(run, target)
	return func(yield func(audit.Record, error) bool) {
		if err := s.fetch(ctx, path); err != nil {
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
		zip, err := gzip.NewReader(bufio.NewReaderSize(f, 64<<10))
		if err != nil {
			yield(audit.Record{}, err)
			return
		}
		dec := json.NewDecoder(zip)
		for {
			var r audit.Record
			if err := dec.Decode(&r); err == io.EOF {
				return
			} else if !yield(r, err) || err != nil {
				return
			}
		}
	}
}
