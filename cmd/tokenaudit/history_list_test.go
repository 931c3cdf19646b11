package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
	"tokenaudit/notify/notifytest"
)

// TestRunTable: what an earlier version did not count is a gap, and a run that was late
// says how late.
func TestRunTable(t *testing.T) {
	t.Parallel()
	late, earlier := notifytest.Accepted(notifytest.Typical()).Summary, notifytest.Typical().Summary
	earlier.NeedsAction = audit.ActionCounts{}
	earlier.Trigger, earlier.Started = audit.Scheduled, earlier.Slot
	failing := ledger.Entry{Run: earlier.Run(), Summary: &earlier, Deliveries: []audit.Delivery{
		{Notifier: "slack", Name: "summary", State: audit.DeliverySent}, {Notifier: "email", Name: "summary", State: audit.DeliveryExpired}, {Notifier: "webhook", Name: "summary", State: audit.DeliveryNew},
	}}
	late.Finished = late.Started.Add(83 * time.Second)
	entries := []ledger.Entry{{Run: late.Run(), Summary: &late}, failing, {Run: earlier.Run(), Damaged: "cut"}, {Run: earlier.Run()}}
	for _, tt := range []struct {
		columns int
		want    string
	}{
		{0, `RUN TRIGGER COVERAGE TOKENS NEEDS ACTION NEW FIXED OVERDUE CRITICAL HIGH FINDINGS LATE TOOK SENT
weekly-review/2026-11-23T0800Z catch-up complete, 2 gaps accepted 312 3 2 3 1 1 2 40 2 hours 1m23s
weekly-review/2026-11-23T0800Z schedule complete 312 - - - - - - 40 1m0s 1 of 3
weekly-review/2026-11-23T0800Z schedule damaged
weekly-review/2026-11-23T0800Z schedule not finished

Not sent: weekly-review/2026-11-23T0800Z: email/summary`},
		{80, `RUN COVERAGE TOKENS NEEDS ACTION NEW FIXED
weekly-review/2026-11-23T0800Z complete, 2 312 3 2 3
gaps accepted
weekly-review/2026-11-23T0800Z complete 312 - - -
weekly-review/2026-11-23T0800Z damaged
weekly-review/2026-11-23T0800Z not finished
Left out for lack of width: TRIGGER, TOOK, FINDINGS, HIGH, CRITICAL, OVERDUE,
LATE, SENT. 160 columns show all.

Not sent: weekly-review/2026-11-23T0800Z: email/summary`},
	} {
		var got []string
		for line := range strings.Lines(runTable(listed(entries...), tt.columns, false)) {
			if tt.columns > 0 && utf8.RuneCountInString(strings.TrimRight(line, "\n")) > tt.columns {
				t.Errorf("longer than %d columns: %s", tt.columns, line)
			}
			got = append(got, strings.Join(strings.Fields(line), " "))
		}
		if diff := cmp.Diff(strings.Split(tt.want, "\n"), got); diff != "" {
			t.Errorf("%d columns (-want +got):\n%s", tt.columns, diff)
		}
	}
	onTime := ledger.Entry{Run: earlier.Run(), Summary: &earlier}
	onTime.Run.Started = onTime.Run.Slot.Add(30 * time.Second)
	if strings.Contains(runTable(listed(onTime), 0, false), "LATE") {
		t.Error("a column for lateness although nothing was late")
	}
}

func listed(entries ...ledger.Entry) []historyRun {
	var out []historyRun
	for _, e := range entries {
		out = append(out, historyRunOf(e))
	}
	return out
}
