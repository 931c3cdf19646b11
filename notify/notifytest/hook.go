package notifytest

import (
	"io"
	"net/http"
	"sync"
)

// Hook is a receiver of webhooks. It takes all that come; whether their signature
// holds is for the test to say.
type Hook struct {
	mu       sync.Mutex
	posts    []Post
	script   []Failure
	requests int
}

// Post is a webhook that arrived, once or again.
type Post struct {
	Header http.Header
	Body   []byte
}

// Client returns a client that reaches the receiver whatever the host, without a
// network.
func (h *Hook) Client() *http.Client { return &http.Client{Transport: transport{h}} }

// Fail makes the next requests fail, one each, in this order.
func (h *Hook) Fail(script ...Failure) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.script = append(h.script, script...)
}

// Posts returns what arrived so far, oldest first.
func (h *Hook) Posts() []Post {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Post(nil), h.posts...)
}

// Requests counts all requests, also those that failed.
func (h *Hook) Requests() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.requests
}

// ServeHTTP implements http.Handler.
func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the line was cut
	}
	f, scripted := h.take(r, body)
	if scripted {
		f.answer(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *Hook) take(r *http.Request, body []byte) (f Failure, scripted bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests++
	if scripted = len(h.script) > 0; scripted {
		f, h.script = h.script[0], h.script[1:]
	}
	if r.Method == http.MethodPost && (!scripted || f.after) {
		h.posts = append(h.posts, Post{r.Header.Clone(), body})
	}
	return f, scripted
}
