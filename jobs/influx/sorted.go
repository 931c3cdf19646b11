package influx

import (
	"cmp"
	"container/heap"
	"io"
	"iter"
	"slices"

	"tokenaudit/jobs/audit"
)

// Limits of what a Sorted keeps in memory; beyond them it goes to a file.
const (
	bufferedRows  = 4096
	bufferedBytes = 16 << 20
)

// Sorted collects authorizations from any number of lists, in any order, and
// gives them in ascending order of their IDs, each once. As long as they ascend,
// as the lists of OSS do, they are only written down; what comes out of order is
// sorted a bounded number at a time. Beyond a megabyte they lie in temporary files
// that have no name, so that nothing is left behind however the program ends.
type Sorted struct {
	buffer []audit.Authorization // out of order
	size   int                   // of the buffer
	runs   []*run
	texts  *dictionary
}

func newSorted() *Sorted { return &Sorted{texts: newDictionary()} }

// add keeps nothing of the permissions of a, which may be used again.
func (s *Sorted) add(a audit.Authorization) error {
	if key := a.Key(); len(s.buffer) == 0 && s.ascends(key) {
		return s.write(&a, key)
	}
	a.Permissions = slices.Clone(a.Permissions)
	s.buffer = append(s.buffer, a)
	s.size += weight(a)
	if len(s.buffer) < bufferedRows && s.size < bufferedBytes {
		return nil
	}
	return s.spill()
}

// ascends reports whether the newest run goes on with key.
func (s *Sorted) ascends(key string) bool {
	return len(s.runs) == 0 || key > s.runs[len(s.runs)-1].last
}

func (s *Sorted) write(a *audit.Authorization, key string) error {
	if len(s.runs) == 0 {
		s.runs = []*run{{}}
	}
	return s.runs[len(s.runs)-1].write(s.texts, a, key)
}

// weight is roughly what a holds in memory.
func weight(a audit.Authorization) int {
	n := 512 + len(a.Description) + len(a.User) + len(a.Org)
	for _, p := range a.Permissions {
		n += 160 + len(p.Resource.Name) + len(p.Resource.Org)
	}
	return n
}

// reset forgets everything, for a list that broke off.
func (s *Sorted) reset() {
	s.Close()
	*s = *newSorted()
}

// Close frees the files. They have no name and are not needed again, so that
// there is nothing to do about an error.
func (s *Sorted) Close() {
	for _, r := range s.runs {
		r.close()
	}
	s.runs = nil
}

// spill writes the buffer to the newest run if it goes on from there, else to a
// new one.
func (s *Sorted) spill() error {
	s.sortBuffer()
	if !s.ascends(s.buffer[0].Key()) {
		if err := s.runs[len(s.runs)-1].flush(); err != nil {
			return err
		}
		s.runs = append(s.runs, &run{})
	}
	for i := range s.buffer {
		if err := s.write(&s.buffer[i], s.buffer[i].Key()); err != nil {
			return err
		}
	}
	clear(s.buffer)
	s.buffer, s.size = s.buffer[:0], 0
	return nil
}

func (s *Sorted) sortBuffer() {
	slices.SortStableFunc(s.buffer, func(a, b audit.Authorization) int { return cmp.Compare(a.Key(), b.Key()) })
}

// All walks what was collected; nothing may be added afterwards. One that several lists had is given with
// its fullest view: which names a list shows depends on who asked.
func (s *Sorted) All() iter.Seq2[audit.Authorization, error] {
	return func(yield func(audit.Authorization, error) bool) {
		var held audit.Authorization
		have := false
		for a, err := range s.merged() {
			switch {
			case err != nil:
				yield(audit.Authorization{}, err)
				return
			case have && a.Key() == held.Key():
				held = fuller(held, a)
				continue
			case have && !yield(held, nil):
				return
			}
			held, have = a, true
		}
		if have {
			yield(held, nil)
		}
	}
}

func fuller(a, b audit.Authorization) audit.Authorization {
	if names(b) > names(a) {
		return b
	}
	return a
}

func names(a audit.Authorization) int {
	n := len(a.Permissions)
	for _, named := range []string{a.User, a.Org} {
		if named != "" {
			n++
		}
	}
	for _, p := range a.Permissions {
		if p.Resource.Name != "" {
			n++
		}
	}
	return n
}

// merged walks the runs and the buffer together.
func (s *Sorted) merged() iter.Seq2[audit.Authorization, error] {
	return func(yield func(audit.Authorization, error) bool) {
		s.texts.numbers = nil // which are for what is added
		s.sortBuffer()
		h := cursors{}
		for _, r := range s.runs {
			if err := h.open(r.reader(s.texts)); err != nil {
				yield(audit.Authorization{}, err)
				return
			}
		}
		if len(s.buffer) > 0 {
			h = append(h, &cursor{head: s.buffer[0], next: fromSlice(s.buffer[1:])})
		}
		heap.Init(&h)
		for len(h) > 0 {
			if !yield(h[0].head, nil) {
				return
			}
			if err := h.advance(); err != nil {
				yield(audit.Authorization{}, err)
				return
			}
		}
	}
}

// cursor is a run being read; next ends with io.EOF.
type cursor struct {
	head audit.Authorization
	next func() (audit.Authorization, error)
}

type cursors []*cursor

func (h cursors) Len() int           { return len(h) }
func (h cursors) Less(i, j int) bool { return h[i].head.Key() < h[j].head.Key() }
func (h cursors) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *cursors) Push(x any)        { *h = append(*h, x.(*cursor)) }
func (h *cursors) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	*h = (*h)[:last]
	return c
}

func (h *cursors) open(r *runReader) error {
	head, err := r.next()
	if err != nil {
		return err
	}
	*h = append(*h, &cursor{head, r.next})
	return nil
}

func (h *cursors) advance() error {
	head, err := (*h)[0].next()
	if err == io.EOF {
		heap.Pop(h)
		return nil
	}
	(*h)[0].head = head
	heap.Fix(h, 0)
	return err
}

func fromSlice(rest []audit.Authorization) func() (audit.Authorization, error) {
	return func() (audit.Authorization, error) {
		if len(rest) == 0 {
			return audit.Authorization{}, io.EOF
		}
		a := rest[0]
		rest = rest[1:]
		return a, nil
	}
}
