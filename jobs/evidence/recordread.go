package evidence

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
)

// recordReader reads lines as recordWriter writes them: the same members in the
// same order, without a space. What looks different, such as a member that it does
// not know, it leaves to encoding/json: tests hold it to give the same. Texts that
// come again and again are kept once.
type recordReader struct {
	lineReader
	names       *audit.Texts
	details     *audit.Texts // apart, as most of the longer ones come once
	known       *audit.KnownPermissions
	permissions []audit.Permission
	findings    []audit.Finding
	two         []byte

	created, first, last, since newestTime
}

func newRecordReader() *recordReader {
	return &recordReader{names: audit.NewTexts(), details: audit.NewestTexts(), known: audit.NewKnownPermissions()}
}

func (rr *recordReader) read(line []byte) (r audit.Record, err error) {
	if !rr.usual(line, &r) {
		return unusual(line)
	}
	return r, nil
}

func unusual(line []byte) (r audit.Record, err error) {
	err = json.Unmarshal(line, &r)
	return r, err
}

func (rr *recordReader) usual(line []byte, r *audit.Record) bool {
	if !utf8.Valid(line) {
		return false
	}
	rr.rest, rr.unusual = line, false
	r.Target = rr.name(`{"target":`)
	rr.authorization(&r.Authorization)
	r.Presence = audit.Presence(rr.name(`,"presence":`))
	r.Evidence = string(rr.optional(`,"evidence":`))
	rr.owner(&r.Owner, &r.Authorization)
	r.OrgDeleted = rr.has(`,"orgDeleted":true`)
	if rr.has(`,"changes":`) {
		r.Changes = rr.changes()
	}
	r.FirstSeen = rr.time(`,"firstSeen":`, &rr.first)
	r.LastSeen = rr.time(`,"lastSeen":`, &rr.last)
	if rr.has(`,"findings":[`) {
		r.Findings = rr.findingList()
	}
	rr.want("}\n")
	return !rr.unusual && len(rr.rest) == 0
}

func (rr *recordReader) authorization(a *audit.Authorization) {
	id := rr.text(`,"id":`)
	a.OrgID = rr.name(`,"orgID":`)
	a.Org = rr.optionalName(`,"org":`)
	a.UserID, a.User = rr.both(rr.text(`,"userID":`), rr.optional(`,"user":`))
	a.ID, a.Description = rr.both(id, rr.text(`,"description":`))
	a.Status = audit.Status(rr.name(`,"status":`))
	if !rr.has(`,"permissions":null`) {
		a.Permissions = rr.permissionList()
	}
	a.CreatedAt = rr.optionalTime(`,"createdAt":`, &rr.created)
	a.UpdatedAt = rr.optionalTime(`,"updatedAt":`, &rr.created)
	a.Legacy = rr.has(`,"legacy":true`)
}

// both is for texts of which there are so many that to copy them is cheaper than to
// look them up: two in one allocation.
func (rr *recordReader) both(a, b []byte) (string, string) {
	rr.two = append(append(rr.two[:0], a...), b...)
	two := string(rr.two)
	return two[:len(a)], two[len(a):]
}

func (rr *recordReader) permissionList() []audit.Permission {
	ps := rr.permissions[:0]
	rr.want(`,"permissions":[`)
	for first := true; rr.another(first); first = false {
		ps = append(ps, rr.nextPermission())
	}
	rr.permissions = ps
	return append(make([]audit.Permission, 0, len(ps)), ps...)
}

// nextPermission takes one at once if it is known. Only one that permission took to
// the byte becomes known: it would take the same bytes for the same again.
func (rr *recordReader) nextPermission() (p audit.Permission) {
	raw := rr.rest[:min(bytes.IndexByte(rr.rest, '}')+2, len(rr.rest))]
	if known, ok := rr.known.Of(raw); ok {
		rr.rest = rr.rest[len(raw):]
		return known
	}
	left := len(rr.rest) - len(raw)
	rr.permission(&p)
	if !rr.unusual && len(rr.rest) == left {
		rr.known.Keep(raw, p)
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

func (rr *recordReader) owner(o *audit.Owner, a *audit.Authorization) {
	o.ID = rr.nameLike(a.UserID, rr.text(`,"owner":{"id":`))
	o.Name = rr.nameLike(a.User, rr.optional(`,"name":`))
	o.State = audit.OwnerState(rr.name(`,"state":`))
	o.MembershipKnown = rr.has(`,"membershipKnown":true`)
	o.Evidence = rr.optionalName(`,"evidence":`)
	rr.want("}")
}

func (rr *recordReader) findingList() []audit.Finding {
	fs := rr.findings[:0]
	for first := true; rr.another(first); first = false {
		f := audit.Finding{Check: rr.name(`{"check":`)}
		f.Severity = audit.Severity(rr.name(`,"severity":`))
		f.Detail = rr.details.Of(rr.optional(`,"detail":`))
		f.State = audit.FindingState(rr.name(`,"state":`))
		f.Since = rr.time(`,"since":`, &rr.since)
		if rr.has(`,"approval":`) {
			f.Approval = rr.approval()
		}
		rr.want("}")
		fs = append(fs, f)
	}
	rr.findings = fs
	return append(make([]audit.Finding, 0, len(fs)), fs...)
}

// What is rare is decoded into a variable of its own, as that is allocated.

func (rr *recordReader) changes() (cs []audit.Change) {
	rr.any(&cs)
	return cs
}

func (rr *recordReader) approval() (a *audit.Approval) {
	rr.any(&a)
	return a
}

func (rr *recordReader) name(key string) string { return rr.names.Of(rr.text(key)) }

func (rr *recordReader) optionalName(key string) string { return rr.names.Of(rr.optional(key)) }

// nameLike is for a name that is likely to be the known one.
func (rr *recordReader) nameLike(known string, name []byte) string {
	if string(name) == known {
		return known
	}
	return rr.names.Of(name)
}
