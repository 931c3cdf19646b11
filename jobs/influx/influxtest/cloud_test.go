package influxtest_test

import (
	"strings"
	"testing"

	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/influx/influxtest/conformance"
)

func newCloud(mode influxtest.Mode) fake {
	s := influxtest.New(mode)
	w := conformance.Empty(s)
	w.IDs["acme"], w.IDs["alice"], w.IDs["bob"] = s.AddOrg("acme"), s.AddUser("alice"), s.AddUser("bob")
	s.AddOwner(w.IDs["acme"], w.IDs["alice"])
	s.AddOwner(w.IDs["acme"], w.IDs["bob"])
	w.Add("alices", "alice", "acme", "all access", influxtest.AllAccess(w.IDs["acme"], w.IDs["alice"]))
	w.Add("bobs", "bob", "acme", "all access", influxtest.AllAccess(w.IDs["acme"], w.IDs["bob"]))
	w.Add("auditors", "alice", "acme", "audit", []influxtest.Permission{
		{Action: "read", Resource: influxtest.Resource{Type: "authorizations", OrgID: w.IDs["acme"]}},
		{Action: "read", Resource: influxtest.Resource{Type: "users"}},
	})
	return fake{w, s}
}

func TestCloudListsOnlyTheCallersOwn(t *testing.T) {
	for _, mode := range []influxtest.Mode{influxtest.CloudTSM, influxtest.CloudServerless} {
		w := newCloud(mode)
		w.Check(t, conformance.OK("all access", "/api/v2/authorizations", "bobs", "bobs"))
		w.Check(t, conformance.OK("audit", "/api/v2/authorizations", "auditors", "alices", "auditors"))
		w.Check(t, conformance.Failure("by id", "/api/v2/authorizations/{bobs}", "auditors", 404, "not found", "authorization not found"))
	}
}

func TestCloudShowsNoToken(t *testing.T) {
	w := newCloud(influxtest.CloudServerless)
	w.server.ClearTokens = true
	answer := w.get("/api/v2/authorizations", "alices")
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
		w.Check(t, conformance.Failure(path, path, "alices", 404, "not found", "path not found"))
	}
	w.Check(t, conformance.Failure("members", "/api/v2/orgs/{acme}/members", "alices", 404, "not found", "404 page not found"))
	w.Check(t, conformance.OK("orgs", "/api/v2/orgs", "alices", "acme"))
}

func TestCloudTSMFindsUsersButListsNone(t *testing.T) {
	w := newCloud(influxtest.CloudTSM)
	w.Check(t, conformance.OK("all", "/api/v2/users", "auditors"))
	w.Check(t, conformance.OK("by name", "/api/v2/users?name=bob", "auditors", "bob"))
	w.Check(t, conformance.OK("by id", "/api/v2/users?id={bob}", "auditors", "bob"))
	w.Check(t, conformance.OK("me", "/api/v2/me", "auditors", "alice"))
	w.Check(t, conformance.OK("owners", "/api/v2/orgs/{acme}/owners", "alices", "alice", "bob"))
	w.Check(t, conformance.Failure("legacy", "/private/legacy/authorizations", "alices", 404, "not found", "path not found"))
}
