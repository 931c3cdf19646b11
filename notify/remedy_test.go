package notify_test

import (
	"slices"
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
)

// TestRemediesAreWhole: every remedy of a check and of a gap is said to its end.
func TestRemediesAreWhole(t *testing.T) {
	t.Parallel()
	for _, c := range audit.Checks() {
		h := audit.Highlight{Findings: []audit.Finding{{Check: c.ID, Severity: c.Severity}}}
		if f := notify.NewTokens(notifytest.Typical(), []audit.Highlight{h})[0].Found[0]; f.Fix != c.Fix || f.Why != c.Why {
			t.Errorf("%s: %+v", c.ID, f)
		}
	}
	remedies := []string{strings.Repeat("x", audit.MaxRemedy)}
	for _, p := range audit.Premises() {
		remedies = append(remedies, p.Fix)
	}
	for _, remedy := range remedies {
		m := notifytest.Quiet()
		c := &m.Summary.Coverage
		c.Targets[0].AddGap(audit.Gap{ID: "some", Verdict: audit.Partial, Reason: "some are hidden", Fix: remedy})
		c.Accept(nil, m.Summary.Started)
		for _, lines := range [][]notify.Line{notify.NewContent(m, 8).Lines, notify.NewPage(m, 5).Alarms} {
			if !slices.ContainsFunc(lines, func(l notify.Line) bool { return l.Fix == remedy }) {
				t.Errorf("%q is not in %+v", remedy, lines)
			}
		}
	}
}
