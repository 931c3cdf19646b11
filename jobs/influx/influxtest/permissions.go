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

// Operator returns the 44 permissions of an operator token: everything, in all
// organizations (T46).
func Operator() []Permission {
	var ps []Permission
	for _, t := range resourceTypes() {
		ps = append(ps, both(Resource{Type: t})...)
	}
	return ps
}

// AllAccess returns the 46 permissions of an all-access token: everything in the
// organization, and its own user.
func AllAccess(orgID, userID string) []Permission {
	return append(allOfOrg(orgID), both(Resource{Type: "users", ID: userID})...)
}

// allOfOrg is InfluxDB 2.9.1 authz.go OwnerPermissions.
func allOfOrg(orgID string) []Permission {
	var ps []Permission
	for _, t := range resourceTypes() {
		r := Resource{Type: t, OrgID: orgID}
		if t == "orgs" {
			r = Resource{Type: t, ID: orgID}
		}
		ps = append(ps, both(r)...)
	}
	return ps
}

// AuditorPermissions returns what an audit of the organization needs and no more:
// its authorizations, and users and organizations at large. read:users must not
// name the organization (T25, T27).
func AuditorPermissions(orgID string) []Permission {
	return []Permission{
		toRead("authorizations", "", orgID),
		toRead("users", "", ""),
		toRead("orgs", "", ""),
	}
}

// ReadBuckets allows reading the buckets; without buckets, all of the organization.
func ReadBuckets(orgID string, bucketIDs ...string) []Permission {
	return onBuckets(read, orgID, bucketIDs)
}

// WriteBuckets allows writing the buckets; without buckets, all of the organization.
func WriteBuckets(orgID string, bucketIDs ...string) []Permission {
	return onBuckets(write, orgID, bucketIDs)
}

// ReadWriteBuckets allows both; without buckets, for all of the organization.
func ReadWriteBuckets(orgID string, bucketIDs ...string) []Permission {
	return append(ReadBuckets(orgID, bucketIDs...), WriteBuckets(orgID, bucketIDs...)...)
}

func onBuckets(action, orgID string, bucketIDs []string) []Permission {
	if len(bucketIDs) == 0 {
		return []Permission{{action, Resource{Type: "buckets", OrgID: orgID}}}
	}
	var ps []Permission
	for _, id := range bucketIDs {
		ps = append(ps, Permission{action, Resource{Type: "buckets", ID: id, OrgID: orgID}})
	}
	return ps
}

func both(r Resource) []Permission {
	return []Permission{{read, r}, {write, r}}
}
