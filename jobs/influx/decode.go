package influx

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// decodeList reads {"authorizations": [...]} and hands on one authorization at a
// time, whose permissions are valid until each returns. The key must be there,
// once, with an array, and the document must end properly: a cut or foreign 200 is
// an error, not an empty list. An authorization over the bounds is handed on as
// oversized, with its ID if that came before, and the list goes on. The answer may
// say that further pages follow: links.next in the API's own description of it.
func decodeList(r io.Reader, each func(entry) error) (further bool, err error) {
	from := api.NewBounded(r, api.LargestRow)
	dec := jsontext.NewDecoder(from, api.Decoding())
	if err := api.Begin(dec, '{'); err != nil {
		return false, err
	}
	for found := false; ; {
		from.Renew()
		token, err := dec.ReadToken()
		key := ""
		if err == nil && token.Kind() == '"' {
			key = token.String()
		}
		var links pages
		switch {
		case err != nil:
		case token.Kind() == '}' && !found:
			return further, errors.New(`no key "authorizations" in the answer`)
		case token.Kind() == '}':
			return further, api.End(dec)
		case key == "links" && dec.PeekKind() == '{':
			err = json.UnmarshalDecode(dec, &links)
		case key == "next":
			err = json.UnmarshalDecode(dec, &links.Next)
		case key != "authorizations":
			err = dec.SkipValue()
		case found:
			return further, errors.New(`the key "authorizations" appears twice`)
		default:
			found = true
			err = decodeArray(dec, from, each)
		}
		if err != nil {
			return further, api.Malformed(err)
		}
		further = further || links.more()
	}
}

// pages is what a list says of further ones.
type pages struct {
	Next jsontext.Value `json:"next"`
}

func (p pages) more() bool {
	next := string(p.Next)
	return next != "" && next != "null" && next != `""` && next != "false"
}

func decodeArray(dec *jsontext.Decoder, from *api.Bounded, each func(entry) error) error {
	if err := api.Begin(dec, '['); err != nil {
		return err
	}
	var w wireAuthorization
	for {
		from.Renew()
		if dec.PeekKind() == ']' {
			_, err := dec.ReadToken()
			return err
		}
		w = wireAuthorization{Permissions: permissions{room: w.Permissions.room}}
		err := json.UnmarshalDecode(dec, &w)
		e := w.entry()
		if large := new(api.TooLarge); errors.As(err, &large) {
			e = entry{Authorization: audit.Authorization{ID: w.ID}, oversized: large}
			err = skipRest(dec, from)
		}
		switch {
		case err != nil:
			return err
		case e.ID == "" && e.oversized == nil:
			return errors.New("an authorization without an id")
		}
		if err := each(e); err != nil {
			return &api.CallbackError{Err: err}
		}
	}
}

// skipRest reads past the rest of the authorization that dec is in the middle of,
// keeping nothing of it, and lets dec go on behind it in the list.
func skipRest(dec *jsontext.Decoder, from *api.Bounded) error {
	depth := dec.StackDepth() - 2 // the document and the list
	if depth < 1 {
		return errors.New("the list contains something that is not an authorization and is larger than any of them")
	}
	rest := bufio.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(dec.UnreadBuffer())), from.From))
	for quoted := false; depth > 0; {
		c, err := rest.ReadByte()
		if err == nil && quoted && c == '\\' {
			_, err = rest.ReadByte()
		}
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		switch {
		case err != nil:
			return err
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	from.From = rest
	from.Renew()
	dec.Reset(io.MultiReader(strings.NewReader(`{"authorizations":[null`), from), api.Decoding())
	for range 4 {
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
	}
	return nil
}

// wireAuthorization is an authorization as the API sends it. Of the token it keeps only
// whether there was a value to read: the value is dropped while decoding and
// never enters the program's model.
type wireAuthorization struct {
	ID          string       `json:"id"`
	OrgID       string       `json:"orgID"`
	Org         string       `json:"org"`
	UserID      string       `json:"userID"`
	User        string       `json:"user"`
	Description string       `json:"description"`
	Status      audit.Status `json:"status"`
	Permissions permissions  `json:"permissions"`
	CreatedAt   lenientTime  `json:"createdAt"`
	UpdatedAt   lenientTime  `json:"updatedAt"`
	Token       tokenForm    `json:"token"`
}

// entry is an authorization with what the answer told beside it.
type entry struct {
	audit.Authorization
	token     tokenForm
	misdated  bool          // a date of it is none
	oversized *api.TooLarge // nothing but its ID was kept, if that
}

// name of the entry where its place in the list is n. An ID that is none is not repeated.
func (e entry) name(n int) string {
	if target.IsID(e.ID) {
		return e.ID
	}
	return fmt.Sprintf("number %d of the list", n)
}

func (w *wireAuthorization) entry() entry {
	for i := range w.Permissions.list {
		r := &w.Permissions.list[i].Resource
		r.ID, r.OrgID = lowerID(r.ID), lowerID(r.OrgID)
	}
	return entry{Authorization: audit.Authorization{
		ID: lowerID(w.ID), OrgID: lowerID(w.OrgID), Org: w.Org, UserID: lowerID(w.UserID), User: w.User,
		Description: w.Description, Status: w.Status, Permissions: w.Permissions.list,
		CreatedAt: w.CreatedAt.UTC(), UpdatedAt: w.UpdatedAt.UTC(),
	}, token: w.Token, misdated: w.CreatedAt.none || w.UpdatedAt.none}
}

// lowerID writes an ID as InfluxDB does: it reads capitals, too, and so it may be asked
// with them, or a proxy may write them.
func lowerID(id string) string {
	if low := strings.ToLower(id); low != id && target.IsID(id) {
		return low
	}
	return id
}

// permissions are decoded into the room that those of the one before had.
type permissions struct{ list, room []audit.Permission }

func (p *permissions) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	p.list = nil
	if dec.PeekKind() != '[' {
		return json.UnmarshalDecode(dec, &p.list) // null, or an error
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	if p.room == nil {
		p.room = []audit.Permission{} // an empty list is not null
	}
	p.list = p.room[:0]
	for dec.PeekKind() != ']' {
		if len(p.list) == api.MostPermissions {
			return &api.TooLarge{Bound: fmt.Sprintf("%d permissions", api.MostPermissions)}
		}
		p.list = append(p.list, audit.Permission{})
		if err := json.UnmarshalDecode(dec, &p.list[len(p.list)-1]); err != nil {
			return err
		}
	}
	p.room = p.list
	_, err := dec.ReadToken()
	return err
}

// tokenForm is how the value of a token comes. A 1.x authorization has its user name
// there.
type tokenForm byte

const (
	tokenAbsent   tokenForm = iota // as OSS sends hashed ones: ""
	tokenRedacted                  // as Cloud sends all: "redacted"
	tokenInClear
)

func (f *tokenForm) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	switch string(value) {
	case `""`, `null`:
		*f = tokenAbsent
	case `"redacted"`:
		*f = tokenRedacted
	default:
		*f = tokenInClear
	}
	return err
}

// lenientTime is zero where the server sends no time, or, with none, something that is
// no time; an unreadable date must not hide an authorization.
type lenientTime struct {
	time.Time
	none bool
}

func (t *lenientTime) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	*t = lenientTime{}
	if err == nil && (t.Time.UnmarshalJSON(value) != nil || t.Time.UTC().Year() > 9999) { // by its zone, and cannot be written again
		*t = lenientTime{none: true}
	}
	return err
}
