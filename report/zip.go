package report

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
)

// archive is the zip file of a workbook. The large sheets are streamed into it, one
// after the other; the other parts, which excelize hands over in the order of a map
// and which are small, follow in the order of their names, without times. So the
// same workbook is the same bytes, and memory stays flat.
type archive struct {
	out     *os.File
	zip     *zip.Writer
	part    io.Writer                // that is being streamed
	size    int64                    // of it
	largest int64                    // of those before
	given   map[string]*bytes.Buffer // by excelize
	written map[string][]byte        // what is in the file; of a streamed sheet the two halves around its rows
}

func newArchive(out *os.File) (*archive, error) {
	pack, err := newPacker()
	a := &archive{out: out, zip: zip.NewWriter(out), given: map[string]*bytes.Buffer{}, written: map[string][]byte{}}
	a.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		pack.out = w
		return pack, nil
	})
	return a, err
}

// stream begins a part, and so ends the one before.
func (a *archive) stream(name string) (err error) {
	a.part, err = a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	a.size = 0
	return err
}

func (a *archive) Write(b []byte) (int, error) {
	n, err := a.part.Write(b)
	a.size += int64(n)
	a.largest = max(a.largest, a.size)
	return n, err
}

// put writes a part at once.
func (a *archive) put(name string, content []byte) error {
	if err := a.stream(name); err != nil {
		return err
	}
	a.written[name] = content
	_, err := a.Write(content)
	return err
}

// Create takes a part from excelize.
func (a *archive) Create(name string) (io.Writer, error) {
	a.given[name] = new(bytes.Buffer)
	return a.given[name], nil
}

// AddFS is part of excelize's interface; excelize does not call it.
func (a *archive) AddFS(fs.FS) error { return errors.ErrUnsupported }

// Close writes the parts that excelize gave. What is in the file already must be
// what it gave, but for the rows.
func (a *archive) Close() error {
	for _, name := range slices.Sorted(maps.Keys(a.given)) {
		content := a.given[name].Bytes()
		before, ok := a.written[name]
		if ok && !bytes.Equal(before, content) {
			return fmt.Errorf("%s was begun in another way than excelize ends it", name)
		}
		if ok {
			continue
		}
		if err := a.put(name, content); err != nil {
			return err
		}
	}
	if err := a.zip.Close(); err != nil || a.largest <= math.MaxUint32 {
		return err
	}
	return a.markLarge()
}

// markLarge says in the headers of parts over 4 GiB that they need version 4.5 of
// the format (APPNOTE.TXT, 4.4.3.2), without which Excel does not open them. The
// headers were written before the sizes were known.
func (a *archive) markLarge() error {
	info, err := a.out.Stat()
	if err != nil {
		return err
	}
	r, err := zip.NewReader(a.out, info.Size())
	if err != nil {
		return err
	}
	for _, f := range r.File {
		if max(f.UncompressedSize64, f.CompressedSize64) <= math.MaxUint32 {
			continue
		}
		data, err := f.DataOffset()
		if err != nil {
			return err
		}
		const header, version = 30, 4 // its length, and where the version is in it
		if _, err := a.out.WriteAt([]byte{45, 0}, data-int64(len(f.Name))-header+version); err != nil {
			return err
		}
	}
	return nil
}
