package influx

import (
	"encoding/binary"
	"errors"
	"time"

	"tokenaudit/jobs/audit"
)

// dictionary writes authorizations as bytes, with numbers for the texts that come
// again and again: IDs and names of users, orgs and buckets. It is kept in memory
// and bounded; a text that has no number is written out.
type dictionary struct {
	numbers map[string]uint64
	texts   []string // by number
}

// Limits of a dictionary.
const (
	mostNumbered    = 1 << 16
	longestNumbered = 128
)

func newDictionary() *dictionary { return &dictionary{numbers: map[string]uint64{}} }

func (d *dictionary) append(b []byte, a *audit.Authorization) []byte {
	b = binary.AppendUvarint(b, uint64(len(a.ID)))
	b = binary.AppendUvarint(b, uint64(len(a.Description)))
	b = append(append(b, a.ID...), a.Description...)
	for _, s := range [...]string{a.OrgID, a.Org, a.UserID, a.User, string(a.Status)} {
		b = d.appendText(b, s)
	}
	b = appendTime(appendTime(b, a.CreatedAt), a.UpdatedAt)
	b = append(b, bit(a.Legacy), bit(a.Permissions == nil))
	b = binary.AppendUvarint(b, uint64(len(a.Permissions)))
	for i := range a.Permissions {
		p := &a.Permissions[i]
		for _, s := range [...]string{p.Action, p.Resource.Type, p.Resource.ID, p.Resource.Name, p.Resource.OrgID, p.Resource.Org} {
			b = d.appendText(b, s)
		}
	}
	return b
}

// appendText writes the number of s and one, or zero and s.
func (d *dictionary) appendText(b []byte, s string) []byte {
	n, ok := d.numbers[s]
	if !ok && len(d.texts) < mostNumbered && len(s) <= longestNumbered {
		n, ok = uint64(len(d.texts)), true
		d.numbers[s], d.texts = n, append(d.texts, s)
	}
	if ok {
		return binary.AppendUvarint(b, n+1)
	}
	return append(binary.AppendUvarint(append(b, 0), uint64(len(s))), s...)
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, t.Unix()), uint64(t.Nanosecond()))
}

func bit(v bool) byte {
	if v {
		return 1
	}
	return 0
}

var errRow = errors.New("what was written to a temporary file came back changed")

func (d *dictionary) read(row []byte) (audit.Authorization, error) {
	r := rowReader{dictionary: d, rest: row}
	var a audit.Authorization
	id, description := r.number(), r.number()
	both := string(r.take(id + description)) // one allocation for the two that are never the same
	if r.broken {
		return a, errRow
	}
	a.ID, a.Description = both[:id], both[id:]
	a.OrgID, a.Org, a.UserID, a.User, a.Status = r.text(), r.text(), r.text(), r.text(), audit.Status(r.text())
	a.CreatedAt, a.UpdatedAt = r.time(), r.time()
	a.Legacy = r.number() == 1
	if none := r.number() == 1; !none {
		a.Permissions = r.permissions()
	}
	if r.broken {
		return audit.Authorization{}, errRow
	}
	return a, nil
}

// rowReader is broken once what it is asked for is not there.
type rowReader struct {
	*dictionary
	rest   []byte
	broken bool
}

func (r *rowReader) permissions() []audit.Permission {
	n := r.number()
	if n > len(r.rest) {
		r.broken = true
		return nil
	}
	ps := make([]audit.Permission, n)
	for i := range ps {
		ps[i] = audit.Permission{Action: r.text(), Resource: audit.Resource{Type: r.text(), ID: r.text(), Name: r.text(), OrgID: r.text(), Org: r.text()}}
	}
	return ps
}

func (r *rowReader) text() string {
	switch n := r.number(); {
	case n == 0:
		return string(r.take(r.number()))
	case n <= len(r.texts):
		return r.texts[n-1]
	}
	r.broken = true
	return ""
}

func (r *rowReader) time() time.Time {
	seconds, n := binary.Varint(r.rest)
	r.take(n)
	return time.Unix(seconds, int64(r.number())).UTC()
}

func (r *rowReader) number() int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > 1<<62 {
		r.broken, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

func (r *rowReader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.broken, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}
