package influx

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
)

// readAhead reads an answer, and sums it up, in a goroutine of its own while what
// came before is decoded.
type readAhead struct {
	*io.PipeReader
	sum  hash.Hash
	done chan struct{}
}

func newReadAhead(r io.Reader) *readAhead {
	from, to := io.Pipe()
	a := &readAhead{PipeReader: from, sum: sha256.New(), done: make(chan struct{})}
	go func() {
		defer close(a.done)
		w := bufio.NewWriterSize(io.MultiWriter(a.sum, to), listBuffer)
		_, err := w.ReadFrom(r)
		if flushErr := w.Flush(); err == nil {
			err = flushErr
		}
		to.CloseWithError(err)
	}()
	return a
}

// Close waits for the goroutine, which a read of r may keep.
func (a *readAhead) Close() error {
	err := a.PipeReader.Close()
	<-a.done
	return err
}

// sha256 is that of all there was; to be asked for at the end of it.
func (a *readAhead) sha256() string {
	<-a.done
	return hex.EncodeToString(a.sum.Sum(nil))
}
