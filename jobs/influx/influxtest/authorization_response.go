package influxtest

import (
	"errors"
	"time"
)

type authorizationResponse struct {
	ID          string               `json:"id"`
	Token       string               `json:"token"`
	Status      string               `json:"status"`
	Description string               `json:"description"`
	OrgID       string               `json:"orgID"`
	Org         string               `json:"org"`
	UserID      string               `json:"userID"`
	User        string               `json:"user"`
	Permissions []permissionResponse `json:"permissions"`
	Links       links                `json:"links"`
	CreatedAt   time.Time            `json:"createdAt"`
	UpdatedAt   time.Time            `json:"updatedAt"`
}

type permissionResponse struct {
	Action   string           `json:"action"`
	Resource resourceResponse `json:"resource"`
}

type resourceResponse struct {
	Resource
	Name string `json:"name,omitempty"`
	Org  string `json:"org,omitempty"`
}

func (s *Server) authorizationResponse(a *Authorization) (*authorizationResponse, error) {
	return s.newAuthorizationResponse(a, authorizationsPath, s.shownToken(a))
}

func (s *Server) shownToken(a *Authorization) string {
	switch {
	case s.mode != OSS:
		return "redacted"
	case s.ClearTokens:
		return a.Token
	}
	return ""
}

// newAuthorizationResponse looks all names up now (T116). A deleted organization
// or owner is an error, in this order (T40, T41).
func (s *Server) newAuthorizationResponse(a *Authorization, path, token string) (*authorizationResponse, error) {
	permissions, err := s.permissionResponses(a.Permissions)
	if err != nil {
		return nil, err
	}
	o, err := s.state.orgByID(a.OrgID)
	if err != nil {
		return nil, err
	}
	u, err := s.state.userByID(a.UserID)
	if err != nil {
		return nil, err
	}
	return &authorizationResponse{
		ID: a.ID, Token: token, Status: a.Status, Description: a.Description,
		OrgID: o.ID, Org: o.Name, UserID: u.ID, User: u.Name,
		Permissions: permissions,
		Links:       links{"self": path + "/" + a.ID, "user": usersPath + "/" + u.ID},
		CreatedAt:   a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}, nil
}

func (s *Server) permissionResponses(ps []Permission) ([]permissionResponse, error) {
	responses := make([]permissionResponse, len(ps))
	for i, p := range ps {
		r, err := s.resourceResponse(p.Resource)
		if err != nil {
			return nil, err
		}
		responses[i] = permissionResponse{p.Action, r}
	}
	return responses, nil
}

// resourceResponse leaves out the organization's name too if the resource is
// deleted (T44; InfluxDB 2.9.1 authorization/http_server.go newPermissionsResponse).
func (s *Server) resourceResponse(r Resource) (resourceResponse, error) {
	response := resourceResponse{Resource: r}
	var err error
	if r.ID != "" {
		if response.Name, err = s.nameOf(r.Type, r.ID); err != nil {
			return response, unlessMissing(err)
		}
	}
	if r.OrgID != "" {
		response.Org, err = s.nameOf("orgs", r.OrgID)
	}
	return response, unlessMissing(err)
}

func unlessMissing(err error) error {
	if isMissing(err) {
		return nil
	}
	return err
}

// nameOf is "" for all other types: InfluxDB does not look those up.
func (s *Server) nameOf(resourceType, id string) (string, error) {
	if !s.mode.knows(resourceType) {
		return "", errors.New("unknown resource type for permission")
	}
	switch resourceType {
	case "buckets":
		return name(s.state.bucketByID(id))
	case "orgs":
		return name(s.state.orgByID(id))
	case "users":
		return name(s.state.userByID(id))
	}
	return "", nil
}

func name(record interface{ name() string }, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return record.name(), nil
}

func (o *org) name() string    { return o.Name }
func (u *user) name() string   { return u.Name }
func (b *bucket) name() string { return b.Name }
