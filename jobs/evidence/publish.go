package evidence

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
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
func (a Archive) Forget(job string) error {
	if a.bucket == nil {
		return nil
	}
	return os.RemoveAll(filepath.Join(a.Root, job))
}

// Gather fetches what a pack is sealed of besides the reports: the snapshots of the
// run that another process wrote, and the chain of the packs before it.
func (a Archive) Gather(ctx context.Context, run audit.Run, targets []string) error {
	for _, target := range targets {
		if err := a.fetch(ctx, a.path(run, target)); err != nil {
			return err
		}
		requests := filepath.Join(a.Folder(run), RequestsFile(target)) // of which there may be none
		if err := a.fetch(ctx, requests); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	_, err := a.GatherChain(ctx, run.Job) // the first pack begins it
	return err
}

func (a Archive) replaceError(run audit.Run) error {
	return fmt.Errorf("%s has a sealed pack, which is never replaced. The ledger does not know this review: it was lost, restored from a backup or exchanged. Rebuild it from the packs (tokenaudit history rebuild)", a.Location(run))
}

// Publish puts the folder of a run where every process sees it: the files, then the
// manifest, each read back, and then the chain. It can be repeated; until it is through,
// there is no manifest, or one of the whole pack. What an attempt that ended before its
// manifest left there, and this one did not make, goes. A manifest that is there stays: if
// it is the same, the pack stands as it is; if not, it is another one, and an error.
func (a Archive) Publish(ctx context.Context, run audit.Run) error {
	if a.bucket == nil {
		return nil
	}
	folder := a.Folder(run)
	prefix, manifest := a.key(folder)+"/", filepath.Join(folder, manifestFile)
	if _, err := os.Stat(manifest); err != nil {
		return err
	}
	keys, err := a.bucket.keys(ctx, prefix)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, key := range keys {
		there[strings.TrimPrefix(key, prefix)] = true
	}
	if !there[manifestFile] {
		err := a.publishFiles(ctx, run, there)
		if errors.Is(err, errOther) {
			return a.replaceError(run)
		}
		if err != nil {
			return err
		}
	}
	err = a.bucket.storeOnce(ctx, prefix+manifestFile, manifest, a.until(run), there[manifestFile])
	if errors.Is(err, errOther) {
		return a.replaceError(run)
	}
	if err != nil {
		return err
	}
	return a.uploadChain(ctx, filepath.Dir(folder))
}

// publishFiles puts all but the manifest there, and takes what else is there away.
func (a Archive) publishFiles(ctx context.Context, run audit.Run, there map[string]bool) error {
	folder := a.Folder(run)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, e := range entries {
		name, was := e.Name(), there[e.Name()]
		if !e.Type().IsRegular() || name == manifestFile {
			continue
		}
		delete(there, name)
		g.Go(func() error {
			path := filepath.Join(folder, name)
			return a.bucket.store(each, a.key(path), path, a.until(run), was)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if len(there) > 0 {
		switch sealed, err := a.bucket.has(ctx, a.key(filepath.Join(folder, manifestFile))); {
		case err != nil:
			return err
		case sealed: // by another process, in the meantime
			return errOther
		}
	}
	for name := range there {
		if err := a.bucket.remove(ctx, a.key(filepath.Join(folder, name))); err != nil {
			return err
		}
	}
	return nil
}

// GatherChain makes the folder of a job hold the chain of its packs.
func (a Archive) GatherChain(ctx context.Context, job string) (folder string, err error) {
	folder = filepath.Join(a.Root, job)
	if a.bucket == nil {
		return folder, nil
	}
	path := filepath.Join(folder, chainFile)
	if err := a.bucket.fetch(ctx, a.key(path), path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return folder, err
	}
	return folder, os.MkdirAll(folder, 0o700)
}

// PublishChain puts the chain in the folder of a job where every process sees it.
func (a Archive) PublishChain(ctx context.Context, job string) error {
	if a.bucket == nil {
		return nil
	}
	return a.uploadChain(ctx, filepath.Join(a.Root, job))
}

// uploadChain writes the chain of a job over the one before.
func (a Archive) uploadChain(ctx context.Context, folder string) error {
	path := filepath.Join(folder, chainFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := a.bucket.put(ctx, a.key(path), f, time.Time{}, false); err != nil {
		return a.bucket.failed("writing", a.key(path), err)
	}
	return nil
}

// Download fetches all that the bucket holds, into a folder that is named as the last
// part of its URL.
func (a Archive) Download(ctx context.Context) (folder string, err error) {
	keys, err := a.bucket.keys(ctx, "")
	if err != nil {
		return "", err
	}
	if len(keys) == 0 {
		return "", fmt.Errorf("%s is empty", a.bucket.location)
	}
	a.Root = filepath.Join(a.Root, path.Base(a.bucket.location))
	if err := os.MkdirAll(a.Root, 0o700); err != nil {
		return "", err
	}
	return a.Root, a.fetchAll(ctx, keys)
}

func (a Archive) fetchAll(ctx context.Context, keys []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, key := range keys {
		g.Go(func() error {
			name, err := filepath.Localize(key)
			if err != nil {
				return fmt.Errorf("the bucket has %q, which cannot be a file on this machine: %w", key, err)
			}
			return a.fetch(ctx, filepath.Join(a.Root, name))
		})
	}
	return g.Wait()
}

// GatherManifests fetches the manifests of a job for retention, if a pack is due for
// it: one whose slot is older than before.
func (a Archive) GatherManifests(ctx context.Context, job string, before time.Time) error {
	if a.bucket == nil {
		return nil
	}
	keys, err := a.bucket.keys(ctx, job+"/")
	if err != nil {
		return err
	}
	manifests := slices.DeleteFunc(keys, func(key string) bool {
		ok, _ := path.Match(job+"/*/"+manifestFile, key)
		return !ok
	})
	limit := audit.Run{Slot: before}.SlotName()
	if !slices.ContainsFunc(manifests, func(key string) bool { return path.Base(path.Dir(key)) < limit }) {
		return nil
	}
	return a.fetchAll(ctx, manifests)
}

// LockedUntil is when the Object Lock of the pack of a run ends, zero without one.
func (a Archive) LockedUntil(ctx context.Context, run string) (until time.Time, err error) {
	if a.bucket == nil {
		return until, nil
	}
	key := run + "/" + manifestFile
	info, err := a.bucket.client.StatObject(ctx, a.bucket.address.bucket, a.bucket.object(key), minio.StatObjectOptions{})
	if err != nil {
		return until, a.bucket.failed("reading the lock of", key, err)
	}
	if shown := info.Metadata.Get(retainUntil); shown != "" {
		until, err = time.Parse(time.RFC3339, shown)
	}
	return until, err
}

// Remove takes packs of a job away that retention took from the folder of this
// process, by the IDs of their runs. The chain knows of it first. A manifest goes
// last, so that what is cut off is taken up the next time.
func (a Archive) Remove(ctx context.Context, job string, runs []string) error {
	if a.bucket == nil || len(runs) == 0 {
		return nil
	}
	if err := a.uploadChain(ctx, filepath.Join(a.Root, job)); err != nil {
		return err
	}
	for _, run := range runs {
		keys, err := a.bucket.keys(ctx, run+"/")
		if err != nil {
			return err
		}
		manifest := run + "/" + manifestFile
		keys = append(slices.DeleteFunc(keys, func(key string) bool { return key == manifest }), manifest)
		for _, key := range keys {
			if err := a.bucket.remove(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}
