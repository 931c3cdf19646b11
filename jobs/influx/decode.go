package influx

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"tokenaudit/jobs/audit"
)

// wire is an authorization as the API sends it. It has no field for the token:
// the value is dropped while decoding and never enters the program's model.
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

func (w wire) authorization() (audit.Authorization, error) {
	if w.ID == "" {
		return audit.Authorization{}, errors.New("an authorization without an id")
	}
	return audit.Authorization{
		ID: w.ID, OrgID: w.OrgID, Org: w.Org, UserID: w.UserID, User: w.User,
		Description: w.Description, Status: w.Status, Permissions: w.Permissions,
		CreatedAt: w.CreatedAt.UTC(), UpdatedAt: w.UpdatedAt.UTC(),
	}, nil
}

// decodeList reads {"authorizations": [...]} and hands on one authorization at a
// time. The key must be there, once, with an array, and the document must end
// properly: a cut or foreign 200 is an error, not an empty list.
func decodeList(r io.Reader, each func(audit.Authorization) error) error {
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

func decodeArray(dec *json.Decoder, each func(audit.Authorization) error) error {
	if err := expect(dec, json.Delim('[')); err != nil {
		return err
	}
	for dec.More() {
		var w wire
		if err := dec.Decode(&w); err != nil {
			return cut(err)
		}
		a, err := w.authorization()
		if err != nil {
			return err
		}
		if err := each(a); err != nil {
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

// skip passes over one value of any size without keeping it.
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
