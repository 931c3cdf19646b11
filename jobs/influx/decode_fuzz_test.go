package influx

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecodeList: what is accepted is one JSON document, read the same however it
// arrives, and its authorizations are those that encoding/json finds.
func FuzzDecodeList(f *testing.F) {
	for _, body := range []string{
		`{"links":{},"authorizations":[{"id":"a1","permissions":[{"action":"read","resource":{"type":"buckets"}}]}]}`,
		`{"authorizations":[`, `{"authorizations":[{"id":"a1"}]} x`, `{"authorizations":[{"id":"a1"},null]}`,
		`{"authorizations":[{"ID":"a1","uſerID":"u","permissions":[],"permissions":null,"token":{"a":[1e5]}}]}`,
		`{"authorizations":[{"id":"\ud800\ud83d\ude00","description":"\u003c\n\u0000","token":""}]}`,
		"{\"authorizations\":[{\"id\":\"a\xff\xfeb\",\"status\":\"active\",\"token\":\"redacted\"}]}",
		`{"authorizations":[{"id":"a","createdAt":"2026-01-02T03:04:05.123456789+02:00","updatedAt":null,"token":null}]}`,
		`{"authorizations":[{"id":"a","createdAt":7,"new":[[-0.5e+1,true,{}]]}]}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, err := entries(strings.NewReader(body))
		byByte, byteErr := entries(iotest.OneByteReader(strings.NewReader(body)))
		if (byteErr == nil) != (err == nil) || err == nil && !cmp.Equal(got, byByte, cmp.AllowUnexported(entry{})) {
			t.Fatalf("%q byte by byte: %v, at once: %v", body, byteErr, err)
		}
		if err == io.EOF {
			t.Fatalf("%q: a bare EOF reads like a proper end", body)
		}
		if err != nil {
			return
		}
		var want struct {
			Authorizations []struct {
				ID, UserID, Description string
				Permissions             []any
			}
		}
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			if strings.Contains(err.Error(), "cannot unmarshal") { // for a key in other letters
				return
			}
			t.Fatalf("%q is accepted, and is no JSON: %v", body, err)
		}
		if strings.Count(strings.ToLower(body), "authorizations") > 1 || strings.Contains(body, `\u`) {
			return // encoding/json takes keys in any case of letters
		}
		if len(want.Authorizations) != len(got) {
			t.Fatalf("%q: %d authorizations, encoding/json finds %d", body, len(got), len(want.Authorizations))
		}
	})
}

func entries(body io.Reader) (out []entry, err error) {
	_, err = decodeList(body, func(e entry) error {
		e.Permissions = slices.Clone(e.Permissions)
		out = append(out, e)
		return nil
	})
	return out, err
}
