package audit

import (
	"testing"
	"time"
)

func TestLate(t *testing.T) {
	t.Parallel()
	slot := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		trigger Trigger
		after   time.Duration
		late    time.Duration
		words   string
	}{
		{Scheduled, 0, 0, "on time"},
		{Scheduled, -time.Second, 0, "on time"}, // by another clock
		{Scheduled, 59 * time.Second, 59 * time.Second, "on time"},
		{CatchUp, time.Minute, time.Minute, "1 minute late"},
		{CatchUp, 119 * time.Minute, 119 * time.Minute, "119 minutes late"},
		{CatchUp, 5*time.Hour + 59*time.Minute, 5*time.Hour + 59*time.Minute, "5 hours late"},
		{CatchUp, 49 * time.Hour, 49 * time.Hour, "2 days late"},
		{Manual, 50 * time.Second, 0, ""},
		{DryRun, time.Hour, 0, ""},
	} {
		run := Run{Job: "weekly", Slot: slot, Trigger: c.trigger, Started: slot.Add(c.after)}
		if run.Late() != c.late || run.LateWords() != c.words {
			t.Errorf("%s after %s: %s, %q", c.trigger, c.after, run.Late(), run.LateWords())
		}
		if s := Summarize(run, nil, run.Started, Tool{}, Policy{}, nil); s.LateSeconds != int(c.late.Seconds()) {
			t.Errorf("%s after %s: %d seconds", c.trigger, c.after, s.LateSeconds)
		}
	}
}
