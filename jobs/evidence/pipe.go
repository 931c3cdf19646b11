package evidence

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/pgzip"
	"github.com/klauspost/readahead"
)

// Limits of what is compressed or uncompressed while more is written or read.
const (
	zipBuffer  = 256 << 10
	zipBuffers = 2
)

// zipped compresses into w, on goroutines of its own, what write writes.
func zipped(w io.Writer, write func(io.Writer) error) error {
	zip, err := pgzip.NewWriterLevel(w, pgzip.BestSpeed)
	if err != nil {
		return err
	}
	if err := zip.SetConcurrency(zipBuffer, zipBuffers); err != nil {
		return err
	}
	err = write(zip)
	return errors.Join(err, zip.Close())
}

// unzipped reads what is compressed in r, in a goroutine of its own. Closing it
// waits until that has ended.
func unzipped(r io.Reader) (io.ReadCloser, error) {
	zip, err := gzip.NewReader(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return nil, unexpected(err)
	}
	return readahead.NewReaderSize(zip, zipBuffers, zipBuffer)
}

// unexpected names the end of an empty file for what it is.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
