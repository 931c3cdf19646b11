package pack

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"
)

// writeFile lets a file appear whole or not at all. It writes through no link.
func writeFile(root *os.Root, name string, content []byte) error {
	temp := "." + name // a fixed name, so that what a killed process left is taken away
	if err := root.RemoveAll(temp); err != nil {
		return err
	}
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, root.Remove(temp))
	}
	if err := root.Rename(temp, name); err != nil {
		return err
	}
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close()) // the rename survives a power cut
}

// measureAll measures what is in the folder of a run, some files at a time.
func measureAll(ctx context.Context, dir string) ([]File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if name := strings.TrimPrefix(e.Name(), "."); !isSeal(name) { // with a dot, what a killed process left
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return measureFiles(ctx, paths)
}

// measureFiles measures files, some at a time, and gives them sorted by name.
func measureFiles(ctx context.Context, paths []string) ([]File, error) {
	files := make([]File, len(paths))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range paths {
		g.Go(func() (err error) {
			if files[i], err = measure(ctx, path); err != nil {
				return err
			}
			return checkName(files[i].Name)
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return files, nil
}

// rowsError: the file could be read, but its rows could not be counted. Its size
// and hash are right.
type rowsError struct{ error }

// measure reads a file once, in pieces, for its size, rows and hash.
func measure(ctx context.Context, path string) (File, error) {
	out := File{Name: filepath.Base(path)}
	info, err := os.Lstat(path)
	if err != nil {
		return out, err
	}
	if !info.Mode().IsRegular() {
		return out, fmt.Errorf("%s is not a regular file", out.Name)
	}
	f, err := os.Open(path)
	if err != nil {
		return out, err
	}
	defer f.Close()
	hash, size := sha256.New(), new(counter)
	in := bufio.NewReaderSize(untilCancelled{ctx, f}, 256<<10) // whatever asks for less
	all := io.TeeReader(in, io.MultiWriter(hash, size))
	rows, rowsErr := countRows(out.Name, all)
	if _, err := io.Copy(io.Discard, all); err != nil {
		return out, err
	}
	out.Size, out.Rows, out.SHA256 = size.n, rows, hex.EncodeToString(hash.Sum(nil))
	if rowsErr != nil {
		return out, rowsError{fmt.Errorf("%s: counting its rows: %w", out.Name, rowsErr)}
	}
	return out, nil
}

type untilCancelled struct {
	ctx context.Context
	io.Reader
}

func (r untilCancelled) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// countRows counts the rows of a file that has any, by the end of its name.
func countRows(name string, r io.Reader) (*int, error) {
	quote, header := false, 0
	switch plain := strings.TrimSuffix(name, ".gz"); filepath.Ext(plain) {
	case ".csv":
		quote, header = true, 1
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
	n, err := countLines(r, quote)
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

// sumsOf is SHA256SUMS, as sha256sum -c reads it.
func sumsOf(files []File, manifest string) []byte {
	all := append(slices.Clone(files), File{Name: manifestFile, SHA256: manifest})
	slices.SortFunc(all, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	var out bytes.Buffer
	for _, f := range all {
		fmt.Fprintf(&out, "%s  %s\n", f.SHA256, f.Name)
	}
	return out.Bytes()
}

// parseSums reads what it can of SHA256SUMS: hashes by name.
func parseSums(text []byte) map[string]string {
	sums := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  "); ok && isDigest(sum) && checkName(name) == nil {
			sums[name] = sum
		}
	}
	return sums
}
