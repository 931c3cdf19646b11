package campaign

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/reporttest"
)

const ben = "ben@example.com"

var opened = time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)

func quarterly() campaign.Campaign {
	day := int64(24 * 60 * 60)
	return campaign.Campaign{
		Format: campaign.Format, Name: "quarterly", Opened: opened, Job: "weekly-review", Zone: "Europe/Berlin", Run: "weekly-review/2026-09-28T0600Z",
		Scope: campaign.ScopeAll, Basis: "TRA-2026-07, section 3", Due: opened.AddDate(0, 0, 14), Manager: "ciso@example.com",
		RevokeWithin: map[string]int64{"critical": 3 * day, "high": 14 * day, "default": 30 * day}, Tool: audit.Tool{Name: "tokenaudit", Version: "1.4.0"},
	}
}

// item is number n, with a description.
func item(n int, description string) campaign.Item {
	severity := []audit.Severity{audit.Critical, audit.High, audit.Medium, audit.Low, ""}[n%5]
	it := campaign.Item{
		Target: []string{"plant", "office"}[n%2], OrgID: "00000000000000aa", Authorization: fmt.Sprintf("%016x", 0x11adece381a52000+n), Description: description,
		Status: audit.Active, UserID: fmt.Sprintf("%016x", 0xb0+n%4), User: []string{"telegraf-writer", "grafana", "anna@example.com", ""}[n%4], OwnerState: audit.OwnerPresent,
		Responsible: "anna@example.com", Purpose: "line telemetry", Class: "org-wide write", Writes: "every bucket of acme", Permissions: []string{"write orgs/00000000000000aa/buckets"},
		Severity: severity, Created: opened.AddDate(0, -n-1, 0), FirstSeen: opened.AddDate(0, -n, 0), Presence: audit.Listed, Fingerprint: fmt.Sprintf("%016x", 0x12e4567800000000+n), Reviewer: ben,
	}
	it.ID = it.Target + "/" + it.OrgID + "/" + it.Authorization
	if severity != "" {
		it.Why, it.Since = []string{string(severity) + ": operator (reaches every org)", "low: not-rotated (for 400 days)"}, opened.AddDate(0, 0, -7*n)
	}
	if n%3 == 0 {
		it.Last = &campaign.LastDecision{Campaign: "quarterly/2026-07-01T0900Z", Decision: campaign.Keep, By: ben, At: opened.AddDate(0, -3, 2), Changed: n%2 == 0}
	}
	return it
}

// hostile are the lines of items whose texts are meant to do harm.
func hostile() []campaign.Line { return quarterly().Lines(hostileItems()) }

func hostileItems() []campaign.Item {
	var items []campaign.Item
	texts := reporttest.Hostile()
	for i, name := range slices.Sorted(maps.Keys(texts)) {
		it := item(i, texts[name])
		it.User, it.Responsible, it.Purpose = texts[name], texts[name], texts[name]
		items = append(items, it)
	}
	return items
}

// usual are n lines as most campaigns have them, two of which are of several tokens.
func usual(n int) []campaign.Line { return quarterly().Lines(usualItems(n)) }

func usualItems(n int) []campaign.Item {
	var items []campaign.Item
	for i := range n {
		it := item(i, []string{"telegraf of line ", "Grafana dashboards of hall ", "import from the historian, to be replaced by the new gateway of ", ""}[i%4])
		if it.Description != "" {
			it.Description += fmt.Sprint(i)
		}
		if i%10 > 7 {
			it.Group, it.Severity, it.Why, it.Class, it.Writes = fmt.Sprintf("group/%d", i/10), "", nil, "read", ""
		}
		items = append(items, it)
	}
	return items
}

func workbookOf(t testing.TB, lines []campaign.Line, decided map[string]campaign.Decision) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteWorkbook(&b, quarterly(), ben, lines, decided); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func csvOf(t testing.TB, lines []campaign.Line, decided map[string]campaign.Decision) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteCSV(&b, quarterly(), ben, lines, decided); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// decisions are one for each of the lines.
func decisions(lines []campaign.Line) map[string]campaign.Decision {
	out := map[string]campaign.Decision{}
	for i, l := range lines {
		out[l.ID] = campaign.Decision{
			Decision: campaign.Kind(campaign.Kinds()[i%4]), Justification: []string{"needed by line 3", "=1+1", "two\nlines", "'quoted'", "42"}[i%5],
			UntilOrScope: []string{"2026-12-31", "", "write bucket sensors"}[i%3], Ticket: []string{"OPS-12", "0012", ""}[i%3],
		}
	}
	return out
}

// rowsOf are the rows that a file of the lines reads as.
func rowsOf(lines []campaign.Line, decided map[string]campaign.Decision) []campaign.Row {
	var rows []campaign.Row
	for i, l := range lines {
		row := rowOf(quarterly(), ben, l, decided[l.ID])
		row.Line = i + 2
		if row.Decision == "" {
			row.Facts = nil
		}
		rows = append(rows, row)
	}
	return rows
}
