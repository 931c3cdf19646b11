package table

import (
	"bufio"
	"encoding/json"
	"io"
	"iter"
	"os"

	"tokenaudit/jobs/audit"
)

// Spool keeps records outside of memory until it is known which of them are shown.
type Spool struct {
	file *os.File
	buf  *bufio.Writer
	end  int64
}

// Place is where a record waits. Places compare as the records came.
type Place struct{ From, To int64 }

func NewSpool(s *Staging, name string) (*Spool, error) {
	f, err := s.Create(name)
	if err != nil {
		return nil, err
	}
	return &Spool{file: f, buf: bufio.NewWriterSize(f, 64<<10)}, nil
}

func (s *Spool) Put(r *audit.Record) (Place, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return Place{}, err
	}
	at := Place{s.end, s.end + int64(len(b))}
	s.end = at.To
	_, err = s.buf.Write(b)
	return at, err
}

// Records are those at the places.
func (s *Spool) Records(places iter.Seq[Place]) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		err := s.buf.Flush()
		var b []byte
		for p := range places {
			var rec audit.Record
			if err == nil {
				b = append(b[:0], make([]byte, p.To-p.From)...)
				_, err = io.ReadFull(io.NewSectionReader(s.file, p.From, p.To-p.From), b)
			}
			if err == nil {
				err = json.Unmarshal(b, &rec)
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

func (s *Spool) Close() error { return s.file.Close() }
