package xlsx

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// change is one line of the changes.
type change struct {
	*brief
	audit.Delta
	seen int // changes before it
}

// changeRow is a change as it is written.
type changeRow struct {
	*table.Row
	change
}

func (b *Workbook) writeChanges(context.Context) error {
	rows := b.totals.changes.Take()
	slices.SortFunc(rows, func(x, y change) int { return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.seen, y.seen)) })
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
		none = "This is the first review of this job: there is nothing to compare it with."
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
		{Header: "What", Width: 18, Wrap: true, Value: func(c changeRow) any { return c.Kind.String() }},
		{Header: "Severity", Width: 10, Kind: table.Severity, Value: func(c changeRow) any { return string(c.Severity) }},
		{Header: "Description", Width: 30, Wrap: true, Limit: 200, Value: func(c changeRow) any { return cmp.Or(c.Description, table.NoDescription) }},
		{Header: "Owner", Width: 28, Wrap: true, Limit: 200, Value: func(c changeRow) any { return c.OwnerWords() }},
		{Header: "Field or check", Width: 26, Wrap: true, Value: func(c changeRow) any { return c.What() }},
		{Header: "From", Width: 24, Wrap: true, Limit: 400, Value: func(c changeRow) any { return c.From }},
		{Header: "To, or detail", Width: 34, Wrap: true, Limit: 400, Value: func(c changeRow) any { return c.To }},
		{Header: "Authorization ID", Width: 18, Wrap: true, Value: func(c changeRow) any { return c.ID }},
		{Header: "Target", Width: 14, Wrap: true, Value: func(c changeRow) any { return c.Target }},
		{Header: "Org", Width: 14, Value: func(c changeRow) any { return c.Org }},
		{Header: "Proof", Width: 44, Wrap: true, Limit: 400, Value: func(c changeRow) any { return c.Evidence }},
	}
}
