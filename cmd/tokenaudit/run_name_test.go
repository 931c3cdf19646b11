package main

import (
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
)

// ledgerOf has the runs of two jobs, newest first.
func ledgerOf() runNames {
	run := func(job, at string, trigger audit.Trigger, verdict audit.Verdict) ledger.Known {
		slot, err := time.Parse("2006-01-02 15:04", at)
		if err != nil {
			panic(err)
		}
		return ledger.Known{Run: audit.Run{Job: job, Slot: slot, Trigger: trigger, Started: slot.Add(time.Second)}, Reported: verdict != "", Verdict: verdict}
	}
	all := runNames{
		run("weekly-review", "2026-11-30 08:00", audit.Scheduled, ""), // under way
		run("weekly-review", "2026-11-29 09:00", audit.DryRun, audit.Complete),
		run("daily", "2026-11-28 06:00", audit.Scheduled, audit.Complete),
		run("daily", "2026-11-27 06:00", audit.Scheduled, audit.Complete),
		run("weekly-review", "2026-11-23 08:00", audit.Scheduled, audit.Partial),
		run("weekly-review", "2026-11-20 11:11", audit.Lost, audit.NotKnown),
		run("weekly-review", "2026-11-16 08:00", audit.Manual, audit.NotKnown),
		run("weekly-review", "2026-11-09 08:00", audit.Scheduled, audit.Complete),
	}
	for day := 15; day > 7; day-- {
		all = append(all, run("daily", time.Date(2026, 10, day, 6, 0, 0, 0, time.UTC).Format("2006-01-02 15:04"), audit.Scheduled, audit.Complete))
	}
	return all
}

func TestRunNames(t *testing.T) {
	t.Parallel()
	const weekly = "weekly-review/2026-11-"
	tests := map[string]struct{ job, name, want string }{
		"an ID":                              {"", weekly + "16T0800Z", weekly + "16T0800Z"},
		"an ID of a run that is under way":   {"", weekly + "30T0800Z", weekly + "30T0800Z"},
		"the newest of all jobs":             {"", "latest", "daily/2026-11-28T0600Z"},
		"the newest of --job":                {"weekly-review", "latest", weekly + "23T0800Z"},
		"the newest of a job":                {"", "weekly-review/latest", weekly + "23T0800Z"},
		"the name of a job":                  {"", "weekly-review", weekly + "23T0800Z"},
		"the one before it":                  {"", "previous", "daily/2026-11-27T0600Z"},
		"the one before it that saw a thing": {"", "weekly-review/previous", weekly + "09T0800Z"},
		"the beginning of an ID":             {"", weekly + "3", weekly + "30T0800Z"},
		"of one ID":                          {"", weekly + "23", weekly + "23T0800Z"},
		"of a slot":                          {"", "2026-11-27", "daily/2026-11-27T0600Z"},
		"of a slot of --job":                 {"weekly-review", "2026-11-2", `"2026-11-2" begins 3 runs; use more of the ID: ` + weekly + "29T0900Z, " + weekly + "23T0800Z, " + weekly + "20T1111Z"},
		"of many":                            {"", "daily/2026-10", `"daily/2026-10" begins 8 runs; use more of the ID: daily/2026-10-15T0600Z, daily/2026-10-14T0600Z, daily/2026-10-13T0600Z, daily/2026-10-12T0600Z, daily/2026-10-11T0600Z, and 3 more`},
		"an ID without its end":              {"", weekly + "16T0800", weekly + "16T0800Z"},
		"a mistake in an ID":                 {"", weekly + "10T0800Z", `unknown run "weekly-review/2026-11-10T0800Z", did you mean "weekly-review/2026-11-30T0800Z"?`},
		"a mistake in a job":                 {"", "weekly-reviw", `did you mean "weekly-review"?`},
		"a mistake in a word":                {"", "lates", `did you mean "latest"?`},
		"nothing like it":                    {"", "2019", `unknown run "2019", known: latest, previous, daily, weekly-review, weekly-review/2026-11-30T0800Z`},
		"no name":                            {"", "", `unknown run ""`},
		"another job than --job":             {"daily", "weekly-review/latest", `unknown run "weekly-review/latest", `},
		"no such job":                        {"dayly", "latest", `--job: unknown job "dayly", did you mean "daily"?`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			run, err := ledgerOf().find(test.job, test.name)
			got := run.ID()
			if err != nil {
				got = err.Error()
				if exitCode(err) != exitUsage {
					t.Errorf("exit code %d of %v", exitCode(err), err)
				}
			}
			if got != test.want && (err == nil || !strings.Contains(got, test.want)) {
				t.Errorf("%q of --job %q: got %q, want %q", test.name, test.job, got, test.want)
			}
		})
	}
	if _, err := (runNames{}).find("", "latest"); err == nil || exitCode(err) != exitFailed {
		t.Errorf("where no review ran: %v", err)
	}
	if _, err := ledgerOf()[:2].find("", "latest"); err == nil || !strings.Contains(err.Error(), "no review is finished yet") {
		t.Errorf("where none is finished: %v", err)
	}
	if _, err := ledgerOf().before(ledgerOf()[7].Run); err == nil || !strings.Contains(err.Error(), "there is no review before weekly-review/2026-11-09T0800Z") {
		t.Errorf("before the first: %v", err)
	}
}
