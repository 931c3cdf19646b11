package influx

import (
	"encoding/json"
	"errors"
	"io"
)

// listBuffer is how much of a list is decoded while more is read.
const listBuffer = 256 << 10

// decodeList reads {"authorizations": [...]} and hands on one authorization at a
// time, whose permissions are valid until each returns. The key must be there,
// once, with an array, and the document must end properly: a cut or foreign 200 is
// an error, not an empty list.
func decodeList(r io.Reader, each func(entry) error) error {
	f := newFrames(r)
	if err := f.expect('{'); err != nil {
		return cut(err)
	}
	found := false
	for first := true; ; first = false {
		more, err := f.another(first, '}')
		if err != nil {
			return cut(err)
		}
		if !more {
			break
		}
		ours, err := member(f)
		switch {
		case err != nil:
			return cut(err)
		case !ours:
			continue
		case found:
			return errors.New(`the key "authorizations" is there twice`)
		}
		found = true
		if err := decodeArray(f, each); err != nil {
			return cut(err)
		}
	}
	if !found {
		return errors.New(`no key "authorizations" in the answer`)
	}
	if _, err := f.peek(); err != io.EOF {
		return errors.New("something follows the end of the document")
	}
	return nil
}

// member goes to the value of the next member if that is the list, else past it.
func member(f *frames) (ours bool, err error) {
	raw, err := f.value()
	if err != nil {
		return false, err
	}
	var key *string
	if err := json.Unmarshal(raw, &key); err != nil || key == nil {
		return false, errors.New("a key of the answer is no string")
	}
	if err := f.expect(':'); err != nil || *key == "authorizations" {
		return err == nil, err
	}
	raw, err = f.value()
	if err == nil && !json.Valid(raw) {
		err = errors.New("a value in the answer is no JSON")
	}
	return false, err
}

func decodeArray(f *frames, each func(entry) error) error {
	if err := f.expect('['); err != nil {
		return err
	}
	elements := newElementDecoder()
	for first := true; ; first = false {
		if more, err := f.another(first, ']'); err != nil || !more {
			return err
		}
		w, err := elements.decode(f)
		if err != nil {
			return err
		}
		e, err := w.entry()
		if err != nil {
			return err
		}
		if err := each(e); err != nil {
			return err
		}
	}
}

// decode takes the next element. One that is not as servers write it is left to
// encoding/json: tests hold the usual way to give the same.
func (ed *elementDecoder) decode(f *frames) (*wire, error) {
	w := &ed.wire
	if n := ed.usual(f.buf[f.at:], w); n > 0 {
		f.take(n)
		return w, nil
	}
	raw, err := f.value() // it may only have been cut
	if err != nil || ed.usual(raw, w) > 0 {
		return w, err
	}
	*w = wire{}
	return w, json.Unmarshal(raw, w)
}

// cut names an end of input in the middle of a document for what it is.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
