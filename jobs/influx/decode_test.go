package influx

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func decodeAll(body string) (ids []string, err error) {
	err = decodeList(strings.NewReader(body), func(e entry) error {
		ids = append(ids, e.ID)
		return nil
	})
	return ids, err
}

func TestDecodeList(t *testing.T) {
	tests := map[string]struct {
		body string
		ids  []string
		err  string // part of the error, "" for none
	}{
		"two":                    {`{"links":{"self":"/x"},"authorizations":[{"id":"a1"},{"id":"b2"}]}`, []string{"a1", "b2"}, ""},
		"none":                   {`{"authorizations":[]}`, nil, ""},
		"pretty, with more keys": {"{\n\t\"new\": [[{\"x\":[1,null]}]],\n\t\"authorizations\": [\n\t{\"id\": \"a1\", \"new\": {\"y\": []}}\n\t]\n}\n", []string{"a1"}, ""},
		"unreadable dates":       {`{"authorizations":[{"id":"a1","createdAt":"yesterday","updatedAt":7}]}`, []string{"a1"}, ""},
		"empty object":           {`{}`, nil, `no key "authorizations"`},
		"null":                   {`{"authorizations":null}`, nil, "expected ["},
		"an object instead":      {`{"authorizations":{}}`, nil, "expected ["},
		"an array instead":       {`[]`, nil, "expected {"},
		"twice":                  {`{"authorizations":[],"authorizations":[]}`, nil, "twice"},
		"no id":                  {`{"authorizations":[{"description":"x"}]}`, nil, "without an id"},
		"null in the list":       {`{"authorizations":[null]}`, nil, "without an id"},
		"cut in the list":        {`{"authorizations":[{"id":"a1"},{"id":"b2"`, []string{"a1"}, "unexpected EOF"},
		"cut between":            {`{"authorizations":[{"id":"a1"}`, []string{"a1"}, "unexpected EOF"},
		"cut at the end":         {`{"authorizations":[{"id":"a1"}]`, []string{"a1"}, "unexpected EOF"},
		"nothing":                {``, nil, "unexpected EOF"},
		"more after the end":     {`{"authorizations":[]}{}`, nil, "follows the end"},
		"a page of HTML":         {`<html><body>Sign in</body></html>`, nil, "expected {"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ids, err := decodeAll(test.body)
			if diff := cmp.Diff(test.ids, ids); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
}
