package influxtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

type links map[string]string

// apiError is the body of an error answer; its code decides the status.
type apiError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *apiError) Error() string { return e.Message }

func (e *apiError) status() int {
	switch e.Code {
	case "invalid":
		return http.StatusBadRequest
	case "unauthorized":
		return http.StatusUnauthorized
	case "forbidden":
		return http.StatusForbidden
	case "not found":
		return http.StatusNotFound
	case "too many requests":
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}

func invalid(message string) error      { return &apiError{Code: "invalid", Message: message} }
func unauthorized(message string) error { return &apiError{Code: "unauthorized", Message: message} }
func missing(message string) error      { return &apiError{Code: "not found", Message: message} }

// isMissing tells a reference to something deleted from other errors.
func isMissing(err error) bool {
	var e *apiError
	return errors.As(err, &e) && e.Code == "not found"
}

// asAPIError gives a plain error the code InfluxDB gives it.
func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	return &apiError{Code: "internal error", Message: err.Error()}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	b, err := json.MarshalIndent(body, "", "\t")
	if err != nil {
		panic(err) // bodies are types of this package
	}
	writeBody(w, status, b)
}

func writeError(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	w.Header().Set("X-Platform-Error-Code", e.Code)
	writeJSON(w, e.status(), e)
}

func writeCompact(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	b, _ := json.Marshal(e)
	w.Header().Set("X-Platform-Error-Code", e.Code)
	writeBody(w, e.status(), b)
}

func writeBody(w http.ResponseWriter, status int, b []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b) // a client that has gone is no concern of a fake
}

// health needs no token (T127).
func health(w http.ResponseWriter, _ *http.Request) {
	writeBody(w, http.StatusOK, fmt.Appendf(nil,
		`{"name":"influxdb", "message":"ready for queries and writes", "status":"pass", "checks":[], "version": %q, "commit": "fake"}`+"\n",
		version))
}

// metrics needs no token. It counts all stored authorizations, hidden ones
// included, but not legacy ones: that is how an audit notices what lists hide.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := &s.state
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	writeTotal(w, "buckets", len(st.buckets))
	writeTotal(w, "organizations", len(st.orgs))
	writeTotal(w, "tokens", len(st.authorizations.stored)+st.generated.n)
	writeTotal(w, "users", len(st.users))
}

// writeTotal writes a counter, though InfluxDB means a gauge (2.9.1
// bolt/metrics.go). The text format writes a million as 1e+06.
func writeTotal(w io.Writer, what string, n int) {
	name := "influxdb_" + what + "_total"
	value := strconv.FormatFloat(float64(n), 'g', -1, 64)
	_, _ = fmt.Fprintf(w, "# HELP %[1]s Number of total %[2]s on the server\n# TYPE %[1]s counter\n%[1]s %[3]s\n", name, what, value)
}
