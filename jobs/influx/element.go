package influx

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"tokenaudit/jobs/audit"
)

// elementDecoder decodes elements of a list one after the other, in the same room.
// Texts that come again and again, such as the names of users and buckets, are kept
// once.
type elementDecoder struct {
	d           *jx.Decoder
	text        []byte // of the newest string
	names       *audit.Texts
	permissions []audit.Permission
	wire        wire
	unique      []byte // ID and description, which are no text that comes again
}

func newElementDecoder() *elementDecoder {
	return &elementDecoder{d: jx.DecodeBytes(nil), names: audit.NewTexts()}
}

// errUnusual is an element that encoding/json has to decode.
var errUnusual = errors.New("not as servers write it")

func (ed *elementDecoder) usual(raw []byte, w *wire) bool {
	if !utf8.Valid(raw) || bytes.Contains(raw, []byte(`\ud`)) || bytes.Contains(raw, []byte(`\uD`)) {
		return false // the libraries differ in what they make of half a character
	}
	ed.d.ResetBytes(raw)
	ed.unique = ed.unique[:0]
	var id, description span
	err := ed.object(func(key []byte) error {
		switch string(key) {
		case "id":
			return ed.keep(&id)
		case "description":
			return ed.keep(&description)
		}
		return ed.member(key, w)
	})
	unique := string(ed.unique) // one allocation for both
	w.ID, w.Description = unique[id.from:id.to], unique[description.from:description.to]
	return err == nil && ed.d.Skip() == io.EOF
}

func (ed *elementDecoder) object(member func(key []byte) error) error {
	it, err := ed.d.ObjIter()
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

func (ed *elementDecoder) member(key []byte, w *wire) error {
	switch string(key) {
	case "token":
		return ed.literal(w.Token.UnmarshalJSON)
	case "status":
		return name(ed, &w.Status)
	case "orgID":
		return name(ed, &w.OrgID)
	case "org":
		return name(ed, &w.Org)
	case "userID":
		return name(ed, &w.UserID)
	case "user":
		return name(ed, &w.User)
	case "permissions":
		return ed.permissionList(&w.Permissions)
	case "createdAt":
		return ed.literal(w.CreatedAt.UnmarshalJSON)
	case "updatedAt":
		return ed.literal(w.UpdatedAt.UnmarshalJSON)
	}
	return ed.unknown(key)
}

// unknown passes over a member, unless encoding/json would know it: there the case
// of letters does not matter.
func (ed *elementDecoder) unknown(key []byte) error {
	for _, known := range [...]string{"id", "token", "status", "description", "orgID", "org", "userID", "user", "permissions", "createdAt", "updatedAt"} {
		if bytes.EqualFold(key, []byte(known)) {
			return errUnusual
		}
	}
	return ed.d.Skip()
}

func (ed *elementDecoder) permissionList(into *[]audit.Permission) error {
	if *into != nil {
		return errUnusual
	}
	it, err := ed.d.ArrIter()
	if err != nil {
		return err
	}
	if ed.permissions == nil {
		ed.permissions = []audit.Permission{} // an empty list is not null
	}
	ps := ed.permissions[:0]
	for it.Next() {
		ps = append(ps, audit.Permission{})
		p := &ps[len(ps)-1]
		if err := ed.object(func(key []byte) error { return ed.permission(key, p) }); err != nil {
			return err
		}
	}
	*into, ed.permissions = ps, ps
	return it.Err()
}

func (ed *elementDecoder) permission(key []byte, p *audit.Permission) error {
	switch string(key) {
	case "action":
		return name(ed, &p.Action)
	case "resource":
		return ed.object(func(key []byte) error { return ed.resource(key, &p.Resource) })
	}
	return errUnusual
}

func (ed *elementDecoder) resource(key []byte, r *audit.Resource) error {
	switch string(key) {
	case "type":
		return name(ed, &r.Type)
	case "id":
		return name(ed, &r.ID)
	case "name":
		return name(ed, &r.Name)
	case "orgID":
		return name(ed, &r.OrgID)
	case "org":
		return name(ed, &r.Org)
	}
	return errUnusual
}

func (ed *elementDecoder) next() (err error) {
	ed.text, err = ed.d.StrAppend(ed.text[:0])
	return err
}

// span is a part of unique.
type span struct{ from, to int }

func (ed *elementDecoder) keep(s *span) (err error) {
	from := len(ed.unique)
	if ed.unique, err = ed.d.StrAppend(ed.unique); err == nil {
		*s = span{from, len(ed.unique)}
	}
	return err
}

func name[T ~string](ed *elementDecoder, s *T) error {
	err := ed.next()
	*s = T(ed.names.Of(ed.text))
	return err
}

// literal hands on a string as it stands in the answer.
func (ed *elementDecoder) literal(take func([]byte) error) error {
	if ed.d.Next() != jx.String {
		return errUnusual
	}
	raw, err := ed.d.Raw()
	if err != nil {
		return err
	}
	return take(raw)
}
