package influxtest

import (
	"net/http"
	"net/url"
	"strings"
)

const orgsPath = "/api/v2/orgs"

type orgResponse struct {
	Links links `json:"links"`
	*org
}

type orgsResponse struct {
	Links links         `json:"links"`
	Orgs  []orgResponse `json:"orgs"`
}

func newOrgResponse(o *org) orgResponse {
	self := orgsPath + "/" + o.ID
	return orgResponse{links{
		"self":       self,
		"logs":       self + "/logs",
		"members":    self + "/members",
		"owners":     self + "/owners",
		"secrets":    self + "/secrets",
		"labels":     self + "/labels",
		"buckets":    "/api/v2/buckets?org=" + o.Name,
		"tasks":      "/api/v2/tasks?org=" + o.Name,
		"dashboards": "/api/v2/dashboards?org=" + o.Name,
	}, o}
}

func (s *Server) listOrgs(r *http.Request, caller *Authorization) (any, error) {
	found, err := s.findOrgs(r.URL.Query(), caller)
	if err != nil {
		return nil, err
	}
	list := orgsResponse{links{"self": orgsPath}, []orgResponse{}}
	for _, o := range found {
		if caller.may(toRead("orgs", o.ID, "")) == nil {
			list.Orgs = append(list.Orgs, newOrgResponse(o))
		}
	}
	return list, nil
}

// findOrgs ignores malformed ids (T82). Who may not read organizations at large
// is shown those of its user.
func (s *Server) findOrgs(q url.Values, caller *Authorization) ([]*org, error) {
	options, err := parseFindOptions(q)
	if err != nil {
		return nil, err
	}
	id, _ := idParameter(q, "orgID")
	userID, _ := idParameter(q, "userID")
	switch {
	case id != "":
		return only(s.state.orgByID(id))
	case q.Get("org") != "":
		return only(s.state.orgByName(strings.TrimSpace(q.Get("org"))))
	case userID == "" && caller.may(toRead("orgs", "", "")) != nil:
		userID = caller.UserID
	}
	return s.orgsPage(userID, options), nil
}

// orgsPage knows limit and offset only, as InfluxDB 2.9.1 tenant/storage_org.go.
func (s *Server) orgsPage(userID string, o findOptions) []*org {
	var ids []string
	for _, id := range ascending(s.state.orgs) {
		if userID == "" || s.state.roles[id][userID] != "" {
			ids = append(ids, id)
		}
	}
	var page []*org
	for _, id := range o.cut(ids) {
		page = append(page, s.state.orgs[id])
	}
	return page
}

func (s *Server) organization(r *http.Request, caller *Authorization) (any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if err := caller.may(toRead("orgs", id, "")); err != nil {
		return nil, err
	}
	o, err := s.state.orgByID(id)
	if err != nil {
		return nil, err
	}
	return newOrgResponse(o), nil
}

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
