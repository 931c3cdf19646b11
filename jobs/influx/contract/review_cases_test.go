package contract

import (
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest/conformance"
)

// InfluxDB's list of 1.x authorizations looks the org of org= up and then does not
// filter by it. A credential that may not read orgs has only the name to ask with.
func TestLegacyOfAnotherOrg(t *testing.T) {
	ws := newPair(t, true)
	ws.Each(func(w *conformance.World) { w.AddV1("v1Globex", "globexUser", "globex", "v1-globex", "of another org") })
	ws.Check(t, conformance.OK("org=", "/private/legacy/authorizations?org=acme", "auditorGlobal", "v1Live", "v1Globex"))
	ws.Check(t, conformance.OK("orgID=", "/private/legacy/authorizations?orgID={acme}", "auditorGlobal", "v1Live"))
	real, fake := reviewBoth(t, ws, "auditorGlobal", "acme")
	if reasons := strings.Join(real.Coverage.Reasons, "\n"); strings.Contains(reasons, "not asked for") {
		t.Errorf("the server or a proxy is blamed: %s", reasons)
	}
	conformance.Alike(t, "the review", real, fake)
}

// The list of one user is a 500. Nothing else is hidden by that, and what was not listed
// is not counted as hidden: the list did not come whole.
func TestPoisonedReview(t *testing.T) {
	ws := newPair(t, true)
	ws.Each(func(w *conformance.World) {
		for _, name := range []string{"deletedUserWrite", "deletedUserOperator", "goneOrgWrite"} {
			w.DeleteAuthorization(w.IDs[name])
		}
		w.Poison(w.IDs["outsiderWrite"])
	})
	real, fake := reviewBoth(t, ws, "operator", "")
	if c := real.Coverage; c.Verdict != audit.Partial || c.Listed != 17 || c.Hidden != 0 || c.Legacy != 1 {
		t.Errorf("%s, %d listed, %d hidden, %d of 1.x; want partial, 17, 0, 1: %q", c.Verdict, c.Listed, c.Hidden, c.Legacy, c.Reasons)
	}
	conformance.Alike(t, "the review", real, fake)
}

// Where values are stored in clear the review says so.
func TestReviewOfTokensInClear(t *testing.T) {
	ws := newPair(t, false)
	real, fake := reviewBoth(t, ws, "operator", "")
	if found := strings.Join(real.Rows[audit.ServerID].Findings, " "); !strings.Contains(found, "token-value-readable new") {
		t.Errorf("findings about the server: %q", found)
	}
	conformance.Alike(t, "the review", real, fake)
}

// One org of two: whoever may read every org has the whole instance counted, and hears
// of the operator tokens of the other org. Whoever may not has one gap, which is all
// that two people need to accept.
func TestOneOrgOfTwo(t *testing.T) {
	ws := newPair(t, true)
	ws.Each(func(w *conformance.World) {
		for _, name := range []string{"deletedUserWrite", "deletedUserOperator", "goneOrgWrite"} {
			w.DeleteAuthorization(w.IDs[name])
		}
	})
	for _, test := range []struct {
		token, org string
		gaps       string
		writers    bool // of the other org are found
	}{
		{"operator", "acme", "", false}, {"operator", "globex", "", true}, {"auditorGlobal", "globex", "", true},
		{"auditor", "acme", audit.InstanceSeen, false},
	} {
		t.Run(test.token+" on "+test.org, func(t *testing.T) {
			real, fake := reviewBoth(t, ws, test.token, test.org)
			for name, o := range map[string]outcome{"InfluxDB": real, "the fake": fake} {
				var gaps []string
				for _, g := range o.Coverage.Gaps {
					gaps = append(gaps, g.ID)
				}
				if got := strings.Join(gaps, " "); got != test.gaps || (o.Coverage.Verdict == audit.Complete) != (got == "") {
					t.Errorf("%s: %s, gaps %q: %q; want %q", name, o.Coverage.Verdict, got, o.Coverage.Reasons, test.gaps)
				}
				if got := o.Findings.ByCheck["foreign-operator"] > 0; got != test.writers {
					t.Errorf("%s: tokens of other orgs that write here %v, want %v", name, got, test.writers)
				}
			}
			conformance.Alike(t, "the review", real, fake)
		})
	}
}
