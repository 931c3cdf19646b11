package audit_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

var (
	aprilFirst = time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC)
	december   = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
)

func acceptedGap(gap string) audit.AcceptedGap {
	return audit.AcceptedGap{Target: "prod", Gap: gap, Reason: "known", RequestedBy: "alice", ApprovedBy: "bob", Ticket: "SEC-1", Expires: aprilFirst}
}

func TestAcceptedGaps(t *testing.T) {
	t.Parallel()
	instance := audit.Gap{ID: audit.InstanceSeen, Verdict: audit.Partial, Reason: "the other org was not looked at"}
	for _, tc := range []struct {
		name     string
		gaps     []audit.Gap
		accepted []audit.AcceptedGap
		now      time.Time
		verdict  audit.Verdict
		words    string
		reasons  []string
		unused   int
	}{
		{"nothing accepted", []audit.Gap{instance}, nil, december, audit.Partial, "partial", []string{instance.Reason}, 0},
		{"accepted", []audit.Gap{instance}, []audit.AcceptedGap{acceptedGap("instance-seen")}, december,
			audit.Complete, "complete, with 1 accepted gap until 31 Mar 2027", []string{}, 0},
		{"on its last day", []audit.Gap{instance}, []audit.AcceptedGap{acceptedGap("instance-seen")}, aprilFirst.Add(-time.Second),
			audit.Complete, "complete, with 1 accepted gap until 31 Mar 2027", []string{}, 0},
		{"expired", []audit.Gap{instance}, []audit.AcceptedGap{acceptedGap("instance-seen")}, aprilFirst,
			audit.Partial, "partial", []string{instance.Reason + " (accepted by bob until 31 Mar 2027, which has passed)"}, 0},
		{"of another target", []audit.Gap{instance}, []audit.AcceptedGap{{Target: "staging", Gap: "instance-seen", Expires: aprilFirst}}, december,
			audit.Partial, "partial", []string{instance.Reason}, 0},
		{"one of two", []audit.Gap{instance, {ID: audit.LegacyListed, Verdict: audit.Partial, Reason: "no 1.x list"}}, []audit.AcceptedGap{acceptedGap("instance-seen")}, december,
			audit.Partial, "partial, with 1 accepted gap until 31 Mar 2027", []string{"no 1.x list"}, 0},
		{"by its subject", []audit.Gap{
			{ID: audit.OwnersConfigured + "/0772396d1f411000", Verdict: audit.Partial, Reason: "one"},
			{ID: audit.OwnersConfigured + "/0772396d1f411001", Verdict: audit.Partial, Reason: "two"},
		}, []audit.AcceptedGap{acceptedGap("owners-configured/0772396d1f411001")}, december,
			audit.Partial, "partial, with 1 accepted gap until 31 Mar 2027", []string{"one"}, 0},
		{"all of a premise", []audit.Gap{
			{ID: audit.OwnersConfigured + "/0772396d1f411000", Verdict: audit.Partial, Reason: "one"},
			{ID: audit.OwnersConfigured + "/0772396d1f411001", Verdict: audit.Partial, Reason: "two"},
		}, []audit.AcceptedGap{acceptedGap("owners-configured")}, december,
			audit.Complete, "complete, with 2 accepted gaps until 31 Mar 2027", []string{}, 0},
		{"of a premise that nobody can accept", []audit.Gap{{ID: audit.CredentialActive, Verdict: audit.Partial, Reason: "refused"}},
			[]audit.AcceptedGap{acceptedGap("credential-active")}, december, audit.Partial, "partial", []string{"refused"}, 0},
		{"where nothing was seen", []audit.Gap{{ID: audit.CredentialSeesAll, Verdict: audit.NotKnown, Reason: "the list is empty"}},
			[]audit.AcceptedGap{acceptedGap("credential-sees-all")}, december, audit.NotKnown, "unknown", []string{"the list is empty"}, 0},
		{"nothing needs it", nil, []audit.AcceptedGap{acceptedGap("instance-seen")}, december, audit.Complete, "complete", []string{}, 1},
		{"the target was not reviewed, so nobody knows whether it is needed", []audit.Gap{{ID: audit.TargetReviewed, Verdict: audit.NotKnown, Reason: "away"}},
			[]audit.AcceptedGap{acceptedGap("instance-seen")}, december, audit.NotKnown, "unknown", []string{"away"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := audit.NewCoverage("prod")
			for _, g := range tc.gaps {
				c.Gap(g.ID, g.Verdict, "%s", g.Reason)
			}
			c.Accept(tc.accepted, tc.now)
			if c.Verdict != tc.verdict || c.Words() != tc.words || len(c.AcceptedUnused) != tc.unused {
				t.Errorf("%s: %q with %d unused, want %s: %q with %d", c.Verdict, c.Words(), len(c.AcceptedUnused), tc.verdict, tc.words, tc.unused)
			}
			if diff := cmp.Diff(tc.reasons, c.Reasons); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAcceptedForTheJob: that a target is gone from the configuration may be accepted,
// too, and the run counts what was accepted anywhere.
func TestAcceptedForTheJob(t *testing.T) {
	t.Parallel()
	prod := audit.NewCoverage("prod")
	prod.Gap(audit.InstanceSeen, audit.Partial, "the other org was not looked at")
	prod.Accept([]audit.AcceptedGap{acceptedGap("instance-seen")}, december)
	gone := acceptedGap("targets-configured")
	gone.Target, gone.Expires = "old", time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	previous := &audit.Previous{Coverage: []audit.Coverage{audit.NewCoverage("prod"), audit.NewCoverage("old")}}
	sum := func(accepted ...audit.AcceptedGap) audit.Summary {
		return audit.Summarize(audit.Run{Job: "weekly", Started: december}, []audit.Item{{Coverage: prod, Counts: audit.NewCounts()}}, december, audit.Tool{}, audit.Policy{AcceptedGaps: accepted}, previous)
	}
	if c := sum(gone).Coverage; c.Words() != "complete, with 2 accepted gaps, the first until 31 Dec 2026" || c.AcceptedGaps != 2 || len(c.Reasons) != 0 {
		t.Errorf("%q, %d accepted, reasons %q", c.Words(), c.AcceptedGaps, c.Reasons)
	}
	if c := sum().Coverage; c.Verdict != audit.Partial || c.AcceptedGaps != 1 || len(c.Reasons) != 1 {
		t.Errorf("without a decision: %q, %d accepted, reasons %q", c.Words(), c.AcceptedGaps, c.Reasons)
	}
}
