package influx

import (
	"encoding/binary"
	"errors"
	"time"

	"tokenaudit/jobs/audit"
)

// dictionary writes authorizations as bytes, with numbers for what comes again and
// again: permissions, and IDs and names of users, orgs and buckets. It is kept in
// memory and bounded; what has no number is written out.
type dictionary struct {
	texts       numbering[string]
	permissions numbering[audit.Permission]
}

// Limits of a dictionary.
const (
	mostNumbered            = 1 << 16
	mostNumberedPermissions = 1 << 14
	longestNumbered         = 128 // bytes of text
)

func newDictionary() *dictionary {
	return &dictionary{newNumbering[string](mostNumbered), newNumbering[audit.Permission](mostNumberedPermissions)}
}

// numbering gives numbers to the first of what it is asked for.
type numbering[T comparable] struct {
	numbers map[T]uint64
	values  []T // by number
	most    int
}

func newNumbering[T comparable](most int) numbering[T] {
	return numbering[T]{numbers: map[T]uint64{}, most: most}
}

// append writes the number of v and one, or zero.
func (n *numbering[T]) append(b []byte, v T, size int) (_ []byte, ok bool) {
	number, ok := n.numbers[v]
	if !ok && len(n.values) < n.most && size <= longestNumbered {
		number, ok = uint64(len(n.values)), true
		n.numbers[v], n.values = number, append(n.values, v)
	}
	if !ok {
		return append(b, 0), false
	}
	return binary.AppendUvarint(b, number+1), true
}

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
		b = d.appendPermission(b, &a.Permissions[i])
	}
	return b
}

func (d *dictionary) appendPermission(b []byte, p *audit.Permission) []byte {
	texts := [...]string{p.Action, p.Resource.Type, p.Resource.ID, p.Resource.Name, p.Resource.OrgID, p.Resource.Org}
	size := 0
	for _, s := range texts {
		size += len(s)
	}
	b, ok := d.permissions.append(b, *p, size)
	if ok {
		return b
	}
	for _, s := range texts {
		b = d.appendText(b, s)
	}
	return b
}

func (d *dictionary) appendText(b []byte, s string) []byte {
	b, ok := d.texts.append(b, s, len(s))
	if ok {
		return b
	}
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
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
		ps[i] = r.permission()
	}
	return ps
}

func (r *rowReader) permission() audit.Permission {
	switch n := r.number(); {
	case n == 0:
		return audit.Permission{Action: r.text(), Resource: audit.Resource{Type: r.text(), ID: r.text(), Name: r.text(), OrgID: r.text(), Org: r.text()}}
	case n <= len(r.dictionary.permissions.values):
		return r.dictionary.permissions.values[n-1]
	}
	r.broken = true
	return audit.Permission{}
}

func (r *rowReader) text() string {
	switch n := r.number(); {
	case n == 0:
		return string(r.take(r.number()))
	case n <= len(r.texts.values):
		return r.texts.values[n-1]
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
