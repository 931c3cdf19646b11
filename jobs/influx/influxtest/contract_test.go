package influxtest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// exchange is a recorded request and what was answered. The number refers to the
// transcripts of InfluxDB's own handlers.
type exchange struct {
	number string
	get    string
	as     string // short name of the token, "" for none

	status  int
	code    string   // of an error
	message string   // of an error
	list    []string // authorizations by short name, others by their names; nil: not compared
	bytes   int      // length of the body; 0: not compared
}

func ok(number, get, as string, bytes int, list ...string) exchange {
	return exchange{number: number, get: get, as: as, status: 200, bytes: bytes, list: slices.Concat([]string{}, list)}
}

func failure(number, get, as string, status int, code, message string) exchange {
	return exchange{number: number, get: get, as: as, status: status, code: code, message: message}
}

func TestContract(t *testing.T) {
	w := newWorld(t)
	cases := slices.Concat(authorizationCases(), authenticationCases(), byIDCases(), userCases(), orgCases(), bucketCases(), legacyCases())
	for _, c := range cases {
		t.Run(c.number, func(t *testing.T) { w.check(t, c) })
	}
}

func (w *world) check(t *testing.T, c exchange) {
	answer := w.ask(c.get, c.as)
	if answer.Code != c.status {
		t.Fatalf("GET %s as %q: status %d, want %d: %s", c.get, c.as, answer.Code, c.status, answer.Body)
	}
	if c.code != "" {
		w.checkError(t, c, answer)
	}
	if c.list != nil {
		if got := w.listed(t, answer.Body.Bytes()); !slices.Equal(got, c.list) {
			t.Errorf("GET %s as %q\n got %q\nwant %q", c.get, c.as, got, c.list)
		}
	}
	if c.bytes != 0 && answer.Body.Len() != c.bytes {
		t.Errorf("GET %s as %q: %d bytes, want %d: %.300s", c.get, c.as, answer.Body.Len(), c.bytes, answer.Body)
	}
}

func (w *world) checkError(t *testing.T, c exchange, answer *httptest.ResponseRecorder) {
	var e struct{ Code, Message string }
	if err := json.Unmarshal(answer.Body.Bytes(), &e); err != nil {
		t.Fatal(err)
	}
	if e.Code != c.code || e.Message != w.fill(c.message) {
		t.Errorf("GET %s as %q: %q %q, want %q %q", c.get, c.as, e.Code, e.Message, c.code, w.fill(c.message))
	}
	if got := answer.Header().Get("X-Platform-Error-Code"); got != c.code {
		t.Errorf("X-Platform-Error-Code %q, want %q", got, c.code)
	}
}

func (w *world) ask(path, as string) *httptest.ResponseRecorder {
	return w.send(http.MethodGet, path, as)
}

func (w *world) send(method, path, as string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, w.fill(path), nil)
	if as != "" {
		r.Header.Set("Authorization", "Token "+w.tokens[as])
	}
	answer := httptest.NewRecorder()
	w.server.ServeHTTP(answer, r)
	return answer
}

// listed returns the elements of whichever list the body is; a body that is a
// single element counts as a list of one.
func (w *world) listed(t *testing.T, body []byte) []string {
	type element struct{ ID, Name, Description string }
	var lists struct {
		element
		Authorizations, Users, Orgs, Buckets []element
	}
	if err := json.Unmarshal(body, &lists); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	elements := slices.Concat(lists.Authorizations, lists.Users, lists.Orgs, lists.Buckets)
	if lists.ID != "" {
		elements = []element{lists.element}
	}
	names := []string{}
	for _, e := range elements {
		names = append(names, w.nameOf(e.ID, e.Name))
	}
	return names
}

// nameOf prefers the name in the answer: ids of users and authorizations can be
// the same.
func (w *world) nameOf(id, name string) string {
	if name != "" {
		return name
	}
	return w.names[id]
}

// The auth middleware answers compactly, everything behind it is indented (T37, T3).
func TestErrorBodies(t *testing.T) {
	w := newWorld(t)
	if got, want := w.ask("/api/v2/authorizations", "unknown").Body.String(), `{"code":"unauthorized","message":"unauthorized access"}`; got != want {
		t.Errorf("T37: got %q, want %q", got, want)
	}
	want := "{\n\t\"code\": \"not found\",\n\t\"message\": \"user not found\"\n}"
	if got := w.ask("/api/v2/authorizations?user=deleted_user", "operator").Body.String(); got != want {
		t.Errorf("T3: got %q, want %q", got, want)
	}
}

func TestHeaders(t *testing.T) {
	h := newWorld(t).ask("/api/v2/me", "operator").Header()
	for name, want := range map[string]string{
		"Content-Type":       "application/json; charset=utf-8",
		"X-Influxdb-Build":   "OSS",
		"X-Influxdb-Version": "v2.9.1",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// T124, T126: no body, nothing changed.
func TestOnlyGET(t *testing.T) {
	w := newWorld(t)
	for _, method := range []string{"HEAD", "POST", "PATCH", "PUT", "DELETE"} {
		answer := w.send(method, "/api/v2/authorizations/{activeWrite}", "operator")
		if answer.Code != 405 || answer.Body.Len() != 0 {
			t.Errorf("%s: %d %q, want 405 and no body", method, answer.Code, answer.Body)
		}
	}
	w.check(t, ok("T39", "/api/v2/authorizations/{activeWrite}", "operator", 615, "activeWrite"))
}

func TestRequestsAreRecordedWithoutHeaders(t *testing.T) {
	w := newWorld(t)
	w.ask("/api/v2/users?limit=100", "operator")
	w.ask("/api/v2/me", "operator")
	want := []string{"GET /api/v2/users?limit=100", "GET /api/v2/me"}
	if got := w.server.Requests(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if strings.Contains(strings.Join(w.server.Requests(), " "), "canary") {
		t.Error("a token was recorded")
	}
}
