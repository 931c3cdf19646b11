package influxtest

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"time"
)

// Fault sees a request before the server does. It answers and returns true, or
// returns false to let the server answer; before that it may change the request.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// TooManyRequests answers the first n requests with 429. Retry-After is in whole
// seconds, and missing if after is zero, as for limits of InfluxDB Cloud that
// do not reset.
func TooManyRequests(n int, after time.Duration) Fault {
	var seen atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) bool {
		if seen.Add(1) > int64(n) {
			return false
		}
		if after > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(after.Seconds())))
		}
		writeError(w, &apiError{Code: "too many requests", Message: "exceeded rate limit"})
		return true
	}
}

// Answer answers every request for the path with this status and body.
func Answer(path string, status int, body string) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		writeBody(w, status, []byte(body))
		return true
	}
}

// IgnoreUserID answers as if no userID had been sent, as a server that does not
// know the parameter would.
func IgnoreUserID() Fault {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		q := r.URL.Query()
		q.Del("userID")
		r.URL.RawQuery = q.Encode()
		return false
	}
}

// CutBody answers requests for the path with half of the body that its length
// announces: the connection breaks while the client reads.
func (s *Server) CutBody(path string) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		whole := httptest.NewRecorder()
		s.serve(whole, r)
		for name, values := range whole.Header() {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Length", strconv.Itoa(whole.Body.Len()))
		w.WriteHeader(whole.Code)
		_, _ = w.Write(whole.Body.Next(whole.Body.Len() / 2))
		return true
	}
}

// Rewrite lets the server answer requests for the path, or for every path if it is "",
// and changes headers and body of the answer.
func (s *Server) Rewrite(path string, change func(h http.Header, body []byte) []byte) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if path != "" && r.URL.Path != path {
			return false
		}
		whole := httptest.NewRecorder()
		s.serve(whole, r)
		body := change(whole.Header(), whole.Body.Bytes())
		for name, values := range whole.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(whole.Code)
		_, _ = w.Write(body)
		return true
	}
}
