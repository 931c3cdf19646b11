package conformance

import (
	"fmt"
	"strings"

	"tokenaudit/jobs/influx/influxtest"
)

// World is a server and the symbolic names of what is in it.
type World struct {
	Server
	IDs    map[string]string // of everything, by its symbolic name; {name} in requests
	Tokens map[string]string // values, by the symbolic name of the authorization
}

// Empty is a server without anything in it.
func Empty(s Server) *World {
	return &World{s, map[string]string{}, map[string]string{"unknown": "no-such-token"}}
}

// NewWorld has the orgs, users and authorizations of the recorded server.
func NewWorld(s Server) *World {
	w := Empty(s)
	w.addTenants()
	w.addAuthorizations()
	w.AddV1("v1Live", "iotUser", "acme", "v1-live", "v1 auth of a live user")
	w.AddV1("v1Orphan", "deletedUser", "acme", "v1-orphan", "v1 auth of a deleted user")
	w.SetStatus(w.IDs["inactiveWrite"], influxtest.Inactive)
	w.SetStatus(w.IDs["inactiveOperator"], influxtest.Inactive)
	w.SetUserStatus(w.IDs["inactiveUser"], influxtest.Inactive)
	w.DeleteUser(w.IDs["deletedUser"])
	w.DeleteOrg(w.IDs["goneOrg"])
	w.DeleteBucket(w.IDs["deletedBucket"])
	return w
}

func (w *World) addTenants() {
	ids := w.IDs
	ids["acme"], ids["globex"], ids["goneOrg"] = w.AddOrg("acme"), w.AddOrg("globex"), w.AddOrg("gone-org")
	for _, user := range [][2]string{ // in the order of their ids
		{"admin", "admin"}, {"iotUser", "iot_user_1"}, {"inactiveUser", "inactive_user"}, {"deletedUser", "deleted_user"},
		{"globexUser", "globex_user"}, {"reader", "reader"}, {"outsider", "outsider"},
	} {
		ids[user[0]] = w.AddUser(user[1])
	}
	ids["telemetry"], ids["deletedBucket"] = w.AddBucket(ids["acme"], "telemetry"), w.AddBucket(ids["acme"], "old")
	for _, name := range []string{"iotUser", "inactiveUser", "deletedUser"} {
		w.AddMember(ids["acme"], ids[name])
	}
	w.AddOwner(ids["acme"], ids["reader"])
	w.AddOwner(ids["acme"], ids["admin"])
	w.AddOwner(ids["globex"], ids["admin"])
}

func (w *World) addAuthorizations() {
	ids := w.IDs
	acme, telemetry := ids["acme"], ids["telemetry"]
	write := influxtest.WriteBuckets(acme, telemetry)
	allAccess := influxtest.AllAccess(acme, ids["reader"])
	w.Add("operator", "admin", "acme", "admin's Token", influxtest.Operator())
	w.Add("activeWrite", "iotUser", "acme", "iot write one bucket", write)
	w.Add("readWrite", "iotUser", "acme", "iot read+write two perms", append(influxtest.ReadWriteBuckets(acme, telemetry), influxtest.WriteBuckets(acme, ids["deletedBucket"])...))
	w.Add("readOnly", "iotUser", "acme", "iot read only", influxtest.ReadBuckets(acme, telemetry))
	w.Add("inactiveWrite", "iotUser", "acme", "iot inactive write", write)
	w.Add("dangling", "iotUser", "acme", "write on a deleted bucket", influxtest.WriteBuckets(acme, ids["deletedBucket"]))
	w.Add("allAccess", "reader", "acme", "all-access of an org owner", allAccess)
	w.Add("allAccessNoMe", "reader", "acme", "all-access without users/{id}", allAccess[:44])
	w.Add("auditorOrg", "reader", "acme", "read:authorizations + read:users of the org", reading(acme, acme))
	w.Add("auditorGlobal", "admin", "acme", "read:authorizations + read:users, global", reading("", ""))
	w.Add("auditor", "reader", "acme", "read:authorizations of org + global read:users", reading(acme, ""))
	w.Add("inactiveOperator", "admin", "acme", "operator, set inactive", influxtest.Operator())
	w.Add("inactiveUserWrite", "inactiveUser", "acme", "active token of an inactive user", write)
	w.Add("inactiveUserOperator", "inactiveUser", "acme", "operator token of an inactive user", influxtest.Operator())
	w.Add("deletedUserWrite", "deletedUser", "acme", "write token of a deleted user", write)
	w.Add("deletedUserOperator", "deletedUser", "acme", "operator token of a deleted user", influxtest.Operator())
	w.Add("globexWrite", "globexUser", "globex", "globex write all buckets", influxtest.WriteBuckets(ids["globex"]))
	w.Add("globexAllAccess", "globexUser", "globex", "globex all-access", influxtest.AllAccess(ids["globex"], ids["globexUser"]))
	w.Add("goneOrgWrite", "iotUser", "goneOrg", "write in a deleted org", influxtest.WriteBuckets(ids["goneOrg"]))
	w.Add("dashboards", "iotUser", "acme", "writes dashboards, not buckets", permission("write", "dashboards", acme))
	w.Add("outsiderWrite", "outsider", "acme", "", write)
}

// Add gives the authorization an id that nothing else has: InfluxDB's generators,
// and the fake's, can give a user and an authorization the same one.
func (w *World) Add(name, user, org, description string, permissions []influxtest.Permission) {
	w.IDs[name], w.Tokens[name] = w.AddAuthorization(influxtest.Authorization{
		ID:    fmt.Sprintf("a0000000%08x", len(w.Tokens)),
		OrgID: w.IDs[org], UserID: w.IDs[user], Description: description, Permissions: permissions,
	})
}

func (w *World) AddV1(name, user, org, token, description string) {
	permissions := influxtest.WriteBuckets(w.IDs[org])
	if org == "acme" {
		permissions = influxtest.WriteBuckets(w.IDs[org], w.IDs["telemetry"])
	}
	w.IDs[name] = w.AddLegacy(influxtest.Authorization{
		OrgID: w.IDs[org], UserID: w.IDs[user], Token: token, Description: description, Permissions: permissions,
	})
}

func reading(authorizationsOf, usersOf string) []influxtest.Permission {
	return append(permission("read", "authorizations", authorizationsOf), permission("read", "users", usersOf)...)
}

func permission(action, resourceType, orgID string) []influxtest.Permission {
	return []influxtest.Permission{{Action: action, Resource: influxtest.Resource{Type: resourceType, OrgID: orgID}}}
}

// Fill replaces {name} by the id of that name.
func (w *World) Fill(s string) string {
	for name, id := range w.IDs {
		s = strings.ReplaceAll(s, "{"+name+"}", id)
	}
	return s
}
