package influxtest

import (
	"slices"
	"time"
)

// Authorization is what InfluxDB stores of a token. AddAuthorization fills in
// what is empty: ID and Token, Status active, and both times with the clock.
type Authorization struct {
	ID, OrgID, UserID    string
	Token                string
	Status               string
	Description          string
	Permissions          []Permission
	CreatedAt, UpdatedAt time.Time
}

// AddAuthorization stores an authorization and returns its id and token value.
// Neither owner nor organization nor permissions are checked.
func (s *Server) AddAuthorization(a Authorization) (id, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(&s.state.authorizations, &a)
	s.state.tokens[a.Token] = a.ID
	return a.ID, a.Token
}

// AddLegacy stores a 1.x compatible authorization. Its Token is the name of the
// 1.x user, which InfluxDB always shows.
func (s *Server) AddLegacy(a Authorization) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(&s.state.legacy, &a)
	return a.ID
}

func (s *Server) add(to *store, a *Authorization) {
	a.Permissions = slices.Clone(a.Permissions)
	if a.ID == "" {
		a.ID = next(&to.last)
	}
	if a.Token == "" {
		a.Token = tokenValue(a.ID)
	}
	if a.Status == "" {
		a.Status = Active
	}
	if a.CreatedAt.IsZero() {
		a.CreatedAt = s.Now()
	}
	if a.UpdatedAt.IsZero() {
		a.UpdatedAt = a.CreatedAt
	}
	to.stored[a.ID] = a
}

// SetStatus activates or deactivates a stored authorization.
func (s *Server) SetStatus(authID, status string) {
	s.replace(authID, func(a *Authorization) {
		a.Status, a.UpdatedAt = status, s.Now()
	})
}

// Poison adds a permission with a resource id and a resource type that this
// server does not know, as a restore of a newer version can leave behind: every
// list that includes the authorization is an error 500 then (X3).
func (s *Server) Poison(authID string) {
	s.replace(authID, func(a *Authorization) {
		r := Resource{Type: "carrots", ID: "00000000000000c0", OrgID: a.OrgID}
		a.Permissions = append(slices.Clone(a.Permissions), Permission{read, r})
	})
}

func (s *Server) replace(authID string, change func(*Authorization)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := *s.state.authorizations.stored[authID]
	change(&a)
	s.state.authorizations.stored[authID] = &a
}

// DeleteAuthorization revokes a stored authorization: it is gone for good.
func (s *Server) DeleteAuthorization(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.state.authorizations.stored, id)
}
