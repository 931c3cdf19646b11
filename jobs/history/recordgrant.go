package history

import (
	"bytes"
	"hash/maphash"

	"tokenaudit/jobs/audit"
)

// grants keeps the newest permissions by the bytes that they were read from: a
// population has few different ones, and to compare the whole of one is cheaper than
// to look up its six texts.
type grants struct {
	seed  maphash.Seed
	slots [1 << 12]*grant // by the hash of raw
}

type grant struct {
	raw        []byte
	permission audit.Permission
}

// longestGrant bounds the memory of grants.
const longestGrant = 512

func newGrants() *grants { return &grants{seed: maphash.MakeSeed()} }

// grant takes a permission. Only one that permission took to the byte is kept: it
// would take the same bytes for the same again.
func (rr *recordReader) grant() (p audit.Permission) {
	raw := rr.rest[:min(bytes.IndexByte(rr.rest, '}')+2, len(rr.rest))]
	if len(raw) > longestGrant {
		rr.permission(&p)
		return p
	}
	slot := &rr.grants.slots[maphash.Bytes(rr.grants.seed, raw)%uint64(len(rr.grants.slots))]
	if *slot == nil {
		*slot = new(grant)
	}
	g := *slot
	if len(raw) > 0 && bytes.Equal(g.raw, raw) {
		rr.rest = rr.rest[len(raw):]
		return g.permission
	}
	left := len(rr.rest) - len(raw)
	rr.permission(&p)
	if !rr.unusual && len(rr.rest) == left {
		g.raw, g.permission = append(g.raw[:0], raw...), p
	}
	return p
}

func (rr *recordReader) permission(p *audit.Permission) {
	p.Action = rr.name(`{"action":`)
	r := &p.Resource
	r.Type = rr.name(`,"resource":{"type":`)
	r.ID = rr.optionalName(`,"id":`)
	r.Name = rr.optionalName(`,"name":`)
	r.OrgID = rr.optionalName(`,"orgID":`)
	r.Org = rr.optionalName(`,"org":`)
	rr.want("}}")
}
