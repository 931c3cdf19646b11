package xlsx

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// finding is one of an authorization.
type finding struct {
	*brief
	audit.Finding
}

func (b *Workbook) writeFindings(context.Context) error {
	found := b.totals.worst.Take()
	l, err := newList(b, layout{name: sheetFindings, frozenCols: 3, printed: 9, printedRows: mostPrinted, lines: 4}, findingColumns(), len(found), b.totals.worst.Seen(), b.in.WholeIn(table.FindingsFile))
	if err != nil {
		return err
	}
	for i, f := range found {
		if b.shownFindings.Add(&f.Finding); b.firstOf[table.GroupOf(f.Finding)] == 0 {
			b.firstOf[table.GroupOf(f.Finding)] = l.first + i
		}
		r := f.row(b.in.Summary.Started).Of(f.Finding)
		if err := l.add(r, r.Past()); err != nil {
			return err
		}
	}
	b.findings, err = l.end("")
	return err
}

// findingColumns are the columns of a finding, in the order in which a person decides
// by them. Why it matters and what to do are the same for all findings of a check: they
// are on the sheet Checks, and in a note on the first finding of the check.
func findingColumns() []table.Column {
	return arranged(table.FindingColumns(), []table.Column{
		{Name: "severity", Width: 10},
		{Name: "title", Width: 28, Wrap: true},
		{Name: "description", Width: 30, Wrap: true, Limit: 200},
		{Name: "owner", Width: 26, Wrap: true, Limit: 200},
		{Name: "detail", Width: 38, Wrap: true, Limit: 250},
		{Name: "state", Width: 10},
		{Name: "since", Width: 12, Kind: table.Day},
		{Name: "authorization_id", Width: 18},
		{Name: "target", Width: 14, Wrap: true},
		{Name: "check", Width: 18},
		{Name: "status", Width: 9},
		{Name: "owner_state", Width: 12},
		{Name: "org", Width: 16},
		{Name: "created", Width: 12, Kind: table.Day},
		{Name: "age_days", Width: 11},
		{Name: "owner_id", Width: 18},
	})
}

// arranged are columns of the CSV files as a sheet has them: in another order, and as
// wide and as long as fits there.
func arranged(columns, as []table.Column) []table.Column {
	var out []table.Column
	for _, want := range as {
		c := columns[slices.IndexFunc(columns, func(c table.Column) bool { return c.Name == want.Name })]
		c.Width, c.Wrap, c.Limit, c.Kind = want.Width, want.Wrap, want.Limit, cmp.Or(want.Kind, c.Kind)
		if want.Kind == table.Day {
			c.Header = strings.TrimSuffix(c.Header, " (UTC)")
		}
		out = append(out, c)
	}
	return out
}
