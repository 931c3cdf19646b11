package influxtest

import (
	"iter"
	"net/http"
	"net/url"
	"strings"
)

const authorizationsPath = "/api/v2/authorizations"

func (s *Server) listAuthorizations(w http.ResponseWriter, r *http.Request, caller *Authorization) {
	found, err := s.findAuthorizations(r.URL.Query(), caller)
	if err != nil {
		writeError(w, err)
		return
	}
	s.writeList(w, authorizationsPath, s.responses(found, s.authorizationResponse))
}

func (s *Server) authorization(r *http.Request, caller *Authorization) (any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	a, err := s.readable(s.authorizationByID(id), caller)
	if err != nil {
		return nil, err
	}
	return s.authorizationResponse(a)
}

// filter selects authorizations. An empty field selects all; id wins (T11).
type filter struct{ id, userID, orgID, token string }

func (f filter) matches(a *Authorization) bool {
	switch {
	case f.id != "":
		return a.ID == f.id
	case f.token != "":
		return a.Token == f.token
	}
	return (f.userID == "" || a.UserID == f.userID) && (f.orgID == "" || a.OrgID == f.orgID)
}

// idFilter takes the parameters in the order in which InfluxDB refuses them.
// All other parameters are ignored (T14 to T16).
func idFilter(q url.Values) (f filter, err error) {
	if f.userID, err = idParameter(q, "userID"); err != nil {
		return f, err
	}
	if f.orgID, err = idParameter(q, "orgID"); err != nil {
		return f, err
	}
	f.id, err = idParameter(q, "id")
	return f, err
}

// namedFilter looks names up where no id was given (T9), for every caller (T119).
func (s *Server) namedFilter(q url.Values) (filter, error) {
	f, err := idFilter(q)
	if err != nil {
		return f, err
	}
	if name := q.Get("user"); name != "" && f.userID == "" {
		u, err := s.state.userByName(name)
		if err != nil {
			return f, err
		}
		f.userID = u.ID
	}
	if name := q.Get("org"); name != "" && f.orgID == "" {
		o, err := s.state.orgByName(strings.TrimSpace(name))
		if err != nil {
			return f, err
		}
		f.orgID = o.ID
	}
	return f, nil
}

// findAuthorizations does all that can fail before the first byte of the list.
func (s *Server) findAuthorizations(q url.Values, caller *Authorization) (iter.Seq[*Authorization], error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f, err := s.namedFilter(q)
	if err != nil {
		return nil, err
	}
	if f.id != "" && s.authorizationByID(f.id) == nil {
		return nil, missing("authorization not found") // T12
	}
	stored, err := s.selected(&s.state.authorizations, f, caller)
	if err != nil {
		return nil, err
	}
	return concat(stored, s.state.generated.all(), func(a *Authorization) bool {
		return f.matches(a) && s.mayRead(a, caller) == nil
	}), nil
}

func concat(stored []*Authorization, generated iter.Seq[*Authorization], keep func(*Authorization) bool) iter.Seq[*Authorization] {
	return func(yield func(*Authorization) bool) {
		for _, a := range stored {
			if !yield(a) {
				return
			}
		}
		for a := range generated {
			if keep(a) && !yield(a) {
				return
			}
		}
	}
}

// selected returns, ascending by id, what matches and the caller may read. One of
// them with an unknown resource type fails them all (X3).
func (s *Server) selected(from *store, f filter, caller *Authorization) ([]*Authorization, error) {
	var found []*Authorization
	for _, id := range ascending(from.stored) {
		a := from.stored[id]
		if !f.matches(a) || s.mayRead(a, caller) != nil {
			continue
		}
		if _, err := s.permissionResponses(a.Permissions); err != nil {
			return nil, err
		}
		found = append(found, a)
	}
	return found, nil
}

func (s *Server) authorizationByID(id string) *Authorization {
	if a := s.state.authorizations.stored[id]; a != nil {
		return a
	}
	return s.state.generated.byID(id)
}

func (s *Server) readable(a, caller *Authorization) (*Authorization, error) {
	if a == nil {
		return nil, missing("authorization not found")
	}
	return a, s.mayRead(a, caller)
}

// mayRead demands both permissions, as InfluxDB 2.9.1 authorizer/authorize_find.go
// does. The second names no organization (T25, T49).
func (s *Server) mayRead(a, caller *Authorization) error {
	if err := caller.may(toRead("authorizations", a.ID, a.OrgID)); err != nil {
		return err
	}
	if err := caller.may(toRead("users", a.UserID, "")); err != nil {
		return err
	}
	if s.mode != OSS && (a.UserID != caller.UserID || a.OrgID != caller.OrgID) {
		return missing("authorization not found") // assumed
	}
	return nil
}
