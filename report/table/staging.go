package table

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// Staging is a folder in which the files of a report or a pack grow. It lies inside
// the final one, so that publishing them is a rename and discarding them a removal.
type Staging struct {
	Dir  string // where the files will be
	Path string // where they are until then
}

// NewStaging makes the final folder, if need be, and an empty staging folder in it.
func NewStaging(dir string) (*Staging, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is a link, and a report is not written through links; remove it", dir)
	}
	// The name is fixed, so that what a killed process left is taken away.
	path := filepath.Join(dir, ".report")
	if err := errors.Join(os.RemoveAll(path), os.Mkdir(path, 0o700)); err != nil {
		return nil, err
	}
	return &Staging{Dir: dir, Path: path}, nil
}

// Discard takes away what was not published.
func (s *Staging) Discard() { _ = os.RemoveAll(s.Path) }

// Create makes a file, which must not be there yet.
func (s *Staging) Create(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(s.Path, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// File writes one file down to the disk.
func (s *Staging) File(name string, write func(io.Writer) error) error {
	f, err := s.Create(name)
	if err != nil {
		return err
	}
	buf := bufio.NewWriterSize(f, 64<<10)
	err = write(buf)
	if err == nil {
		err = errors.Join(buf.Flush(), f.Sync())
	}
	return errors.Join(err, f.Close())
}

// Publish renames the files into the final folder, in their order.
func (s *Staging) Publish(files []string) error {
	for _, name := range files {
		if err := os.Rename(filepath.Join(s.Path, name), filepath.Join(s.Dir, name)); err != nil {
			return err
		}
	}
	if runtime.GOOS == "windows" { // which cannot flush a folder
		return nil
	}
	f, err := os.Open(s.Dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close()) // so that the renames survive a power cut
}

// WriteParts puts the parts of workbooks into one, in the order of their names: excelize
// gives them in the order of a map, and the same workbook must be the same bytes.
func WriteParts(w io.Writer, parts map[string]*zip.File) error {
	to := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		header := parts[name].FileHeader
		header.Name = name
		part, err := to.CreateRaw(&header)
		if err != nil {
			return err
		}
		r, err := parts[name].OpenRaw()
		if err != nil {
			return err
		}
		if _, err := io.Copy(part, r); err != nil {
			return err
		}
	}
	return to.Close()
}
