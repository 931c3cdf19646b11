package influxtest_test

import (
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/influx/influxtest"
)

// world is the server the transcripts were recorded from: the same organizations,
// users and authorizations, in the same order.
type world struct {
	server *influxtest.Server
	ids    map[string]string // of everything, by a short name; {name} in requests
	tokens map[string]string
	names  map[string]string // authorization id: short name
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{influxtest.New(influxtest.OSS), map[string]string{}, map[string]string{"unknown": "no-such-token"}, map[string]string{}}
	w.setNanosecond(550252464)
	w.addTenants()
	w.addAuthorizations()
	w.addLegacy()
	w.server.SetUserStatus(w.ids["inactiveUser"], influxtest.Inactive)
	w.server.DeleteUser(w.ids["deletedUser"])
	w.server.DeleteOrg(w.ids["goneOrg"])
	w.server.DeleteBucket(w.ids["deletedBucket"])
	return w
}

func (w *world) addTenants() {
	s, ids := w.server, w.ids
	ids["acme"], ids["globex"], ids["goneOrg"] = s.AddOrg("acme"), s.AddOrg("globex"), s.AddOrg("gone-org")
	ids["admin"] = s.AddUser("admin")
	ids["iotUser"], ids["inactiveUser"] = s.AddUser("iot_user_1"), s.AddUser("inactive_user")
	ids["deletedUser"], ids["globexUser"] = s.AddUser("deleted_user"), s.AddUser("globex_user")
	ids["reader"], ids["outsider"] = s.AddUser("reader"), s.AddUser("outsider")
	ids["telemetry"], ids["deletedBucket"] = s.AddBucket(ids["acme"], "telemetry"), s.AddBucket(ids["acme"], "old")
	for _, name := range []string{"iotUser", "inactiveUser", "deletedUser"} {
		s.AddMember(ids["acme"], ids[name])
	}
	s.AddOwner(ids["acme"], ids["reader"])
	s.AddOwner(ids["acme"], ids["admin"])
	s.AddOwner(ids["globex"], ids["admin"])
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
	w.setNanosecond(550252464)
	w.server.SetStatus(ids["inactiveWrite"], influxtest.Inactive)
	w.server.SetStatus(ids["inactiveOperator"], influxtest.Inactive)
}

func (w *world) addLegacy() {
	write := influxtest.WriteBuckets(w.ids["acme"], w.ids["telemetry"])
	add := func(name, user, token, description string) {
		w.ids[name] = w.server.AddLegacy(influxtest.Authorization{
			OrgID: w.ids["acme"], UserID: w.ids[user], Token: token, Description: description, Permissions: write,
		})
		w.names[w.ids[name]] = name
	}
	add("v1Live", "iotUser", "v1-live", "v1 auth of a live user")
	add("v1Orphan", "deletedUser", "v1-orphan", "v1 auth of a deleted user")
}

func (w *world) add(name, user, org, description string, permissions []influxtest.Permission) {
	w.setNanosecond(recordedNanosecond(name))
	id, token := w.server.AddAuthorization(influxtest.Authorization{
		OrgID: w.ids[org], UserID: w.ids[user], Description: description, Permissions: permissions,
	})
	w.ids[name], w.tokens[name], w.names[id] = id, token, name
}

// recordedNanosecond ends in as many zeros as the recorded one: JSON drops them,
// and the tests compare lengths.
func recordedNanosecond(name string) int {
	switch name {
	case "operator", "globexWrite":
		return 550252400
	case "outsiderWrite":
		return 550252460
	}
	return 550252464
}

func (w *world) setNanosecond(ns int) {
	w.server.Now = func() time.Time { return time.Date(2026, 11, 23, 9, 21, 48, ns, time.UTC) }
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
