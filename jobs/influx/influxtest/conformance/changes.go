package conformance

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"tokenaudit/jobs/influx/influxtest"
)

// T109 to T113: the tokens of a deleted user come back with its id.
func userComesBack(t *testing.T, ws Worlds) {
	ws.Each(func(w *World) { w.RestoreUser(w.IDs["deletedUser"], "phoenix") })
	ws.Check(t, OK("T109", AuthorizationsPath+"?userID={deletedUser}", "operator", "deletedUserWrite", "deletedUserOperator").With(`"user": "phoenix"`))
	ws.Check(t, OK("T111", "/api/v2/me", "deletedUserOperator", "deletedUser"))
	ws.Check(t, OK("no member any more", "/api/v2/orgs/{acme}/members", "operator", "iotUser", "inactiveUser"))
	ws.Each(func(w *World) { w.DeleteUser(w.IDs["deletedUser"]) })
	ws.Check(t, Failure("T113", "/api/v2/me", "deletedUserOperator", 403, "forbidden", "User is inactive"))
	ws.Each(func(w *World) { w.RestoreUser(w.IDs["deletedUser"], "deleted_user") })
	ws.Check(t, OK("its name is free again", "/api/v2/users?name=deleted_user", "operator", "deletedUser"))
}

// T107: revoked is not the same as orphaned.
func revoked(t *testing.T, ws Worlds) {
	ws.Each(func(w *World) {
		w.DeleteAuthorization(w.IDs["deletedUserWrite"])
		w.DeleteAuthorization(w.IDs["auditor"])
	})
	ws.Check(t, Failure("T107", AuthorizationsPath+"/{deletedUserWrite}", "operator", 404, "not found", "authorization not found"))
	ws.Check(t, Failure("its token", AuthorizationsPath, "auditor", 401, "unauthorized", "unauthorized access"))
}

func laterChanges(t *testing.T, ws Worlds) {
	ws.Each(func(w *World) {
		w.SetStatus(w.IDs["inactiveWrite"], "active")
		w.SetUserStatus(w.IDs["iotUser"], "inactive")
		w.SetUserStatus(w.IDs["inactiveUser"], "weird")
		w.DeleteBucket(w.IDs["telemetry"])
		w.DeleteOrg(w.IDs["globex"])
	})
	ws.Check(t, Failure("owner set inactive", "/api/v2/me", "activeWrite", 403, "forbidden", "User is inactive"))
	ws.Check(t, OK("a status of its own", "/api/v2/me", "inactiveUserOperator", "inactiveUser").With(`"status": "weird"`))
	ws.Check(t, OK("active again", AuthorizationsPath+"/{inactiveWrite}", "operator", "inactiveWrite").With(`"status": "active"`))
	ws.Check(t, OK("its bucket is gone", AuthorizationsPath+"/{activeWrite}", "operator", "activeWrite").With("\"orgID\": \"{acme}\"\n\t\t\t}"))
	ws.Check(t, OK("its org is gone", AuthorizationsPath, "operator", AcmeOnly()...))
	ws.Check(t, Failure("", "/api/v2/orgs/{globex}/owners", "operator", 404, "not found", "404 page not found"))
	ws.Check(t, OK("orgs of its user", "/api/v2/orgs", "globexAllAccess"))
}

// X3: every list that includes the record fails, the others work.
func poisonedRecord(t *testing.T, ws Worlds) {
	ws.Each(func(w *World) { w.Poison(w.IDs["activeWrite"]) })
	for _, query := range []string{"", "?orgID={acme}", "?userID={iotUser}", "?id={activeWrite}", "/{activeWrite}"} {
		ws.Check(t, Failure("X3", AuthorizationsPath+query, "operator", 500, "internal error", "unknown resource type for permission"))
	}
	ws.Check(t, OK("X3", AuthorizationsPath+"?userID={reader}", "operator", ReadersOwn()...))
	ws.Check(t, OK("X3", AuthorizationsPath+"?orgID={globex}", "operator", "globexWrite", "globexAllAccess"))
	ws.Check(t, OK("who may not see it", AuthorizationsPath, "allAccess", ReadersOwn()...))
}

// An orphan's record is looked at before it is known that its owner is gone.
func poisonedOrphan(t *testing.T, ws Worlds) {
	ws.Each(func(w *World) { w.Poison(w.IDs["deletedUserWrite"]) })
	const message = "unknown resource type for permission"
	ws.Check(t, Failure("", AuthorizationsPath, "operator", 500, "internal error", message))
	ws.Check(t, Failure("", AuthorizationsPath+"/{deletedUserWrite}", "operator", 500, "internal error", message))
}

func tokensHashed(t *testing.T, ws Worlds) {
	ws.Check(t, OK("hashed", AuthorizationsPath+"/{operator}", "auditor", "operator").With(`"token": ""`))
	for _, w := range ws {
		list := w.Send(Exchange{Path: AuthorizationsPath, As: "auditor"}).Body.String()
		for name, token := range w.Tokens {
			if strings.Contains(list, token) {
				t.Errorf("%T shows the token of %s", w.Server, name)
			}
		}
	}
}

// X1: where tokens are stored in clear, who may list authorizations reads them.
func tokensInClear(t *testing.T, ws Worlds) {
	ws.Check(t, OK("X1", AuthorizationsPath, "auditor", AcmeOnly()...).With(`"token": "<token of operator>"`))
	ws.Check(t, OK("X1", AuthorizationsPath+"/{operator}", "auditor", "operator").With(`"token": "<token of operator>"`))
}

// The counters that tell how much lists hide.
func metrics(t *testing.T, ws Worlds) {
	ws.checkTotals(t, "buckets 5", "organizations 2", "tokens 21", "users 6")
	ws.Each(func(w *World) {
		w.DeleteAuthorization(w.IDs["deletedUserWrite"])
		w.DeleteUser(w.IDs["outsider"])
		w.DeleteOrg(w.IDs["globex"])
	})
	ws.checkTotals(t, "buckets 3", "organizations 1", "tokens 20", "users 5")
}

func (ws Worlds) checkTotals(t *testing.T, totals ...string) {
	t.Helper()
	first := ws[0].Totals()
	for _, w := range ws[1:] {
		Alike(t, "/metrics", first, w.Totals())
	}
	for _, total := range totals {
		name, n, _ := strings.Cut(total, " ")
		if line := "influxdb_" + name + "_total " + n + "\n"; !strings.Contains(first, line) {
			t.Errorf("%T: no %q in\n%s", ws[0].Server, line, first)
		}
	}
}

// Totals are the lines of /metrics about what a token audit counts; they need no token.
func (w *World) Totals() string {
	var lines strings.Builder
	for line := range strings.Lines(w.Send(Exchange{Path: "/metrics"}).Body.String()) {
		for _, name := range []string{"buckets", "organizations", "tokens", "users"} {
			if strings.Contains(line, "influxdb_"+name+"_total") {
				lines.WriteString(line)
			}
		}
	}
	return lines.String()
}

// T91: buckets have the paging links that users lack.
func bucketLinks(t *testing.T, ws Worlds) {
	const self = "/api/v2/buckets?descending=false&limit=1&offset="
	for _, w := range ws {
		var page struct {
			Links struct{ Prev, Self, Next string }
		}
		body := w.Send(Exchange{Path: "/api/v2/buckets?limit=1&offset=1", As: "operator"}).Body.Bytes()
		if err := json.Unmarshal(body, &page); err != nil {
			t.Fatal(err)
		}
		if l := page.Links; l.Prev != self+"0" || l.Self != self+"1" || l.Next != self+"2" {
			t.Errorf("%T: %+v", w.Server, l)
		}
	}
}

// System buckets need a permission on the organization, the others one on buckets.
func systemBuckets(t *testing.T, ws Worlds) {
	ws.Each(func(w *World) {
		w.Add("buckets", "reader", "acme", "", influxtest.ReadBuckets(w.IDs["acme"]))
		w.Add("auditorOfOrgs", "reader", "acme", "", influxtest.AuditorPermissions(w.IDs["acme"]))
	})
	ws.Check(t, OK("buckets", "/api/v2/buckets?org=acme", "buckets", "telemetry"))
	ws.Check(t, OK("orgs", "/api/v2/buckets?org=acme", "auditorOfOrgs", "_monitoring", "_tasks"))
}

// shape: the middleware that authenticates answers compactly, everything behind it
// is indented, lists as a whole (T37, T3, T1).
func shape(t *testing.T, ws Worlds) {
	for _, w := range ws {
		for _, e := range []struct{ path, as, want string }{
			{AuthorizationsPath, "unknown", `{"code":"unauthorized","message":"unauthorized access"}`},
			{AuthorizationsPath + "?user=deleted_user", "operator", "{\n\t\"code\": \"not found\",\n\t\"message\": \"user not found\"\n}"},
			{AuthorizationsPath, "readOnly", "{\n\t\"links\": {\n\t\t\"self\": \"/api/v2/authorizations\"\n\t},\n\t\"authorizations\": []\n}"},
		} {
			if got := w.Ask(Exchange{Path: e.path, As: e.as}).Body; got != e.want {
				t.Errorf("%T: %s as %s: %q, want %q", w.Server, e.path, e.as, got, e.want)
			}
		}
		list := w.Send(Exchange{Path: AuthorizationsPath, As: "operator"})
		var indented bytes.Buffer
		if err := json.Indent(&indented, list.Body.Bytes(), "", "\t"); err != nil || indented.String() != list.Body.String() {
			t.Errorf("%T: the list is not indented: %v", w.Server, err)
		}
		for name, want := range map[string]string{
			"Content-Type":       "application/json; charset=utf-8",
			"X-Influxdb-Build":   "OSS",
			"X-Influxdb-Version": "v2.9.1",
		} {
			if got := list.Header().Get(name); got != want {
				t.Errorf("%T: %s: %q, want %q", w.Server, name, got, want)
			}
		}
	}
}
