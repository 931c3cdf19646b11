package report

import (
	"time"

	"tokenaudit/jobs/audit"
)

// kind of a column: how its cells look, and whether they may be trusted. Text
// comes from outside; numbers and dates are our own.
type kind int

const (
	text kind = iota
	severity
	integer
	date
	tally     // an integer that takes the colour of its column unless it is 0
	reference // a link within the workbook
	entryText // for the reviewer to fill in
	entryDate
)

func (k kind) isNumber() bool { return k == integer || k == tally }

// column is one column of the CSV file and of the sheet. Only in the workbook may
// its Value be a formula; without a Value a cell is for the reviewer to fill in.
type column struct {
	name   string // in CSV, never changed once released
	header string // in the workbook
	width  float64
	kind   kind
	wrap   bool   // in the workbook, over several lines
	limit  int    // of characters in the workbook; 0 is what Excel allows
	word   string // that colours a tally
	value  func(*row) value
}

// row is what a line of a table speaks of: an authorization, and in the table of
// findings one of its findings.
type row struct {
	audit.Record
	finding audit.Finding
	check   audit.Check
	access  audit.Access
	now     time.Time // the time of the review
	scope   string    // what it may write, in words
	granted string    // its permissions
	reach   string    // how many they are
	combination
	// For the sheets of the workbook that are about something else:
	place   int // among the authorizations
	changed changed
	holder  *holder
}

// authorizationColumns describe the whole population.
func authorizationColumns() []column {
	return []column{
		{name: "target", header: "Target", width: 16, value: func(r *row) value { return str(r.Target) }},
		{name: "org", header: "Org", width: 16, value: func(r *row) value { return str(r.Org) }},
		{name: "org_id", header: "Org ID", width: 18, value: func(r *row) value { return str(r.OrgID) }},
		{name: "authorization_id", header: "Authorization ID", width: 18, value: func(r *row) value { return str(r.ID) }},
		{name: "description", header: "Description", width: 36, value: func(r *row) value { return str(r.Description) }},
		{name: "status", header: "Status", width: 9, value: func(r *row) value { return str(string(r.Status)) }},
		{name: "owner", header: "Owner", width: 20, value: func(r *row) value { return str(r.owner()) }},
		{name: "owner_id", header: "Owner ID", width: 18, value: func(r *row) value { return str(r.UserID) }},
		{name: "owner_state", header: "Owner state", width: 12, value: func(r *row) value { return str(string(r.Owner.State)) }},
		{name: "owner_evidence", header: "Owner evidence", width: 30, value: func(r *row) value { return str(r.Owner.Evidence) }},
		{name: "class", header: "Class", width: 15, value: func(r *row) value { return str(r.access.Class()) }},
		{name: "may_write", header: "May write", width: 30, limit: 1000, value: func(r *row) value { return str(r.scope) }},
		{name: "permissions", header: "Permissions", width: 36, limit: 1000, value: func(r *row) value { return str(r.granted) }},
		{name: "created", header: "Created (UTC)", width: 19, kind: date, value: func(r *row) value { return when(r.CreatedAt) }},
		{name: "updated", header: "Updated (UTC)", width: 19, kind: date, value: func(r *row) value { return when(r.UpdatedAt) }},
		{name: "age_days", header: "Age (days)", width: 11, kind: integer, value: func(r *row) value { return r.age() }},
		{name: "first_seen", header: "First seen (UTC)", width: 19, kind: date, value: func(r *row) value { return when(r.FirstSeen) }},
		{name: "last_seen", header: "Last seen (UTC)", width: 19, kind: date, value: func(r *row) value { return when(r.LastSeen) }},
		{name: "presence", header: "Presence", width: 10, value: func(r *row) value { return str(string(r.Presence)) }},
		{name: "presence_evidence", header: "Presence, by", width: 36, value: func(r *row) value { return str(r.Evidence) }},
		{name: "worst_severity", header: "Worst severity", width: 14, kind: severity, value: func(r *row) value { return str(string(r.worst)) }},
		{name: "findings", header: "Findings", width: 40, value: func(r *row) value { return str(r.checks) }},
	}
}

// findingColumns describe one finding and what to do about it.
func findingColumns() []column {
	return []column{
		{name: "severity", header: "Severity", width: 10, kind: severity, value: func(r *row) value { return str(string(r.finding.Severity)) }},
		{name: "check", header: "Check", width: 18, value: func(r *row) value { return str(r.finding.Check) }},
		{name: "title", header: "Title", width: 26, wrap: true, value: func(r *row) value { return str(r.check.Title) }},
		{name: "state", header: "State", width: 10, value: func(r *row) value { return str(string(r.finding.State)) }},
		{name: "since", header: "Since (UTC)", width: 19, kind: date, value: func(r *row) value { return when(r.finding.Since) }},
		{name: "target", header: "Target", width: 16, value: func(r *row) value { return str(r.Target) }},
		{name: "org", header: "Org", width: 16, value: func(r *row) value { return str(r.Org) }},
		{name: "authorization_id", header: "Authorization ID", width: 18, value: func(r *row) value { return str(r.ID) }},
		{name: "description", header: "Description", width: 36, value: func(r *row) value { return str(r.Description) }},
		{name: "status", header: "Status", width: 9, value: func(r *row) value { return str(string(r.Status)) }},
		{name: "owner", header: "Owner", width: 20, value: func(r *row) value { return str(r.owner()) }},
		{name: "owner_id", header: "Owner ID", width: 18, value: func(r *row) value { return str(r.UserID) }},
		{name: "owner_state", header: "Owner state", width: 12, value: func(r *row) value { return str(string(r.Owner.State)) }},
		{name: "detail", header: "Detail", width: 36, wrap: true, limit: 1000, value: func(r *row) value { return str(r.finding.Detail) }},
		{name: "why", header: "Why it matters", width: 70, wrap: true, value: func(r *row) value { return str(r.check.Why) }},
		{name: "what_to_do", header: "What to do", width: 70, wrap: true, value: func(r *row) value { return str(r.check.Fix) }},
		{name: "created", header: "Created (UTC)", width: 19, kind: date, value: func(r *row) value { return when(r.CreatedAt) }},
		{name: "age_days", header: "Age (days)", width: 11, kind: integer, value: func(r *row) value { return r.age() }},
	}
}

func (r *row) owner() string {
	if r.Owner.Name != "" {
		return r.Owner.Name
	}
	return r.User
}

// age counts to the time of the review, as the checks do.
func (r *row) age() value {
	if r.CreatedAt.IsZero() {
		return value{}
	}
	return num(max(0, int(r.now.Sub(r.CreatedAt).Hours()/24)))
}

// past: resolved, or of an authorization that no longer exists.
func (r *row) past() bool {
	return !r.Exists() || r.finding.State == audit.Resolved
}
