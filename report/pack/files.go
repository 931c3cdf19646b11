package pack

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"
)

// mostBytes is what a file may have that is read into memory: a manifest, sums, a
// signature. That of a hundred thousand targets has less.
const mostBytes = 64 << 20

// writeFile lets a file appear whole or not at all. It writes through no link.
func writeFile(root *os.Root, name string, content []byte) error {
	temp := "." + name // a fixed name, so that what a killed process left is taken away
	if err := root.RemoveAll(temp); err != nil {
		return err
	}
	if err := writeTemp(root, temp, content); err != nil {
		return err
	}
	if err := root.Rename(temp, name); err != nil {
		return err
	}
	return syncFolder(root)
}

// writeNewFile is writeFile where nothing has the name; otherwise the error is
// fs.ErrExist, also if another process was faster.
func writeNewFile(root *os.Root, name string, content []byte) error {
	temp := "." + name + "-" + rand.Text() // of this process alone; clearTemps takes it away
	if err := writeTemp(root, temp, content); err != nil {
		return err
	}
	err := root.Link(temp, name)
	if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) { // a file system without links
		if _, err = root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			err = root.Rename(temp, name)
		} else if err == nil {
			err = fs.ErrExist
		}
	}
	if err := errors.Join(err, root.RemoveAll(temp)); err != nil {
		return err
	}
	return syncFolder(root)
}

func writeTemp(root *os.Root, temp string, content []byte) error {
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, root.Remove(temp))
	}
	return nil
}

// syncFolder lets what was renamed survive a power cut.
func syncFolder(root *os.Root) error {
	if runtime.GOOS == "windows" { // which cannot flush a folder
		return nil
	}
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// clearTemps takes away what killed processes left of manifests and locks, but for one
// that is held.
func clearTemps(dir, held string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "."+manifestFile) && e.Name() != held {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// open opens a regular file. It follows no link and waits for nobody, as opening a
// named pipe would.
func open(dir, name string) (*os.File, error) {
	path := filepath.Join(dir, name)
	entry, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !entry.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if opened, err := f.Stat(); err != nil || !os.SameFile(entry, opened) {
		f.Close()
		return nil, errors.Join(err, fmt.Errorf("%s was exchanged while it was opened", name))
	}
	return f, nil
}

// readFile reads a small file, as open opens it.
func readFile(dir, name string) ([]byte, error) {
	f, err := open(dir, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err == nil && len(text) > mostBytes {
		err = fmt.Errorf("%s has more than %d MiB", name, mostBytes>>20)
	}
	return text, err
}

// measureAll measures files of a folder, some at a time.
func measureAll(ctx context.Context, dir string, names []string) ([]File, error) {
	files := make([]File, len(names))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		g.Go(func() (err error) {
			files[i], err = measure(ctx, dir, name)
			return err
		})
	}
	return files, g.Wait()
}

// measure reads a file once, in pieces, for its size, rows and hash. With an error, size
// and hash are right if they are set: only its rows could not be counted.
func measure(ctx context.Context, dir, name string) (File, error) {
	out := File{Name: name}
	f, err := open(dir, name)
	if err != nil {
		return out, err
	}
	defer f.Close()
	hash := sha256.New()
	read := func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return f.Read(p)
	}
	in := bufio.NewReaderSize(readerFunc(read), 256<<10) // whatever asks for less
	all := io.TeeReader(in, hash)
	rows, rowsErr := countRows(name, all)
	if _, err := io.Copy(io.Discard, all); err != nil {
		return out, err
	}
	if out.Size, err = f.Seek(0, io.SeekCurrent); err != nil {
		return out, err
	}
	out.Rows, out.SHA256 = rows, hex.EncodeToString(hash.Sum(nil))
	if rowsErr != nil {
		return out, fmt.Errorf("%s: counting its rows: %w", name, rowsErr)
	}
	return out, nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// countRows counts the rows of a file that has any, by the end of its name.
func countRows(name string, r io.Reader) (*int, error) {
	quotes, header := false, 0
	switch plain := strings.TrimSuffix(name, ".gz"); filepath.Ext(plain) {
	case ".csv":
		quotes, header = true, 1
	case ".jsonl":
	default:
		return nil, nil
	}
	if strings.HasSuffix(name, ".gz") {
		unzipped, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		r = unzipped
	}
	n, err := countLines(r, quotes)
	n = max(n-header, 0)
	return &n, err
}

// countLines counts lines that hold anything. With quotes, line breaks inside
// quotation marks belong to a row; as RFC 4180 doubles a mark inside a field, each
// mark opens or closes, whatever the delimiter.
func countLines(r io.Reader, quotes bool) (int, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	lines, quoted, content := 0, false, false
	for {
		piece, err := in.ReadSlice('\n')
		if quotes && bytes.Count(piece, []byte{'"'})%2 == 1 {
			quoted = !quoted
		}
		content = content || len(bytes.TrimRight(piece, "\r\n")) > 0
		ended := bytes.HasSuffix(piece, []byte{'\n'}) && !quoted || err == io.EOF
		if ended && content {
			lines, content = lines+1, false
		}
		switch err {
		case nil, bufio.ErrBufferFull:
		case io.EOF:
			return lines, nil
		default:
			return lines, err
		}
	}
}
