package contract

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// exchange is a request and what both peers answer. Its number is that of the
// recorded transcript, if there is one.
type exchange struct {
	number string
	method string // "" is GET
	path   string
	as     string // symbolic name of the token, "" for none

	status  int
	code    string   // of an error
	message string   // of an error
	list    []string // symbolic names of what is listed; nil: not compared
	body    string   // part of the answer in its comparable form
	// byRandomID: the elements come in the order of ids that InfluxDB draws at
	// random, so that the order of the two answers says nothing.
	byRandomID bool
}

func ok(number, path, as string, list ...string) exchange {
	return exchange{number: number, path: path, as: as, status: http.StatusOK, list: slices.Concat([]string{}, list)}
}

func failure(number, path, as string, status int, code, message string) exchange {
	return exchange{number: number, path: path, as: as, status: status, code: code, message: message}
}

func (e exchange) with(body string) exchange {
	e.body = body
	return e
}

func (e exchange) inAnyOrder() exchange {
	e.byRandomID = true
	return e
}

// answer is what came back, in a form that can be compared.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

// check holds both answers to what is expected, and the fake's to the real one's.
func (p pair) check(t *testing.T, e exchange) {
	t.Helper()
	real, fake := p.real.ask(e), p.fake.ask(e)
	for _, side := range []struct {
		name string
		answer
	}{{"InfluxDB", real}, {"the fake", fake}} {
		for _, problem := range e.problems(side.answer) {
			t.Errorf("%s: %s: %s", side.name, e.request(), problem)
		}
	}
	alike(t, e.request(), real, fake)
}

func (e exchange) request() string {
	return cmp.Or(e.method, "GET") + " " + e.path + " as " + cmp.Or(e.as, "nobody")
}

func (w *world) ask(e exchange) answer {
	r := httptest.NewRequest(cmp.Or(e.method, http.MethodGet), w.fill(e.path), nil)
	if e.as != "" {
		r.Header.Set("Authorization", "Token "+w.tokens[e.as])
	}
	got := httptest.NewRecorder()
	w.ServeHTTP(got, r)
	body := w.symbolic(got.Body.String())
	if e.byRandomID {
		body = sorted(body)
	}
	return answer{got.Code, got.Header(), body}
}

func (e exchange) problems(got answer) (found []string) {
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
	say("status", http.StatusText(got.Status), http.StatusText(e.status))
	say("code", body.Code, e.code)
	say("X-Platform-Error-Code", got.Header.Get("X-Platform-Error-Code"), e.code)
	say("message", body.Message, e.message)
	if e.list != nil {
		elements := slices.Concat(body.Authorizations, body.Users, body.Orgs, body.Buckets)
		if body.ID != "" {
			elements = []element{body.element}
		}
		say("the list", names(elements), names(elementsOf(e.list)))
	}
	if !strings.Contains(got.Body, e.body) {
		say("the body", got.Body, "one with "+e.body)
	}
	return found
}

type element struct{ ID, Name string }

// names prefers ids; system buckets are known by their names only.
func names(elements []element) string {
	var all []string
	for _, e := range elements {
		all = append(all, cmp.Or(strings.Trim(e.ID, "{}"), e.Name))
	}
	return "[" + strings.Join(all, " ") + "]"
}

func elementsOf(names []string) (all []element) {
	for _, name := range names {
		all = append(all, element{Name: name})
	}
	return all
}
