package roster

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// json reads an array of users, or the list of users of SCIM: an object whose Resources
// are such an array.
func (l *loading) json(in *bufio.Reader) error {
	dec := jsontext.NewDecoder(in)
	err := l.document(dec)
	if syntax := new(jsontext.SyntacticError); errors.As(err, &syntax) {
		return &lineError{0, syntax.ByteOffset, "not valid JSON, or cut"}
	}
	return err
}

func (l *loading) document(dec *jsontext.Decoder) error {
	token, err := dec.ReadToken()
	switch {
	case err != nil:
		return err
	case token.Kind() == '[':
		err = l.array(dec)
	default:
		err = l.scim(dec)
	}
	if err != nil {
		return err
	}
	if dec.PeekKind() != 0 {
		return &lineError{0, dec.InputOffset(), "there is more data after the end"}
	}
	return nil
}

// scim reads the rest of a list. One that is not whole would make leavers of all others.
func (l *loading) scim(dec *jsontext.Decoder) error {
	total, found := -1, false
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if token.Kind() == '}' {
			break
		}
		switch key := folded(token.String()); {
		case key == "resources" && dec.PeekKind() == '[':
			found = true
			if _, err = dec.ReadToken(); err == nil {
				err = l.array(dec)
			}
		case key == "totalresults" && dec.PeekKind() == '0':
			value, errValue := dec.ReadValue()
			n, bad := strconv.Atoi(string(value))
			if err = errValue; bad == nil {
				total = n
			}
		default:
			err = dec.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	switch {
	case !found:
		return errors.New("neither an array of users nor a SCIM list with Resources")
	case total > l.rows:
		return fmt.Errorf("a SCIM page with %d of %d users: export all of them", l.rows, total)
	}
	return nil
}

func (l *loading) array(dec *jsontext.Decoder) error {
	for dec.PeekKind() != ']' {
		if kind := dec.PeekKind(); kind != '{' && kind != 0 {
			return &lineError{0, dec.InputOffset(), "a user is not an object"}
		}
		var u user
		at := dec.InputOffset()
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		l.rows++
		if err := u.object(dec, ""); err != nil {
			return err
		}
		if err := l.add(u); err != nil {
			return &lineError{0, at, err.Error()}
		}
	}
	_, err := dec.ReadToken()
	return err
}

// object reads the rest of an object. SCIM has its date in meta, and addresses in a list
// of objects.
func (u *user) object(dec *jsontext.Decoder, within string) error {
	for {
		token, err := dec.ReadToken()
		if err != nil || token.Kind() == '}' {
			return err
		}
		if err := u.value(dec, within+folded(token.String())); err != nil {
			return err
		}
	}
}

func (u *user) value(dec *jsontext.Decoder, key string) error {
	f := fields[key]
	if key == "emailsvalue" {
		f = fieldName
	}
	switch kind := dec.PeekKind(); {
	case kind == '{' && (key == "meta" || key == "emails"):
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		return u.object(dec, key)
	case kind == '[' && key == "emails":
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		for dec.PeekKind() != ']' {
			if err := u.value(dec, key); err != nil {
				return err
			}
		}
		_, err := dec.ReadToken()
		return err
	case f == noField || kind == '{' || kind == '[' || kind == 'n':
		return dec.SkipValue()
	}
	at := dec.InputOffset()
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	text := token.String()
	if !valid(text) {
		return &lineError{0, at, fmt.Sprintf("a value is longer than %d bytes", longestCell)}
	}
	u.set(f, text)
	return nil
}
