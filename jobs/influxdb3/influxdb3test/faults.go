package influxdb3test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
)

// Answer answers every request for the path, or for every path if it is "", with this
// status and body.
func Answer(path string, status int, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if path != "" && r.URL.Path != path {
			return false
		}
		text(w, status, body)
		return true
	}
}

// Rewrite lets the server answer requests for the path, or for every path if it is "", and
// changes headers and body of the answer.
func (s *Server) Rewrite(path string, change func(h http.Header, body []byte) []byte) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if path != "" && r.URL.Path != path {
			return false
		}
		whole := httptest.NewRecorder()
		s.Serve(whole, r)
		body := change(whole.Header(), whole.Body.Bytes())
		for name, values := range whole.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(whole.Code)
		_, _ = w.Write(body)
		return true
	}
}

// CutBody answers requests for the path with half of the body that its length announces:
// the connection breaks while the client reads.
func (s *Server) CutBody(path string) func(http.ResponseWriter, *http.Request) bool {
	return s.Rewrite(path, func(h http.Header, body []byte) []byte {
		h.Set("Content-Length", strconv.Itoa(len(body)))
		return body[:len(body)/2]
	})
}
