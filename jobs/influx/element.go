package influx

import (
	"bytes"
	"hash/maphash"

	"tokenaudit/jobs/audit"
)

// elementDecoder decodes elements of a list one after the other, in the same room.
// Texts that come again and again, such as the names of users and buckets, are kept
// once. It is own code as with checks it is X times as fast as encoding/json, where
// the fastest library we tried, go-faster/jx, was 2.4 times.
type elementDecoder struct {
	scanner
	names       *audit.Texts
	known       knownPermissions
	permissions []audit.Permission
	wire        wire
	unique      []byte // ID and description, which are no text that comes again
}

func newElementDecoder() *elementDecoder {
	return &elementDecoder{
		names: audit.NewTexts(), known: newKnownPermissions(),
		permissions: []audit.Permission{}, // an empty list is not null
	}
}

// usual decodes the element that the window begins with, if it is all there and as
// servers write it, and gives its length; else 0.
func (ed *elementDecoder) usual(window []byte, w *wire) int {
	ed.scanner, *w = scanner{window: window, unescaped: ed.unescaped[:0]}, wire{}
	var id, description []byte
	ed.want('{')
	for first := true; ed.another(first, '}'); first = false {
		switch string(ed.key()) {
		case "id":
			id = ed.text()
		case "description":
			description = ed.text()
		case "token":
			ed.literalTo(w.Token.UnmarshalJSON)
		case "status":
			w.Status = audit.Status(ed.name())
		case "orgID":
			w.OrgID = ed.name()
		case "org":
			w.Org = ed.name()
		case "userID":
			w.UserID = ed.name()
		case "user":
			w.User = ed.name()
		case "permissions":
			ed.permissionList(&w.Permissions)
		case "links":
			ed.skipTexts()
		case "createdAt":
			ed.literalTo(w.CreatedAt.UnmarshalJSON)
		case "updatedAt":
			ed.literalTo(w.UpdatedAt.UnmarshalJSON)
		default: // encoding/json may know it: there the case of letters does not matter
			ed.fail()
		}
	}
	if ed.unusual {
		return 0
	}
	ed.unique = append(append(ed.unique[:0], id...), description...)
	unique := string(ed.unique) // one allocation for both
	w.ID, w.Description = unique[:len(id)], unique[len(id):]
	return ed.at
}

func (ed *elementDecoder) name() string { return ed.names.Of(ed.text()) }

func (ed *elementDecoder) literalTo(take func([]byte) error) {
	if raw, _ := ed.literal(); !ed.unusual && take(raw) != nil {
		ed.fail()
	}
}

// skipTexts takes an object of strings.
func (ed *elementDecoder) skipTexts() {
	ed.want('{')
	for first := true; ed.another(first, '}'); first = false {
		ed.key()
		ed.literal()
	}
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

// knownPermissions are some of those decoded, by their very bytes, as few different
// ones come again and again: two thirds of a list are permissions. One takes the
// place of another.
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
