package influxtest

import (
	"net/http"
	"net/url"
)

const usersPath = "/api/v2/users"

type userResponse struct {
	Links links `json:"links"`
	*user
}

type usersResponse struct {
	Links links          `json:"links"`
	Users []userResponse `json:"users"`
}

func newUserResponse(u *user) userResponse {
	return userResponse{links{"self": usersPath + "/" + u.ID}, u}
}

// listUsers filters by permission after paging: a page may be short or empty
// while more follow (T71). There is no next link and no total.
func (s *Server) listUsers(r *http.Request, caller *Authorization) (any, error) {
	found, err := s.findUsers(r.URL.Query())
	if err != nil {
		return nil, err
	}
	list := usersResponse{links{"self": usersPath}, []userResponse{}}
	for _, u := range found {
		if caller.may(toRead("users", u.ID, "")) == nil {
			list.Users = append(list.Users, newUserResponse(u))
		}
	}
	return list, nil
}

// findUsers prefers id to name; neither found is an error, not an empty list
// (T54 to T56).
func (s *Server) findUsers(q url.Values) ([]*user, error) {
	options, err := parseFindOptions(q)
	if err != nil {
		return nil, err
	}
	id, err := idParameter(q, "id")
	switch {
	case err != nil:
		return nil, err
	case id != "":
		return only(s.state.userByID(id))
	case q.Get("name") != "":
		return only(s.state.userByName(q.Get("name")))
	case s.mode != OSS:
		return nil, nil // Cloud "doesn't allow listing all users"
	}
	return s.usersPage(options), nil
}

func only[T any](record *T, err error) ([]*T, error) {
	if err != nil {
		return nil, err
	}
	return []*T{record}, nil
}

func (s *Server) usersPage(o findOptions) []*user {
	var page []*user
	for _, id := range o.page(ascending(s.state.users)) {
		page = append(page, s.state.users[id])
	}
	return page
}

func (s *Server) user(r *http.Request, caller *Authorization) (any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return s.readUser(id, caller)
}

// me needs the permission to read its own user (T77).
func (s *Server) me(_ *http.Request, caller *Authorization) (any, error) {
	return s.readUser(caller.UserID, caller)
}

// readUser checks the permission first: 401 says nothing about existence (T74).
func (s *Server) readUser(id string, caller *Authorization) (any, error) {
	if err := caller.may(toRead("users", id, "")); err != nil {
		return nil, err
	}
	u, err := s.state.userByID(id)
	if err != nil {
		return nil, err
	}
	return newUserResponse(u), nil
}
