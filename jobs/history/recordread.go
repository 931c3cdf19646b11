package history

import (
	"bytes"
	"encoding/json"
	"time"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
)

// recordReader reads lines as appendRecord writes them: the same members in the
// same order, without a space. What looks different, such as a member that it does
// not know, it leaves to encoding/json: tests hold it to give the same. Texts that
// come again and again are kept once.
type recordReader struct {
	lineReader
	names       *audit.Texts
	details     *audit.Texts // apart, as there may be any number of them
	permissions []audit.Permission
	findings    []audit.Finding
	unique      []byte
}

func newRecordReader() *recordReader {
	return &recordReader{names: audit.NewTexts(), details: audit.NewTexts()}
}

func (rr *recordReader) read(line []byte) (audit.Record, error) {
	var r audit.Record
	if rr.usual(line, &r) {
		return r, nil
	}
	r = audit.Record{}
	return r, json.Unmarshal(line, &r)
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
	rr.owner(&r.Owner)
	r.OrgDeleted = rr.has(`,"orgDeleted":true`)
	if rr.has(`,"changes":`) {
		rr.any(&r.Changes)
	}
	r.FirstSeen = rr.time(`,"firstSeen":`)
	r.LastSeen = rr.time(`,"lastSeen":`)
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
	a.UserID = rr.name(`,"userID":`)
	a.User = rr.optionalName(`,"user":`)
	description := rr.text(`,"description":`)
	rr.unique = append(append(rr.unique[:0], id...), description...)
	unique := string(rr.unique) // one allocation for the two that are no text that comes again
	a.ID, a.Description = unique[:len(id)], unique[len(id):]
	a.Status = audit.Status(rr.name(`,"status":`))
	if !rr.has(`,"permissions":null`) {
		a.Permissions = rr.permissionList()
	}
	a.CreatedAt = rr.optionalTime(`,"createdAt":`)
	a.UpdatedAt = rr.optionalTime(`,"updatedAt":`)
	a.Legacy = rr.has(`,"legacy":true`)
}

func (rr *recordReader) permissionList() []audit.Permission {
	ps := rr.permissions[:0]
	rr.want(`,"permissions":[`)
	for first := true; rr.another(first); first = false {
		p := audit.Permission{Action: rr.name(`{"action":`)}
		r := &p.Resource
		r.Type = rr.name(`,"resource":{"type":`)
		r.ID = rr.optionalName(`,"id":`)
		r.Name = rr.optionalName(`,"name":`)
		r.OrgID = rr.optionalName(`,"orgID":`)
		r.Org = rr.optionalName(`,"org":`)
		rr.want("}}")
		ps = append(ps, p)
	}
	rr.permissions = ps
	return append(make([]audit.Permission, 0, len(ps)), ps...)
}

func (rr *recordReader) owner(o *audit.Owner) {
	o.ID = rr.name(`,"owner":{"id":`)
	o.Name = rr.optionalName(`,"name":`)
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
		f.Since = rr.time(`,"since":`)
		if rr.has(`,"approval":`) {
			rr.any(&f.Approval)
		}
		rr.want("}")
		fs = append(fs, f)
	}
	rr.findings = fs
	return append(make([]audit.Finding, 0, len(fs)), fs...)
}

func (rr *recordReader) name(key string) string { return rr.names.Of(rr.text(key)) }

func (rr *recordReader) optionalName(key string) string { return rr.names.Of(rr.optional(key)) }

// lineReader takes a line apart. It is unusual once something is not as expected,
// and what it gives then means nothing.
type lineReader struct {
	rest    []byte
	unusual bool

	newest     []byte // text of newestTime: times come again and again
	newestTime time.Time
}

// has takes what is expected if it comes next.
func (l *lineReader) has(what string) bool {
	if len(l.rest) < len(what) || string(l.rest[:len(what)]) != what {
		return false
	}
	l.rest = l.rest[len(what):]
	return true
}

func (l *lineReader) want(what string) {
	if !l.has(what) {
		l.unusual, l.rest = true, nil
	}
}

// another reports whether a list goes on; it takes the comma, or the end.
func (l *lineReader) another(first bool) bool {
	if l.unusual || l.has("]") {
		return false
	}
	if !first {
		l.want(",")
	}
	return !l.unusual
}

// optional is for a member that is left out when it is empty.
func (l *lineReader) optional(key string) []byte {
	if len(l.rest) < len(key) || string(l.rest[:len(key)]) != key {
		return nil
	}
	return l.text(key)
}

// text takes a member that is a string. It is valid as long as the line.
func (l *lineReader) text(key string) []byte {
	l.want(key)
	l.want(`"`)
	for i, c := range l.rest {
		switch {
		case c == '"':
			text := l.rest[:i]
			l.rest = l.rest[i+1:]
			return text
		case c == '\\':
			return l.escapedText(i)
		case c < ' ':
			l.unusual, l.rest = true, nil
			return nil
		}
	}
	l.unusual, l.rest = true, nil
	return nil
}

// escapedText takes a string whose first escape is at i.
func (l *lineReader) escapedText(i int) []byte {
	for ; i < len(l.rest) && l.rest[i] != '"'; i++ {
		if l.rest[i] == '\\' {
			i++
		}
	}
	if i >= len(l.rest) {
		l.unusual, l.rest = true, nil
		return nil
	}
	quoted := append(append([]byte{'"'}, l.rest[:i]...), '"')
	l.rest = l.rest[i+1:]
	var s string
	l.unusual = json.Unmarshal(quoted, &s) != nil || l.unusual
	return []byte(s)
}

func (l *lineReader) optionalTime(key string) time.Time {
	if len(l.rest) < len(key) || string(l.rest[:len(key)]) != key {
		return time.Time{}
	}
	return l.time(key)
}

func (l *lineReader) time(key string) time.Time {
	l.want(key)
	if bytes.HasPrefix(l.rest, l.newest) && len(l.newest) > 0 {
		l.rest = l.rest[len(l.newest):]
		return l.newestTime
	}
	before := l.rest
	text := l.text("")
	quoted := before[:len(before)-len(l.rest)]
	var t time.Time
	if l.unusual || len(quoted) != len(text)+2 || t.UnmarshalText(text) != nil {
		l.unusual, l.rest = true, nil
		return time.Time{}
	}
	l.newest, l.newestTime = append(l.newest[:0], quoted...), t
	return t
}

// any is for what is rare.
func (l *lineReader) any(v any) {
	dec := json.NewDecoder(bytes.NewReader(l.rest))
	if dec.Decode(v) != nil {
		l.unusual, l.rest = true, nil
		return
	}
	l.rest = l.rest[dec.InputOffset():]
}
