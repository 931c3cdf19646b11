package influx

import (
	"bytes"

	"tokenaudit/jobs/audit"
)

// likelyPermission goes to the second closing brace, where a permission ends that
// has none in its texts. No other is ever known.
func likelyPermission(b []byte) []byte {
	b = b[:min(len(b), audit.LongestKnown)]
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
	if known, ok := ed.known.Of(raw); ok {
		*p = known
		ed.at += len(raw)
		return
	}
	ed.permission(p)
	if !ed.unusual && ed.at-from == len(raw) {
		ed.known.Keep(raw, *p)
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
