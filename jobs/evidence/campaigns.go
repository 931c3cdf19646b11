package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// campaignsFolder has the folders of the campaigns, beside those of the jobs.
const campaignsFolder = "campaigns"

// Campaigns are the IDs of the campaigns that have a folder, NAME/OPENED, oldest first in
// each name. One that was cut off while it was opened is among them.
func (a Archive) Campaigns(ctx context.Context) (ids []string, err error) {
	names, err := a.folders(ctx, campaignsFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, name := range names {
		opened, err := a.folders(ctx, path.Join(campaignsFolder, name))
		if err != nil {
			return nil, err
		}
		for _, at := range opened {
			ids = append(ids, name+"/"+at)
		}
	}
	slices.Sort(ids)
	return ids, err
}

// Campaign is the folder of a campaign by its ID.
func (a Archive) Campaign(id string) CampaignFolder {
	return CampaignFolder{a, filepath.Join(a.Root, campaignsFolder, filepath.FromSlash(id))}
}

// CampaignAt is the folder of a campaign, wherever it was copied to.
func CampaignAt(folder string) CampaignFolder { return CampaignFolder{folder: folder} }

// CampaignFolder has the evidence of a campaign: small files, which grow as it goes on.
type CampaignFolder struct {
	archive Archive
	folder  string
}

// Location is where people find it: a folder or a URL.
func (c CampaignFolder) Location() string {
	if c.archive.bucket == nil {
		return c.folder
	}
	return c.archive.bucket.location + "/" + c.archive.key(c.folder)
}

// Read reads a file; the error is fs.ErrNotExist if it is not there.
func (c CampaignFolder) Read(ctx context.Context, name string) ([]byte, error) {
	file, err := c.path(name)
	if err != nil {
		return nil, err
	}
	return c.archive.readFile(ctx, file)
}

// Write lets a file appear whole or not at all, in place of the one before.
func (c CampaignFolder) Write(ctx context.Context, name string, content []byte) error {
	file, err := c.path(name)
	if err != nil {
		return err
	}
	if b := c.archive.bucket; b != nil {
		key := c.archive.key(file)
		if err := b.put(ctx, key, bytes.NewReader(content), time.Time{}, false); err != nil {
			return b.failed("writing", key, err)
		}
		return nil
	}
	return write(file, unfinished, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// unfinished is a file that is being written. Who writes has the lock of the campaigns.
const unfinished = ".new"

// Tidy takes away what a write that was cut off left. A bucket has no such files.
func (c CampaignFolder) Tidy() error {
	if c.archive.bucket != nil {
		return nil
	}
	left, err := fs.Glob(os.DirFS(c.folder), "*/"+unfinished)
	for _, name := range append(left, unfinished) {
		err = errors.Join(err, os.RemoveAll(filepath.Join(c.folder, filepath.FromSlash(name))))
	}
	return err
}

// Remove takes a file away; it is no error if there is none.
func (c CampaignFolder) Remove(ctx context.Context, name string) error {
	file, err := c.path(name)
	if err != nil {
		return err
	}
	if b := c.archive.bucket; b != nil {
		return b.remove(ctx, c.archive.key(file))
	}
	return os.RemoveAll(file)
}

// Discard takes away the whole folder.
func (c CampaignFolder) Discard(ctx context.Context) error {
	if c.archive.bucket == nil {
		return os.RemoveAll(c.folder)
	}
	names, err := c.Names(ctx)
	for _, name := range names {
		err = errors.Join(err, c.Remove(ctx, name))
	}
	return err
}

// Names are the files, in order, with the folder that they are in below this one.
func (c CampaignFolder) Names(ctx context.Context) (names []string, err error) {
	if b := c.archive.bucket; b != nil {
		prefix := c.archive.key(c.folder) + "/"
		keys, err := b.keys(ctx, prefix)
		for _, key := range keys {
			names = append(names, strings.TrimPrefix(key, prefix))
		}
		slices.Sort(names)
		return names, err
	}
	err = filepath.WalkDir(c.folder, func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasPrefix(d.Name(), ".") {
			name, _ := filepath.Rel(c.folder, file) // it is below
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

func (c CampaignFolder) path(name string) (string, error) {
	local, err := filepath.Localize(name)
	if err != nil {
		return "", fmt.Errorf("%.100q cannot be a file of a campaign: %w", name, err)
	}
	return filepath.Join(c.folder, local), nil
}
