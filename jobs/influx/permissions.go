package influx

import (
	"bytes"
	"hash/maphash"

	"tokenaudit/jobs/audit"
)

// knownPermissions are some of those decoded, by the very bytes that they were: two
// thirds of a list are permissions, and few different ones come again and again. A
// new one may take the place of another.
type knownPermissions struct {
	seed  maphash.Seed
	slots []*knownPermission
}

type knownPermission struct {
	raw        []byte
	permission audit.Permission
}

// Limits of what is known.
const (
	mostPermissions   = 1 << 12
	longestPermission = 512
)

func newKnownPermissions() knownPermissions {
	return knownPermissions{maphash.MakeSeed(), make([]*knownPermission, mostPermissions)}
}

func (k *knownPermissions) slot(raw []byte) *knownPermission {
	slot := &k.slots[maphash.Bytes(k.seed, raw)%mostPermissions]
	if *slot == nil {
		*slot = new(knownPermission)
	}
	return *slot
}

// likelyPermission goes to the second closing brace, where a permission ends that
// has none in its texts. No other is ever known.
func likelyPermission(b []byte) []byte {
	b = b[:min(len(b), longestPermission)]
	resource := bytes.IndexByte(b, '}') + 1
	end := bytes.IndexByte(b[resource:], '}') + 1
	if resource == 0 || end == 0 {
		return nil
	}
	return b[:resource+end]
}

func (ed *elementDecoder) permissionList(into *[]audit.Permission) {
	if *into != nil {
		ed.fail() // encoding/json decodes the second into the first
		return
	}
	ps := ed.permissions[:0]
	ed.want('[')
	for first := true; ed.another(first, ']'); first = false {
		ps = append(ps, audit.Permission{})
		ed.nextPermission(&ps[len(ps)-1])
	}
	*into, ed.permissions = ps, ps
}

func (ed *elementDecoder) nextPermission(p *audit.Permission) {
	ed.next()
	from := ed.at
	raw := likelyPermission(ed.window[from:])
	slot := ed.known.slot(raw)
	if len(raw) > 0 && bytes.Equal(raw, slot.raw) {
		*p = slot.permission
		ed.at += len(raw)
		return
	}
	ed.permission(p)
	if !ed.unusual && ed.at-from == len(raw) {
		slot.raw, slot.permission = append(slot.raw[:0], raw...), *p
	}
}

func (ed *elementDecoder) permission(p *audit.Permission) {
	ed.want('{')
	for first := true; ed.another(first, '}'); first = false {
		switch string(ed.key()) {
		case "action":
			p.Action = ed.name()
		case "resource":
			ed.resource(&p.Resource)
		default:
			ed.fail()
		}
	}
}

func (ed *elementDecoder) resource(r *audit.Resource) {
	ed.want('{')
	for first := true; ed.another(first, '}'); first = false {
		switch string(ed.key()) {
		case "type":
			r.Type = ed.name()
		case "id":
			r.ID = ed.name()
		case "name":
			r.Name = ed.name()
		case "orgID":
			r.OrgID = ed.name()
		case "org":
			r.Org = ed.name()
		default:
			ed.fail()
		}
	}
}
