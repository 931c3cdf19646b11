package influx

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

// FuzzDecodeList accepts what encoding/json accepts, and reads the same in it.
func FuzzDecodeList(f *testing.F) {
	for _, body := range []string{
		`{"links":{},"authorizations":[{"id":"a1","permissions":[{"action":"read","resource":{"type":"buckets"}}]}]}`,
		`{"authorizations":[`, `{"authorizations":[{"id":"a1"}]} x`, `{"authorizations":[{"id":"a1"},null]}`,
		`{"authorizations":[{"ID":"a1","uſerID":"u","permissions":[],"permissions":null,"token":{"a":[1e5]}}]}`,
		`{"authorizations":[{"id":"\ud800\ud83d\ude00\ud8","description":"\u003c\n\u0000","token":""}]}`,
		`{"authorizations":[{"id":"a1","permissions":[{"action":"a","x":1},null,{"resource":{"ID":"b","type":null}}]}]}`,
		"{\"authorizations\":[{\"id\":\"a\xff\xfeb\",\"status\":\"active\",\"token\":\"redacted\"}]}",
		`{"authorizations":[{"id":"a","createdAt":"2026-01-02T03:04:05.123456789+02:00","updatedAt":null,"token":null}]}`,
		`{"authorizations":[{"id":"a","permissions":[{"resource":{"name":"}}"}},{"resource":{"name":"}}"}} , {"action":"b","action":"a"},{"action":"a","resource":{}}],"links":{"a":"b"}}]}`,
		"{\"authorizations\":[{\"id\":\"\\/\\b\\f\\n\\r\\t\\u00e9\\\\ é   eight by eight\",\"links\":{\"\\n\":\"\x00\"}}]}",
		`{"authorizations":[{"id":"a","permissions":[{"action":"a","resource":{"type":"b"}}],"permissions":[{"resource":{"id":"c"}}]}]}`,
		`{"authorizations":[{"id":"a","createdAt":7,"new":[[-0.5e+1,true,{}]]}]}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		want, wantErr := entries(decodeWithJSON, strings.NewReader(body))
		got, err := entries(decodeList, strings.NewReader(body))
		byByte, byteErr := entries(decodeList, iotest.OneByteReader(strings.NewReader(body)))
		if (byteErr == nil) != (err == nil) || err == nil && !cmp.Equal(got, byByte, cmp.AllowUnexported(entry{})) {
			t.Fatalf("%q byte by byte: %v, at once: %v", body, byteErr, err)
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, encoding/json: %v", body, err, wantErr)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(entry{})); err == nil && diff != "" {
			t.Fatalf("%q (-encoding/json +got):\n%s", body, diff)
		}
		if err == io.EOF {
			t.Fatalf("%q: a bare EOF reads like a proper end", body)
		}
		sameFromDictionary(t, got)
	})
}

func entries(decode func(io.Reader, func(entry) error) error, body io.Reader) (out []entry, err error) {
	err = decode(body, func(e entry) error {
		e.Permissions = slices.Clone(e.Permissions)
		out = append(out, e)
		return nil
	})
	return out, err
}

// sameFromDictionary writes and reads them as Sorted does.
func sameFromDictionary(t *testing.T, entries []entry) {
	t.Helper()
	texts := newDictionary()
	for _, e := range entries {
		a, err := texts.read(texts.append(nil, &e.Authorization))
		if diff := cmp.Diff(e.Authorization, a); diff != "" || err != nil {
			t.Fatalf("error %v (-written +read):\n%s", err, diff)
		}
	}
}

// FuzzDictionary reads what nobody wrote.
func FuzzDictionary(f *testing.F) {
	f.Add(newDictionary().append(nil, &audit.Authorization{ID: "a", Permissions: []audit.Permission{{Action: "read"}}}))
	f.Fuzz(func(t *testing.T, row []byte) { newDictionary().read(row) })
}

// decodeWithJSON is what decodeList is held to.
func decodeWithJSON(r io.Reader, each func(entry) error) error {
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
			if err := skipWithJSON(dec); err != nil {
				return err
			}
			continue
		}
		if found {
			return errors.New(`the key "authorizations" is there twice`)
		}
		found = true
		if err := arrayWithJSON(dec, each); err != nil {
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

func arrayWithJSON(dec *json.Decoder, each func(entry) error) error {
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

// skipWithJSON passes over one value, keeping one string of it at a time.
func skipWithJSON(dec *json.Decoder) error {
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
