package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

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
	entries := []ledger.Entry{{Run: late.Run(), Summary: &late}, {Run: earlier.Run(), Summary: &earlier}}
	for _, tt := range []struct {
		columns int
		want    []string // words of the rows
	}{
		{0, []string{"weekly-review/2026-11-23T0800Z catch-up complete, 2 gaps accepted 312 3 2 3 1 1 2 40 2 hours", "weekly-review/2026-11-23T0800Z schedule complete 312 - - - - - - 40"}},
		{80, []string{"RUN COVERAGE TOKENS NEEDS NEW FIXED LATE", "weekly-review/2026-11-23T0800Z complete, 312 3 2 3 2 hours", "2 gaps", "accepted", "weekly-review/2026-11-23T0800Z complete 312 - - -"}},
	} {
		table, _ := runTable(entries, tt.columns)
		var got []string
		for line := range strings.Lines(table.Render()) {
			if tt.columns > 0 && utf8.RuneCountInString(strings.TrimRight(line, "\n")) > tt.columns {
				t.Errorf("longer than %d columns: %s", tt.columns, line)
			}
			if words := strings.Join(strings.Fields(line), " "); !strings.Contains(words, "ACTION") && words != "NEEDS" {
				got = append(got, words)
			}
		}
		if a, b := strings.Join(got, "\n"), strings.Join(tt.want, "\n"); a != b {
			t.Errorf("%d columns:\n%s\nwant:\n%s\nof:\n%s", tt.columns, a, b, table.Render())
		}
	}
	onTime := ledger.Entry{Run: earlier.Run(), Summary: &earlier}
	onTime.Run.Started = onTime.Run.Slot.Add(30 * time.Second)
	if table, _ := runTable([]ledger.Entry{onTime}, 0); strings.Contains(table.Render(), "LATE") {
		t.Error("a column for lateness although nothing was late")
	}
}
