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

	"tokenaudit/jobs/audit"
)

// Bounds of what is held of an answer, whatever the server sends. An operator's
// authorization with its 44 permissions is 8 KiB.
const (
	largestAuthorization = 8 << 20  // bytes of JSON
	mostPermissions      = 100_000  // of one authorization
	largestAnswer        = 16 << 20 // bytes of an answer that is no list of authorizations
)

// tooLarge is a value or an answer over its bound.
type tooLarge struct{ bound string }

func (e *tooLarge) Error() string { return "larger than the limit of " + e.bound }

// bounded gives up reading once the bound is reached; renew begins to count anew.
type bounded struct {
	from        io.Reader
	bound, left int64 // bytes
}

func newBounded(from io.Reader, bound int64) *bounded { return &bounded{from, bound, bound} }

func (b *bounded) renew() { b.left = b.bound }

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &tooLarge{fmt.Sprintf("%d MiB", b.bound>>20)}
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// decoding is how answers are read: bytes that are not UTF-8 become U+FFFD, and of
// members that are there twice the last one counts, both as with encoding/json.
func decoding() json.Options {
	return json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
}

// decodeList reads {"authorizations": [...]} and hands on one authorization at a
// time, whose permissions are valid until each returns. The key must be there,
// once, with an array, and the document must end properly: a cut or foreign 200 is
// an error, not an empty list. An authorization over the bounds is handed on as
// oversized, with its ID if that came before, and the list goes on. The answer may
// say that further pages follow: links.next in the API's own description of it.
func decodeList(r io.Reader, each func(entry) error) (further bool, err error) {
	from := newBounded(r, largestAuthorization)
	dec := jsontext.NewDecoder(from, decoding())
	if err := begin(dec, '{'); err != nil {
		return false, err
	}
	for found := false; ; {
		from.renew()
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
			return further, end(dec)
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
			return further, malformed(err)
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

// begin takes the bracket that an object or array begins with.
func begin(dec *jsontext.Decoder, bracket jsontext.Kind) error {
	token, err := dec.ReadToken()
	switch broken := new(jsontext.SyntacticError); {
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	case err == nil && token.Kind() != bracket, errors.As(err, &broken) && !errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("expected %s but found something else", string(bracket))
	}
	return malformed(err)
}

func end(dec *jsontext.Decoder) error {
	_, err := dec.ReadToken()
	switch broken := new(jsontext.SyntacticError); {
	case err == io.EOF:
		return nil
	case err == nil || errors.As(err, &broken):
		return errors.New("there is more data after the end of the document")
	}
	return err
}

func decodeArray(dec *jsontext.Decoder, from *bounded, each func(entry) error) error {
	if err := begin(dec, '['); err != nil {
		return err
	}
	var w wireAuthorization
	for {
		from.renew()
		if dec.PeekKind() == ']' {
			_, err := dec.ReadToken()
			return err
		}
		w = wireAuthorization{Permissions: permissions{room: w.Permissions.room}}
		err := json.UnmarshalDecode(dec, &w)
		e := w.entry()
		if large := new(tooLarge); errors.As(err, &large) {
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
			return &callbackError{err}
		}
	}
}

// skipRest reads past the rest of the authorization that dec is in the middle of,
// keeping nothing of it, and lets dec go on behind it in the list.
func skipRest(dec *jsontext.Decoder, from *bounded) error {
	depth := dec.StackDepth() - 2 // the document and the list
	if depth < 1 {
		return errors.New("the list contains something that is not an authorization and is larger than any of them")
	}
	rest := bufio.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(dec.UnreadBuffer())), from.from))
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
	from.from = rest
	from.renew()
	dec.Reset(io.MultiReader(strings.NewReader(`{"authorizations":[null`), from), decoding())
	for range 4 {
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
	}
	return nil
}

// callbackError is an error of whoever was handed an authorization, not of the answer.
type callbackError struct{ error }

func (e *callbackError) Unwrap() error { return e.error }

// malformed says what is wrong with an answer without any of its words, which may be
// secrets. The errors of reading it stay as they are.
func malformed(err error) error {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case err == nil || errors.As(err, new(*callbackError)):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF:
		return io.ErrUnexpectedEOF
	case errors.As(err, new(*tooLarge)):
		return err
	case errors.As(err, &syntactic):
		return fmt.Errorf("no JSON after %d bytes", syntactic.ByteOffset)
	case errors.As(err, &semantic):
		return fmt.Errorf("an unexpected kind of value after %d bytes", semantic.ByteOffset)
	}
	return err
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
	misdated  bool      // a date of it is none
	oversized *tooLarge // nothing but its ID was kept, if that
}

// name of the entry where its place in the list is n. An ID that is none is not repeated.
func (e entry) name(n int) string {
	if IsID(e.ID) {
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
	if low := strings.ToLower(id); low != id && IsID(id) {
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
		if len(p.list) == mostPermissions {
			return &tooLarge{fmt.Sprintf("%d permissions", mostPermissions)}
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
	if *t = (lenientTime{}); err == nil && t.Time.UnmarshalJSON(value) != nil {
		*t = lenientTime{none: true}
	}
	return err
}
