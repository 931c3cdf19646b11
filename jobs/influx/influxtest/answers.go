package influxtest

import (
	"encoding/json"
	"errors"
	"net/http"
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
