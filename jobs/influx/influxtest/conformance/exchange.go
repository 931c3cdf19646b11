package conformance

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// Exchange is a request and what is answered. Its number is that of the recorded
// transcript, if there is one.
type Exchange struct {
	Number string
	Method string // "" is GET
	Path   string
	As     string // symbolic name of the token, "" for none

	Status  int
	Code    string   // of an error
	Message string   // of an error
	List    []string // symbolic names of what is listed; nil: not compared
	Body    string   // part of the answer in its comparable form
	// ByRandomID: the elements come in the order of ids that InfluxDB draws at
	// random, so that their order says nothing.
	ByRandomID bool
}

// OK is an exchange that lists these, by symbolic names.
func OK(number, path, as string, list ...string) Exchange {
	return Exchange{Number: number, Path: path, As: as, Status: http.StatusOK, List: slices.Concat([]string{}, list)}
}

// Failure is an exchange that ends with an error.
func Failure(number, path, as string, status int, code, message string) Exchange {
	return Exchange{Number: number, Path: path, As: as, Status: status, Code: code, Message: message}
}

// With also expects this in the comparable form of the answer.
func (e Exchange) With(body string) Exchange {
	e.Body = body
	return e
}

// InAnyOrder is for lists by random id.
func (e Exchange) InAnyOrder() Exchange {
	e.ByRandomID = true
	return e
}

// Answer is what came back, in a form that can be compared.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Check holds each answer to what is expected, and to the first one's.
func (ws Worlds) Check(t *testing.T, e Exchange) {
	t.Helper()
	first := ws[0].Check(t, e)
	for _, w := range ws[1:] {
		Alike(t, e.request(), first, w.Check(t, e))
	}
}

// Check holds the answer to what is expected.
func (w *World) Check(t *testing.T, e Exchange) Answer {
	t.Helper()
	got := w.Ask(e)
	for _, problem := range e.problems(got) {
		t.Errorf("%T: %s: %s", w.Server, e.request(), problem)
	}
	return got
}

func (e Exchange) request() string {
	return cmp.Or(e.Method, "GET") + " " + e.Path + " as " + cmp.Or(e.As, "nobody")
}

// Send sends the request.
func (w *World) Send(e Exchange) *httptest.ResponseRecorder {
	r := httptest.NewRequest(cmp.Or(e.Method, http.MethodGet), w.Fill(e.Path), nil)
	if e.As != "" {
		r.Header.Set("Authorization", "Token "+w.Tokens[e.As])
	}
	got := httptest.NewRecorder()
	w.ServeHTTP(got, r)
	return got
}

// Ask sends the request and makes the answer comparable.
func (w *World) Ask(e Exchange) Answer {
	got := w.Send(e)
	body := w.Symbolic(got.Body.String())
	if e.ByRandomID {
		body = sorted(body)
	}
	return Answer{got.Code, got.Header(), body}
}

func (e Exchange) problems(got Answer) (found []string) {
	say := func(what, got, want string) {
		if got != want {
			found = append(found, what+" is "+got+", want "+want)
		}
	}
	var body struct {
		Code, Message string
		element
		Authorizations, Users, Orgs, Buckets []element
	}
	if err := json.Unmarshal([]byte(got.Body), &body); err != nil && got.Body != "" {
		return []string{err.Error() + ": " + got.Body}
	}
	say("status", http.StatusText(got.Status), http.StatusText(e.Status))
	say("code", body.Code, e.Code)
	say("X-Platform-Error-Code", got.Header.Get("X-Platform-Error-Code"), e.Code)
	say("message", body.Message, e.Message)
	if e.List != nil {
		elements := slices.Concat(body.Authorizations, body.Users, body.Orgs, body.Buckets)
		if body.ID != "" {
			elements = []element{body.element}
		}
		say("the list", strings.Join(names(elements), " "), strings.Join(e.List, " "))
	}
	if !strings.Contains(got.Body, e.Body) {
		say("the body", got.Body, "one with "+e.Body)
	}
	return found
}

type element struct{ ID, Name string }

// names prefers ids; system buckets are known by their names only.
func names(elements []element) (all []string) {
	for _, e := range elements {
		all = append(all, cmp.Or(strings.Trim(e.ID, "{}"), e.Name))
	}
	return all
}
