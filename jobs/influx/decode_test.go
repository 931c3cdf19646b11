package influx

import (
	"fmt"
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

// TestTokensAreNotKept: of a token in clear nothing is left but that it was there,
// also in an error.
func TestTokensAreNotKept(t *testing.T) {
	const permission = `{"action":"read","resource":{"type":"buckets","name":"plant"}}`
	for name, element := range map[string]string{
		"whole":             `{"id":"a","token":"secret==","permissions":[` + permission + `],"description":"\n"}`,
		"with an escape":    `{"id":"a","token":"secret\u003d\u003d","permissions":[` + permission + `],"new":1}`,
		"another kind":      `{"id":"a","token":{"x":["secret=="]},"permissions":[]}`,
		"in a permission":   `{"id":"a","token":"x","permissions":[` + permission + `,{"token":"secret==","resource":{}}]}`,
		"instead of a list": `{"id":"a","token":"x","permissions":"secret=="}`,
		"instead of a text": `{"id":"a","token":"x","description":["secret=="]}`,
		"as a key":          `{"id":"a","token":"x","permissions":{"secret==":[]}}`,
		"cut":               `{"id":"a","token":"secret==","permissions":[` + permission,
		"broken":            `{"id":"a","token":"secret==" "permissions"`,
		"instead of one":    `"secret=="`,
	} {
		t.Run(name, func(t *testing.T) {
			kept := ""
			err := decodeList(strings.NewReader(`{"authorizations":[`+element+`]}`), func(e entry) error {
				if !e.tokenReadable {
					t.Error("the token was not seen")
				}
				kept = fmt.Sprint(e)
				return nil
			})
			if kept += fmt.Sprint(err); strings.Contains(kept, "secret") {
				t.Errorf("kept: %s", kept)
			}
		})
	}
}

// TestPermissionsThatAreNotThere: an empty list is not the same as none, whatever
// came before it.
func TestPermissionsThatAreNotThere(t *testing.T) {
	some := `{"id":"a","permissions":[{"action":"read"},{"action":"write"}]}`
	got, err := entries(strings.NewReader(`{"authorizations":[{"id":"a","permissions":[]},` + some + `,{"id":"b"},{"id":"c","permissions":[]},{"id":"d","permissions":null},` + some + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	var ps []string
	for _, e := range got {
		ps = append(ps, fmt.Sprintf("%v %d", e.Permissions == nil, len(e.Permissions)))
	}
	if diff := cmp.Diff([]string{"false 0", "false 2", "true 0", "false 0", "true 0", "false 2"}, ps); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
