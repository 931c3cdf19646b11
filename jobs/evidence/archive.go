// Package evidence keeps what a review saw and made: one snapshot for each target and
// run, and in the same folder the reports and the manifest, the evidence pack. The
// archive is a folder, or a bucket with a folder for work in front of it. A run
// writes its snapshots, the next one reads them as its base, and a pack that is
// sealed in the folder is published to the bucket. A token's value is in none of it.
package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gofrs/flock"

	"tokenaudit/jobs/audit"
)

// Archive is where the evidence lies. A snapshot is in
// JOB/SLOT/snapshot-TARGET.jsonl.gz: one authorization a line, ascending by ID.
type Archive struct {
	Root   string      // the folder
	bucket *bucket     // in front of which Root is a folder for work; nil if Root is all there is
	work   *workFolder // that Root is, until Close; nil if it stays
}

// Open opens the evidence: a folder, or the URL of a bucket, in front of which a
// folder for work stands until Close. The bucket is asked nothing yet. The lock is for
// what is written to it.
func Open(place string, lock Lock) (Archive, error) {
	if !IsBucket(place) {
		return Archive{Root: place}, nil
	}
	b, err := openBucket(place, lock)
	if err != nil {
		return Archive{}, err
	}
	a, err := OpenTemporary()
	b.work, a.bucket = a.Root, b
	return a, err
}

// OpenTemporary opens an archive in a folder that is there until Close.
func OpenTemporary() (Archive, error) {
	work, err := newWorkFolder()
	if err != nil {
		return Archive{}, fmt.Errorf("the temporary folder: %w", err)
	}
	return Archive{Root: work.path, work: &work}, nil
}

// Close takes the folder for work away.
func (a Archive) Close() error {
	if a.work == nil {
		return nil
	}
	return a.work.remove()
}

// dryRuns has the dry runs of earlier versions, which are no evidence.
const dryRuns = ".dry-run"

// Folder is where the evidence of a run lies on this machine.
func (a Archive) Folder(run audit.Run) string {
	if run.Trigger == audit.DryRun {
		return filepath.Join(a.Root, dryRuns, run.Job, run.SlotName())
	}
	return filepath.Join(a.Root, run.Job, run.SlotName())
}

// Location is where people find the evidence of a run: a folder or a URL.
func (a Archive) Location(run audit.Run) string {
	if a.bucket == nil {
		return a.Folder(run)
	}
	return a.bucket.location + "/" + a.key(a.Folder(run))
}

// Open opens a file of a run.
func (a Archive) Open(ctx context.Context, run audit.Run, name string) (io.ReadCloser, error) {
	path := filepath.Join(a.Folder(run), name)
	if err := a.fetch(ctx, path); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Try does what a review does to the bucket, if there is one, and leaves nothing.
func (a Archive) Try(ctx context.Context) error {
	if a.bucket == nil {
		return nil
	}
	return a.bucket.try(ctx)
}

// key is that of a file in the bucket.
func (a Archive) key(path string) string {
	return filepath.ToSlash(strings.TrimPrefix(path, a.Root+string(filepath.Separator)))
}

// fetch gets a file from the bucket, unless it is here.
func (a Archive) fetch(ctx context.Context, path string) error {
	if a.bucket == nil {
		return nil
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return a.bucket.fetch(ctx, a.key(path), path)
}

// workFolder is a folder of this process in front of a bucket. Its lock tells it from
// what a killed process left: the system frees a lock however a process ends.
type workFolder struct {
	path string
	lock *flock.Flock
}

const (
	workPattern = "tokenaudit-evidence-*"
	workLock    = ".lock"
)

// newWorkFolder takes away what killed processes left, as far as it may.
func newWorkFolder() (workFolder, error) {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), workPattern)) // the pattern is a good one
	for _, path := range left {
		lock := flock.New(filepath.Join(path, workLock), flock.SetFlag(os.O_RDWR))
		if held, err := lock.TryLock(); err == nil && held {
			_ = workFolder{path, lock}.remove()
		}
	}
	path, err := os.MkdirTemp("", workPattern)
	if err != nil {
		return workFolder{}, err
	}
	w := workFolder{path, flock.New(filepath.Join(path, workLock), flock.SetPermissions(0o600))}
	held, err := w.lock.TryLock()
	if err == nil && !held {
		err = errors.New("another process removed the temporary folder; try again")
	}
	return w, err
}

func (w workFolder) remove() error {
	if runtime.GOOS == "windows" { // which removes no open file
		return errors.Join(w.lock.Unlock(), os.RemoveAll(w.path))
	}
	return errors.Join(os.RemoveAll(w.path), w.lock.Unlock())
}
