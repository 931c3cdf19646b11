package html

import (
	"fmt"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

// rich is the fixture with everything that a page can show.
func rich(t testing.TB) table.Input {
	in := reporttest.Input(t)
	in.Trend = trend()
	in.Controls = audit.Controls{
		"active-write": {
			{Framework: "PCI DSS", Version: "4.0.1", ID: "7.2.5.1", Title: "access of application accounts is reviewed", Strength: "direct", Source: "https://www.pcisecuritystandards.org/"},
			{Framework: "CIS Controls", Version: "8.1", ID: "5.5", Title: "an inventory of service accounts is kept", Strength: "supporting", Source: "javascript:alert(1)"},
		},
	}
	in.Contacts = audit.Contacts{
		"user-1": {Responsible: "Maria Lindqvist", Team: "Platform", Purpose: "Telegraf in the press shop"},
		"svc-3":  {Responsible: "Maria Lindqvist", Team: "Platform"}, "svc-4": {Responsible: "maria lindqvist"},
	}
	in.Config = "jobs:\n  - name: weekly-review\n    schedule: \"0 8 * * MON\" # </pre><script>alert(1)</script>\n"
	c := &in.Summary.Coverage.Targets[0]
	c.Source, c.Stored = "https://influx.example:8086, org acme", &audit.Stored{Authorizations: 25, Users: 5, Orgs: 2}
	c.AddBlindSpot("members and owners of the org could not be read, so owner-not-member was not judged")
	return in
}

// trend are nine weeks, some of them not seen in full.
func trend() []audit.TrendPoint {
	var out []audit.TrendPoint
	for week := range 9 {
		slot := reporttest.ThisWeek.AddDate(0, 0, 7*(week-9))
		out = append(out, audit.TrendPoint{
			Run: audit.Run{Job: "weekly-review", Slot: slot}.ID(), Slot: slot, Authorizations: 30, New: week, Resolved: 2,
			Verdict:    []audit.Verdict{audit.Complete, audit.Partial, audit.NotKnown}[week%3],
			BySeverity: map[audit.Severity]int{audit.Critical: 1 + week%3, audit.High: week % 4, audit.Medium: 20 + week, audit.Low: 9},
		})
		if week > 1 { // the versions before did not count
			out[week].NeedsAction = audit.ActionCounts{Tokens: 200 + week, New: 1, BySeverity: map[audit.Severity]int{audit.Critical: 20, audit.High: 180 + week}}
		}
	}
	return out
}

// crowd is a population of n, made while it is walked.
func crowd(t testing.TB, n int) table.Input {
	in := rich(t)
	in.Rows = func(yield func(audit.Record, error) bool) {
		for i := range n {
			if !yield(member(i), nil) {
				return
			}
		}
	}
	return counted(in)
}

func of(t testing.TB, records []audit.Record) table.Input {
	in := rich(t)
	in.Rows = reporttest.Values(records)
	return counted(in)
}

// counted has the counts of its rows.
func counted(in table.Input) table.Input {
	counts := audit.NewCounts()
	for r := range in.Rows {
		counts.Add(r, reporttest.Began)
	}
	in.Summary.Authorizations, in.Summary.Findings = counts.Authorizations, counts.Findings
	in.Summary.NeedsAction, in.Summary.Inventory = counts.NeedsAction, counts.Inventory
	return in
}

// member has owners and findings of every kind, in turn.
func member(i int) audit.Record {
	checks, states := audit.Checks(), table.OwnerStates()
	r := audit.Record{
		Target: []string{"plant", "office"}[i/2%2], Authorization: reporttest.Authorization(i%60, fmt.Sprintf("telegraf on gateway %05d", i)), Presence: audit.Listed,
		Owner:     audit.Owner{ID: fmt.Sprintf("00000000000001%02x", i%37), Name: fmt.Sprintf("svc-%d", i%37), State: states[i%len(states)], Evidence: "listed by GET /api/v2/users"},
		FirstSeen: reporttest.LastWeek, LastSeen: reporttest.Began, NeededAction: i%5 == 0,
	}
	r.ID, r.UserID = fmt.Sprintf("%016x", i), r.Owner.ID
	for j := range i % 4 {
		c := checks[(i*7+j*5)%len(checks)]
		state := []audit.FindingState{audit.New, audit.Open, audit.Resolved, audit.Excepted}[(i+j)%4]
		f := audit.Finding{Check: c.ID, Severity: c.Severity, Detail: "one bucket: sensors", State: state, Since: reporttest.Began}
		if i%9 == 0 && f.Current() {
			f.Due = reporttest.Began.AddDate(0, 0, i%7-3)
		}
		r.Findings = append(r.Findings, f)
	}
	return r
}
