package influxtest

import (
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const legacyPath = "/private/legacy/authorizations"

func (s *Server) listLegacy(w http.ResponseWriter, r *http.Request, caller *Authorization) {
	found, err := s.findLegacy(r.URL.Query(), caller)
	if err != nil {
		writeError(w, err)
		return
	}
	s.writeList(w, legacyPath, s.responses(found, s.legacyResponse))
}

func (s *Server) legacyAuthorization(r *http.Request, caller *Authorization) (any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	a, err := s.readable(s.state.legacy.stored[id], caller)
	if err != nil {
		return nil, err
	}
	return s.legacyResponse(a)
}

func (s *Server) legacyResponse(a *Authorization) (*authorizationResponse, error) {
	return s.newAuthorizationResponse(a, legacyPath, a.Token)
}

// findLegacy honours token, the name of the 1.x user (T97). Names of users and
// organizations must exist, yet select nothing: InfluxDB 2.9.1
// v1/authorization/http_server.go looks them up after the search.
func (s *Server) findLegacy(q url.Values, caller *Authorization) (iter.Seq[*Authorization], error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f, err := idFilter(q)
	if err != nil {
		return nil, err
	}
	f.token = q.Get("token")
	found, err := s.selected(&s.state.legacy, f, caller)
	if err != nil {
		return nil, err
	}
	if f.id+f.token != "" && !s.anyLegacy(f) {
		return nil, missing("authorization not found")
	}
	return slices.Values(found), s.knownNames(q)
}

func (s *Server) anyLegacy(f filter) bool {
	for _, a := range s.state.legacy.stored {
		if f.matches(a) {
			return true
		}
	}
	return false
}

func (s *Server) knownNames(q url.Values) error {
	if name := q.Get("user"); name != "" {
		if _, err := s.state.userByName(name); err != nil {
			return err
		}
	}
	if name := q.Get("org"); name != "" {
		if _, err := s.state.orgByName(strings.TrimSpace(name)); err != nil {
			return err
		}
	}
	return nil
}
