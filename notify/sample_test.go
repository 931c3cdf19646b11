package notify_test

import (
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

func day(month time.Month, d int) time.Time { return time.Date(2026, month, d, 8, 0, 0, 0, time.UTC) }

// quiet is a complete review of two targets that found nothing.
func quiet() notify.Message {
	run := audit.Run{Job: "weekly-review", Slot: day(time.November, 23), Trigger: audit.Scheduled, Started: day(time.November, 23)}
	counts := audit.NewCounts()
	counts.Authorizations = audit.AuthorizationCounts{Total: 156, Active: 140, Inactive: 16}
	items := []audit.Item{
		{Coverage: audit.NewCoverage("eu/acme"), Counts: counts},
		{Coverage: audit.NewCoverage("us/acme"), Counts: counts},
	}
	before := &audit.Previous{ID: "weekly-review/2026-11-16T0800Z", Slot: day(time.November, 16), BySeverity: map[audit.Severity]int{}}
	return notify.Message{
		Part:     "summary",
		Summary:  audit.Summarize(run, items, run.Started.Add(time.Minute), audit.Tool{Name: "tokenaudit"}, audit.Policy{}, before),
		Evidence: "/var/lib/tokenaudit/evidence/weekly-review/2026-11-23T0800Z",
	}
}

// typical has findings, old and new, and two earlier reviews that were missed.
func typical() notify.Message {
	m := quiet()
	s := &m.Summary
	s.Missed, s.Trigger, s.Started = 2, audit.CatchUp, s.Slot.Add(150*time.Minute)
	s.Findings = audit.FindingCounts{
		Total:      40,
		ByCheck:    map[string]int{"deleted-owner": 1, "all-access": 2, "active-write": 31, "no-description": 5, "dangling-grant": 1},
		BySeverity: map[audit.Severity]int{audit.Critical: 1, audit.High: 2, audit.Medium: 31, audit.Low: 6},
		ByState:    map[audit.FindingState]int{audit.New: 2, audit.Reopened: 1, audit.Open: 37, audit.Resolved: 4},
	}
	s.Previous.BySeverity = map[audit.Severity]int{audit.High: 4, audit.Medium: 31, audit.Low: 3}
	m.News = audit.News{Worst: fresh(), Authorizations: 3, Findings: 3}
	return m
}

func fresh() []audit.Highlight {
	return []audit.Highlight{
		{
			Findings: []audit.Finding{audit.Finding{Check: "deleted-owner", Severity: audit.Critical, State: audit.New, Detail: `GET /api/v2/users/0a1b2c3d4e5f6071: 404 "user not found"`}},
			Record: audit.Record{
				Target: "eu/acme", Owner: audit.Owner{ID: "0a1b2c3d4e5f6071", Name: "alice", State: audit.OwnerDeleted},
				Authorization: audit.Authorization{ID: "0d3f1c0a9b8e7d01", Org: "acme", Description: "grafana on edge-7"},
			},
		},
		{
			Findings: []audit.Finding{audit.Finding{Check: "all-access", Severity: audit.High, State: audit.Reopened, Detail: "the whole org: every resource type"}},
			Record: audit.Record{
				Target: "us/acme", Owner: audit.Owner{ID: "0a1b2c3d4e5f6072", Name: "ops-root", State: audit.OwnerPresent},
				Authorization: audit.Authorization{ID: "0d3f1c0a9b8e7d02", Org: "acme"},
			},
		},
		{
			Findings: []audit.Finding{audit.Finding{Check: "no-description", Severity: audit.Low, State: audit.New, Detail: "description is empty"}},
			Record: audit.Record{
				Target: "us/acme", Owner: audit.Owner{ID: "0a1b2c3d4e5f6073", State: audit.OwnerUnknown},
				Authorization: audit.Authorization{ID: "0d3f1c0a9b8e7d03", OrgID: "0000000000000abc"},
			},
		},
	}
}

// incomplete could not see its second target.
func incomplete(m notify.Message) notify.Message {
	broken := &m.Summary.Coverage.Targets[1]
	broken.Lower(audit.NotKnown, "GET /api/v2/authorizations: 401 unauthorized access")
	m.Summary.Coverage.Verdict = audit.Together(m.Summary.Coverage.Targets)
	m.Summary.Coverage.Reasons = []string{"us/acme: " + broken.Reasons[0]}
	return m
}
