package contract

import (
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest/conformance"
)

// sight is a credential and what a first review with it may claim.
type sight struct {
	token, org string
	listed     int
	// seeded is the verdict where the list hides authorizations: two of acme, of
	// the deleted user, and one of the deleted org. whole is it where none is left.
	seeded, whole audit.Verdict
	reason        string // part of a reason in both
}

func sights() []sight {
	const (
		complete, partial, unknown = audit.Complete, audit.Partial, audit.NotKnown

		notAll = "may not read all users"
		empty  = "the list is empty, which proves nothing"
		// The server's own counts are of every org, so nothing tells what it hides of one.
		unproven = "the instance has 2 orgs, and the credential sees the tokens of 1"
		hidden   = "" // what the list hides is counted
	)
	return []sight{
		{"operator", "", 18, partial, complete, ""},
		{"operator", "acme", 16, partial, complete, hidden},
		{"operator", "{acme}", 16, partial, complete, hidden},
		{"auditorGlobal", "", 18, partial, complete, ""},
		{"auditorGlobal", "acme", 16, partial, complete, hidden},
		{"auditor", "", 16, partial, partial, "the target is the whole instance of 2 orgs, and the credential sees the tokens of 1"},
		{"auditor", "acme", 16, partial, partial, unproven},
		{"auditor", "{acme}", 16, partial, partial, unproven},
		{"auditor", "globex", 0, unknown, unknown, empty},
		{"allAccess", "acme", 4, partial, partial, notAll},
		{"allAccess", "", 4, partial, partial, notAll},
		{"globexAllAccess", "globex", 2, partial, partial, notAll},
		{"allAccessNoMe", "acme", 0, unknown, unknown, empty},
		{"auditorOrg", "acme", 0, unknown, unknown, empty},
		{"readOnly", "acme", 0, unknown, unknown, empty},
		{"dashboards", "", 0, unknown, unknown, empty},
		{"inactiveOperator", "", 0, unknown, unknown, "the credential is inactive"},
		{"inactiveUserOperator", "", 0, unknown, unknown, "its user is inactive or deleted"},
		{"unknown", "acme", 0, unknown, unknown, "not accepted"},
		{"operator", "nowhere", 0, unknown, unknown, `organization name "nowhere" not found`},
		{"operator", "gone-org", 0, unknown, unknown, `organization name "gone-org" not found`},
	}
}

func TestSights(t *testing.T) {
	ws := newPair(t, true)
	t.Run("some are hidden", func(t *testing.T) {
		for _, s := range sights() {
			first(t, ws, s, s.seeded, 21)
		}
	})
	ws.Each(func(w *conformance.World) {
		for _, name := range []string{"deletedUserWrite", "deletedUserOperator", "goneOrgWrite"} {
			w.DeleteAuthorization(w.IDs[name])
		}
	})
	t.Run("none is hidden", func(t *testing.T) {
		for _, s := range sights() {
			first(t, ws, s, s.whole, 18)
		}
	})
}

// first makes a first review of both servers, which store that many authorizations.
func first(t *testing.T, ws conformance.Worlds, s sight, verdict audit.Verdict, stored int) {
	t.Run(s.token+" on "+s.org, func(t *testing.T) {
		real, fake := reviewBoth(t, ws, s.token, s.org)
		for name, c := range map[string]audit.Coverage{"InfluxDB": real.Coverage, "the fake": fake.Coverage} {
			if c.Verdict != verdict || c.Listed != s.listed || !strings.Contains(strings.Join(c.Reasons, "\n"), s.reason) {
				t.Errorf("%s: %s, %d listed, reasons %q; want %s, %d, one with %q", name, c.Verdict, c.Listed, c.Reasons, verdict, s.listed, s.reason)
			}
			if hidden := stored - c.Listed - c.Elsewhere - c.Hidden; c.Verdict == audit.Complete && hidden > 0 {
				t.Errorf("%s: complete, though %d authorizations are hidden", name, hidden)
			}
		}
		conformance.Alike(t, "the review", real, fake)
	})
}
