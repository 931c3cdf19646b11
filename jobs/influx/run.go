package influx

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"os"

	"tokenaudit/jobs/audit"
)

// runBuffer is how much of the newest run is in memory.
const runBuffer = 1 << 20

// run is authorizations in ascending order, written down in a form of our own that
// only this process reads: see dictionary.
type run struct {
	last string   // key at its end
	file *os.File // nil as long as all is in tail
	size int64    // of the file
	tail []byte
	row  []byte // room for one authorization
}

func (r *run) write(texts *dictionary, a *audit.Authorization, key string) error {
	r.last = key
	r.row = texts.append(r.row[:0], a)
	r.tail = append(binary.AppendUvarint(r.tail, uint64(len(r.row))), r.row...)
	if len(r.tail) < runBuffer {
		return nil
	}
	return r.flush()
}

func (r *run) flush() (err error) {
	if r.file == nil {
		if r.file, err = TempFile(); err != nil {
			return err
		}
	}
	n, err := r.file.Write(r.tail)
	r.size += int64(n)
	r.tail = r.tail[:0]
	return err
}

func (r *run) close() {
	if r.file != nil {
		r.file.Close()
	}
}

// TempFile is a file without a name, that only this user may read: nothing is left of
// it however the program ends.
func TempFile() (*os.File, error) {
	f, err := os.CreateTemp("", "tokenaudit-*")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// reader reads from the beginning, whatever others read.
func (r *run) reader(texts *dictionary) *runReader {
	from := io.Reader(bytes.NewReader(r.tail))
	if r.file != nil {
		from = io.MultiReader(io.NewSectionReader(r.file, 0, r.size), from)
	}
	return &runReader{from: bufio.NewReaderSize(from, 64<<10), texts: texts}
}

type runReader struct {
	from  *bufio.Reader
	texts *dictionary
	row   []byte
}

// next ends with io.EOF.
func (r *runReader) next() (audit.Authorization, error) {
	size, err := binary.ReadUvarint(r.from)
	if err != nil {
		return audit.Authorization{}, err
	}
	if uint64(cap(r.row)) < size {
		r.row = make([]byte, size)
	}
	r.row = r.row[:size]
	if _, err := io.ReadFull(r.from, r.row); err != nil {
		return audit.Authorization{}, cut(err)
	}
	return r.texts.read(r.row)
}
