package influxtest

import (
	"path"
	"slices"
)

const (
	read  = "read"
	write = "write"
)

// Permission allows an action on a resource.
type Permission struct {
	Action   string
	Resource Resource
}

// Resource names what a permission is for. Without ID it is all resources of the
// type in the organization, without OrgID and ID those of the whole instance.
type Resource struct {
	Type  string `json:"type"`
	ID    string `json:"id,omitempty"`
	OrgID string `json:"orgID,omitempty"`
}

// String is the form in which InfluxDB's messages name a permission (T47, T48).
func (p Permission) String() string {
	r := p.Resource
	if r.OrgID != "" {
		return p.Action + ":" + path.Join("orgs", r.OrgID, r.Type, r.ID)
	}
	return p.Action + ":" + path.Join(r.Type, r.ID)
}

// matches follows InfluxDB 2.9.1 authz.go matchesV1. A permission for one
// organization never matches a demand without one, such as read:users/{id} (T25).
func (p Permission) matches(demand Permission) bool {
	has, want := p.Resource, demand.Resource
	switch {
	case p.Action != demand.Action:
		return false
	case has.Type == "instance":
		return true
	case has.Type != want.Type:
		return false
	case has.ID != "":
		return has.ID == want.ID
	}
	return has.OrgID == "" || has.OrgID == want.OrgID
}

func toRead(resourceType, id, orgID string) Permission {
	return Permission{read, Resource{Type: resourceType, ID: id, OrgID: orgID}}
}

// may is nil if the authorization allows the demand. Only here an inactive token
// is noticed (T29, T33).
func (a *Authorization) may(demand Permission) error {
	if a.Status != Active {
		return unauthorized("token is inactive")
	}
	for _, p := range a.Permissions {
		if p.matches(demand) {
			return nil
		}
	}
	return unauthorized(demand.String() + " is unauthorized")
}

// resourceTypes is a function for want of constant lists. The order is that of
// InfluxDB 2.9.1 authz.go AllResourceTypes, without the type instance, which no
// authorization can carry.
func resourceTypes() []string {
	return []string{
		"authorizations", "buckets", "dashboards", "orgs", "sources", "tasks",
		"telegrafs", "users", "variables", "scrapers", "secrets", "labels",
		"views", "documents", "notificationRules", "notificationEndpoints",
		"checks", "dbrp", "notebooks", "annotations", "remotes", "replications",
	}
}

func (m Mode) knows(resourceType string) bool {
	switch resourceType {
	case "instance":
		return true
	case "flows", "functions", "subscriptions":
		return m != OSS
	}
	return slices.Contains(resourceTypes(), resourceType)
}
