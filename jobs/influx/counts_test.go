package influx_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/target"
)

// afterList does something each time that the list of authorizations was sent.
func (p *plant) afterList(do func(times int)) influxtest.Fault {
	var times atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != listPath {
			return false
		}
		p.Rewrite(listPath, func(_ http.Header, body []byte) []byte { return body })(w, r)
		do(int(times.Add(1)))
		return true
	}
}

// TestCountsWhileTheyChange: a list is compared with counts of the same moment, so it is
// taken again where they differ before and after, and what the earlier one showed does
// not count.
func TestCountsWhileTheyChange(t *testing.T) {
	add := func(p *plant) string {
		id, _ := p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: p.iot, Description: "busy", Permissions: influxtest.ReadBuckets(p.acme)})
		return id
	}
	tests := map[string]struct {
		happens       func(p *plant, before string, times int)
		ghost         bool // a token of a deleted user is stored
		listed, lists int
		reason        string
	}{
		"nothing":                           {func(*plant, string, int) {}, false, 4, 1, ""},
		"nothing, and one is hidden":        {func(*plant, string, int) {}, true, 4, 1, "1 of 5 stored authorizations are neither listed nor known"},
		"one is revoked":                    {func(p *plant, id string, times int) { p.DeleteAuthorization(id) }, false, 3, 2, ""},
		"one is revoked, another is hidden": {func(p *plant, id string, times int) { p.DeleteAuthorization(id) }, true, 3, 2, "1 of 4 stored authorizations are neither listed nor known"},
		"one is made": {func(p *plant, _ string, times int) {
			if times == 1 {
				add(p)
			}
		}, false, 5, 2, ""},
		"a user is made": {func(p *plant, _ string, times int) {
			if times == 1 {
				p.AddUser("new")
			}
		}, false, 4, 2, ""},
		"one each time": {func(p *plant, _ string, _ int) { add(p) }, false, 6, 3, "changed during the list, 3 times in a row"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			token, id := p.auditor(), add(p)
			if test.ghost {
				ghost := p.AddUser("ghost")
				p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: ghost})
				p.DeleteUser(ghost)
			}
			p.Fault = p.afterList(func(times int) { test.happens(p, id, times) })
			cov, rs := judged(t, p.collection(t, token))
			checkGap(t, cov, audit.StoredListed, test.reason)
			lists := 0
			for _, request := range p.Requests() {
				if strings.HasPrefix(request, "GET "+listPath+"?") {
					lists++
				}
			}
			if len(rs) != test.listed || cov.Listed != test.listed || lists != test.lists {
				t.Errorf("%d records, %d listed in %d lists; want %d in %d", len(rs), cov.Listed, lists, test.listed, test.lists)
			}
			asked := 0
			for _, a := range cov.Asked {
				if strings.HasPrefix(a.What, "authorizations of") {
					asked++
				}
			}
			if asked != 1 {
				t.Errorf("the coverage has the list %d times: %+v", asked, cov.Asked)
			}
		})
	}
}

// TestFewerStoredThanListed contradicts itself, which nobody can accept.
func TestFewerStoredThanListed(t *testing.T) {
	p := newPlant(t)
	token := p.auditor()
	p.Fault = influxtest.Answer("/metrics", 200, "influxdb_tokens_total 2\ninfluxdb_users_total 3\ninfluxdb_organizations_total 1\n")
	cov, _ := judged(t, p.collection(t, token))
	checkGap(t, cov, audit.StoredListed, "2 authorizations stored, and 3 listed")
	checkGap(t, cov, audit.ListsAgree, "reports fewer stored authorizations (2) than it lists (3)")
	if known, _ := audit.PremiseOf(audit.ListsAgree); known.Acceptable {
		t.Error("it can be accepted")
	}
}

// TestUsersThatAreStoredAndNotListed: who owns tokens may be among them.
func TestUsersThatAreStoredAndNotListed(t *testing.T) {
	p := newPlant(t)
	token := p.auditor()
	p.Fault = influxtest.Answer("/metrics", 200, "influxdb_tokens_total 3\ninfluxdb_users_total 4\ninfluxdb_organizations_total 1\n")
	cov, _ := judged(t, p.collection(t, token))
	checkGap(t, cov, audit.StoredListed, "4 users stored, and 3 listed")
}

// TestCountsHold: what is proven is said, with the figures.
func TestCountsHold(t *testing.T) {
	p := newPlant(t)
	cov, _ := judged(t, p.configured(t, p.auditor(), func(*target.Config) {}))
	if got := premiseOf(cov, audit.StoredListed); got.State != audit.Holds || !strings.Contains(strings.Join(got.Evidence, "; "), "3 stored") {
		t.Errorf("%+v", got)
	}
}

// TestCountsNeedAList: where no list came, nothing is said of what is stored.
func TestCountsNeedAList(t *testing.T) {
	for name, test := range map[string]struct {
		also func(p *plant) string // the org of the target
		gap  string
	}{
		"an org that is not there":         {func(*plant) string { return "acmee" }, audit.ListWhole},
		"an org that is not there, of two": {func(p *plant) string { p.addGlobex(); return "acmee" }, audit.ListWhole},
		"an org without tokens":            {func(p *plant) string { p.AddOrg("empty"); return "empty" }, audit.CredentialSeesAll},
		"a list that is refused": {func(p *plant) string {
			p.Fault = influxtest.Answer(listPath, http.StatusForbidden, "")
			return "acme"
		}, audit.ListWhole},
		"a list that is refused, of every org": {func(p *plant) string {
			p.Fault = influxtest.Answer(listPath, http.StatusForbidden, "")
			return ""
		}, audit.ListWhole},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			token, org := p.auditor(), test.also(p)
			cov, _ := judged(t, p.configured(t, token, func(c *target.Config) { c.Org = org }))
			if len(cov.Gaps) != 1 || cov.Gaps[0].ID != test.gap || cov.Verdict != audit.NotKnown {
				t.Errorf("%s, gaps %+v, want one of %s", cov.Verdict, cov.Gaps, test.gap)
			}
			if cov.Stored != nil || cov.Hidden != 0 || cov.Elsewhere != 0 {
				t.Errorf("compared with what is stored: %+v", cov)
			}
		})
	}
}
