package contract

import (
	"fmt"
	"strings"

	"tokenaudit/jobs/influx/influxtest"
)

// world is a peer with the orgs, users and authorizations of the recorded server.
type world struct {
	peer
	ids    map[string]string // of everything, by a symbolic name; {name} in requests
	tokens map[string]string // values, by the symbolic name of the authorization
}

func newWorld(p peer) *world {
	w := &world{p, map[string]string{}, map[string]string{"unknown": "no-such-token"}}
	w.addTenants()
	w.addAuthorizations()
	w.addLegacy("v1Live", "iotUser", "acme", "v1-live", "v1 auth of a live user")
	w.addLegacy("v1Orphan", "deletedUser", "acme", "v1-orphan", "v1 auth of a deleted user")
	w.SetStatus(w.ids["inactiveWrite"], influxtest.Inactive)
	w.SetStatus(w.ids["inactiveOperator"], influxtest.Inactive)
	w.SetUserStatus(w.ids["inactiveUser"], influxtest.Inactive)
	w.DeleteUser(w.ids["deletedUser"])
	w.DeleteOrg(w.ids["goneOrg"])
	w.DeleteBucket(w.ids["deletedBucket"])
	return w
}

func (w *world) addTenants() {
	ids := w.ids
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

func (w *world) addAuthorizations() {
	ids := w.ids
	acme, telemetry := ids["acme"], ids["telemetry"]
	write := influxtest.WriteBuckets(acme, telemetry)
	allAccess := influxtest.AllAccess(acme, ids["reader"])
	w.add("operator", "admin", "acme", "admin's Token", influxtest.Operator())
	w.add("activeWrite", "iotUser", "acme", "iot write one bucket", write)
	w.add("readWrite", "iotUser", "acme", "iot read+write two perms", append(influxtest.ReadWriteBuckets(acme, telemetry), influxtest.WriteBuckets(acme, ids["deletedBucket"])...))
	w.add("readOnly", "iotUser", "acme", "iot read only", influxtest.ReadBuckets(acme, telemetry))
	w.add("inactiveWrite", "iotUser", "acme", "iot inactive write", write)
	w.add("dangling", "iotUser", "acme", "write on a deleted bucket", influxtest.WriteBuckets(acme, ids["deletedBucket"]))
	w.add("allAccess", "reader", "acme", "all-access of an org owner", allAccess)
	w.add("allAccessNoMe", "reader", "acme", "all-access without users/{id}", allAccess[:44])
	w.add("auditorOrg", "reader", "acme", "read:authorizations + read:users of the org", reading(acme, acme))
	w.add("auditorGlobal", "admin", "acme", "read:authorizations + read:users, global", reading("", ""))
	w.add("auditor", "reader", "acme", "read:authorizations of org + global read:users", reading(acme, ""))
	w.add("inactiveOperator", "admin", "acme", "operator, set inactive", influxtest.Operator())
	w.add("inactiveUserWrite", "inactiveUser", "acme", "active token of an inactive user", write)
	w.add("inactiveUserOperator", "inactiveUser", "acme", "operator token of an inactive user", influxtest.Operator())
	w.add("deletedUserWrite", "deletedUser", "acme", "write token of a deleted user", write)
	w.add("deletedUserOperator", "deletedUser", "acme", "operator token of a deleted user", influxtest.Operator())
	w.add("globexWrite", "globexUser", "globex", "globex write all buckets", influxtest.WriteBuckets(ids["globex"]))
	w.add("globexAllAccess", "globexUser", "globex", "globex all-access", influxtest.AllAccess(ids["globex"], ids["globexUser"]))
	w.add("goneOrgWrite", "iotUser", "goneOrg", "write in a deleted org", influxtest.WriteBuckets(ids["goneOrg"]))
	w.add("dashboards", "iotUser", "acme", "writes dashboards, not buckets", permission("write", "dashboards", acme))
	w.add("outsiderWrite", "outsider", "acme", "", write)
}

// add gives the authorization an id that nothing else has: InfluxDB's generators,
// and the fake's, can give a user and an authorization the same one.
func (w *world) add(name, user, org, description string, permissions []influxtest.Permission) {
	w.ids[name], w.tokens[name] = w.AddAuthorization(influxtest.Authorization{
		ID:    fmt.Sprintf("a0000000%08x", len(w.tokens)),
		OrgID: w.ids[org], UserID: w.ids[user], Description: description, Permissions: permissions,
	})
}

func (w *world) addLegacy(name, user, org, token, description string) {
	permissions := influxtest.WriteBuckets(w.ids[org])
	if org == "acme" {
		permissions = influxtest.WriteBuckets(w.ids[org], w.ids["telemetry"])
	}
	w.ids[name] = w.AddLegacy(influxtest.Authorization{
		OrgID: w.ids[org], UserID: w.ids[user], Token: token, Description: description, Permissions: permissions,
	})
}

func reading(authorizationsOf, usersOf string) []influxtest.Permission {
	return append(permission("read", "authorizations", authorizationsOf), permission("read", "users", usersOf)...)
}

func permission(action, resourceType, orgID string) []influxtest.Permission {
	return []influxtest.Permission{{Action: action, Resource: influxtest.Resource{Type: resourceType, OrgID: orgID}}}
}

// fill replaces {name} by the id of that name.
func (w *world) fill(s string) string {
	for name, id := range w.ids {
		s = strings.ReplaceAll(s, "{"+name+"}", id)
	}
	return s
}
