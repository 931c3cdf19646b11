package xlsx

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/xuri/excelize/v2"

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
	l, err := newList(b, layout{name: sheetFindings, frozenCols: 3, printed: 11, printedRows: mostPrinted, lines: 6}, findingColumns(b.in), len(found), b.totals.worst.Seen(), b.in.WholeIn(table.FindingsFile))
	if err != nil {
		return err
	}
	for i, f := range found {
		if b.shownFindings.Add(&f.Finding); b.firstOf[table.GroupOf(f.Finding)] == 0 {
			b.firstOf[table.GroupOf(f.Finding)] = l.first + i
			if err := b.explain(l.file, f.Finding.Check, l.letter("Title")+strconv.Itoa(l.first+i)); err != nil {
				return err
			}
		}
		r := f.row(b.in.Summary.Started).Of(f.Finding)
		if err := l.add(r, r.Past()); err != nil {
			return err
		}
	}
	b.findings, err = l.end("")
	return err
}

// explain puts a note on the first finding of a check. The sheet comes from the file of
// the list, which has to refer to the notes, and the notes from the workbook.
func (b *Workbook) explain(list *excelize.File, check, cell string) error {
	return errors.Join(
		b.noteOf(check, sheetFindings, cell),
		list.AddComment(sheetFindings, excelize.Comment{Cell: cell}),
	)
}

// findingColumns are the columns of a finding, in the order in which a person decides
// by them. Why it matters and what to do are the same for all findings of a check: they
// are on the sheet Checks, and in a note on the first finding of the check.
func findingColumns(in table.Input) []table.Column {
	return arranged(in, table.FindingColumns(), []table.Column{
		{Name: "severity", Width: 10},
		{Name: "title", Width: 26, Wrap: true},
		{Name: "description", Width: 28, Wrap: true, Limit: 120},
		{Name: "owner", Width: 28, Wrap: true, Limit: 200},
		{Name: "needs_action", Width: 8, Wrap: true},
		{Name: "due", Width: 12, Kind: table.Day},
		{Name: "detail", Width: 36, Wrap: true, Limit: 150},
		{Name: "state", Width: 10},
		{Name: "since", Width: 12, Kind: table.Day},
		{Name: "authorization_id", Width: 18},
		{Name: "target", Width: 14, Wrap: true},
		{Name: "check", Width: 18},
		{Name: "responsible", Width: 24},
		{Name: "team", Width: 16},
		{Name: "purpose", Width: 24},
		{Name: "overdue", Width: 9},
		{Name: "command", Width: 44},
		{Name: "status_now", Width: 9},
		{Name: "expires", Width: 12, Kind: table.Day},
		{Name: "revoked", Width: 12, Kind: table.Day},
		{Name: "product", Width: 22},
		{Name: "owner_state", Width: 12},
		{Name: "org", Width: 16},
		{Name: "created", Width: 12, Kind: table.Day},
		{Name: "age_days", Width: 11},
		{Name: "owner_id", Width: 18},
		{Name: "controls", Width: 44, Limit: 1000},
	})
}

// arranged are columns of the CSV files as a sheet has them: in another order, and as
// wide and as long as fits there. Those that have nothing to say are left out.
func arranged(in table.Input, columns, as []table.Column) []table.Column {
	var out []table.Column
	for _, want := range as {
		if !in.Shows(want.Name) {
			continue
		}
		c := columns[slices.IndexFunc(columns, func(c table.Column) bool { return c.Name == want.Name })]
		c.Width, c.Wrap, c.Limit, c.Kind, c.Header = want.Width, want.Wrap, want.Limit, cmp.Or(want.Kind, c.Kind), cmp.Or(want.Header, c.Header)
		switch want.Name {
		case "description":
			c.Value = func(r *table.Row) any { return cmp.Or(r.Description, table.NoDescription) }
		case "authorization_id": // a UUID, or the name of a user
			c.Wrap = in.Shows("product")
		case "owner":
			c.Value = func(r *table.Row) any { return r.OwnerWords() }
		}
		out = append(out, c)
	}
	return out
}
