package influx_test

import (
	"bytes"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/target"
)

const listPath = "/api/v2/authorizations"

// judged is a whole review of what was collected, against the records of an earlier
// one.
func judged(t *testing.T, col audit.Collection, before ...audit.Record) (audit.Coverage, []audit.Record) {
	t.Helper()
	defer col.Close()
	cov, out := col.Coverage.Clone(), []audit.Record{}
	rv := audit.Review{Collection: col, Target: "prod", Now: time.Now(), Policy: audit.Policy{RotateAfter: 365 * 24 * time.Hour}}
	for r, err := range rv.Merge(t.Context(), t.Context(), records(before)) {
		if err != nil {
			t.Fatal(err)
		}
		cov.Count(r)
		out = append(out, r)
	}
	col.Conclude(&cov)
	cov.Reconcile()
	return cov, out
}

func records(list []audit.Record) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for _, r := range list {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// checkGap ends what a review says of a premise: "" if it holds.
func checkGap(t *testing.T, cov audit.Coverage, premise, reason string) {
	t.Helper()
	at := slices.IndexFunc(cov.Gaps, func(g audit.Gap) bool { return g.Premise() == premise && strings.Contains(g.Reason, reason) })
	if (at >= 0) != (reason != "") || reason == "" && cov.Verdict != audit.Complete {
		t.Errorf("%s, gaps %+v; want one of %s with %q", cov.Verdict, cov.Gaps, premise, reason)
	}
}

func presence(rs []audit.Record, id string) audit.Presence {
	for _, r := range rs {
		if r.ID == id {
			return r.Presence
		}
	}
	return ""
}

// TestCutListLeavesNothingBehind: neither rows nor what else it told.
func TestCutListLeavesNothingBehind(t *testing.T) {
	for _, rows := range []int{1, 3000} { // in memory, and beyond
		for name, prefix := range map[string]string{"ascending": "00", "out of order": "ff"} {
			t.Run(fmt.Sprint(rows, " rows, ", name), func(t *testing.T) {
				p := newPlant(t)
				token := p.auditor()
				var gone strings.Builder
				for i := range rows {
					fmt.Fprintf(&gone, `{"id":"%s%014x","token":"secret","orgID":%q,"userID":"00000000000000bb","user":"ghost","status":"active","description":%q,"permissions":[]},`, prefix, i, p.acme, strings.Repeat("gone ", 200))
				}
				var asked atomic.Int32
				p.Fault = p.Rewrite(listPath, func(h http.Header, body []byte) []byte {
					if asked.Add(1) > 1 {
						return body
					}
					body = bytes.Replace(body, []byte(`"authorizations": [`), []byte(`"authorizations": [`+gone.String()), 1)
					return body[:len(body)-20]
				})
				col := p.configured(t, token, func(c *target.Config) { c.Canary = prefix + "00000000000000" })
				cov, rs := judged(t, col)
				if len(rs) != 3 || cov.Listed != 3 {
					t.Errorf("%d records, %d listed; want 3", len(rs), cov.Listed)
				}
				checkGap(t, cov, audit.CanaryListed, "is not in the list")
				for _, g := range cov.Gaps {
					if g.ID != audit.CanaryListed {
						t.Errorf("gap %+v", g)
					}
				}
				for _, request := range p.Requests() {
					if strings.Contains(request, "bb") {
						t.Errorf("asked for what only the cut answer named: %s", request)
					}
				}
			})
		}
	}
}

// TestListsThatAreNotWhole: what such a list lacks is not known, and nothing of it is
// gone by that.
func TestListsThatAreNotWhole(t *testing.T) {
	further := func(_ http.Header, body []byte) []byte {
		return append(bytes.TrimSuffix(body, []byte("}")), `,"links":{"next":"/api/v2/authorizations?offset=2"}}`...)
	}
	link := func(h http.Header, body []byte) []byte {
		h.Set("Link", `</api/v2/authorizations?page=2>; rel="next"`)
		return body
	}
	cached := func(name, value string) func(http.Header, []byte) []byte {
		return func(h http.Header, body []byte) []byte { h.Set(name, value); return body }
	}
	tests := map[string]struct {
		path   string
		change func(http.Header, []byte) []byte
		reason string
	}{
		"a further page":             {listPath, further, "names a further page"},
		"a further page by a header": {listPath, link, "names a further page"},
		"a list out of a cache":      {listPath, cached("Age", "300"), "from a cache (Age: 300)"},
		"by another header":          {listPath, cached("X-Cache", "Hit from cloudfront"), "from a cache (X-Cache: Hit"},
		"by the header of RFC 9211":  {listPath, cached("Cache-Status", "edge; hit; ttl=30"), "from a cache (Cache-Status: edge; hit"},
		"fresh, past a cache":        {listPath, cached("Age", "0"), ""},
		"a miss":                     {listPath, cached("X-Cache", "MISS from proxy"), ""},
		"who it is, out of a cache":  {"/api/v2/me", cached("Age", "7"), "GET /api/v2/me (Age: 7)"},
		"the users, out of a cache":  {"/api/v2/users", cached("Age", "7"), "GET /api/v2/users?limit=100&offset=0 (Age: 7)"},
	}
	for name, test := range tests {
		t.Run("OSS: "+name, func(t *testing.T) {
			p := newPlant(t)
			token := p.auditor()
			_, before := judged(t, p.collection(t, token))
			p.Fault = p.Rewrite(test.path, test.change)
			cov, rs := judged(t, p.collection(t, token), before...)
			checkGap(t, cov, audit.ListWhole, test.reason)
			if len(rs) != 3 || test.path == listPath && p.collection(t, token).Scope.AllVisible != (test.reason == "") {
				t.Errorf("%d records; or all is said to be visible", len(rs))
			}
		})
		if test.path != listPath {
			continue
		}
		t.Run("Cloud: "+name, func(t *testing.T) {
			p, admin, iot := cloud(influxtest.CloudTSM)
			t.Setenv("IOT_TOKEN", iot)
			users := []target.User{{Name: "admin"}, {Name: "iot_user_1", Token: secret.Ref{Env: "IOT_TOKEN"}}}
			_, before := judged(t, p.collection(t, admin, users...))
			revoked := audit.Record{Target: "prod", Presence: audit.Listed, LastSeen: time.Now(), Authorization: audit.Authorization{ID: "00000000000000aa", UserID: p.iot, OrgID: p.acme, Status: audit.Active}}
			before = append([]audit.Record{revoked}, before...)
			p.Fault = p.Rewrite(test.path, test.change)
			cov, rs := judged(t, p.collection(t, admin, users...), before...)
			want := audit.Gone
			if test.reason != "" {
				want = audit.Unseen
				checkGap(t, cov, audit.ListWhole, test.reason)
			}
			if got := presence(rs, revoked.ID); got != want {
				t.Errorf("the token that is not on the list is %s, want %s", got, want)
			}
		})
	}
}

// TestNothingIsGoneByACache: neither token nor owner, and there are no counts of it.
func TestNothingIsGoneByACache(t *testing.T) {
	p := newPlant(t)
	token := p.auditor()
	_, before := judged(t, p.collection(t, token))
	revoked := audit.Record{Target: "prod", Presence: audit.Listed, LastSeen: time.Now(), Authorization: audit.Authorization{ID: "00000000000000aa", UserID: p.iot, OrgID: p.acme, Status: audit.Active}}
	before = append([]audit.Record{revoked}, before...)
	aged := func(h http.Header, body []byte) []byte { h.Set("Age", "12"); return body }
	for path, want := range map[string]audit.Presence{"/api/v2/labels": audit.Gone, listPath + "/" + revoked.ID: audit.Unseen} {
		p.Fault = p.Rewrite(path, aged)
		cov, rs := judged(t, p.collection(t, token), before...)
		if got := presence(rs, revoked.ID); got != want {
			t.Errorf("%s out of a cache: %s, want %s", path, got, want)
		}
		if want == audit.Unseen {
			checkGap(t, cov, audit.ListWhole, "(Age: 12)")
		}
	}
	p.Fault = p.Rewrite(listPath+"/"+before[1].ID, aged)
	if got := p.collection(t, token).Probe(t.Context(), before[1].Authorization); got.Presence != audit.Unseen {
		t.Errorf("a 200 out of a cache: %+v", got)
	}
	p.Fault = p.Rewrite("/metrics", aged)
	cov, _ := judged(t, p.collection(t, token))
	checkGap(t, cov, audit.ListWhole, "GET /metrics (Age: 12)")
	if cov.Stored != nil {
		t.Errorf("stored %+v, out of a cache", cov.Stored)
	}
	p.Fault = func(w http.ResponseWriter, r *http.Request) bool { // the owner has to be asked for
		switch {
		case strings.HasSuffix(r.URL.Path, "/members"):
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Path == "/api/v2/users":
			w.Write([]byte(`{"users":[]}`))
		case r.URL.Path == "/api/v2/users/"+p.iot:
			w.Header().Set("Age", "12")
			w.WriteHeader(http.StatusNotFound)
			w.Write([]byte(`{"code":"not found","message":"user not found"}`))
		default:
			return false
		}
		return true
	}
	_, rs := judged(t, p.collection(t, token))
	for _, r := range rs {
		if r.Owner.State == audit.OwnerDeleted {
			t.Errorf("by a 404 out of a cache: %+v", r.Owner)
		}
	}
}

// TestEveryRequestAsksPastCaches: also for what is asked one by one.
func TestEveryRequestAsksPastCaches(t *testing.T) {
	p := newPlant(t)
	token := p.auditor()
	p.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Cache-Control") != "no-cache" || r.Header.Get("Pragma") != "no-cache" {
			t.Errorf("%s: %v", r.URL, r.Header)
		}
		return false
	}
	judged(t, p.collection(t, token, target.User{Name: "nobody"}), audit.Record{Presence: audit.Listed, Authorization: audit.Authorization{ID: "00000000000000aa"}})
}

// replace changes the text of the list.
func (p *plant) replace(from, to string) influxtest.Fault {
	return p.Rewrite(listPath, func(_ http.Header, body []byte) []byte {
		return bytes.Replace(body, []byte(from), []byte(to), 1)
	})
}

// TestRowsThatCannotBeRead: what cannot be read is a gap, resolves nothing, and is no
// reason to lose the row.
func TestRowsThatCannotBeRead(t *testing.T) {
	tests := map[string]struct {
		from, to        string
		premise, reason string
		blind           string
	}{
		"as it should be":         {"", "", audit.RowsReadable, "", ""},
		"permissions missing":     {`"permissions"`, `"permits"`, audit.RowsReadable, "the permissions of 1 token (", ""},
		"permissions null":        {`"permissions": [`, `"permissions": null, "was": [`, audit.RowsReadable, "the permissions of 1 token (", ""},
		"an unknown action":       {`"action": "write"`, `"action": "own"`, audit.RowsReadable, "the permissions of 1 token (", ""},
		"no action":               {`"action": "write"`, `"verb": "write"`, audit.RowsReadable, "the permissions of 1 token (", ""},
		"no type":                 {`"type": "buckets"`, `"kind": "buckets"`, audit.RowsReadable, "the permissions of 1 token (", ""},
		"no resource":             {`"resource": {`, `"thing": {`, audit.RowsReadable, "the permissions of 1 token (", ""},
		"another status":          {`"status": "active"`, `"status": "dormant"`, audit.RowsReadable, "the status of 1 token (", ""},
		"no status":               {`"status": "active"`, `"state": "active"`, audit.RowsReadable, "the status of 1 token (", ""},
		"a date of another form":  {`"createdAt": "2`, `"createdAt": "on 2`, audit.RowsReadable, "1 of 3 authorizations have no readable date", "no date of creation is known of 1 token"},
		"before there were dates": {`"createdAt": "2`, `"createdAt": "0001-01-01T00:00:00Z", "was": "2`, audit.RowsReadable, "", "no date of creation is known of 1 token"},
		"no org":                  {`"orgID"`, `"organization"`, audit.RowsReadable, "1 of 3 authorizations name no org", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			token := p.auditor()
			for range 2 { // a first review, and one that follows on a good one
				_, before := judged(t, p.collection(t, token))
				p.Fault = p.replace(test.from, test.to)
				if name == "no org" {
					p.Fault = p.Rewrite(listPath, func(_ http.Header, body []byte) []byte {
						body = bytes.Replace(body, []byte(`"orgID"`), []byte(`"a"`), 1)
						return bytes.Replace(body, []byte(`"org"`), []byte(`"b"`), 1)
					})
				}
				cov, rs := judged(t, p.collection(t, token), before...)
				checkGap(t, cov, test.premise, test.reason)
				if len(rs) != 3 || cov.Listed != 3 {
					t.Errorf("%d records, %d listed", len(rs), cov.Listed)
				}
				for _, r := range rs {
					for _, f := range r.Findings {
						if f.State == audit.Resolved || f.Check == "permission-drift" && name != "no org" {
							t.Errorf("%s of %s is %s", f.Check, r.Description, f.State)
						}
					}
				}
				if blind := strings.Join(cov.BlindSpots, "; "); strings.Contains(blind, "no date") != (test.blind != "") || !strings.Contains(blind, test.blind) {
					t.Errorf("blind spots %q, want %q", blind, test.blind)
				}
				p.Fault = nil
			}
		})
	}
}

// TestCapitals: IDs that a proxy writes in capitals are the same ones.
func TestCapitals(t *testing.T) {
	p := newPlant(t)
	token := p.auditor()
	_, before := judged(t, p.collection(t, token))
	p.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		return p.Rewrite(r.URL.Path, func(_ http.Header, body []byte) []byte {
			for _, id := range []string{p.acme, p.admin, p.iot, p.leave, before[0].ID} {
				body = bytes.ReplaceAll(body, []byte(id), []byte(strings.ToUpper(id)))
			}
			return body
		})(w, r)
	}
	cov, rs := judged(t, p.collection(t, token, target.User{ID: p.iot}), before...)
	checkGap(t, cov, "", "")
	for _, r := range rs {
		if r.Presence != audit.Listed || len(r.Changes) > 0 || r.Owner.State == audit.OwnerUnknown || r.Owner.State == audit.OwnerDeleted {
			t.Errorf("%s: %s, %+v, owner %s", r.ID, r.Presence, r.Changes, r.Owner.State)
		}
	}
}

// TestContradictions: one ID, two views. The one that is active counts.
func TestContradictions(t *testing.T) {
	tests := map[string]struct{ from, to, differs string }{
		"alike":       {"", "", ""},
		"status":      {`"status": "active"`, `"status": "inactive"`, "status"},
		"owner":       {`"userID": "`, `"userID": "00000000000000bb", "was": "`, "owner"},
		"permissions": {`"action": "write"`, `"action": "read"`, "permissions"},
		"org":         {`"orgID": "`, `"orgID": "00000000000000cc", "was": "`, "org"},
		"unreadable":  {`"permissions"`, `"permits"`, ""}, // no contradiction
	}
	for name, test := range tests {
		for _, second := range []bool{false, true} { // whichever comes first
			t.Run(fmt.Sprint(name, ", the second ", second), func(t *testing.T) {
				p := newPlant(t)
				token := p.auditor()
				p.Fault = p.Rewrite(listPath, func(_ http.Header, body []byte) []byte {
					open := bytes.IndexByte(body, '[') + 1
					first := body[open : open+bytes.Index(body[open:], []byte("\n\t\t},"))+len("\n\t\t},")]
					other := bytes.Replace(first, []byte(test.from), []byte(test.to), 1)
					rows := [][]byte{other, first}
					if second {
						rows = [][]byte{first, other}
					}
					return slices.Concat(body[:open], rows[0], rows[1], body[open+len(first):])
				})
				cov, rs := judged(t, p.configured(t, token, func(c *target.Config) { c.Org = "" }))
				if test.differs != "" {
					checkGap(t, cov, audit.ListsAgree, "1 token shown twice with different contents ("+rs[0].ID+" in "+test.differs+")")
				} else if strings.Contains(strings.Join(cov.Reasons, "; "), "not alike") {
					t.Errorf("reasons %q", cov.Reasons)
				}
				if len(rs) != 3 || rs[0].Status != audit.Active || rs[0].Permissions == nil {
					t.Errorf("%d records, the first is %+v", len(rs), rs[0])
				}
			})
		}
	}
}
