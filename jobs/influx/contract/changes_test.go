package contract

import (
	"strings"
	"testing"
)

// T109 to T113: the tokens of a deleted user come back with its id.
func TestUserComesBack(t *testing.T) {
	p := newPair(t)
	p.both(func(w *world) { w.RestoreUser(w.ids["deletedUser"], "phoenix") })
	p.check(t, ok("T109", authorizationsPath+"?userID={deletedUser}", "operator", "deletedUserWrite", "deletedUserOperator").with(`"user": "phoenix"`))
	p.check(t, ok("T111", "/api/v2/me", "deletedUserOperator", "deletedUser"))
	p.check(t, ok("no member any more", "/api/v2/orgs/{acme}/members", "operator", "iotUser", "inactiveUser"))
	p.both(func(w *world) { w.DeleteUser(w.ids["deletedUser"]) })
	p.check(t, failure("T113", "/api/v2/me", "deletedUserOperator", 403, "forbidden", "User is inactive"))
	p.both(func(w *world) { w.RestoreUser(w.ids["deletedUser"], "deleted_user") })
	p.check(t, ok("its name is free again", "/api/v2/users?name=deleted_user", "operator", "deletedUser"))
}

// T107: revoked is not the same as orphaned.
func TestRevoked(t *testing.T) {
	p := newPair(t)
	p.both(func(w *world) {
		w.DeleteAuthorization(w.ids["deletedUserWrite"])
		w.DeleteAuthorization(w.ids["auditor"])
	})
	p.check(t, failure("T107", authorizationsPath+"/{deletedUserWrite}", "operator", 404, "not found", "authorization not found"))
	p.check(t, failure("its token", authorizationsPath, "auditor", 401, "unauthorized", "unauthorized access"))
}

func TestLaterChanges(t *testing.T) {
	p := newPair(t)
	p.both(func(w *world) {
		w.SetStatus(w.ids["inactiveWrite"], "active")
		w.SetUserStatus(w.ids["iotUser"], "inactive")
		w.SetUserStatus(w.ids["inactiveUser"], "weird")
		w.DeleteBucket(w.ids["telemetry"])
		w.DeleteOrg(w.ids["globex"])
	})
	p.check(t, failure("owner set inactive", "/api/v2/me", "activeWrite", 403, "forbidden", "User is inactive"))
	p.check(t, ok("a status of its own", "/api/v2/me", "inactiveUserOperator", "inactiveUser").with(`"status": "weird"`))
	p.check(t, ok("active again", authorizationsPath+"/{inactiveWrite}", "operator", "inactiveWrite").with(`"status": "active"`))
	p.check(t, ok("its bucket is gone", authorizationsPath+"/{activeWrite}", "operator", "activeWrite").with("\"orgID\": \"{acme}\"\n\t\t\t}"))
	p.check(t, ok("its org is gone", authorizationsPath, "operator", acmeOnly()...))
	p.check(t, failure("", "/api/v2/orgs/{globex}/owners", "operator", 404, "not found", "404 page not found"))
	p.check(t, ok("orgs of its user", "/api/v2/orgs", "globexAllAccess"))
}

// X3: every list that includes the record fails, the others work.
func TestPoisonedRecord(t *testing.T) {
	p := newPair(t)
	p.both(func(w *world) { w.Poison(w.ids["activeWrite"]) })
	for _, query := range []string{"", "?orgID={acme}", "?userID={iotUser}", "?id={activeWrite}", "/{activeWrite}"} {
		p.check(t, failure("X3", authorizationsPath+query, "operator", 500, "internal error", "unknown resource type for permission"))
	}
	p.check(t, ok("X3", authorizationsPath+"?userID={reader}", "operator", readersOwn()...))
	p.check(t, ok("X3", authorizationsPath+"?orgID={globex}", "operator", "globexWrite", "globexAllAccess"))
	p.check(t, ok("who may not see it", authorizationsPath, "allAccess", readersOwn()...))
}

// An orphan's record is looked at before it is known that its owner is gone.
func TestPoisonedOrphan(t *testing.T) {
	p := newPair(t)
	p.both(func(w *world) { w.Poison(w.ids["deletedUserWrite"]) })
	const message = "unknown resource type for permission"
	p.check(t, failure("", authorizationsPath, "operator", 500, "internal error", message))
	p.check(t, failure("", authorizationsPath+"/{deletedUserWrite}", "operator", 500, "internal error", message))
}

// X1: where tokens are stored in clear, who may list authorizations reads them.
func TestTokensInClear(t *testing.T) {
	hashed := newPair(t)
	hashed.check(t, ok("hashed", authorizationsPath+"/{operator}", "auditor", "operator").with(`"token": ""`))
	shown := newPairInClear(t)
	shown.check(t, ok("X1", authorizationsPath, "auditor", acmeOnly()...).with(`"token": "<token of operator>"`))
	shown.check(t, ok("X1", authorizationsPath+"/{operator}", "auditor", "operator").with(`"token": "<token of operator>"`))
}

// The counters that tell how much lists hide.
func TestMetrics(t *testing.T) {
	p := newPair(t)
	p.checkTotals(t, "buckets 5", "organizations 2", "tokens 21", "users 6")
	p.both(func(w *world) {
		w.DeleteAuthorization(w.ids["deletedUserWrite"])
		w.DeleteUser(w.ids["outsider"])
		w.DeleteOrg(w.ids["globex"])
	})
	p.checkTotals(t, "buckets 3", "organizations 1", "tokens 20", "users 5")
}

func (p pair) checkTotals(t *testing.T, totals ...string) {
	t.Helper()
	real, fake := p.real.totals(), p.fake.totals()
	if real != fake {
		t.Errorf("InfluxDB counts\n%s\nthe fake\n%s", real, fake)
	}
	for _, total := range totals {
		name, n, _ := strings.Cut(total, " ")
		if line := "influxdb_" + name + "_total " + n + "\n"; !strings.Contains(real, line) {
			t.Errorf("no %q in\n%s", line, real)
		}
	}
}

// totals are the lines of /metrics about what a token audit counts; they need no token.
func (w *world) totals() string {
	var lines strings.Builder
	for line := range strings.Lines(w.ask(exchange{path: "/metrics"}).Body) {
		for _, name := range []string{"buckets", "organizations", "tokens", "users"} {
			if strings.Contains(line, "influxdb_"+name+"_total") {
				lines.WriteString(line)
			}
		}
	}
	return lines.String()
}
