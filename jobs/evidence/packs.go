package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"

	"tokenaudit/jobs/audit"
)

// mostBytes is what a file may have that is read into memory: a manifest or a summary.
const mostBytes = 64 << 20

// Jobs are the folders in which packs can lie, by the name: those of jobs, whether they
// are still configured or not, and maybe others.
func (a Archive) Jobs(ctx context.Context) ([]string, error) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-" // of the name of a job; lost+found is none
	names, err := a.folders(ctx, "")
	return slices.DeleteFunc(names, func(name string) bool { return strings.Trim(name, letters) != "" }), err
}

// Slots are the runs that have a folder in that of a job, sealed or not, newest slot
// first. Only job and slot of them are known.
func (a Archive) Slots(ctx context.Context, job string) (runs []audit.Run, err error) {
	names, err := a.folders(ctx, job)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if run, ok := audit.ParseRunID(job + "/" + name); ok {
			runs = append(runs, run)
		}
	}
	slices.SortFunc(runs, func(x, y audit.Run) int { return y.Slot.Compare(x.Slot) })
	return runs, nil
}

// Sealed tells whether there is an evidence pack of the run, whoever made it.
func (a Archive) Sealed(ctx context.Context, run audit.Run) (bool, error) {
	file := filepath.Join(a.Folder(run), manifestFile)
	if a.bucket != nil {
		return a.bucket.has(ctx, a.key(file))
	}
	_, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Newest are the newest packs of a job by their slots, so many at the most, and the
// head of its chain, nil if there is no chain.json that can be read. A job without a
// folder has none.
func (a Archive) Newest(ctx context.Context, job string, most int) (packs []audit.Pack, head *audit.Link, err error) {
	runs, err := a.Slots(ctx, job)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, run := range runs {
		if len(packs) == most {
			break
		}
		p, err := a.Pack(ctx, run)
		if errors.Is(err, fs.ErrNotExist) { // cut off, or under way
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		packs = append(packs, p)
	}
	text, err := a.ReadChain(ctx, job)
	if errors.Is(err, fs.ErrNotExist) {
		return packs, nil, nil
	}
	var chain struct {
		Head audit.Link `json:"head"`
	}
	if err == nil && json.Unmarshal(text, &chain) == nil && chain.Head.Sequence > 0 {
		head = &chain.Head
	}
	return packs, head, err
}

// Pack is that of a run, by what its manifest says. The error is fs.ErrNotExist if there
// is none.
func (a Archive) Pack(ctx context.Context, run audit.Run) (audit.Pack, error) {
	manifest, err := a.ReadFile(ctx, run, manifestFile)
	if err != nil {
		return audit.Pack{}, err
	}
	sum := sha256.Sum256(manifest)
	p := audit.Pack{Run: run, Link: audit.Link{Run: run.ID(), Manifest: hex.EncodeToString(sum[:])}}
	var m struct {
		ID string `json:"run"`
		audit.Run
		Sequence int `json:"sequence"`
	}
	switch err := json.Unmarshal(manifest, &m); {
	case err != nil:
		p.Damaged = err.Error()
	case m.ID != run.ID() || m.Run.ID() != run.ID() || m.Sequence < 1:
		p.Damaged = fmt.Sprintf("it belongs to run %.100q", m.ID)
	default:
		p.Run, p.Link.Sequence = m.Run, m.Sequence
	}
	return p, nil
}

// ReadFile reads a small file of a run. With a bucket, it leaves nothing on this machine.
func (a Archive) ReadFile(ctx context.Context, run audit.Run, name string) ([]byte, error) {
	return a.readFile(ctx, filepath.Join(a.Folder(run), name))
}

// ReadChain reads chain.json of a job, likewise.
func (a Archive) ReadChain(ctx context.Context, job string) ([]byte, error) {
	return a.readFile(ctx, filepath.Join(a.Root, job, chainFile))
}

func (a Archive) readFile(ctx context.Context, file string) ([]byte, error) {
	if a.bucket != nil {
		var out bytes.Buffer
		err := a.bucket.download(ctx, a.key(file), &limited{&out, mostBytes})
		return out.Bytes(), err
	}
	entry, err := os.Lstat(file) // a link leads out of the evidence, and a pipe would be waited for
	if err != nil {
		return nil, err
	}
	if !entry.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out bytes.Buffer
	_, err = io.Copy(&limited{&out, mostBytes}, f)
	return out.Bytes(), err
}

// limited refuses what is larger than a file of that kind can be.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, fmt.Errorf("it has more than %d MiB", mostBytes>>20)
	}
	return l.w.Write(p)
}

// folders are the names of the folders in a folder of the evidence, "" for all of it.
// What is hidden is none of them.
func (a Archive) folders(ctx context.Context, in string) (names []string, err error) {
	if a.bucket == nil {
		entries, err := os.ReadDir(filepath.Join(a.Root, in))
		if in == "" && errors.Is(err, fs.ErrNotExist) { // nothing was reviewed yet
			return nil, nil
		}
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				names = append(names, e.Name())
			}
		}
		return names, err
	}
	prefix := in
	if in != "" {
		prefix += "/"
	}
	at := a.bucket.object(prefix)
	for o := range a.bucket.client.ListObjectsIter(ctx, a.bucket.address.bucket, minio.ListObjectsOptions{Prefix: at}) {
		if o.Err != nil {
			return nil, a.bucket.failed("listing", in, o.Err)
		}
		if name := path.Base(o.Key); strings.HasSuffix(o.Key, "/") && !strings.HasPrefix(name, ".") && o.Key != at {
			names = append(names, name)
		}
	}
	return names, nil
}
