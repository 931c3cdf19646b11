package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"tokenaudit/jobs/audit"
)

// recordReader reads lines as appendRecord writes them. What looks different, such
// as a key that it does not know, it leaves to encoding/json: tests hold it to give
// the same. Texts that come again and again are kept once.
type recordReader struct {
	d           *jx.Decoder
	text        []byte // of the newest string
	names       interned
	details     interned // apart, as there may be any number of them
	permissions []audit.Permission
	findings    []audit.Finding
}

func newRecordReader() *recordReader {
	return &recordReader{d: jx.DecodeBytes(nil), names: interned{}, details: interned{}}
}

// errUnusual is a line that encoding/json has to read.
var errUnusual = errors.New("not as written")

func (rr *recordReader) read(line []byte) (audit.Record, error) {
	var r audit.Record
	if rr.usual(line, &r) {
		return r, nil
	}
	r = audit.Record{}
	return r, json.Unmarshal(line, &r)
}

func (rr *recordReader) usual(line []byte, r *audit.Record) bool {
	if !utf8.Valid(line) || bytes.Contains(line, []byte(`\ud`)) || bytes.Contains(line, []byte(`\uD`)) {
		return false // the libraries differ in what they make of half a character
	}
	rr.d.ResetBytes(line)
	err := rr.object(func(key []byte) error { return rr.member(key, r) })
	return err == nil && rr.d.Skip() == io.EOF
}

func (rr *recordReader) object(member func(key []byte) error) error {
	it, err := rr.d.ObjIter()
	if err != nil {
		return err
	}
	for it.Next() {
		if err := member(it.Key()); err != nil {
			return err
		}
	}
	return it.Err()
}

func (rr *recordReader) member(key []byte, r *audit.Record) error {
	switch string(key) {
	case "target":
		return rr.name(&r.Target)
	case "presence":
		return name(rr, &r.Presence)
	case "evidence":
		return rr.string(&r.Evidence)
	case "owner":
		return rr.object(func(key []byte) error { return rr.owner(key, &r.Owner) })
	case "orgDeleted":
		return rr.bool(&r.OrgDeleted)
	case "changes":
		return rr.any(&r.Changes)
	case "firstSeen":
		return rr.time(&r.FirstSeen)
	case "lastSeen":
		return rr.time(&r.LastSeen)
	case "findings":
		return rr.findingList(&r.Findings)
	}
	return rr.authorization(key, &r.Authorization)
}

func (rr *recordReader) authorization(key []byte, a *audit.Authorization) error {
	switch string(key) {
	case "id":
		return rr.string(&a.ID)
	case "orgID":
		return rr.name(&a.OrgID)
	case "org":
		return rr.name(&a.Org)
	case "userID":
		return rr.name(&a.UserID)
	case "user":
		return rr.name(&a.User)
	case "description":
		return rr.string(&a.Description)
	case "status":
		return name(rr, &a.Status)
	case "permissions":
		return rr.permissionList(&a.Permissions)
	case "createdAt":
		return rr.time(&a.CreatedAt)
	case "updatedAt":
		return rr.time(&a.UpdatedAt)
	case "legacy":
		return rr.bool(&a.Legacy)
	}
	return errUnusual
}

func (rr *recordReader) owner(key []byte, o *audit.Owner) error {
	switch string(key) {
	case "id":
		return rr.name(&o.ID)
	case "name":
		return rr.name(&o.Name)
	case "state":
		return name(rr, &o.State)
	case "membershipKnown":
		return rr.bool(&o.MembershipKnown)
	case "evidence":
		return rr.name(&o.Evidence)
	}
	return errUnusual
}

func (rr *recordReader) permissionList(into *[]audit.Permission) error {
	if rr.d.Next() == jx.Null {
		return rr.d.Null()
	}
	if *into != nil {
		return errUnusual
	}
	it, err := rr.d.ArrIter()
	if err != nil {
		return err
	}
	rr.permissions = rr.permissions[:0]
	for it.Next() {
		rr.permissions = append(rr.permissions, audit.Permission{})
		p := &rr.permissions[len(rr.permissions)-1]
		if err := rr.object(func(key []byte) error { return rr.permission(key, p) }); err != nil {
			return err
		}
	}
	*into = append(make([]audit.Permission, 0, len(rr.permissions)), rr.permissions...)
	return it.Err()
}

func (rr *recordReader) permission(key []byte, p *audit.Permission) error {
	switch string(key) {
	case "action":
		return rr.name(&p.Action)
	case "resource":
		return rr.object(func(key []byte) error { return rr.resource(key, &p.Resource) })
	}
	return errUnusual
}

func (rr *recordReader) resource(key []byte, r *audit.Resource) error {
	switch string(key) {
	case "type":
		return rr.name(&r.Type)
	case "id":
		return rr.name(&r.ID)
	case "name":
		return rr.name(&r.Name)
	case "orgID":
		return rr.name(&r.OrgID)
	case "org":
		return rr.name(&r.Org)
	}
	return errUnusual
}

func (rr *recordReader) findingList(into *[]audit.Finding) error {
	if *into != nil {
		return errUnusual
	}
	it, err := rr.d.ArrIter()
	if err != nil {
		return err
	}
	rr.findings = rr.findings[:0]
	for it.Next() {
		rr.findings = append(rr.findings, audit.Finding{})
		f := &rr.findings[len(rr.findings)-1]
		if err := rr.object(func(key []byte) error { return rr.finding(key, f) }); err != nil {
			return err
		}
	}
	*into = append(make([]audit.Finding, 0, len(rr.findings)), rr.findings...)
	return it.Err()
}

func (rr *recordReader) finding(key []byte, f *audit.Finding) error {
	switch string(key) {
	case "check":
		return rr.name(&f.Check)
	case "severity":
		return name(rr, &f.Severity)
	case "detail":
		if err := rr.next(); err != nil {
			return err
		}
		f.Detail = rr.details.text(rr.text)
		return nil
	case "state":
		return name(rr, &f.State)
	case "since":
		return rr.time(&f.Since)
	case "approval":
		return rr.any(&f.Approval)
	}
	return errUnusual
}

func (rr *recordReader) next() (err error) {
	rr.text, err = rr.d.StrAppend(rr.text[:0])
	return err
}

func (rr *recordReader) string(s *string) error {
	err := rr.next()
	*s = string(rr.text)
	return err
}

func (rr *recordReader) name(s *string) error { return name(rr, s) }

func name[T ~string](rr *recordReader, s *T) error {
	err := rr.next()
	*s = T(rr.names.text(rr.text))
	return err
}

func (rr *recordReader) bool(v *bool) (err error) {
	*v, err = rr.d.Bool()
	return err
}

func (rr *recordReader) time(t *time.Time) error {
	if err := rr.next(); err != nil {
		return err
	}
	return t.UnmarshalText(rr.text)
}

// any is for what is rare.
func (rr *recordReader) any(v any) error {
	raw, err := rr.d.Raw()
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

// interned are texts that are kept once.
type interned map[string]string

// Limits of what is kept once; what is beyond them is no less right.
const (
	mostInterned    = 1 << 16
	longestInterned = 128
)

func (in interned) text(b []byte) string {
	if s, ok := in[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(in) < mostInterned && len(b) <= longestInterned {
		in[s] = s
	}
	return s
}
