package table

import (
	"slices"
	"time"

	"tokenaudit/jobs/audit"
)

// Kind of a column: how its cells look, and whether they may be trusted. Text
// comes from outside; numbers and dates are our own.
type Kind int

const (
	Text Kind = iota
	Severity
	Integer
	Date
	Reference // a link within the workbook
	EntryDate // for the reviewer to fill in
	Day       // of a time; in CSV the whole time
)

// Column is a column of the tables whose lines are rows.
type Column = ColumnOf[*Row]

// ColumnOf is one column of a CSV file and of a sheet. Its Value gives a string, an
// int, a time, or nil for an empty cell; only in the workbook a formula, too. Without
// a Value a cell is for the reviewer to fill in.
type ColumnOf[T any] struct {
	Name   string // in CSV, never changed once released
	Header string // in the workbook
	Width  float64
	Kind   Kind
	Wrap   bool   // in the workbook, over several lines
	Limit  int    // of characters in the workbook; 0 is what Excel allows
	Word   string // that colours a number unless it is 0
	Value  func(T) any
}

// Unknown stands for a date or number that is not known: over an empty cell the
// long text beside it would run on.
const Unknown = "–"

// When is a time in UTC; the zero time is an empty cell.
func When(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}

// AuthorizationColumns describe the whole population.
func AuthorizationColumns() []Column {
	return []Column{
		{Name: "target", Header: "Target", Width: 16, Value: func(r *Row) any { return r.Target }},
		{Name: "org", Header: "Org", Width: 16, Value: func(r *Row) any { return r.Org }},
		{Name: "org_id", Header: "Org ID", Width: 18, Value: func(r *Row) any { return r.OrgID }},
		{Name: "authorization_id", Header: "Authorization ID", Width: 18, Value: func(r *Row) any { return r.ID }},
		{Name: "description", Header: "Description", Width: 36, Value: func(r *Row) any { return r.Description }},
		{Name: "status", Header: "Status", Width: 9, Value: func(r *Row) any { return r.statusCell(r.Status) }},
		{Name: "owner", Header: "Owner", Width: 20, Value: func(r *Row) any { return r.OwnerName() }},
		{Name: "owner_id", Header: "Owner ID", Width: 18, Value: func(r *Row) any { return r.UserID }},
		{Name: "owner_state", Header: "Owner state", Width: 12, Value: func(r *Row) any { return r.ownerStateCell() }},
		{Name: "owner_evidence", Header: "Owner evidence", Width: 30, Value: func(r *Row) any { return r.Owner.Evidence }},
		{Name: "class", Header: "Class", Width: 15, Value: func(r *Row) any { return r.Access.Class() }},
		{Name: "may_write", Header: "May write", Width: 30, Limit: 1000, Value: func(r *Row) any { return r.Scope }},
		{Name: "permissions", Header: "Permissions", Width: 36, Limit: 1000, Value: func(r *Row) any { return r.granted }},
		{Name: "created", Header: "Created (UTC)", Width: 19, Kind: Date, Value: func(r *Row) any { return When(r.CreatedAt) }},
		{Name: "updated", Header: "Updated (UTC)", Width: 19, Kind: Date, Value: func(r *Row) any { return When(r.UpdatedAt) }},
		{Name: "age_days", Header: "Age (days)", Width: 11, Kind: Integer, Value: func(r *Row) any { return r.Age() }},
		{Name: "first_seen", Header: "First seen (UTC)", Width: 19, Kind: Date, Value: func(r *Row) any { return When(r.FirstSeen) }},
		{Name: "last_seen", Header: "Last seen (UTC)", Width: 19, Kind: Date, Value: func(r *Row) any { return When(r.LastSeen) }},
		{Name: "presence", Header: "Presence", Width: 10, Value: func(r *Row) any { return string(r.Presence) }},
		{Name: "presence_evidence", Header: "Presence, by", Width: 36, Value: func(r *Row) any { return r.Evidence }},
		{Name: "worst_severity", Header: "Worst severity", Width: 14, Kind: Severity, Value: func(r *Row) any { return string(r.WorstSeverity) }},
		{Name: "findings", Header: "Findings", Width: 40, Value: func(r *Row) any { return r.CheckIDs }},
		{Name: "needs_action", Header: "Needs action", Value: func(r *Row) any { return YesNo(r.NeedsAction(r.Now)) }},
		{Name: "due", Header: "Due (UTC)", Kind: Date, Value: func(r *Row) any { return When(r.Due()) }},
		{Name: "responsible", Header: "Responsible", Value: func(r *Row) any { return r.Contact.Responsible }},
		{Name: "team", Header: "Team", Value: func(r *Row) any { return r.Contact.Team }},
		{Name: "purpose", Header: "Purpose", Value: func(r *Row) any { return r.Contact.Purpose }},
		{Name: "overdue", Header: "Overdue", Value: func(r *Row) any { return YesNo(r.Overdue()) }},
		product, statusNow, expires, revoked,
		{Name: "secret_replaced", Header: "Secret replaced (UTC)", Kind: Date, Value: func(r *Row) any { return When(r.SecretReplaced()) }},
	}
}

// Columns of products after v2, which tokens and findings have.
var (
	product   = Column{Name: "product", Header: "Product", Value: func(r *Row) any { return r.ProductName }}
	statusNow = Column{Name: "status_now", Header: "Status", Value: func(r *Row) any { return r.statusCell(r.StatusAt(r.Now)) }}
	expires   = Column{Name: "expires", Header: "Expires (UTC)", Kind: Date, Value: func(r *Row) any { return When(r.ExpiresAt) }}
	revoked   = Column{Name: "revoked", Header: "Revoked (UTC)", Kind: Date, Value: func(r *Row) any { return When(r.RevokedAt) }}
)

// Shows reports whether a column has anything to say of the targets of a review: in CSV it is
// there always, and where people read only then.
func (in Input) Shows(column string) bool {
	switch column {
	case product.Name:
		return in.isOf(func(p audit.Product) bool { return !p.V2() })
	case expires.Name:
		return in.isOf(func(p audit.Product) bool { return p.V3() || isManaged(p) })
	case revoked.Name:
		return in.isOf(isManaged)
	case "secret_replaced":
		return in.isOf(audit.Product.V3)
	}
	return true
}

// isOf reports whether a target is of a product that is meant.
func (in Input) isOf(meant func(audit.Product) bool) bool {
	return slices.ContainsFunc(in.Summary.Coverage.Targets, func(c audit.Coverage) bool { return meant(c.Product) })
}

func isManaged(p audit.Product) bool {
	return p == audit.ProductDedicated || p == audit.ProductClustered
}

// FindingColumns describe one finding and what to do about it.
func FindingColumns() []Column {
	return []Column{
		{Name: "severity", Header: "Severity", Width: 10, Kind: Severity, Value: func(r *Row) any { return string(r.Finding.Severity) }},
		{Name: "check", Header: "Check", Width: 18, Value: func(r *Row) any { return r.Finding.Check }},
		{Name: "title", Header: "Title", Width: 26, Wrap: true, Value: func(r *Row) any { return r.Check.Title }},
		{Name: "state", Header: "State", Width: 10, Value: func(r *Row) any { return string(r.Finding.State) }},
		{Name: "since", Header: "Since (UTC)", Width: 19, Kind: Date, Value: func(r *Row) any { return When(r.Finding.Since) }},
		{Name: "target", Header: "Target", Width: 16, Value: func(r *Row) any { return r.Target }},
		{Name: "org", Header: "Org", Width: 16, Value: func(r *Row) any { return r.Org }},
		{Name: "authorization_id", Header: "Authorization ID", Width: 18, Value: func(r *Row) any { return r.ID }},
		{Name: "description", Header: "Description", Width: 36, Value: func(r *Row) any { return r.Description }},
		{Name: "status", Header: "Status", Width: 9, Value: func(r *Row) any { return r.statusCell(r.Status) }},
		{Name: "owner", Header: "Owner", Width: 20, Value: func(r *Row) any { return r.OwnerName() }},
		{Name: "owner_id", Header: "Owner ID", Width: 18, Value: func(r *Row) any { return r.UserID }},
		{Name: "owner_state", Header: "Owner state", Width: 12, Value: func(r *Row) any { return r.ownerStateCell() }},
		{Name: "detail", Header: "Detail", Width: 36, Wrap: true, Limit: 1000, Value: func(r *Row) any { return r.Finding.Detail }},
		{Name: "why", Header: "Why it matters", Width: 70, Wrap: true, Value: func(r *Row) any { return r.Check.Why }},
		{Name: "what_to_do", Header: "What to do", Width: 70, Wrap: true, Value: func(r *Row) any { return r.Check.Fix }},
		{Name: "created", Header: "Created (UTC)", Width: 19, Kind: Date, Value: func(r *Row) any { return When(r.CreatedAt) }},
		{Name: "age_days", Header: "Age (days)", Width: 11, Kind: Integer, Value: func(r *Row) any { return r.Age() }},
		{Name: "controls", Header: "Related controls", Value: func(r *Row) any { return r.Related[r.Finding.Check] }},
		{Name: "due", Header: "Due (UTC)", Kind: Date, Value: func(r *Row) any { return When(dueOf(r.Finding)) }},
		{Name: "needs_action", Header: "Needs action", Value: func(r *Row) any { return YesNo(r.Finding.NeedsAction(r.Now)) }},
		{Name: "command", Header: "Command", Value: func(r *Row) any { return audit.Command(&r.Record, r.Finding) }},
		{Name: "responsible", Header: "Responsible", Value: func(r *Row) any { return r.Contact.Responsible }},
		{Name: "team", Header: "Team", Value: func(r *Row) any { return r.Contact.Team }},
		{Name: "purpose", Header: "Purpose", Value: func(r *Row) any { return r.Contact.Purpose }},
		{Name: "overdue", Header: "Overdue", Value: func(r *Row) any { return YesNo(r.Finding.Overdue(r.Now)) }},
		product, statusNow, expires, revoked,
	}
}

// Yes is the word of a column that says yes or no.
const Yes = "yes"

// YesNo is a cell of it.
func YesNo(b bool) string {
	if b {
		return Yes
	}
	return "no"
}
