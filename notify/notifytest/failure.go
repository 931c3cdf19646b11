package notifytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// Failure is what the fake does instead of answering well.
type Failure struct {
	name   string
	after  bool // the request is carried out all the same
	answer http.HandlerFunc
}

// String names the failure, for tests.
func (f Failure) String() string { return f.name }

// RateLimited answers 429 and asks to wait.
func RateLimited(seconds int) Failure { return RetryAfter(strconv.Itoa(seconds)) }

// RetryAfter answers 429 and asks to wait in any words, "" for none.
func RetryAfter(header string) Failure {
	if header == "" {
		return Status(http.StatusTooManyRequests)
	}
	return Status(http.StatusTooManyRequests).Asking(header)
}

// Asking is the failure with a Retry-After.
func (f Failure) Asking(header string) Failure {
	answer := f.answer
	f.answer = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", header)
		answer(w, r)
	}
	return f
}

// Status answers with an HTTP status and no word of Slack's.
func Status(code int) Failure {
	return Failure{name: strconv.Itoa(code), answer: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
	}}
}

// Refused answers in Slack's way: {"ok":false} with the messages of
// response_metadata, or the bare code with a 400 from a webhook.
func Refused(code string, messages ...string) Failure {
	return Failure{name: code, answer: func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/services/") {
			http.Error(w, code, http.StatusBadRequest)
			return
		}
		refuse(w, code, messages...)
	}}
}

// MissingScope answers missing_scope with both lists of scopes.
func MissingScope(needed, provided string) Failure {
	return Failure{name: "missing_scope", answer: func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{"ok": false, "error": "missing_scope", "needed": needed, "provided": provided})
	}}
}

// CutOff posts the message, then cuts the connection before the answer.
func CutOff() Failure {
	return Failure{name: "cut off", after: true, answer: func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}}
}

// Echo says the secrets of the request back, as a bad proxy may: the token, the
// path, and the last part of the path.
func Echo() Failure {
	return Failure{name: "echo", answer: func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // a webhook's body is no form
		said := "cannot post http://" + r.Host + r.URL.Path + " " + path.Base(r.URL.Path) + " " + r.PostForm.Get("token")
		if strings.HasPrefix(r.URL.Path, "/services/") {
			http.Error(w, said, http.StatusBadRequest)
			return
		}
		refuse(w, said, said)
	}}
}

func refuse(w http.ResponseWriter, code string, messages ...string) {
	reply(w, map[string]any{"ok": false, "error": code, "response_metadata": map[string]any{"messages": messages}})
}

func reply(w http.ResponseWriter, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		http.Error(w, fmt.Sprint("fake Slack: ", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data)
}

// discard is an answer that nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) WriteHeader(int)             {}
func (discard) Write(p []byte) (int, error) { return io.Discard.Write(p) }
