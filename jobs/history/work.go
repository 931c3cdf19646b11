package history

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

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
		err = errors.New("another process took the folder for work away; try again")
	}
	return w, err
}

func (w workFolder) remove() error { return errors.Join(os.RemoveAll(w.path), w.lock.Unlock()) }
