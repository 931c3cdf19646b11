package conformance

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"tokenaudit/jobs/influx/influxtest"
)

// grid asks every question with every token. Of one server nothing is expected but
// that it answers; several answer alike.
func grid(t *testing.T, ws Worlds) {
	tokens := append(slices.Sorted(maps.Keys(ws[0].Tokens)), "")
	for _, path := range slices.Concat(authorizationPaths(), tenantPaths()) {
		for _, as := range tokens {
			e := Exchange{Path: path, As: as, ByRandomID: drawn(path)}
			first := ws[0].Ask(e)
			if first.Status < 200 || strings.TrimSpace(first.Body) == "" {
				t.Errorf("%s: %d %q", e.request(), first.Status, first.Body)
			}
			for _, w := range ws[1:] {
				Alike(t, e.request(), first, w.Ask(e))
			}
		}
	}
}

// drawn: ids of orgs and buckets are drawn at random. Buckets of one org come by name.
func drawn(path string) bool {
	return strings.HasPrefix(path, "/api/v2/orgs?") || path == "/api/v2/orgs" ||
		strings.HasPrefix(path, "/api/v2/buckets") && !strings.Contains(path, "org")
}

func authorizationPaths() (paths []string) {
	for _, path := range []string{AuthorizationsPath, "/private/legacy/authorizations"} {
		for _, rest := range []string{
			"", "/", "/{activeWrite}", "/{deletedUserWrite}", "/{goneOrgWrite}", "/{v1Live}", "/{v1Orphan}", "/bad", "/0000000000000000",
			"?userID={iotUser}", "?userID={deletedUser}", "?orgID={acme}", "?orgID={goneOrg}", "?orgID={globex}&userID={admin}",
			"?user=reader", "?user=nobody", "?user=", "?org=globex", "?org=nowhere", "?org=acme&user=reader", "?org=acme&orgID={globex}",
			"?user=nobody&userID={reader}", "?org=nowhere&orgID={acme}", "?user=nobody&org=nowhere",
			"?id={activeWrite}", "?id={v1Live}", "?id={v1Orphan}", "?id={deletedUserWrite}", "?id={goneOrgWrite}", "?id=bad", "?id=",
			"?id={activeWrite}&user=nobody", "?userID=bad&orgID=bad&id=bad", "?userID=bad&user=nobody",
			"?token=v1-live", "?token=v1-orphan", "?token=nobody", "?token=v1-live&id={v1Orphan}", "?token=v1-live&userID={admin}",
		} {
			paths = append(paths, path+rest)
		}
	}
	return paths
}

func tenantPaths() []string {
	return []string{
		"/api/v2/me", "/api/v2/me/", "/api/v2/nope", "/api/v2", "/private/legacy",
		"/api/v2/users?id={reader}", "/api/v2/users?id={reader}&name=nobody", "/api/v2/users?id=bad", "/api/v2/users?name=", "/api/v2/users?id=",
		"/api/v2/users/bad", "/api/v2/users/{iotUser}", "/api/v2/users/{deletedUser}", "/api/v2/users/{outsider}/",
		"/api/v2/users?limit=3&offset=4", "/api/v2/users?offset=x", "/api/v2/users?descending=maybe", "/api/v2/users?limit=100&descending=1",
		"/api/v2/users?after={outsider}", "/api/v2/users?after={admin}&offset=1",
		"/api/v2/users?after={admin}&descending=true", "/api/v2/users?after=0000000000000001&limit=2", "/api/v2/users?limit=1&limit=2",
		"/api/v2/orgs", "/api/v2/orgs?limit=2", "/api/v2/orgs?limit=0", "/api/v2/orgs?org=", "/api/v2/orgs?org=globex", "/api/v2/orgs?org=%20acme",
		"/api/v2/orgs?orgID={goneOrg}", "/api/v2/orgs?orgID={globex}&org=acme", "/api/v2/orgs?userID={reader}", "/api/v2/orgs?userID={outsider}",
		"/api/v2/orgs?userID={deletedUser}", "/api/v2/orgs?userID=bad", "/api/v2/orgs?offset=2", "/api/v2/orgs/{acme}", "/api/v2/orgs/{goneOrg}", "/api/v2/orgs/bad",
		"/api/v2/orgs/{acme}/members", "/api/v2/orgs/{acme}/owners", "/api/v2/orgs/{globex}/owners", "/api/v2/orgs/{goneOrg}/owners", "/api/v2/orgs/bad/owners",
		"/api/v2/buckets", "/api/v2/buckets?limit=100", "/api/v2/buckets?orgID={acme}", "/api/v2/buckets?org=globex", "/api/v2/buckets?org=nowhere",
		"/api/v2/buckets?orgID={goneOrg}", "/api/v2/buckets?orgID=bad", "/api/v2/buckets?id={telemetry}", "/api/v2/buckets?id=bad",
		"/api/v2/buckets?orgID={acme}&name=telemetry", "/api/v2/buckets?orgID={acme}&name=old", "/api/v2/buckets?org=acme&limit=1&offset=1",
		"/api/v2/buckets?name=telemetry", "/api/v2/buckets/{telemetry}", "/api/v2/buckets/{deletedBucket}", "/api/v2/buckets/bad",
	}
}

// descriptions: whatever a description holds is encoded alike, in the list and alone.
func descriptions(t *testing.T, ws Worlds) {
	for _, d := range []string{"<b>&</b>", `"\`, "a\nb\tc\x07\x7f", "\u2028\u2029", "温度 é 😀", "=1+1", " "} {
		ws.Each(func(w *World) {
			w.Add("hostile", "reader", "acme", d, influxtest.WriteBuckets(w.IDs["acme"]))
			list, one := w.Ask(Exchange{Path: AuthorizationsPath, As: "operator"}), w.Ask(Exchange{Path: AuthorizationsPath + "/{hostile}", As: "operator"})
			if indented := strings.ReplaceAll(one.Body, "\n", "\n\t\t"); !strings.Contains(list.Body, ",\n\t\t"+indented+"\n\t]") {
				t.Errorf("%T: %q: by id %s, in the list %s", w.Server, d, one.Body, list.Body)
			}
		})
		ws.Check(t, OK(d, AuthorizationsPath+"?id={hostile}", "operator", "hostile"))
		ws.Check(t, OK(d, AuthorizationsPath+"/{hostile}", "operator", "hostile"))
		ws.Each(func(w *World) { w.DeleteAuthorization(w.IDs["hostile"]) })
	}
}
