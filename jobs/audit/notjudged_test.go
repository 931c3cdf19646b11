package audit

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Nothing found is a result only where there was something to judge by.
func TestNotJudged(t *testing.T) {
	t.Parallel()
	whole := Policy{ServiceUsers: []string{"iot"}, RotateAfter: time.Hour, InactiveAfter: time.Hour, MaxAdmins: 2}
	of := func(p Product, c Coverage) Coverage {
		c.Product = p
		return c
	}
	target := func(note func(*Coverage)) Coverage {
		c := NewCoverage("prod")
		c.Listed = 1
		c.Hold(RosterFresh, "of today")
		c.Hold(BaselineRead, "compared with run 1")
		if note != nil {
			note(&c)
		}
		return c
	}
	for _, test := range []struct {
		name    string
		policy  Policy
		targets []Coverage
		want    []string
	}{
		{"everything to judge by", whole, []Coverage{target(nil)}, nil},
		{"a policy without limits and service users", Policy{}, []Coverage{target(nil)}, []string{
			"personal-write, auditor-personal: no service_users are configured", "not-rotated: rotate_after is not set", "inactive-leftover: inactive_after is not set",
		}},
		{"switched off is said elsewhere", Policy{ServiceUsers: []string{"iot"}, InactiveAfter: time.Hour, Severity: map[string]Severity{"not-rotated": Off}}, []Coverage{target(nil)}, nil},
		{"no roster", whole, []Coverage{target(func(c *Coverage) { c.NoNeed(RosterFresh, "no roster is configured") })}, []string{"owner-not-in-roster: no roster is configured"}},
		{"a roster that is stale", whole, []Coverage{target(func(c *Coverage) { (&Roster{Unusable: "it is old"}).Note(c) })}, []string{"owner-not-in-roster: gap roster-fresh"}},
		{"a roster with a status that is none", whole, []Coverage{target(func(c *Coverage) { (&Roster{Unclear: "1 user"}).Note(c) })}, nil},
		{"an accepted gap", whole, []Coverage{target(func(c *Coverage) {
			c.Gap(InstanceSeen, Partial, "2 orgs")
			c.Gaps[0].Accepted = &AcceptedGap{}
		})}, []string{"foreign-operator: gap instance-seen"}},
		{"members unread", whole, []Coverage{target(func(c *Coverage) { c.AddBlindSpot(MembersUnread) })}, []string{"owner-not-member: members and owners of the org could not be read"}},
		{"members read on one target of two", whole, []Coverage{target(func(c *Coverage) { c.AddBlindSpot(MembersUnread) }), target(nil)}, nil},
		{"a target that was dropped does not count", whole, []Coverage{target(func(c *Coverage) { c.AddBlindSpot(MembersUnread) }), {Target: "old", Dropped: true}}, []string{"owner-not-member: members and owners of the org could not be read"}},
		{"the first review", whole, []Coverage{target(func(c *Coverage) {
			c.Premises = nil
			c.NoNeed(BaselineRead, "this is the first review of these tokens")
		})}, []string{
			"permission-drift, back-again, reactivated: this is the first review of these tokens",
		}},
		{"no owners", whole, []Coverage{target(func(c *Coverage) { c.NoNeed(OwnersKnown, "the product has no owners") })}, []string{"deleted-owner, inactive-owner, owner-not-member: the product has no owners"}},
		{"a credential that is not shown", whole, []Coverage{target(func(c *Coverage) { c.Gap(OwnCredentialShown, Partial, "hidden") })}, []string{"auditor-can-write, auditor-personal: gap own-credential-shown"}},
		{"no target", whole, nil, nil},
		{"checks that do not apply to any target", Policy{}, []Coverage{of(ProductV1, target(nil))}, []string{"too-many-admins: max_admins is not set"}},
		{"that apply to one of two, which cannot tell", whole, []Coverage{of(ProductCore, target(nil)), target(func(c *Coverage) { c.AddBlindSpot(MembersUnread) })},
			[]string{"owner-not-member: members and owners of the org could not be read"}},
		{"databases that cannot be listed", whole, []Coverage{of(ProductClustered, target(func(c *Coverage) { c.Gap(DatabasesListed, Partial, "403") }))},
			[]string{"revived-grant, dangling-grant: gap databases-listed"}},
		{"the first review of InfluxDB 3", whole, []Coverage{of(ProductCore, target(func(c *Coverage) {
			c.Premises = nil
			c.NoNeed(BaselineRead, "this is the first review of these tokens")
		}))}, []string{"permission-drift, secret-replaced, back-again: this is the first review of these tokens"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var items []Item
			for _, c := range test.targets {
				items = append(items, Item{Coverage: c, Counts: NewCounts()})
			}
			s := Summarize(Run{Job: "weekly"}, items, time.Time{}, Tool{}, test.policy, nil)
			if diff := cmp.Diff(test.want, s.NotJudgedWords()); diff != "" {
				t.Error(diff)
			}
		})
	}
	away := NewCoverage("prod")
	away.Gap(TargetReviewed, NotKnown, "not reviewed")
	for _, p := range append(Products(), ProductUnknown) {
		want := slices.DeleteFunc(Checks(), func(c Check) bool { _, applies := p.Judges(c.ID); return !applies })
		if s := Summarize(Run{Job: "weekly"}, []Item{{Coverage: of(p, away)}}, time.Time{}, Tool{}, whole, nil); len(s.NotJudged) != len(want) {
			t.Errorf("%q: where nothing answered, %d checks are not judged", p, len(s.NotJudged))
		}
	}
}
