package report

import (
	"encoding/binary"
	"errors"
	"time"

	"tokenaudit/jobs/audit"
)

// A spooled row is its texts, each behind its length, then its times, then its place
// among the authorizations and flags.

// texts of a row that are spooled.
func (r *row) texts() [25]*string {
	return [...]*string{
		&r.Target, &r.ID, &r.OrgID, &r.Org, &r.UserID, &r.User, &r.Description, (*string)(&r.Status),
		(*string)(&r.Presence), &r.Evidence, &r.Owner.Name, (*string)(&r.Owner.State),
		&r.finding.Check, (*string)(&r.finding.Severity), &r.finding.Detail, (*string)(&r.finding.State),
		&r.scope, &r.titles, (*string)(&r.worst), &r.first,
		&r.changed.Field, &r.changed.From, &r.changed.To, (*string)(&r.changed.Severity), &r.changed.what,
	}
}

func (r *row) times() [2]*time.Time { return [...]*time.Time{&r.CreatedAt, &r.finding.Since} }

func appendRow(b []byte, r *row) []byte {
	for _, s := range r.texts() {
		b = append(binary.AppendUvarint(b, uint64(len(*s))), *s...)
	}
	for _, t := range r.times() {
		b = binary.AppendVarint(b, t.Unix()-time.Time{}.Unix())
		b = binary.AppendUvarint(b, uint64(t.Nanosecond()))
	}
	b = binary.AppendUvarint(b, uint64(r.place))
	if r.Legacy {
		return append(b, 1)
	}
	return append(b, 0)
}

var errSpool = errors.New("a spooled row is damaged")

// row reads what appendRow wrote. The texts share the memory of the block.
func (p *rowParser) row(r *row) error {
	for _, text := range r.texts() {
		*text = p.text()
	}
	for _, t := range r.times() {
		seconds := p.signed() + time.Time{}.Unix()
		*t = time.Unix(seconds, int64(p.number())).UTC()
	}
	r.place = int(p.number())
	r.Legacy = p.number() == 1
	r.check = audit.CheckOf(r.finding.Check)
	if !p.ok {
		return errSpool
	}
	return nil
}

// rowParser reads the rows of a block.
type rowParser struct {
	left string
	ok   bool
}

func (p *rowParser) text() string {
	n := p.number()
	if n > uint64(len(p.left)) {
		p.ok = false
		return ""
	}
	text := p.left[:n]
	p.left = p.left[n:]
	return text
}

// number is a varint; encoding/binary reads those of byte slices only.
func (p *rowParser) number() (n uint64) {
	for i := range min(len(p.left), binary.MaxVarintLen64) {
		c := p.left[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			p.left = p.left[i+1:]
			return n
		}
	}
	p.ok = false
	return 0
}

func (p *rowParser) signed() int64 {
	n := p.number()
	return int64(n>>1) ^ -int64(n&1)
}
