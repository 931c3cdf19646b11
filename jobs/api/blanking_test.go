package api

import (
	"bytes"
	"fmt"
	"testing"

	"tokenaudit/jobs/audit"
)

func TestBlanking(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"a value":            {`{"token":"abc==","id":"1"}`, `{"token":"","id":"1"}`},
		"with spaces":        {"{ \"token\" :\n\t\"abc\" }", "{ \"token\" :\n\t\"\" }"},
		"several":            {`[{"token":"a"},{"token":"b"}]`, `[{"token":""},{"token":""}]`},
		"redacted":           {`{"token":"redacted"}`, `{"token":"redacted"}`},
		"redacted and more":  {`{"token":"redacted1"}`, `{"token":""}`},
		"less than redacted": {`{"token":"redac"}`, `{"token":""}`},
		"none":               {`{"token":""}`, `{"token":""}`},
		"null":               {`{"token":null,"x":"y"}`, `{"token":null,"x":"y"}`},
		"an object":          {`{"token":{"x":"y"}}`, `{"token":{"x":"y"}}`},
		"a value named so":   {`{"x":"token","y":"z"}`, `{"x":"token","y":"z"}`},
		"another key":        {`{"tokens":"x","atoken":"y","toke":"z"}`, `{"tokens":"x","atoken":"y","toke":"z"}`},
		"quotes in it":       {`{"token":"a\"b\\","x":"y"}`, `{"token":"","x":"y"}`},
		"quotes before":      {`{"d":"\"token\":\"a\"","e":"\\"}`, `{"d":"\"token\":\"a\"","e":"\\"}`},
		"cut":                {`{"token":"abc`, `{"token":"`},
		"no JSON":            {`influxdb_tokens_total 3 "token": "x"`, `influxdb_tokens_total 3 "token": ""`},
	} {
		for size := 1; size <= len(c.in); size++ { // however it comes
			var out bytes.Buffer
			b := &blanking{to: &out, key: "token"}
			for rest := []byte(c.in); len(rest) > 0; {
				n, _ := b.Write(rest[:min(size, len(rest))])
				rest = rest[n:]
			}
			if out.String() != c.want {
				t.Errorf("%s, %d bytes at a time: %q, want %q", name, size, out.String(), c.want)
				break
			}
		}
	}
}

// TestJournalIsBounded: of each kind so many requests are kept, and how the others ended.
func TestJournalIsBounded(t *testing.T) {
	t.Parallel()
	j := NewJournal("token")
	const users = "/api/v2/users/00000000000000ab"
	for i := range mostRequests + 5 {
		j.add(&audit.Request{Request: "GET " + users, Status: 200 + 204*(i%2)}, kindOf(users))
	}
	j.add(&audit.Request{Request: "GET /api/v2/users"}, kindOf("/api/v2/users"))
	for i := range 2 * mostRequests { // what a hostile server has for IDs
		path := fmt.Sprint("/api/v2/authorizations/no-id-", i)
		j.add(&audit.Request{Request: "GET " + path, Status: 404}, kindOf(path))
	}
	all := j.All()
	last := all[len(all)-1]
	others := all[len(all)-2]
	if len(all) != 2*mostRequests+1+mostKinds || others.Request != "GET (others)" || others.Further != mostRequests-mostKinds+2 || last.Request != "GET /api/v2/users/{id}" || last.Further != 5 || last.Statuses[200] != 3 || last.Statuses[404] != 2 {
		t.Errorf("%d requests, the last one %+v", len(all), last)
	}
}
