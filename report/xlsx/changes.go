package xlsx

import (
	"cmp"
	"context"
	"slices"
	"strings"

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
	isTouched
	findingNew
	findingReopened
	findingByPolicy
	findingResolved
	findingNotJudged
)

func (t transition) String() string {
	return [...]string{
		"Gone", "Hidden", "Not seen", "New token", "Changed", "Touched",
		"New finding", "Finding is back", "Found by policy", "Finding resolved", "Not judged",
	}[t]
}

// change is one line of the changes.
type change struct {
	*brief
	kind     transition
	field    string // or check
	from, to string
	severity audit.Severity // of a finding
	seen     int            // changes before it
}

// changeRow is a change as it is written.
type changeRow struct {
	*table.Row
	change
}

// changeRank says which changes are kept where not all fit: the worst, by the
// finding or else by what the authorization has; resolved ones last.
type changeRank struct {
	resolved bool
	severity audit.Severity
	kind     transition
}

func (c change) rank(r *table.Row) changeRank {
	return changeRank{c.kind == findingResolved || c.kind == findingNotJudged, cmp.Or(c.severity, r.WorstSeverity), c.kind}
}

func compareChanges(a, b changeRank) int {
	if a.resolved != b.resolved {
		if b.resolved {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(table.Rank(audit.Severities(), a.severity), table.Rank(audit.Severities(), b.severity)), cmp.Compare(a.kind, b.kind))
}

func changesOf(r *table.Row) []change {
	var out []change
	switch {
	case r.IsServer():
	case r.Presence == audit.Gone:
		out = append(out, change{kind: wasRevoked, from: string(r.Status)})
	case r.Presence == audit.Hidden:
		out = append(out, change{kind: isHidden})
	case r.Presence == audit.Unseen:
		out = append(out, change{kind: isUnseen})
	case r.FirstSeen.Equal(r.Now):
		out = append(out, change{kind: isNew, to: r.Scope})
	}
	for _, c := range r.Changes {
		kind, field := fieldChanged, c.Field
		if c.Field == audit.Touched {
			kind, field = isTouched, "time of the last update, and nothing else"
		}
		out = append(out, change{kind: kind, field: field, from: c.From, to: c.To})
	}
	for _, f := range r.Findings {
		c := change{field: audit.CheckOf(f.Check).Title, to: f.Detail, severity: f.Severity}
		switch {
		case f.State == audit.New:
			c.kind = findingNew
		case f.State == audit.Reopened:
			c.kind = findingReopened
		case f.State == audit.ByPolicy:
			c.kind = findingByPolicy
		case f.State == audit.Resolved && f.Since.Equal(r.Now):
			c.kind = findingResolved
		case f.State == audit.NotJudged && f.Since.Equal(r.Now):
			c.kind = findingNotJudged
		default:
			continue
		}
		out = append(out, c)
	}
	return out
}

func (b *Workbook) writeChanges(context.Context) error {
	rows := b.totals.changes.Take()
	slices.SortFunc(rows, func(x, y change) int { return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.seen, y.seen)) })
	// No CSV file has what a field was before; the snapshots do, with any format.
	l, err := newList(b, layout{name: sheetChanges, frozenCols: 3, printed: 9, printedRows: mostPrinted, lines: 5, order: "They stand by the kind of change.", note: retiredNote(b.in.Summary)}, changeColumns(), len(rows), b.totals.changes.Seen(), "snapshot-*.jsonl.gz")
	if err != nil {
		return err
	}
	for _, c := range rows {
		row := c.row(b.in.Summary.Started)
		if err := l.add(changeRow{row, c}, row.Past()); err != nil {
			return err
		}
	}
	none := "Nothing changed since the previous review."
	if b.in.Summary.Previous == nil {
		none = "This is the first review: there is nothing to compare it with."
	}
	b.changes, err = l.end(none)
	return err
}

// retiredNote says what is not followed any more, which is in no row.
func retiredNote(s audit.Summary) string {
	words := s.Coverage.RetiredWords(mostRetired)
	if len(words) == 0 {
		return ""
	}
	return "Retired: " + strings.Join(words, "; ")
}

func changeColumns() []table.ColumnOf[changeRow] {
	return []table.ColumnOf[changeRow]{
		{Header: "What", Width: 18, Wrap: true, Value: func(c changeRow) any { return c.kind.String() }},
		{Header: "Severity", Width: 10, Kind: table.Severity, Value: func(c changeRow) any { return string(c.severity) }},
		{Header: "Description", Width: 30, Wrap: true, Limit: 200, Value: func(c changeRow) any { return cmp.Or(c.Description, table.NoDescription) }},
		{Header: "Owner", Width: 28, Wrap: true, Limit: 200, Value: func(c changeRow) any { return c.OwnerName() }},
		{Header: "Field or check", Width: 26, Wrap: true, Value: func(c changeRow) any { return c.field }},
		{Header: "From", Width: 24, Wrap: true, Limit: 400, Value: func(c changeRow) any { return c.from }},
		{Header: "To, or detail", Width: 34, Wrap: true, Limit: 400, Value: func(c changeRow) any { return c.to }},
		{Header: "Authorization ID", Width: 18, Value: func(c changeRow) any { return c.ID }},
		{Header: "Target", Width: 14, Wrap: true, Value: func(c changeRow) any { return c.Target }},
		{Header: "Org", Width: 14, Value: func(c changeRow) any { return c.Org }},
		{Header: "Proof", Width: 44, Wrap: true, Limit: 400, Value: func(c changeRow) any { return c.Evidence }},
	}
}
