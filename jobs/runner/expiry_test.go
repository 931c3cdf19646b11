package runner_test

import (
	"iter"
	"log/slog"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
)

// TestExpiryIsToldInTime: of a token that expires before the review after the next one, two
// reviews tell.
func TestExpiryIsToldInTime(t *testing.T) {
	t.Parallel()
	weekly, err := schedule.Parse("0 9 * * 1", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	yearly, err := schedule.Parse("0 9 1 1 *", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		schedule *schedule.Schedule
		expires  time.Time
		want     bool
	}{
		"before the slot after the next": {weekly, at("2026-12-07 07:59"), true},
		"at that slot":                   {weekly, at("2026-12-07 08:00"), false},
		"of a yearly review":             {yearly, at("2027-12-31 23:59"), true},
		"after that":                     {yearly, at("2028-01-01 09:00"), false},
		"no schedule, within 14 days":    {nil, at("2026-12-07 09:59"), true},
		"no schedule, later":             {nil, at("2026-12-07 10:00"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := &source{tokens: []audit.Authorization{{ID: "a1", Status: audit.Active, Product: audit.ProductCore, ExpiresAt: tc.expires}}}
			job := runner.Job{Name: "weekly", Schedule: tc.schedule, Targets: []runner.Target{{Name: "prod", Source: src}}}
			run := audit.Run{Job: "weekly", Slot: at("2026-11-23 08:00"), Started: at("2026-11-23 10:00"), Trigger: audit.CatchUp}
			got := false
			a := &runner.Assessor{Log: slog.New(slog.DiscardHandler)}
			_, err := a.Assess(t.Context(), t.Context(), job, run, "prod", func(records iter.Seq2[audit.Record, error]) error {
				for r, err := range records {
					if err != nil {
						return err
					}
					for _, f := range r.Findings {
						got = got || f.Check == "expires-soon"
					}
				}
				return nil
			})
			if err != nil || got != tc.want {
				t.Errorf("told %t, %v; want %t", got, err, tc.want)
			}
		})
	}
}
