package influx

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

func decodeAll(body string) (ids []string, err error) {
	_, err = decodeList(strings.NewReader(body), func(e entry) error {
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
		"more after the end":     {`{"authorizations":[]}{}`, nil, "more data after the end"},
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
			_, err := decodeList(strings.NewReader(`{"authorizations":[`+element+`]}`), func(e entry) error {
				if e.token != tokenInClear {
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

// TestFurtherPages: whatever stands before or after the rows.
func TestFurtherPages(t *testing.T) {
	const rows = `"authorizations":[{"id":"a1"}]`
	for body, want := range map[string]bool{
		`{` + rows + `}`:                                            false,
		`{"links":{"self":"/x"},` + rows + `}`:                      false,
		`{"links":{"self":"/x","next":"/x?offset=1"},` + rows + `}`: true,
		`{` + rows + `,"links":{"next":"/x?offset=1"}}`:             true,
		`{` + rows + `,"links":{"next":{"href":"/x"}}}`:             true,
		`{"links":{"next":null},` + rows + `}`:                      false,
		`{"links":{"next":""},` + rows + `}`:                        false,
		`{"links":"/x",` + rows + `}`:                               false,
		`{` + rows + `,"next":"/x?offset=1"}`:                       true,
		`{` + rows + `,"next":null}`:                                false,
	} {
		if got, err := decodeList(strings.NewReader(body), func(entry) error { return nil }); got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", body, got, err, want)
		}
	}
}

// TestIDsInCapitals: they are read as InfluxDB writes them; other text stays.
func TestIDsInCapitals(t *testing.T) {
	got, err := entries(strings.NewReader(`{"authorizations":[{"id":"0D0FB0000000001A","orgID":"0D0FB0000000001B","userID":"0D0FB0000000001C","user":"BOB","description":"0D0FB0000000001A",
		"permissions":[{"action":"read","resource":{"type":"buckets","id":"AAAAAAAAAAAAAAAA","orgID":"0D0FB0000000001B","name":"ABCDEFABCDEFABCD"}},{"action":"read","resource":{"type":"buckets","id":"Not An ID"}}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := audit.Authorization{ID: "0d0fb0000000001a", OrgID: "0d0fb0000000001b", UserID: "0d0fb0000000001c", User: "BOB", Description: "0D0FB0000000001A", Permissions: []audit.Permission{
		{Action: "read", Resource: audit.Resource{Type: "buckets", ID: "aaaaaaaaaaaaaaaa", OrgID: "0d0fb0000000001b", Name: "ABCDEFABCDEFABCD"}},
		{Action: "read", Resource: audit.Resource{Type: "buckets", ID: "Not An ID"}},
	}}
	if diff := cmp.Diff(want, got[0].Authorization); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestDatesThatAreNone are told from those that are left out, or of before InfluxDB
// kept any.
func TestDatesThatAreNone(t *testing.T) {
	for date, none := range map[string]bool{
		`"2026-01-05T10:00:00Z"`: false, `"0001-01-01T00:00:00Z"`: false, `null`: false,
		`"2020-01-05 10:00:00"`: true, `"9999-12-31T23:59:59-12:00"`: true, `"yesterday"`: true, `7`: true, `""`: true, `{}`: true,
	} {
		for _, member := range []string{"createdAt", "updatedAt"} {
			got, err := entries(strings.NewReader(`{"authorizations":[{"id":"a","` + member + `":` + date + `},{"id":"b"}]}`))
			if err != nil || got[0].misdated != none || got[1].misdated {
				t.Errorf("%s: %s: none %v (%v), want %v", member, date, got[0].misdated, err, none)
			}
		}
	}
}
