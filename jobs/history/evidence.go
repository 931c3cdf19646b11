package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
	if b.work, err = newWorkFolder(); err != nil {
		return Snapshots{}, errors.Join(fmt.Errorf("evidence: a folder for work: %w", err), b.Close())
	}
	return Snapshots{Evidence: b.work.path, bucket: b}, nil
}

// Close takes the folder for work away.
func (s Snapshots) Close() error {
	if s.bucket == nil {
		return nil
	}
	return errors.Join(s.bucket.work.remove(), s.bucket.Close())
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
	return s.bucket.fetch(ctx, s.key(path), path)
}

// upload puts a file into the bucket and returns its SHA-256.
func (s Snapshots) upload(ctx context.Context, path string) (string, error) {
	return s.bucket.upload(ctx, s.key(path), path)
}
