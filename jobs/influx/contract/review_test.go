package contract

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest/conformance"
)

// week is what happens before a review, and what that review must find.
type week struct {
	happens func(*conformance.World)

	verdict                        audit.Verdict
	listed, hidden, unseen, legacy int
	reason                         string // part of one of the reasons
	found                          string // see notable
}

// TestReviews reviews both servers through the same weeks.
func TestReviews(t *testing.T) {
	for name, test := range map[string]struct {
		token, org string
		weeks      []week
	}{
		"an operator token, every org":    {"operator", "", everyOrgWeeks()},
		"a credential for audits of acme": {"auditor", "acme", acmeWeeks()},
	} {
		t.Run(name, func(t *testing.T) {
			ws := newPair(t, true)
			real, fake := newReviewer(t, ws[0], test.token, test.org), newReviewer(t, ws[1], test.token, test.org)
			for i, w := range test.weeks {
				ws.Each(w.happens)
				t.Run(fmt.Sprint("week ", i+1), func(t *testing.T) { w.check(t, real.review(t), fake.review(t)) })
			}
		})
	}
}

func (w week) check(t *testing.T, real, fake outcome) {
	t.Helper()
	for name, got := range map[string]outcome{"InfluxDB": real, "the fake": fake} {
		c := got.Coverage
		if c.Verdict != w.verdict || !strings.Contains(strings.Join(c.Reasons, "\n"), w.reason) {
			t.Errorf("%s: verdict %s, want %s; reasons %q, want one with %q", name, c.Verdict, w.verdict, c.Reasons, w.reason)
		}
		if c.Listed != w.listed || c.Hidden != w.hidden || c.Unseen != w.unseen || c.Legacy != w.legacy {
			t.Errorf("%s: %d listed, %d hidden, %d unseen, %d of 1.x; want %d, %d, %d, %d",
				name, c.Listed, c.Hidden, c.Unseen, c.Legacy, w.listed, w.hidden, w.unseen, w.legacy)
		}
		if d := cmp.Diff(lines(w.found), notable(got)); d != "" {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
	}
	conformance.Alike(t, "the review", real, fake)
}

// notable are the authorizations about which there is something to say of their
// existence: where they were met if not in the list, their owner's state if not
// present, and the findings that follow from both and from what is gone. Other
// findings rest on permissions alone; for them it is enough that both servers agree.
func notable(o outcome) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(o.Rows)) {
		r := o.Rows[name]
		said := []string{name}
		if r.Presence != audit.Listed {
			said = append(said, string(r.Presence))
		}
		if r.OrgDeleted {
			said = append(said, "org deleted")
		}
		if r.Owner != audit.OwnerPresent {
			said = append(said, "owner "+string(r.Owner))
		}
		for _, f := range r.Findings {
			switch check, _, _ := strings.Cut(f, " "); check {
			case "deleted-owner", "deleted-org", "inactive-owner", "owner-not-member", "dangling-grant":
				said = append(said, f)
			}
		}
		if len(said) > 1 {
			out = append(out, strings.Join(said, ", "))
		}
	}
	return out
}

func lines(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") }
