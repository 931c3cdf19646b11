package influx

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/go-faster/jx"
)

// listBuffer is how much of a list is decoded while more is read.
const listBuffer = 256 << 10

// decodeList reads {"authorizations": [...]} and hands on one authorization at a
// time, whose permissions are valid until each returns. The key must be there,
// once, with an array, and the document must end properly: a cut or foreign 200 is
// an error, not an empty list.
func decodeList(r io.Reader, each func(entry) error) error {
	d, elements := jx.Decode(r, listBuffer), newElementDecoder()
	it, err := d.ObjIter()
	if err != nil {
		return cut(err)
	}
	found := false
	for it.Next() {
		if string(it.Key()) != "authorizations" {
			if err := d.Skip(); err != nil {
				return cut(err)
			}
			continue
		}
		if found {
			return errors.New(`the key "authorizations" is there twice`)
		}
		found = true
		if err := decodeArray(d, elements, each); err != nil {
			return cut(err)
		}
	}
	if err := it.Err(); err != nil {
		return cut(err)
	}
	if !found {
		return errors.New(`no key "authorizations" in the answer`)
	}
	if err := d.Skip(); err != io.EOF {
		return errors.New("something follows the end of the document")
	}
	return nil
}

func decodeArray(d *jx.Decoder, elements *elementDecoder, each func(entry) error) error {
	it, err := d.ArrIter()
	if err != nil {
		return err
	}
	for it.Next() {
		raw, err := d.Raw()
		if err != nil {
			return err
		}
		w, err := elements.decode(raw)
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
	return it.Err()
}

// decode leaves an element that is not as servers write it to encoding/json: tests
// hold it to give the same.
func (ed *elementDecoder) decode(raw []byte) (*wire, error) {
	w := &ed.wire
	if *w = (wire{}); ed.usual(raw, w) {
		return w, nil
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
