package influx_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/target"
)

// TestOneOrgOfSeveral: whoever may read every org has the whole instance counted, and
// hears of the tokens of other orgs that write here. Whoever may not has one gap.
func TestOneOrgOfSeveral(t *testing.T) {
	global := []influxtest.Permission{
		{Action: "read", Resource: influxtest.Resource{Type: "authorizations"}}, {Action: "read", Resource: influxtest.Resource{Type: "users"}}, {Action: "read", Resource: influxtest.Resource{Type: "orgs"}},
	}
	ghostOf := func(org func(p *plant) string) func(p *plant) {
		return func(p *plant) {
			ghost := p.AddUser("ghost")
			p.AddAuthorization(influxtest.Authorization{OrgID: org(p), UserID: ghost})
			p.DeleteUser(ghost)
		}
	}
	var globex string
	here, there := func(p *plant) string { return p.acme }, func(*plant) string { return globex }
	tests := map[string]struct {
		credential []influxtest.Permission // nil for one of this org
		also       func(p *plant)
		gaps       string // IDs
		reason     string
		elsewhere  int
		writers    string // descriptions of those elsewhere that write here
	}{
		"of every org":                          {global, nil, "", "", 2, "spare"},
		"of every org, one is hidden here":      {global, ghostOf(here), "stored-listed", "1 of 7 stored", 2, "spare"},
		"of every org, one is hidden elsewhere": {global, ghostOf(there), "stored-listed", "1 of 7 stored", 2, "spare"},
		"of this org":                           {nil, nil, "instance-seen", "the instance has 2 orgs, and the credential sees the tokens of 1", 0, ""},
		"of this org, one is hidden":            {nil, ghostOf(here), "instance-seen", "are not known", 0, ""},
		"of every org, an org without tokens":   {global, func(p *plant) { p.AddOrg("empty") }, "", "", 2, "spare"},
		"of every org, whose counts fail":       {global, func(p *plant) { p.Fault = influxtest.Answer("/metrics", http.StatusNotFound, "") }, "stored-listed", "may hide tokens of deleted users", 2, "spare"},
		"of this org, whose counts fail":        {nil, func(p *plant) { p.Fault = influxtest.Answer("/metrics", http.StatusNotFound, "") }, "instance-seen", "the counts of the instance could not be read, and the credential sees the tokens of 1 org. ", 0, ""},
		"of every org, of which no list comes": {global, func(p *plant) {
			p.Fault = func(w http.ResponseWriter, r *http.Request) bool {
				return r.URL.Path == listPath && r.URL.RawQuery == "" && refuse(500, "unknown resource type for permission")(w, r)
			}
		}, "instance-seen", "no complete list of its tokens was received", 0, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			token := p.auditor()
			globex, _ = p.addGlobex()
			if test.credential != nil {
				token = p.credential(p.AddUser("auditor"), influxtest.Active, test.credential)
			}
			p.AddAuthorization(influxtest.Authorization{OrgID: globex, UserID: p.admin, Description: "spare", Permissions: influxtest.Operator()})
			if test.also != nil {
				test.also(p)
			}
			cov, rs := judged(t, p.collection(t, token))
			var gaps, writers []string
			for _, g := range cov.Gaps {
				gaps = append(gaps, g.ID)
			}
			for _, r := range rs {
				if r.IsOfOtherOrg() {
					writers = append(writers, r.Description)
				} else if r.OrgID != p.acme {
					t.Errorf("of another org: %+v", r.Authorization)
				}
			}
			if strings.Join(gaps, " ") != test.gaps || !strings.Contains(strings.Join(cov.Reasons, "; "), test.reason) {
				t.Errorf("gaps %+v, want %q with %q", cov.Gaps, test.gaps, test.reason)
			}
			if want := 3; cov.Listed < want || cov.Elsewhere != test.elsewhere && cov.Stored != nil {
				t.Errorf("%d listed, %d elsewhere; want %d, %d", cov.Listed, cov.Elsewhere, want, test.elsewhere)
			}
			if (len(writers) == 1) != (test.writers != "") || !strings.Contains(strings.Join(writers, "; "), test.writers) {
				t.Errorf("tokens that write here from elsewhere: %q, want %q", writers, test.writers)
			}
			if known, _ := audit.PremiseOf(audit.InstanceSeen); !known.Acceptable {
				t.Error("the gap cannot be accepted")
			}
		})
	}
}

// TestEveryOrgOfSeveral: of a target of every org, what the credential cannot see of other
// orgs asks for a better credential, and an imported list is no way round.
func TestEveryOrgOfSeveral(t *testing.T) {
	for name, test := range map[string]struct {
		operator, hidden, imported bool
		gaps, fix                  string // IDs; of the first
	}{
		"a credential of one org":                    {false, false, false, "instance-seen", "operator token"},
		"a credential of one org, one is hidden":     {false, true, false, "instance-seen", "operator token"},
		"a credential of one org, the others import": {false, false, true, "import-current instance-seen", "Give the credential read access"},
		"an operator's":                              {true, false, false, "", ""},
		"an operator's, one is hidden":               {true, true, false, "stored-listed", "influxd recovery auth list"},
		"an operator's, the hidden one import":       {true, true, true, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			_, elsewhere := p.addGlobex()
			token := p.auditor()
			if test.operator {
				token = p.credential(p.iot, influxtest.Active, influxtest.Operator())
			}
			known := elsewhere
			if test.hidden {
				ghost := p.AddUser("ghost")
				known, _ = p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: ghost})
				p.DeleteUser(ghost)
			}
			var before []audit.Record
			if test.imported {
				before = []audit.Record{{Target: "prod", Authorization: audit.Authorization{ID: known, UserID: p.admin}, Presence: audit.Unseen}}
			}
			cov, _ := judged(t, p.configured(t, token, func(c *target.Config) { c.Org = "" }), before...)
			var gaps []string
			for _, g := range cov.Gaps {
				gaps = append(gaps, g.ID)
			}
			if strings.Join(gaps, " ") != test.gaps || len(gaps) > 0 && !strings.Contains(cov.Gaps[0].Remedy(), test.fix) {
				t.Errorf("gaps %+v, want %q with %q", cov.Gaps, test.gaps, test.fix)
			}
		})
	}
}

// TestLegacyOfEveryOrg: no count tells of the tokens of the 1.x API, so that a list of them
// is whole only if the credential may read every org.
func TestLegacyOfEveryOrg(t *testing.T) {
	everyOrg := func(c *target.Config) { c.Org = "" }
	p := newPlant(t)
	ofOrg, operator := p.auditor(), p.credential(p.iot, influxtest.Active, influxtest.Operator())
	cov, _ := judged(t, p.configured(t, ofOrg, everyOrg))
	checkGap(t, cov, audit.LegacyListed, "")
	globex := p.AddOrg("globex")
	p.AddLegacy(influxtest.Authorization{OrgID: globex, UserID: p.admin, Token: "v1-user", Permissions: influxtest.WriteBuckets(globex)})
	cov, rs := judged(t, p.configured(t, ofOrg, everyOrg))
	checkGap(t, cov, audit.LegacyListed, "the instance has 2 orgs, and the credential is only known to see the 1.x API tokens of 1")
	if len(rs) != 4 || cov.Legacy != 0 {
		t.Errorf("%d records, %d of the 1.x API", len(rs), cov.Legacy)
	}
	cov, rs = judged(t, p.configured(t, operator, everyOrg))
	checkGap(t, cov, audit.LegacyListed, "")
	if len(rs) != 5 || cov.Legacy != 1 {
		t.Errorf("%d records, %d of the 1.x API", len(rs), cov.Legacy)
	}
	second := p.credential(p.iot, influxtest.Active, influxtest.Operator()) // which of the two asks cannot be told
	cov, _ = judged(t, p.configured(t, second, everyOrg))
	checkGap(t, cov, audit.LegacyListed, "")
	p.credential(p.iot, influxtest.Active, influxtest.AuditorPermissions(p.acme)) // nor whether it is this one
	cov, _ = judged(t, p.configured(t, second, everyOrg))
	checkGap(t, cov, audit.LegacyListed, "Set credential to its ID")
}

// TestTokensOfOtherOrgs: which of them write here, and what becomes of what was found.
func TestTokensOfOtherOrgs(t *testing.T) {
	const org, other, user = "00000000000000a1", "00000000000000a2", "00000000000000b1"
	write := func(r influxtest.Resource) []influxtest.Permission {
		return []influxtest.Permission{{Action: "write", Resource: r}}
	}
	for name, test := range map[string]struct {
		permissions []influxtest.Permission
		status      string
		writes      bool
	}{
		"operator":                        {influxtest.Operator(), "", true},
		"operator, inactive":              {influxtest.Operator(), influxtest.Inactive, false},
		"all-access of its own org":       {influxtest.AllAccess(other, user), "", false},
		"reads every org":                 {[]influxtest.Permission{{Action: "read", Resource: influxtest.Resource{Type: "buckets"}}}, "", false},
		"writes the tasks of every org":   {write(influxtest.Resource{Type: "tasks"}), "", true},
		"writes a bucket of its org":      {write(influxtest.Resource{Type: "buckets", ID: "00000000000000c1", OrgID: other}), "", false},
		"writes a bucket of no named org": {write(influxtest.Resource{Type: "buckets", ID: "00000000000000c1"}), "", true},
		"writes another user":             {write(influxtest.Resource{Type: "users", ID: "00000000000000b2"}), "", true},
		"writes this org":                 {write(influxtest.Resource{Type: "orgs", ID: org}), "", true},
		"writes its own org":              {write(influxtest.Resource{Type: "orgs", ID: other}), "", false},
		"no permissions":                  {nil, "", false},
	} {
		a := audit.Authorization{UserID: user, OrgID: other, Status: audit.Status(test.status)}
		for _, p := range test.permissions {
			a.Permissions = append(a.Permissions, audit.Permission{Action: p.Action, Resource: audit.Resource{Type: p.Resource.Type, ID: p.Resource.ID, OrgID: p.Resource.OrgID}})
		}
		if got := a.WritesIn(org); got != test.writes {
			t.Errorf("%s: %v, want %v", name, got, test.writes)
		}
	}

	p := newPlant(t)
	globex, _ := p.addGlobex()
	token := p.credential(p.iot, influxtest.Active, influxtest.Operator())
	spare, _ := p.AddAuthorization(influxtest.Authorization{OrgID: globex, UserID: p.admin, Description: "spare\n<b>", Permissions: influxtest.Operator()})
	p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: p.iot, Description: "after it", Permissions: influxtest.AllAccess(p.acme, p.iot)})
	cov, rs := judged(t, p.collection(t, token))
	found := rs[len(rs)-1]
	if !found.IsServer() || found.ID != "other-org/"+spare || len(found.Findings) != 1 || found.Findings[0].Check != "foreign-operator" || found.Findings[0].Severity != audit.High {
		t.Fatalf("%+v", found)
	}
	for _, want := range []string{spare, `"spare\n<b>"`, "user admin (" + p.admin + ")", "org globex (" + globex + ")", "all orgs: annotations, authorizations"} {
		if held := premiseOf(cov, audit.InstanceSeen); !strings.Contains(found.Description, want) || !strings.Contains(strings.Join(held.Evidence, ""), want) || held.State != audit.Holds {
			t.Errorf("%q and %+v, want %q", found.Description, held, want)
		}
	}
	counts := audit.NewCounts()
	for _, r := range rs {
		counts.Add(r, time.Now())
	}
	if counts.Authorizations.Total != 4 || cov.Listed != 4 || counts.Findings.ByCheck["foreign-operator"] != 1 {
		t.Errorf("%+v, %d listed", counts, cov.Listed)
	}

	fingerprint := rs[len(rs)-1].Fingerprint()
	policy := audit.Policy{Exceptions: []audit.Exception{{Target: "prod", Authorization: spare, Check: "foreign-operator", Fingerprint: fingerprint, Expires: time.Now().Add(time.Hour * 999)}}}
	for r, err := range (audit.Review{Collection: p.collection(t, token), Target: "prod", Now: time.Now(), Policy: policy}).Merge(t.Context(), t.Context(), records(nil)) {
		if err != nil || r.IsOfOtherOrg() && r.Findings[0].State != audit.Excepted || strings.HasPrefix(r.ID, "unused") {
			t.Errorf("with an exception for the token: %+v, %v", r, err)
		}
	}

	later := func(token string) audit.FindingState {
		_, now := judged(t, p.collection(t, token), rs...)
		return stateOf(now, "foreign-operator")
	}
	again, outOfSight := later(token), later(p.auditor())
	p.Fault = p.CutBody(listPath)
	cut := later(token)
	p.Fault = nil
	p.DeleteAuthorization(spare)
	if revoked := later(token); again != audit.Open || outOfSight != audit.Open || cut != audit.Open || revoked != audit.Resolved {
		t.Errorf("again %s, out of sight %s, cut %s, revoked %s", again, outOfSight, cut, revoked)
	}
}

func stateOf(rs []audit.Record, check string) (state audit.FindingState) {
	for _, r := range rs {
		for _, f := range r.Findings {
			if f.Check == check {
				state = f.State
			}
		}
	}
	return state
}

// TestCredentialOfAnotherOrg is not taken for a token of this one.
func TestCredentialOfAnotherOrg(t *testing.T) {
	p := newPlant(t)
	globex, _ := p.addGlobex()
	auditor := p.AddUser("auditor")
	here, _ := p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: auditor, Permissions: influxtest.WriteBuckets(p.acme)})
	_, token := p.AddAuthorization(influxtest.Authorization{OrgID: globex, UserID: auditor, Permissions: influxtest.Operator()})
	col := p.configured(t, token, func(*target.Config) {})
	defer col.Close()
	if col.Scope.Credentials[here] {
		t.Errorf("credentials %v", fmt.Sprint(col.Scope.Credentials))
	}
}
