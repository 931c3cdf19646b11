package history

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// Download fetches all that the bucket holds, into a folder that is named as the last
// part of its URL.
func (s Snapshots) Download(ctx context.Context) (folder string, err error) {
	var keys []string
	for key, err := range s.bucket.keys(ctx, "") {
		if err != nil {
			return "", err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return "", fmt.Errorf("evidence: %s holds nothing", s.bucket.location)
	}
	s.Evidence = filepath.Join(s.Evidence, path.Base(s.bucket.location))
	if err := os.MkdirAll(s.Evidence, 0o700); err != nil {
		return "", err
	}
	return s.Evidence, s.fetchAll(ctx, keys)
}

func (s Snapshots) fetchAll(ctx context.Context, keys []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, key := range keys {
		g.Go(func() error {
			name, err := filepath.Localize(key)
			if err != nil {
				return fmt.Errorf("evidence: the bucket holds %q, which cannot be a file here: %w", key, err)
			}
			return s.fetch(ctx, filepath.Join(s.Evidence, name))
		})
	}
	return g.Wait()
}
