package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestScheduleShowsEveryWeekOnce: a weekly job at the worst time of the night, over
// both changes of the clocks, in zones that change them in different ways.
func TestScheduleShowsEveryWeekOnce(t *testing.T) {
	for zone, at := range map[string]string{
		"Europe/Berlin": "30 2 * * 0", "America/New_York": "30 2 * * 0", "Australia/Lord_Howe": "15 2 * * 0",
		"America/Santiago": "0 0 * * 0", "Asia/Beirut": "0 0 * * 0",
	} {
		t.Run(zone, func(t *testing.T) {
			out := runSchedule(t, at, zone, "--from", "2025-01-01", "--next", "52")
			days := regexp.MustCompile(`Sun (\d{4}-\d\d-\d\d)`).FindAllStringSubmatch(out, -1)
			if len(days) != 52 {
				t.Fatalf("%d Sundays, want 52:\n%s", len(days), out)
			}
			for i, day := range days {
				if want := time.Date(2025, 1, 5+7*i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly); day[1] != want {
					t.Fatalf("slot %d is on %s, want %s", i, day[1], want)
				}
			}
			for _, want := range []string{"went forward", "went back"} {
				if strings.Count(out, want) != 1 {
					t.Errorf("%q is not there once:\n%s", want, out)
				}
			}
		})
	}
}

func runSchedule(t *testing.T, schedule, zone string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokenaudit.yaml")
	text := fmt.Sprintf("targets: [{name: prod, url: https://influxdb.example.com, org: acme, token: {env: X}}]\njobs: [{name: weekly, schedule: %q, timezone: %s}]\n", schedule, zone)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), append([]string{"schedule", "-c", path}, args...), &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	return out.String()
}

func TestScheduleNotes(t *testing.T) {
	for _, tc := range []struct{ name, schedule, zone, from, want string }{
		{"gap", "30 2 * * 0", "Europe/Berlin", "2025-03-30", "Sun 2025-03-30 03:00 CEST  2025-03-30 01:00  the clocks went forward by 1h; the scheduled time does not exist on this day: due at the clock change"},
		{"repeat", "30 2 * * 0", "Europe/Berlin", "2025-10-26", "Sun 2025-10-26 02:30 CEST  2025-10-26 00:30  the clocks show this time twice: due at the first"},
		{"half an hour", "0 9 * * 0", "Australia/Lord_Howe", "2025-04-06", "Sun 2025-04-06 09:00 +1030  2025-04-05 22:30  the clocks went back by 30m"},
		{"no change", "0 9 * * 1", "Europe/Berlin", "2025-06-02", "Mon 2025-06-02 09:00 CEST  2025-06-02 07:00\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if out := runSchedule(t, tc.schedule, tc.zone, "--from", tc.from, "--next", "1"); !strings.Contains(out, tc.want) {
				t.Errorf("%q is not in\n%s", tc.want, out)
			}
		})
	}
}

// TestScheduleShowsOpenings: those of the campaigns of a job stand after its reviews; one
// that people open has none.
func TestScheduleShowsOpenings(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tokenaudit.yaml")
	for name, text := range map[string]string{"reviewers": "ben@example.com " + publicKey + "\n", "tokenaudit.yaml": `targets: [{name: prod, url: https://influxdb.example.com, org: acme, token: {env: X}}]
jobs: [{name: weekly, schedule: "0 9 * * 1", timezone: Europe/Berlin}]
campaigns:
  - {name: quarterly, job: weekly, schedule: "0 9 1 1,4,7,10 *", reviewer: ben@example.com, manager: ciso@example.com, signers: reviewers}
  - {name: byhand, job: weekly, reviewer: ben@example.com, manager: ciso@example.com, signers: reviewers}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"schedule", "-c", path, "--from", "2026-09-28", "--next", "1"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	for _, want := range []string{"weekly  Mon 2026-09-28 09:00 CEST", "weekly  Thu 2026-10-01 09:00 CEST  2026-10-01 07:00  campaign quarterly opens\n"} {
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "byhand") {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
}
