package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"tokenaudit/jobs/audit"
)

// Files of package report that have their place in the order of things: a folder
// with a manifest is a whole pack, and the chain knows the newest one.
const (
	manifestFile = "manifest.json"
	chainFile    = "chain.json"
)

// atOnce is how many objects are on their way at the same time.
const atOnce = 4

// Forget lets go of what this process holds of a job: with a bucket, another one may
// have gone on with it since.
func (s Snapshots) Forget(job string) error {
	if s.bucket == nil {
		return nil
	}
	return errors.Join(os.RemoveAll(filepath.Join(s.Evidence, job)), os.RemoveAll(filepath.Join(s.Evidence, dryRuns, job)))
}

// Gather fetches what a pack is sealed of besides the reports: the snapshots of the
// run that another process wrote, and the chain of the packs before it.
func (s Snapshots) Gather(ctx context.Context, run audit.Run, targets []string) error {
	for _, target := range targets {
		if err := s.fetch(ctx, s.path(run, target)); err != nil {
			return err
		}
	}
	if s.bucket == nil || run.Trigger == audit.DryRun {
		return nil
	}
	chain := filepath.Join(filepath.Dir(s.Folder(run)), chainFile)
	err := s.bucket.fetch(ctx, s.key(chain), chain)
	if errors.Is(err, fs.ErrNotExist) { // the first pack begins it
		return nil
	}
	return err
}

// Publish puts the folder of a run where every process sees it: the files, the
// manifest last, and the chain when all of them have been read back. It can be
// repeated; until it is through, there is no manifest, or one of the whole pack.
func (s Snapshots) Publish(ctx context.Context, run audit.Run) error {
	if s.bucket == nil {
		return nil
	}
	folder := s.Folder(run)
	files, err := filesIn(folder)
	if err != nil {
		return err
	}
	if err := s.clear(ctx, folder, files); err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(files), func(name string) bool { return name == manifestFile })
	sums, err := s.uploadAll(ctx, folder, rest)
	if err != nil {
		return err
	}
	if len(rest) < len(files) {
		if sums[manifestFile], err = s.upload(ctx, filepath.Join(folder, manifestFile)); err != nil {
			return err
		}
	}
	if err := s.readBack(ctx, folder, sums); err != nil {
		return err
	}
	return s.uploadChain(ctx, filepath.Dir(folder))
}

func filesIn(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// clear takes away what an earlier attempt left and this one does not write over,
// its manifest first: half of two packs is no pack.
func (s Snapshots) clear(ctx context.Context, folder string, files []string) error {
	prefix := s.key(folder) + "/"
	if err := s.bucket.remove(ctx, prefix+manifestFile); err != nil {
		return err
	}
	for key, err := range s.bucket.keys(ctx, prefix) {
		if err != nil {
			return err
		}
		if !slices.Contains(files, strings.TrimPrefix(key, prefix)) {
			if err := s.bucket.remove(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// uploadAll returns the SHA-256 of each file.
func (s Snapshots) uploadAll(ctx context.Context, folder string, names []string) (map[string]string, error) {
	var mu sync.Mutex
	sums := map[string]string{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, name := range names {
		g.Go(func() error {
			sum, err := s.upload(ctx, filepath.Join(folder, name))
			mu.Lock()
			defer mu.Unlock()
			sums[name] = sum
			return err
		})
	}
	return sums, g.Wait()
}

// readBack compares what the bucket gives with what it was given. A pack of which
// that is not known must not pass for one, so its manifest goes.
func (s Snapshots) readBack(ctx context.Context, folder string, sums map[string]string) error {
	g, reading := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for name, want := range sums {
		key := s.key(folder) + "/" + name
		g.Go(func() error {
			got, err := s.bucket.sum(reading, key)
			if err == nil && got != want {
				err = fmt.Errorf("evidence: %s/%s is not what was written there: SHA-256 %s, not %s; the review is not done until it is", s.bucket.location, key, got, want)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return errors.Join(err, s.bucket.remove(ctx, s.key(folder)+"/"+manifestFile))
	}
	return nil
}

// uploadChain: dry runs have none.
func (s Snapshots) uploadChain(ctx context.Context, folder string) error {
	path := filepath.Join(folder, chainFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err := s.upload(ctx, path)
	return err
}
