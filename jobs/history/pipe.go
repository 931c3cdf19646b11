package history

import (
	"bufio"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/readahead"
)

// pipeBuffer is how much one side of a pipe works on while the other does.
const pipeBuffer = 256 << 10

// buffersAhead is how many are unzipped while what came before is read.
const buffersAhead = 4

// zipped compresses into w, in a goroutine of its own, what write writes.
func zipped(w io.Writer, write func(io.Writer) error) error {
	from, to := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := compress(w, from)
		from.CloseWithError(err)
		done <- err
	}()
	err := write(to)
	to.CloseWithError(err)
	if zipErr := <-done; err == nil {
		err = zipErr
	}
	return err
}

func compress(w io.Writer, r io.Reader) error {
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := io.CopyBuffer(zip, r, make([]byte, pipeBuffer)); err != nil {
		return err
	}
	return zip.Close()
}

// unzipped reads what is compressed in r, in a goroutine of its own. Closing it
// waits until that has ended.
func unzipped(r io.Reader) (io.ReadCloser, error) {
	zip, err := gzip.NewReader(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return nil, unexpected(err)
	}
	return readahead.NewReaderSize(zip, buffersAhead, pipeBuffer/2)
}

// unexpected names the end of an empty file for what it is.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
