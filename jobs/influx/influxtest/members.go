package influxtest

import "net/http"

type roleResponse struct {
	Role string `json:"role"`
	userResponse
}

type rolesResponse struct {
	Links links          `json:"links"`
	Users []roleResponse `json:"users"`
}

// usersWithRole is unpaged and needs read:orgs/{id} only, no permission on users
// (T87). Members and owners are disjoint.
func (s *Server) usersWithRole(role string) endpoint {
	return func(r *http.Request, caller *Authorization) (any, error) {
		id, err := s.readableOrg(r.PathValue("id"), caller)
		if err != nil {
			return nil, err
		}
		list := rolesResponse{links{"self": orgsPath + "/" + id + "/" + role + "s"}, []roleResponse{}}
		for _, userID := range ascending(s.state.roles[id]) {
			if s.state.roles[id][userID] == role {
				list.Users = append(list.Users, roleResponse{role, newUserResponse(s.state.users[userID])})
			}
		}
		return list, nil
	}
}

// readableOrg does not tell why: not allowed, deleted, and Serverless, which has
// no roles, look the same (T88 to T90).
func (s *Server) readableOrg(id string, caller *Authorization) (string, error) {
	id, err := parseID(id)
	if err != nil {
		return "", invalid("corrupt ID provided: " + err.Error())
	}
	_, unknown := s.state.orgByID(id)
	if s.mode == CloudServerless || unknown != nil || caller.may(toRead("orgs", id, "")) != nil {
		return "", missing("404 page not found")
	}
	return id, nil
}
