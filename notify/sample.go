package notify

import (
	"context"
	"io"
	"io/fs"
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
