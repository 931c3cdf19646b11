package notify

import (
	"context"
	"io"
	"io/fs"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// Sample is a made-up message of a job, marked as such, to try a configuration with.
func Sample(job string, now time.Time) Message {
	run := audit.Run{Job: job, Slot: now.Truncate(time.Minute), Trigger: audit.Sample, Started: now}
	alice := audit.Owner{ID: "0a1b2c3d4e5f6071", Name: "alice@example.com", State: audit.OwnerPresent}
	h := audit.Highlight{
		Record: audit.Record{
			Target: "sample", Owner: alice,
			Authorization: audit.Authorization{
				ID: "0d3f1c0a9b8e7d01", Org: "acme", UserID: alice.ID, User: alice.Name, Description: "a token that does not exist", Status: audit.Active, CreatedAt: now.AddDate(0, -4, 0),
			},
		},
		Findings: []audit.Finding{{Check: "all-access", Severity: audit.High, State: audit.New, Since: now}},
		New:      true,
	}
	h.Record.Findings = h.Findings
	counts := audit.NewCounts()
	counts.Add(h.Record, now)
	items := []audit.Item{{Coverage: audit.NewCoverage("sample"), Counts: counts}}
	return Message{
		Summary: audit.Summarize(run, items, now, audit.Tool{Name: "tokenaudit"}, audit.Policy{}, nil),
		Highlights: audit.Highlights{
			New:    []audit.Highlight{h},
			Owners: []audit.OwnerHighlights{{Key: "person/" + alice.Name, Owner: alice, Target: h.Record.Target, Contact: audit.Contact{Responsible: alice.Name}, Users: 1, Tokens: 1, New: 1, Oldest: now, Worst: []audit.Highlight{h}}},
		},
		Delivery: SummaryDelivery,
		Open:     func(context.Context, string) (io.ReadCloser, error) { return nil, fs.ErrNotExist },
	}
}

// CampaignParts are the messages about a campaign of which CampaignSample knows one each.
func CampaignParts() []string {
	return []string{campaignPart + CampaignOpen, campaignPart + CampaignReminder, campaignPart + CampaignOverdue, campaignPart + CampaignEscalation}
}

const campaignPart = "campaign-"

// CampaignSample is a made-up message about a campaign, to see what people are told.
func CampaignSample(part string, now time.Time) CampaignMessage {
	opened := audit.Run{Job: "quarterly", Slot: now.Truncate(time.Minute)}
	m := CampaignMessage{
		Campaign: opened.ID(), Name: opened.Job, Kind: strings.TrimPrefix(part, campaignPart), Delivery: part, Recipient: "ben@example.com", Reviewer: "ben@example.com",
		Items: 40, Undecided: 31, BySeverity: map[audit.Severity]int{audit.Critical: 1, audit.High: 5, audit.Medium: 4, "": 21}, Due: opened.Slot.AddDate(0, 0, 14),
		Worst: []CampaignItem{
			{Target: "plant-eu", Authorization: "0d3f1c0a9b8e7d01", Description: "admin token of the first setup", Owner: "alice@example.com", Severity: audit.Critical, Why: "critical: operator"},
			{Target: "plant-eu", Authorization: "0d3f1c0a9b8e7d02", Description: "grafana on edge-7", Owner: "grafana", Severity: audit.High, Why: "high: all-access"},
			{Target: "plant-us", Authorization: "0d3f1c0a9b8e7d03", Owner: "telegraf-writer"},
		},
		File: opened.Job + "-" + opened.Slot.Format(time.DateOnly) + "-ben@example.com.xlsx", Open: func(context.Context) (io.ReadCloser, error) { return nil, fs.ErrNotExist },
		How: "tokenaudit campaign import FILE",
	}
	switch m.Kind {
	case CampaignOpen:
		m.Items, m.Undecided, m.BySeverity[""] = 31, 31, 21
	case CampaignReminder:
		m.Due = now.AddDate(0, 0, 3)
	case CampaignOverdue:
		m.Due = now.AddDate(0, 0, -1)
	case CampaignEscalation:
		m.Due, m.Recipient, m.Reviewer, m.Open = now.AddDate(0, 0, -1), "ciso@example.com", "", nil
		m.Items, m.Undecided, m.BySeverity[""] = 243, 43, 33
		m.Reviewers = []ReviewerCount{{"ben@example.com", 40, 31}, {"dora@example.com", 60, 12}}
		m.Left = []string{"dora@example.com"}
	}
	return m
}
