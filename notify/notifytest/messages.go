package notifytest

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

func day(month time.Month, d int) time.Time { return time.Date(2026, month, d, 8, 0, 0, 0, time.UTC) }

// Quiet is a complete review of two targets that found nothing.
func Quiet() notify.Message {
	run := audit.Run{Job: "weekly-review", Slot: day(time.November, 23), Trigger: audit.Scheduled, Started: day(time.November, 23)}
	counts := audit.NewCounts()
	counts.Authorizations = audit.AuthorizationCounts{Total: 156, Active: 140, Inactive: 16}
	items := []audit.Item{
		{Coverage: audit.NewCoverage("eu/acme"), Counts: counts},
		{Coverage: audit.NewCoverage("us/acme"), Counts: counts},
	}
	before := &audit.Previous{ID: "weekly-review/2026-11-16T0800Z", Slot: day(time.November, 16), BySeverity: map[audit.Severity]int{}}
	summary := audit.Summarize(run, items, run.Started.Add(time.Minute), audit.Tool{Name: "tokenaudit"}, audit.Policy{}, before)
	summary.Policy.SHA256 = "4f2c" // whatever checks there are
	return notify.Message{
		Delivery: notify.SummaryDelivery,
		Summary:  summary,
		Evidence: "/var/lib/tokenaudit/evidence/weekly-review/2026-11-23T0800Z",
		Location: "/var/lib/tokenaudit/evidence/weekly-review/2026-11-23T0800Z",
	}
}

// Typical has findings, old and new, and two earlier reviews that were missed.
func Typical() notify.Message {
	m := Quiet()
	s := &m.Summary
	s.Missed, s.Trigger, s.Started = 2, audit.CatchUp, s.Slot.Add(150*time.Minute)
	s.Findings = audit.FindingCounts{
		Total:      40,
		ByCheck:    map[string]int{"deleted-owner": 1, "all-access": 2, "active-write": 31, "no-description": 5, "dangling-grant": 1},
		BySeverity: map[audit.Severity]int{audit.Critical: 1, audit.High: 2, audit.Low: 6, audit.Info: 31},
		ByState:    map[audit.FindingState]int{audit.New: 2, audit.Reopened: 1, audit.Open: 37, audit.Resolved: 4},
	}
	s.Previous.BySeverity = map[audit.Severity]int{audit.High: 4, audit.Low: 3, audit.Info: 30}
	s.NeedsAction = audit.ActionCounts{
		Tokens: 3, New: 2, Fixed: 3, Overdue: 1, BySeverity: map[audit.Severity]int{audit.Critical: 1, audit.High: 2},
		ByCheck: map[string]audit.CheckAction{
			"deleted-owner": {Tokens: 1, New: 1, Oldest: s.Started, Due: s.Started.AddDate(0, 0, 3)},
			"all-access":    {Tokens: 2, New: 1, Overdue: 1, Oldest: day(time.October, 19), Due: day(time.November, 2)},
		},
	}
	s.Inventory = audit.Inventory{ActiveWrite: 31, New: 2, Gone: 1}
	s.Previous.NeedsAction = audit.ActionCounts{Tokens: 4, BySeverity: map[audit.Severity]int{audit.High: 4}}
	found := NewFindings()
	m.Highlights = audit.Highlights{New: found[:2], NewWrites: found[1:]}
	for _, h := range found {
		r := h.Record
		o := audit.OwnerHighlights{Key: r.Target + "/" + r.Owner.ID, Owner: r.Owner, Target: r.Target, Users: 1, Tokens: 1, Oldest: h.Oldest(), Worst: []audit.Highlight{h}}
		if h.New {
			o.New = 1
		} else {
			o.Overdue = 1
		}
		m.Highlights.Owners = append(m.Highlights.Owners, o)
	}
	return m
}

// NewFindings are those of Typical: two tokens that newly need action, and one that is
// overdue.
func NewFindings() []audit.Highlight {
	return []audit.Highlight{
		{
			New:      true,
			Findings: []audit.Finding{{Check: "deleted-owner", Severity: audit.Critical, State: audit.New, Since: day(time.November, 23), Detail: `GET /api/v2/users/0a1b2c3d4e5f6071: 404 "user not found"`}},
			Record: audit.Record{
				Target: "eu/acme", Owner: audit.Owner{ID: "0a1b2c3d4e5f6071", Name: "alice", State: audit.OwnerDeleted},
				Authorization: audit.Authorization{ID: "0d3f1c0a9b8e7d01", Org: "acme", Description: "grafana on edge-7"},
			},
		},
		{
			New:      true,
			Findings: []audit.Finding{{Check: "all-access", Severity: audit.High, State: audit.Reopened, Since: day(time.November, 23), Detail: "the whole org: every resource type"}},
			Record: audit.Record{
				Target: "us/acme", Owner: audit.Owner{ID: "0a1b2c3d4e5f6072", Name: "ops-root", State: audit.OwnerPresent},
				Authorization: audit.Authorization{ID: "0d3f1c0a9b8e7d02", Org: "acme"},
			},
		},
		{
			Findings: []audit.Finding{{Check: "not-rotated", Severity: audit.Medium, State: audit.Open, Since: day(time.August, 3), Due: day(time.November, 3), Detail: "112 days old"}},
			Record: audit.Record{
				Target: "us/acme", Owner: audit.Owner{ID: "0a1b2c3d4e5f6073", State: audit.OwnerUnknown},
				Authorization: audit.Authorization{ID: "0d3f1c0a9b8e7d03", OrgID: "0000000000000abc"},
			},
		},
	}
}

// Incomplete could not see its second target.
func Incomplete(m notify.Message) notify.Message {
	broken := &m.Summary.Coverage.Targets[1]
	broken.Gap(audit.CredentialActive, audit.NotKnown, "GET /api/v2/authorizations: 401 unauthorized access")
	m.Summary.Coverage.Verdict = audit.VerdictOf(m.Summary.Coverage.Targets)
	m.Summary.Coverage.Reasons = []string{"us/acme: " + broken.Reasons[0]}
	return m
}

// Accepted is complete, with a gap that people accepted in each target.
func Accepted(m notify.Message) notify.Message {
	c := &m.Summary.Coverage
	for i := range c.Targets {
		t := &c.Targets[i]
		t.Gap(audit.InstanceSeen, audit.Partial, "the instance has another org")
		t.Accept([]audit.AcceptedGap{{Target: t.Target, Gap: audit.InstanceSeen, Reason: "of another team", RequestedBy: "alice", ApprovedBy: "bob", Ticket: "SEC-1", Expires: day(time.December, 31).Add(16 * time.Hour)}}, day(time.November, 23))
	}
	c.Accept(nil, day(time.November, 23))
	return m
}

// PolicyChanged is a message after a change of the policy.
func PolicyChanged(m notify.Message) notify.Message {
	m.Summary.PolicyChanges = []string{"check no-description switched off (was low)", "service user telegraf added", "severity of operator: high -> critical"}
	by := m.Summary.Findings.ByState
	by[audit.ByPolicy], by[audit.NotJudged], by[audit.Open] = 1, 5, by[audit.Open]-1
	return m
}

// Retired is a message after a source was retired.
func Retired(m notify.Message) notify.Message {
	m.Summary.Coverage.Targets[0].Retired = []audit.RetiredSource{{Source: "server/aaaa", Reason: "taken down", At: day(time.November, 20), Tokens: 3}}
	return m
}

// Campaigns is a message with a campaign of which 31 items are undecided and two revocations
// are overdue, and with one that is closed. The review is the first to prove one revocation.
func Campaigns(m notify.Message) notify.Message {
	late := audit.Revocation{
		Target: "eu/acme", Authorization: "0d3f1c0a9b8e7d04", Description: "telegraf on line 4", User: "telegraf-writer", Responsible: "anna@example.com",
		Reviewer: "ben@example.com", Decision: "revoke", Decided: day(time.November, 2), Due: day(time.November, 5), State: "still-there", Days: 21, DaysOverdue: 18,
	}
	later, proven := late, late
	later.Authorization, later.Description, later.User, later.Responsible = "0d3f1c0a9b8e7d05", "", "ops-root", ""
	later.Decision, later.State, later.Due, later.DaysOverdue = "modify", "unproven", day(time.November, 16), 7
	proven.Authorization, proven.Description, proven.State, proven.Days, proven.DaysOverdue, proven.Due = "0d3f1c0a9b8e7d06", "grafana on edge-3", "done", 12, 0, day(time.November, 16)
	proven.Evidence = `GET /api/v2/authorizations/0d3f1c0a9b8e7d06: 404 "authorization not found"`
	m.Summary.Campaigns = []audit.CampaignStatus{
		{
			Name: "quarterly", ID: "quarterly/2026-11-02T0900Z", Due: day(time.November, 30), Items: 243, Undecided: 31, Conflicts: 2,
			Revocations: audit.RevocationCounts{Decided: 7, Done: 3, Outstanding: 4, Overdue: 2, Unproven: 1}, Overdue: []audit.Revocation{late, later}, Proven: []audit.Revocation{proven},
		},
		{
			Name: "privileged", ID: "privileged/2026-10-01T0900Z", Due: day(time.November, 18), Closed: day(time.November, 17), Items: 12,
			Revocations: audit.RevocationCounts{Decided: 2, Done: 2},
		},
	}
	return m
}

// Named puts one name wherever a message can hold text from outside.
func Named(name string) notify.Message {
	m := Incomplete(Typical())
	m.Summary.Job, m.Evidence, m.Location = name, name, name
	m.Summary.PolicyChanges = []string{name, name}
	m.Summary.Coverage.Targets[0].Retired = []audit.RetiredSource{{Source: name, Reason: name}, {Source: name + "2", Reason: name}}
	m.Summary.Coverage.Targets[0].Gaps = []audit.Gap{{ID: name, Reason: name, Accepted: &audit.AcceptedGap{Reason: name, ApprovedBy: name, Ticket: name, Expires: day(time.December, 31)}}}
	m.Summary.Coverage.Reasons = []string{name, name}
	m.Summary.Findings.ByCheck[name] = 1
	m.Summary.NeedsAction.ByCheck[name] = audit.CheckAction{Tokens: 1}
	m.Highlights = audit.Highlights{}
	for range audit.MaxWorst {
		m.Highlights.New = append(m.Highlights.New, audit.Highlight{
			New:      true,
			Findings: slices.Repeat([]audit.Finding{{Check: name, Severity: audit.Severity(name), State: audit.New, Detail: name}}, 9),
			Record: audit.Record{
				Target: name, Owner: audit.Owner{ID: name, Name: name, State: audit.OwnerDeleted},
				Authorization: audit.Authorization{ID: name, Org: name, OrgID: name, User: name, UserID: name, Description: name},
			},
		})
	}
	m.Highlights.NewWrites = m.Highlights.New[:audit.MaxNewWrites]
	m.Highlights.Server = m.Highlights.New[:audit.MaxServer]
	m.Highlights.Owners = Crowd(m, name, 6)
	m.Highlights.MoreOwners = 470
	late := slices.Repeat([]audit.Revocation{{
		Target: name, Authorization: name, Description: name, User: name, Responsible: name + " ", Reviewer: name, Decision: name, State: name, Evidence: name,
	}}, 30)
	m.Summary.Campaigns = slices.Repeat([]audit.CampaignStatus{{Name: name, ID: name, Items: 500, Undecided: 500, Revocations: audit.RevocationCounts{Decided: 60, Outstanding: 60, Overdue: 60}, Overdue: late, Proven: late}}, 15)
	return m
}

// Crowd is so many owners of that name, each with more tokens than a message tells of.
// Of every second one it is known who answers for it.
func Crowd(m notify.Message, name string, n int) []audit.OwnerHighlights {
	var out []audit.OwnerHighlights
	worst := slices.Clone(m.Highlights.New)
	for _, h := range m.Highlights.New[:audit.MaxOwnerTokens-audit.MaxWorst] {
		h.New = false
		worst = append(worst, h)
	}
	for i := range n {
		o := audit.OwnerHighlights{
			Key: fmt.Sprint("key", i), Owner: audit.Owner{ID: fmt.Sprint(name, i), Name: name}, Target: name, Users: 3, Tokens: 500, New: 15, Overdue: 9,
			Contact: audit.Contact{Team: name, Purpose: name}, Worst: worst,
		}
		if i%2 == 0 {
			o.Contact.Responsible = name + " "
		}
		out = append(out, o)
	}
	return out
}

// Campaign is a message to a reviewer, with a workbook of so many bytes.
func Campaign(kind string, size int) notify.CampaignMessage {
	m := notify.CampaignSample("campaign-"+kind, day(time.November, 23))
	m.Delivery, m.Manifest = m.Campaign+"/3d/"+m.Reviewer, "0f1e2d3c"
	if m.Open != nil {
		m.Open = func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(strings.Repeat("x", size))), nil
		}
	}
	return m
}

// CampaignNamed puts one name wherever a message about a campaign can hold text from outside,
// with more of everything than a message may name.
func CampaignNamed(kind, name string) notify.CampaignMessage {
	m := Campaign(kind, 10)
	m.Name, m.Reviewer, m.File, m.How, m.Items, m.Undecided = name, name, name, name, 500, 500
	m.Worst = slices.Repeat([]notify.CampaignItem{{Target: name, Authorization: name, Description: name, Owner: name, Severity: audit.Severity(name), Why: name}}, 30)
	m.Reviewers = slices.Repeat([]notify.ReviewerCount{{Reviewer: name, Items: 500, Undecided: 500}}, 30)
	m.Left = slices.Repeat([]string{name}, 30)
	return m
}

// Golden demands that a file holds got; UPDATE=1 rewrites it.
func Golden(t T, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Errorf("%v", err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s is not what is made (%v); got:\n%s", path, err, got)
	}
}
