package influx

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"tokenaudit/jobs/audit"
)

// wire is an authorization as the API sends it. Of the token it keeps only
// whether there was a value to read: the value is dropped while decoding and
// never enters the program's model.
type wire struct {
	ID          string             `json:"id"`
	OrgID       string             `json:"orgID"`
	Org         string             `json:"org"`
	UserID      string             `json:"userID"`
	User        string             `json:"user"`
	Description string             `json:"description"`
	Status      audit.Status       `json:"status"`
	Permissions []audit.Permission `json:"permissions"`
	CreatedAt   lenientTime        `json:"createdAt"`
	UpdatedAt   lenientTime        `json:"updatedAt"`
	Token       readable           `json:"token"`
}

// entry is an authorization with what the answer told beside it.
type entry struct {
	audit.Authorization
	tokenReadable bool
}

// readable is true for a token value in clear. Hashed tokens come as "", those of
// Cloud as "redacted". A 1.x authorization has its user name there.
type readable bool

func (r *readable) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `""`, `null`, `"redacted"`:
		*r = false
	default:
		*r = true
	}
	return nil
}

// lenientTime is zero where the server sends no time or one of another form; an
// unreadable date must not hide an authorization.
type lenientTime struct{ time.Time }

func (t *lenientTime) UnmarshalJSON(b []byte) error {
	if t.Time.UnmarshalJSON(b) != nil {
		t.Time = time.Time{}
	}
	return nil
}

func (w wire) entry() (entry, error) {
	if w.ID == "" {
		return entry{}, errors.New("an authorization without an id")
	}
	return entry{audit.Authorization{
		ID: w.ID, OrgID: w.OrgID, Org: w.Org, UserID: w.UserID, User: w.User,
		Description: w.Description, Status: w.Status, Permissions: w.Permissions,
		CreatedAt: w.CreatedAt.UTC(), UpdatedAt: w.UpdatedAt.UTC(),
	}, bool(w.Token)}, nil
}

// decodeList reads {"authorizations": [...]} and hands on one authorization at a
// time. The key must be there, once, with an array, and the document must end
// properly: a cut or foreign 200 is an error, not an empty list.
func decodeList(r io.Reader, each func(entry) error) error {
	dec := json.NewDecoder(r)
	if err := expect(dec, json.Delim('{')); err != nil {
		return err
	}
	found := false
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return cut(err)
		}
		if key != "authorizations" {
			if err := skip(dec); err != nil {
				return err
			}
			continue
		}
		if found {
			return errors.New(`the key "authorizations" is there twice`)
		}
		found = true
		if err := decodeArray(dec, each); err != nil {
			return err
		}
	}
	if err := expect(dec, json.Delim('}')); err != nil {
		return err
	}
	if !found {
		return errors.New(`no key "authorizations" in the answer`)
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("something follows the end of the document")
	}
	return nil
}

func decodeArray(dec *json.Decoder, each func(entry) error) error {
	if err := expect(dec, json.Delim('[')); err != nil {
		return err
	}
	for dec.More() {
		var w wire
		if err := dec.Decode(&w); err != nil {
			return cut(err)
		}
		e, err := w.entry()
		if err != nil {
			return err
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return expect(dec, json.Delim(']'))
}

func expect(dec *json.Decoder, want json.Delim) error {
	got, err := dec.Token()
	if err != nil {
		return cut(err)
	}
	if got != want {
		return fmt.Errorf("expected %s and got something else", want)
	}
	return nil
}

// skip passes over one value, keeping one string of it at a time.
func skip(dec *json.Decoder) error {
	depth := 0
	for {
		token, err := dec.Token()
		if err != nil {
			return cut(err)
		}
		if d, ok := token.(json.Delim); ok {
			if d == '{' || d == '[' {
				depth++
			} else {
				depth--
			}
		}
		if depth == 0 {
			return nil
		}
	}
}

// cut names an end of input in the middle of a document for what it is.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
