package influxtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"tokenaudit/jobs/influx/influxtest"
)

// T108 to T113: the tokens of a deleted user come back with it.
func TestRestoreUser(t *testing.T) {
	w := newWorld(t)
	w.server.RestoreUser(w.ids["deletedUser"], "phoenix")
	w.check(t, ok("T109", "/api/v2/authorizations?userID={deletedUser}", "operator", 0, "deletedUserWrite", "deletedUserOperator"))
	w.check(t, ok("T111", "/api/v2/me", "deletedUserOperator", 0, "phoenix"))
	w.server.DeleteUser(w.ids["deletedUser"])
	w.check(t, failure("T113", "/api/v2/me", "deletedUserOperator", 403, "forbidden", "User is inactive"))
}

// T107: revoked is not the same as orphaned.
func TestDeleteAuthorization(t *testing.T) {
	w := newWorld(t)
	w.server.DeleteAuthorization(w.ids["deletedUserWrite"])
	w.check(t, failure("T107", "/api/v2/authorizations/{deletedUserWrite}", "operator", 404, "not found", "authorization not found"))
	w.server.DeleteAuthorization(w.ids["auditor"])
	w.check(t, failure("its token", "/api/v2/authorizations", "auditor", 401, "unauthorized", "unauthorized access"))
}

// X3: every list that includes the record fails, the others work.
func TestPoison(t *testing.T) {
	w := newWorld(t)
	w.server.Poison(w.ids["activeWrite"])
	const path, message = "/api/v2/authorizations", "unknown resource type for permission"
	for _, query := range []string{"", "?orgID={acme}", "?userID={iotUser}", "/{activeWrite}"} {
		w.check(t, failure("X3", path+query, "operator", 500, "internal error", message))
	}
	w.check(t, ok("X3", path+"?userID={reader}", "operator", 0, readersOwn()...))
	w.check(t, ok("X3", path+"?orgID={globex}", "operator", 0, "globexWrite", "globexAllAccess"))
}

// T44: all but the id and the organization's id is gone.
func TestPermissionOnDeletedBucket(t *testing.T) {
	w := newWorld(t)
	body := w.ask("/api/v2/authorizations/{dangling}", "operator").Body.String()
	want := w.fill("\"resource\": {\n\t\t\t\t\"type\": \"buckets\",\n\t\t\t\t\"id\": \"{deletedBucket}\",\n\t\t\t\t\"orgID\": \"{acme}\"\n\t\t\t}")
	if !strings.Contains(body, want) {
		t.Errorf("got %s, want %s in it", body, want)
	}
}

// X1: who may list authorizations reads their tokens, the operator's included.
func TestClearTokens(t *testing.T) {
	w := newWorld(t)
	if body := w.ask("/api/v2/authorizations", "auditor").Body.String(); strings.Contains(body, "canary-token-") {
		t.Error("hashed tokens are shown")
	}
	w.server.ClearTokens = true
	if body := w.ask("/api/v2/authorizations", "auditor").Body.String(); !strings.Contains(body, w.tokens["operator"]) {
		t.Error("clear tokens are not shown")
	}
	if !strings.HasPrefix(w.tokens["operator"], "canary-token-") {
		t.Errorf("token %q is no canary", w.tokens["operator"])
	}
}

// The list is written piece by piece, yet with the bytes of json.MarshalIndent.
func TestListIsIndentedAsAWhole(t *testing.T) {
	w := newWorld(t)
	w.add("hostile", "reader", "acme", "<b>&\u2028\n=1+1", influxtest.WriteBuckets(w.ids["acme"]))
	for _, as := range []string{"operator", "readOnly"} {
		got := w.ask("/api/v2/authorizations", as).Body.Bytes()
		var whole struct {
			Links          json.RawMessage   `json:"links"`
			Authorizations []json.RawMessage `json:"authorizations"`
		}
		if err := json.Unmarshal(got, &whole); err != nil {
			t.Fatal(err)
		}
		want, _ := json.MarshalIndent(whole, "", "\t")
		if !bytes.Equal(got, want) {
			t.Errorf("as %s: the list is not indented as json.MarshalIndent does", as)
		}
	}
}

// An authorization reads the same in the list and by id.
func TestElementsAreEncodedAlike(t *testing.T) {
	w := newWorld(t)
	for i, description := range []string{"<", ">", "&", `"`, `\`, "\n", "\x7f", "\xff", "\u2028", "温", "=1+1"} {
		w.add(fmt.Sprint("hostile", i), "reader", "acme", description, nil)
	}
	for name := range w.tokens {
		list, one := w.ask("/api/v2/authorizations?id={"+name+"}", "operator"), w.ask("/api/v2/authorizations/{"+name+"}", "operator")
		indented := strings.ReplaceAll(one.Body.String(), "\n", "\n\t\t")
		if one.Code == 200 && !strings.Contains(list.Body.String(), "[\n\t\t"+indented+"\n\t]") {
			t.Errorf("%s: by id %s in the list %s", name, one.Body, list.Body)
		}
	}
}

// T127, and the counters that tell how much lists hide.
func TestHealthAndMetrics(t *testing.T) {
	w := newWorld(t)
	if body := w.ask("/health", "").Body.String(); !strings.Contains(body, `"status":"pass"`) {
		t.Errorf("health: %s", body)
	}
	want := []string{"influxdb_buckets_total 5", "influxdb_organizations_total 2", "influxdb_tokens_total 21", "influxdb_users_total 6"}
	if got := w.totals(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	w.server.DeleteAuthorization(w.ids["deletedUserWrite"])
	if got := w.totals(); got[2] != "influxdb_tokens_total 20" {
		t.Errorf("after a delete: %s", got[2])
	}
}

func (w *world) totals() []string {
	lines := strings.Split(strings.TrimSpace(w.ask("/metrics", "").Body.String()), "\n")
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "#") })
}

// T91: buckets have the paging links that users lack.
func TestBucketLinks(t *testing.T) {
	w := newWorld(t)
	var page struct {
		Links struct{ Prev, Self, Next string }
	}
	body := w.ask("/api/v2/buckets?limit=1&offset=1", "operator").Body.Bytes()
	if err := json.Unmarshal(body, &page); err != nil {
		t.Fatal(err)
	}
	const self = "/api/v2/buckets?descending=false&limit=1&offset="
	if l := page.Links; l.Prev != self+"0" || l.Self != self+"1" || l.Next != self+"2" {
		t.Errorf("got %+v", l)
	}
}

// System buckets need a permission on the organization, the others one on buckets.
func TestSystemBuckets(t *testing.T) {
	w := newWorld(t)
	w.add("buckets", "reader", "acme", "", influxtest.ReadBuckets(w.ids["acme"]))
	w.add("auditorOfOrgs", "reader", "acme", "", influxtest.AuditorPermissions(w.ids["acme"]))
	w.check(t, ok("buckets", "/api/v2/buckets?org=acme", "buckets", 0, "telemetry"))
	w.check(t, ok("orgs", "/api/v2/buckets?org=acme", "auditorOfOrgs", 0, "_monitoring", "_tasks"))
}

// A client that reads slowly must not keep others waiting, nor block changes.
func TestChangesWhileAListIsWritten(t *testing.T) {
	w := newWorld(t)
	r := httptest.NewRequest("GET", "/api/v2/authorizations", nil)
	r.Header.Set("Authorization", "Token "+w.tokens["operator"])
	writes := 0
	w.server.Generate(w.ids["acme"], 500)
	w.server.ServeHTTP(&interruptingWriter{httptest.NewRecorder(), func() {
		writes++
		w.server.AddUser(strings.Repeat("x", writes))
	}}, r)
	if writes < 2 {
		t.Errorf("the list came in %d pieces", writes)
	}
}

type interruptingWriter struct {
	*httptest.ResponseRecorder
	interrupt func()
}

func (w *interruptingWriter) Write(b []byte) (int, error) {
	w.interrupt()
	return w.ResponseRecorder.Write(b)
}
