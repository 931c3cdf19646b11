package influxtest_test

import (
	"strings"
	"testing"

	"tokenaudit/jobs/influx/influxtest"
)

func newCloud(mode influxtest.Mode) *world {
	s := influxtest.New(mode)
	w := &world{s, map[string]string{}, map[string]string{}, map[string]string{}}
	w.ids["acme"], w.ids["alice"], w.ids["bob"] = s.AddOrg("acme"), s.AddUser("alice"), s.AddUser("bob")
	s.AddOwner(w.ids["acme"], w.ids["alice"])
	s.AddOwner(w.ids["acme"], w.ids["bob"])
	w.add("alices", "alice", "acme", "all access", influxtest.AllAccess(w.ids["acme"], w.ids["alice"]))
	w.add("bobs", "bob", "acme", "all access", influxtest.AllAccess(w.ids["acme"], w.ids["bob"]))
	w.add("auditors", "alice", "acme", "audit", reading(w.ids["acme"], ""))
	return w
}

func TestCloudListsOnlyTheCallersOwn(t *testing.T) {
	for _, mode := range []influxtest.Mode{influxtest.CloudTSM, influxtest.CloudServerless} {
		w := newCloud(mode)
		w.check(t, ok("all access", "/api/v2/authorizations", "bobs", 0, "bobs"))
		w.check(t, ok("audit", "/api/v2/authorizations", "auditors", 0, "alices", "auditors"))
		w.check(t, failure("by id", "/api/v2/authorizations/{bobs}", "auditors", 404, "not found", "authorization not found"))
	}
}

func TestCloudShowsNoToken(t *testing.T) {
	w := newCloud(influxtest.CloudServerless)
	w.server.ClearTokens = true
	answer := w.ask("/api/v2/authorizations", "alices")
	if body := answer.Body.String(); !strings.Contains(body, `"token": "redacted"`) || strings.Contains(body, "canary") {
		t.Errorf("got %.400s", body)
	}
	if build := answer.Header().Get("X-Influxdb-Build"); build != "" {
		t.Errorf("X-Influxdb-Build: %s", build)
	}
}

func TestServerlessHasNoUsers(t *testing.T) {
	w := newCloud(influxtest.CloudServerless)
	for _, path := range []string{"/api/v2/users", "/api/v2/users/{alice}", "/api/v2/me", "/private/legacy/authorizations", "/metrics"} {
		w.check(t, failure(path, path, "alices", 404, "not found", "path not found"))
	}
	w.check(t, failure("members", "/api/v2/orgs/{acme}/members", "alices", 404, "not found", "404 page not found"))
	w.check(t, ok("orgs", "/api/v2/orgs", "alices", 0, "acme"))
}

func TestCloudTSMFindsUsersButListsNone(t *testing.T) {
	w := newCloud(influxtest.CloudTSM)
	w.check(t, ok("all", "/api/v2/users", "auditors", 58))
	w.check(t, ok("by name", "/api/v2/users?name=bob", "auditors", 0, "bob"))
	w.check(t, ok("by id", "/api/v2/users?id={bob}", "auditors", 0, "bob"))
	w.check(t, ok("me", "/api/v2/me", "auditors", 0, "alice"))
	w.check(t, ok("owners", "/api/v2/orgs/{acme}/owners", "alices", 0, "alice", "bob"))
	w.check(t, failure("legacy", "/private/legacy/authorizations", "alices", 404, "not found", "path not found"))
}
