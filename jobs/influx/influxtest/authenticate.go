package influxtest

import (
	"net/http"
	"strings"
)

// handler answers an authenticated request; caller is the authorization of its token.
type handler func(w http.ResponseWriter, r *http.Request, caller *Authorization)

// endpoint computes an answer. It is called with the state locked for reading.
type endpoint func(r *http.Request, caller *Authorization) (any, error)

// authenticated follows InfluxDB 2.9.1 http/authentication_middleware.go: its
// errors are compact JSON, and it comes before routing. A method other than GET
// has no body (T124, T126).
func (s *Server) authenticated(next handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		caller, err := s.authenticate(r)
		switch {
		case err != nil:
			writeCompact(w, err)
		case r.Method != http.MethodGet:
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			next(w, r, caller)
		}
	}
}

func (s *Server) get(e endpoint) http.HandlerFunc {
	return s.authenticated(func(w http.ResponseWriter, r *http.Request, caller *Authorization) {
		s.mu.RLock()
		body, err := e(r, caller)
		s.mu.RUnlock()
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, http.StatusOK, body)
	})
}

// authenticate lets inactive authorizations in: only permission checks notice
// them. A deleted user gets the words of an inactive one (T35 to T38).
func (s *Server) authenticate(r *http.Request) (*Authorization, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	caller := s.state.authorizations.stored[s.state.tokens[bearer(r)]]
	if caller == nil {
		return nil, unauthorized("unauthorized access")
	}
	if u := s.state.users[caller.UserID]; u == nil || u.Status == Inactive {
		return nil, &apiError{Code: "forbidden", Message: "User is inactive"}
	}
	return caller, nil
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Token") || strings.EqualFold(scheme, "Bearer") {
		return token
	}
	return ""
}

func notFound(w http.ResponseWriter, _ *http.Request, _ *Authorization) {
	writeError(w, missing("path not found")) // T125
}
