package history

import (
	"context"
	"path"
	"path/filepath"
	"time"

	"tokenaudit/jobs/audit"
)

// GatherManifests fetches the manifests of a job for retention, if a pack is due for
// it: one whose slot is older than before.
func (s Snapshots) GatherManifests(ctx context.Context, job string, before time.Time) error {
	if s.bucket == nil {
		return nil
	}
	due, limit := false, audit.Run{Slot: before}.SlotName()
	var keys []string
	for key, err := range s.bucket.keys(ctx, job+"/") {
		if err != nil {
			return err
		}
		if ok, _ := path.Match(job+"/*/"+manifestFile, key); ok {
			keys = append(keys, key)
			due = due || path.Base(path.Dir(key)) < limit
		}
	}
	if !due {
		return nil
	}
	return s.fetchAll(ctx, keys)
}

// Remove takes packs of a job away that retention took from the folder of this
// process, by the IDs of their runs. The chain knows of it first. A manifest goes
// last, so that what is cut off is taken up the next time.
func (s Snapshots) Remove(ctx context.Context, job string, runs []string) error {
	if s.bucket == nil || len(runs) == 0 {
		return nil
	}
	if err := s.uploadChain(ctx, filepath.Join(s.Evidence, job)); err != nil {
		return err
	}
	for _, run := range runs {
		for key, err := range s.bucket.keys(ctx, run+"/") {
			if err != nil {
				return err
			}
			if path.Base(key) == manifestFile {
				continue
			}
			if err := s.bucket.remove(ctx, key); err != nil {
				return err
			}
		}
		if err := s.bucket.remove(ctx, run+"/"+manifestFile); err != nil {
			return err
		}
	}
	return nil
}
