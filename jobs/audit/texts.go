package audit

import "encoding/binary"

// Texts keeps texts that come again and again once, such as the names of users and
// buckets in a million authorizations: a bounded map, and before it a small table
// of those that come all the time.
type Texts struct {
	known map[string]string
	often []string
}

// Limits of what is kept once; what is beyond them is no less right.
const (
	mostTexts   = 1 << 16
	longestText = 128
	oftenTexts  = 1 << 10
)

// NewTexts has none yet.
func NewTexts() *Texts {
	return &Texts{known: map[string]string{}, often: make([]string, oftenTexts)}
}

// NewestTexts has none yet, and keeps those in the table only: for texts most of
// which come once, or soon again.
func NewestTexts() *Texts { return &Texts{often: make([]string, oftenTexts)} }

// Of is string(b).
func (t *Texts) Of(b []byte) string {
	if len(b) == 0 || len(b) > longestText {
		return string(b)
	}
	slot := &t.often[place(b)%oftenTexts]
	if string(b) != *slot {
		*slot = t.lookUp(b)
	}
	return *slot
}

func (t *Texts) lookUp(b []byte) string {
	if s, ok := t.known[string(b)]; ok {
		return s
	}
	s := string(b)
	if t.known != nil && len(t.known) < mostTexts {
		t.known[s] = s
	}
	return s
}

// place spreads short texts; it is no more than that.
func place(b []byte) uint64 {
	const prime = 0x9e3779b97f4a7c15
	h := uint64(len(b))
	for ; len(b) >= 8; b = b[8:] {
		h = (h ^ binary.LittleEndian.Uint64(b)) * prime
	}
	for _, c := range b {
		h = (h ^ uint64(c)) * prime
	}
	return h >> 40
}
