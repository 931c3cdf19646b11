package audit

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestNeedsAction follows one token over two reviews: what needs action is a token, and
// what became of it since the review before is said of the token, too.
func TestNeedsAction(t *testing.T) {
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	policy := Policy{FixWithin: map[Severity]time.Duration{Critical: 3 * 24 * time.Hour, High: 14 * 24 * time.Hour, Low: 30 * 24 * time.Hour}}
	orgWide := []Permission{{Action: "write", Resource: Resource{Type: "buckets", OrgID: "0000000000000001"}}}
	narrow := []Permission{{Action: "read", Resource: Resource{Type: "buckets", OrgID: "0000000000000001", ID: "0000000000000002"}}}
	token := func(p []Permission, description string) *Authorization {
		return &Authorization{ID: "0000000000000010", UserID: "0000000000000020", OrgID: "0000000000000001", Status: Active, Description: description, Permissions: p}
	}
	inactive := token(orgWide, "x")
	inactive.Status = Inactive
	excepted := policy
	excepted.Exceptions = []Exception{{Target: "prod", Authorization: "0000000000000010", Check: AllChecks, Fingerprint: token(orgWide, "").Fingerprint(), Expires: at.AddDate(1, 0, 0)}}
	off := policy
	off.Severity = map[string]Severity{"org-wide-write": Off}
	tests := []struct {
		name          string
		before, now   *Authorization
		policy        Policy
		days          int // between the reviews
		want          ActionCounts
		wantInventory Inventory
	}{
		{name: "new token", now: token(orgWide, "x"), want: ActionCounts{Tokens: 1, New: 1}, wantInventory: Inventory{ActiveWrite: 1, New: 1}},
		{name: "still there", before: token(orgWide, "x"), now: token(orgWide, "x"), days: 7, want: ActionCounts{Tokens: 1}, wantInventory: Inventory{ActiveWrite: 1}},
		{name: "overdue", before: token(orgWide, "x"), now: token(orgWide, "x"), days: 21, want: ActionCounts{Tokens: 1, Overdue: 1}, wantInventory: Inventory{ActiveWrite: 1}},
		{name: "set inactive", before: token(orgWide, "x"), now: inactive, days: 7, want: ActionCounts{Fixed: 1}, wantInventory: Inventory{Gone: 1}},
		{name: "gone", before: token(orgWide, "x"), days: 7, want: ActionCounts{Fixed: 1}, wantInventory: Inventory{Gone: 1}},
		{name: "excepted", before: token(orgWide, "x"), now: token(orgWide, "x"), policy: excepted, days: 7, want: ActionCounts{Excepted: 1}, wantInventory: Inventory{ActiveWrite: 1}},
		{name: "check switched off", before: token(orgWide, "x"), now: token(orgWide, "x"), policy: off, days: 7, want: ActionCounts{}, wantInventory: Inventory{ActiveWrite: 1}},
		{name: "hygiene", before: token(narrow, ""), now: token(narrow, ""), days: 7, want: ActionCounts{}},
		{name: "hygiene, overdue for the first time", before: token(narrow, ""), now: token(narrow, ""), days: 31, want: ActionCounts{Tokens: 1, New: 1, Overdue: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			review := func(a *Authorization, p Policy, at time.Time, before []Record) []Record {
				rv := Review{
					Collection: Collection{Authorizations: seqOf[Authorization](), Owner: func(_ context.Context, a Authorization) Owner {
						return Owner{ID: a.UserID, Name: "telegraf", State: OwnerPresent, MembershipKnown: true}
					}, Probe: func(context.Context, Authorization) Probe { return Probe{Presence: Gone} }},
					Target: "prod", Now: at, Policy: p,
				}
				if a != nil {
					rv.Authorizations = seqOf(*a)
				}
				var out []Record
				for r, err := range rv.Merge(t.Context(), t.Context(), seqOf(before...)) {
					if err != nil {
						t.Fatal(err)
					}
					out = append(out, r)
				}
				return out
			}
			if tt.policy.FixWithin == nil {
				tt.policy = policy
			}
			var before []Record
			if tt.before != nil {
				before = review(tt.before, policy, at.AddDate(0, 0, -tt.days), nil)
				for i := range before {
					before[i].Judged = JudgedUnder(policy.Applied(), tt.policy.Applied())
				}
			}
			counts := NewCounts()
			for _, r := range review(tt.now, tt.policy, at, before) {
				counts.Add(r, at)
			}
			got := counts.NeedsAction
			if got.Before() != map[bool]int{true: 1}[tt.want.Before() == 1] {
				t.Errorf("before: %d", got.Before())
			}
			got.BySeverity, got.ByCheck = nil, nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("needs action (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.wantInventory, counts.Inventory); diff != "" {
				t.Errorf("inventory (-want +got):\n%s", diff)
			}
		})
	}
}

// TestHeadline: it says how many tokens need action, whether that is better, and first of
// all when not everything was seen.
func TestHeadline(t *testing.T) {
	known := map[Severity]int{}
	tests := []struct {
		name    string
		summary Summary
		want    string
	}{
		{"first review", Summary{Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Tokens: 27, New: 27, BySeverity: known}}, "27 tokens need action"},
		{"worse", Summary{Previous: &Previous{}, Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Tokens: 1027, New: 8, Fixed: 3, BySeverity: known}}, "1,027 tokens need action (worse: 8 new, 3 fixed)"},
		{"better", Summary{Previous: &Previous{}, Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Tokens: 1, Fixed: 1, Excepted: 1, BySeverity: known}}, "1 token needs action (better: 1 fixed, 1 excepted)"},
		{"unchanged", Summary{Previous: &Previous{}, Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{BySeverity: known}}, "No token needs action (unchanged)"},
		{"as many others", Summary{Previous: &Previous{}, Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Tokens: 5, New: 2, Fixed: 2, BySeverity: known}}, "5 tokens need action (unchanged: 2 new, 2 fixed)"},
		{"the server", Summary{Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Server: 1, BySeverity: known}}, "1 server finding needs action"},
		{"token and server", Summary{Coverage: TotalCoverage{Verdict: Complete}, NeedsAction: ActionCounts{Tokens: 1, Server: 2, BySeverity: known}}, "1 token and 2 server findings need action"},
		{"partial", Summary{Coverage: TotalCoverage{Verdict: Partial}, NeedsAction: ActionCounts{BySeverity: known}}, "INCOMPLETE: No token needs action, as far as the review could see"},
		{"unknown", Summary{Coverage: TotalCoverage{Verdict: NotKnown}, NeedsAction: ActionCounts{BySeverity: known}}, "INCOMPLETE: Nothing could be read. This is not a pass"},
		{"of an earlier version", Summary{Coverage: TotalCoverage{Verdict: Complete}, Previous: &Previous{}}, "Tokens that need action were not counted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.summary.Headline(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
