package notify_test

import (
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
)

// TestCampaignsInSummary: what somebody has to do something about comes first, and what ended
// before the last review is left out.
func TestCampaignsInSummary(t *testing.T) {
	t.Parallel()
	m := notifytest.Quiet()
	now, before := m.Summary.Started, m.Summary.Previous.Slot
	soon := now.AddDate(0, 0, 7)
	all := map[string]audit.CampaignStatus{
		"ended":    {Closed: before.AddDate(0, 0, -1)},
		"ends now": {Closed: before.AddDate(0, 0, 1)},
		"follows":  {Closed: before.AddDate(0, 0, -1), Revocations: audit.RevocationCounts{Decided: 3, Outstanding: 3}},
		"open":     {Items: 9, Undecided: 9, Due: soon},
		"late":     {Items: 9, Undecided: 1, Due: before},
		"revoke":   {Closed: before, Revocations: audit.RevocationCounts{Decided: 3, Outstanding: 3, Overdue: 1}},
		"damaged":  {Problem: "items.jsonl is missing"},
	}
	for _, test := range []struct{ have, want string }{
		{"ended, ends now, follows, open, late", "late, open · and 2 more"},
		{"open, revoke", "revoke, open"},
		{"follows, open", "open, follows"},
		{"ends now, follows", "follows, ends now"},
		{"ended, follows", "follows"},
		{"open, damaged", "damaged, open"},
		{"ended", ""},
	} {
		m.Summary.Campaigns = nil
		for name := range strings.SplitSeq(test.have, ", ") {
			c := all[name]
			c.Name = name
			m.Summary.Campaigns = append(m.Summary.Campaigns, c)
		}
		var got []string
		more := ""
		for _, line := range notify.NewContent(m, 20).Lines {
			if name, found := strings.CutPrefix(line.Label, "Campaign "); found {
				got, more = append(got, name), line.More
			}
		}
		if said := strings.TrimSpace(strings.Join(got, ", ") + more); said != test.want {
			t.Errorf("of %s: got %q, want %q", test.have, said, test.want)
		}
	}
}
