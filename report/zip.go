package report

import (
	"archive/zip"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
)

// archive is the zip file of a workbook. excelize hands over its parts in the
// order of a map and would keep the whole file in memory; the archive packs the
// parts on disk and puts them in order, without times, when all are there. So the
// same workbook is the same bytes, and memory stays flat.
type archive struct {
	out   io.Writer
	spool *os.File // the packed parts, one after the other
	parts []*part
}

type part struct {
	zip.FileHeader
	offset int64
	sum    hash.Hash32
	pack   *flate.Writer
	err    error // excelize does not look at every error of Write
}

func newArchive(out io.Writer, dir string) (*archive, error) {
	spool, err := os.CreateTemp(dir, "parts-*")
	return &archive{out: out, spool: spool}, err
}

// Create begins the next part, and so ends the one before.
func (a *archive) Create(name string) (io.Writer, error) {
	if err := a.endPart(); err != nil {
		return nil, err
	}
	offset, err := a.spool.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	pack, err := flate.NewWriter(a.spool, 5)
	p := &part{FileHeader: zip.FileHeader{Name: name, Method: zip.Deflate}, offset: offset, sum: crc32.NewIEEE(), pack: pack}
	a.parts = append(a.parts, p)
	return p, err
}

func (p *part) Write(b []byte) (int, error) {
	n, err := p.pack.Write(b)
	p.sum.Write(b[:n])
	p.UncompressedSize64 += uint64(n)
	p.err = errors.Join(p.err, err)
	return n, err
}

func (a *archive) endPart() error {
	if len(a.parts) == 0 {
		return nil
	}
	p := a.parts[len(a.parts)-1]
	if err := errors.Join(p.err, p.pack.Close()); err != nil {
		return err
	}
	end, err := a.spool.Seek(0, io.SeekCurrent)
	p.CRC32, p.CompressedSize64 = p.sum.Sum32(), uint64(end-p.offset)
	return err
}

// AddFS is part of excelize's interface; excelize does not call it.
func (a *archive) AddFS(fs.FS) error { return errors.ErrUnsupported }

// Close writes the archive. By name, [Content_Types].xml comes first, as readers
// that look at the first part only expect it.
func (a *archive) Close() error {
	if err := a.endPart(); err != nil {
		return err
	}
	slices.SortFunc(a.parts, func(x, y *part) int { return strings.Compare(x.Name, y.Name) })
	zw := zip.NewWriter(a.out)
	for _, p := range a.parts {
		w, err := zw.CreateRaw(&p.FileHeader)
		if err != nil {
			return err
		}
		if _, err := io.Copy(w, io.NewSectionReader(a.spool, p.offset, int64(p.CompressedSize64))); err != nil {
			return err
		}
	}
	return zw.Close()
}
