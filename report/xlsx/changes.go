package xlsx

import (
	"cmp"
	"context"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// transition is a kind of change since the previous review, in the order in which
// the kinds are shown.
type transition int

const (
	wasRevoked transition = iota
	isHidden
	isUnseen
	isNew
	fieldChanged
	findingNew
	findingReopened
	findingResolved
)

func (t transition) String() string {
	return [...]string{
		"Gone", "Hidden", "Not seen", "New authorization", "Changed",
		"New finding", "Finding is back", "Finding resolved",
	}[t]
}

// compare notes what is different about r. In a first review everything is new,
// and nothing has changed.
func (s *totals) compare(r *table.Row) error {
	if s.at.Previous == nil {
		return nil
	}
	return s.note(r, changesOf(r))
}

func (s *totals) note(r *table.Row, all []change) error {
	for _, c := range all {
		r.Changed = c.Changed
		r.Changed.What = c.kind.String()
		if err := s.changes.Put(c.kind, r); err != nil {
			return err
		}
	}
	r.Changed = table.Changed{}
	return nil
}

// change is a line in the making.
type change struct {
	kind transition
	table.Changed
}

func changesOf(r *table.Row) []change {
	out := presenceOf(r)
	for _, c := range r.Changes {
		out = append(out, change{fieldChanged, table.Changed{Field: c.Field, From: c.From, To: c.To}})
	}
	for _, f := range r.Findings {
		if kind, ok := transitionOf(f, r.Now); ok {
			out = append(out, change{kind, table.Changed{Field: audit.CheckOf(f.Check).Title, To: f.Detail, Severity: f.Severity}})
		}
	}
	return out
}

func presenceOf(r *table.Row) []change {
	switch {
	case r.IsServer():
		return nil
	case r.Presence == audit.Gone:
		return []change{{wasRevoked, table.Changed{From: string(r.Status)}}}
	case r.Presence == audit.Hidden:
		return []change{{kind: isHidden}}
	case r.Presence == audit.Unseen:
		return []change{{kind: isUnseen}}
	case r.FirstSeen.Equal(r.Now):
		return []change{{isNew, table.Changed{To: r.Scope}}}
	}
	return nil
}

func transitionOf(f audit.Finding, at time.Time) (transition, bool) {
	switch {
	case f.State == audit.New:
		return findingNew, true
	case f.State == audit.Reopened:
		return findingReopened, true
	}
	return findingResolved, f.State == audit.Resolved && f.Since.Equal(at)
}

func (b *Workbook) changes(ctx context.Context) error {
	l := b.list(sheetChanges, 1, changeColumns())
	l.pages, l.none = 1, "Nothing changed since the previous review."
	if b.draft.In.Summary.Previous == nil {
		l.none = "This is the first review: there is nothing to compare it with."
	}
	return l.fill(table.UntilDone(ctx, b.totals.changes.All(cmp.Compare[transition])))
}

func changeColumns() []table.Column {
	return []table.Column{
		{Header: "What", Width: 19, Value: func(r *table.Row) table.Value { return table.Str(r.Changed.What) }},
		{Header: "Severity", Width: 10, Kind: table.Severity, Value: func(r *table.Row) table.Value { return table.Str(string(r.Changed.Severity)) }},
		{Header: "Field or check", Width: 28, Wrap: true, Value: func(r *table.Row) table.Value { return table.Str(r.Changed.Field) }},
		{Header: "From", Width: 32, Wrap: true, Limit: 400, Value: func(r *table.Row) table.Value { return table.Str(r.Changed.From) }},
		{Header: "To, or detail", Width: 32, Wrap: true, Limit: 400, Value: func(r *table.Row) table.Value { return table.Str(r.Changed.To) }},
		{Header: "Description", Width: 30, Wrap: true, Limit: 200, Value: func(r *table.Row) table.Value { return table.Str(r.Description) }},
		{Header: "Authorization ID", Width: 18, Value: func(r *table.Row) table.Value { return table.Str(r.ID) }},
		{Header: "Owner", Width: 18, Value: func(r *table.Row) table.Value { return table.Str(r.OwnerName()) }},
		{Header: "Org", Width: 14, Value: func(r *table.Row) table.Value { return table.Str(r.Org) }},
		{Header: "Target", Width: 14, Value: func(r *table.Row) table.Value { return table.Str(r.Target) }},
		{Header: "Proof", Width: 44, Wrap: true, Limit: 400, Value: func(r *table.Row) table.Value { return table.Str(r.Evidence) }},
	}
}
