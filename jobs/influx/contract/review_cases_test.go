package contract

import (
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
)

// InfluxDB's list of 1.x authorizations looks the org of org= up and then does not
// filter by it. A credential that may not read orgs has only the name to ask with.
func TestLegacyOfAnotherOrg(t *testing.T) {
	p := newPair(t)
	p.both(func(w *world) { w.addLegacy("v1Globex", "globexUser", "globex", "v1-globex", "of another org") })
	p.check(t, ok("org=", "/private/legacy/authorizations?org=acme", "auditorGlobal", "v1Live", "v1Globex"))
	p.check(t, ok("orgID=", "/private/legacy/authorizations?orgID={acme}", "auditorGlobal", "v1Live"))
	real, fake := newReviewer(t, p.real, "auditorGlobal", "acme").review(t), newReviewer(t, p.fake, "auditorGlobal", "acme").review(t)
	if reasons := strings.Join(real.Coverage.Reasons, "\n"); strings.Contains(reasons, "not asked for") {
		t.Errorf("the server or a proxy is blamed: %s", reasons)
	}
	alike(t, "the review", real, fake)
}

// The list of one user is a 500. Nothing else is hidden by that.
func TestPoisonedReview(t *testing.T) {
	p := newPair(t)
	p.both(func(w *world) {
		for _, name := range []string{"deletedUserWrite", "deletedUserOperator", "goneOrgWrite"} {
			w.DeleteAuthorization(w.ids[name])
		}
		w.Poison(w.ids["outsiderWrite"])
	})
	real, fake := newReviewer(t, p.real, "operator", "").review(t), newReviewer(t, p.fake, "operator", "").review(t)
	if c := real.Coverage; c.Verdict != audit.Partial || c.Listed != 17 || c.Hidden != 1 || c.Legacy != 1 {
		t.Errorf("%s, %d listed, %d hidden, %d of 1.x; want partial, 17, 1, 1: %q", c.Verdict, c.Listed, c.Hidden, c.Legacy, c.Reasons)
	}
	alike(t, "the review", real, fake)
}

// Where values are stored in clear the review says so.
func TestReviewOfTokensInClear(t *testing.T) {
	p := newPairInClear(t)
	real, fake := newReviewer(t, p.real, "operator", "").review(t), newReviewer(t, p.fake, "operator", "").review(t)
	if found := strings.Join(real.Rows[audit.ServerID].Findings, " "); !strings.Contains(found, "token-value-readable new") {
		t.Errorf("findings about the server: %q", found)
	}
	alike(t, "the review", real, fake)
}
