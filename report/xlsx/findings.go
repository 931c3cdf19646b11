package xlsx

import (
	"context"
	"slices"

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
	l, err := newList(b, layout{name: sheetFindings, frozenCols: 2, paper: paperA3, pages: 2}, findingColumns(), len(found), b.totals.worst.Seen(), b.in.WholeIn(table.FindingsFile))
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

// findingColumns are the columns of a finding, in the order in which a person reads
// them.
func findingColumns() []table.Column {
	var columns []table.Column
	all := table.FindingColumns()
	for _, name := range []string{
		"severity", "check", "title", "state", "since", "description", "authorization_id", "status", "owner", "owner_state", "org", "target",
		"detail", "what_to_do", "why", "created", "age_days", "owner_id",
	} {
		c := all[slices.IndexFunc(all, func(c table.Column) bool { return c.Name == name })]
		switch name {
		case "what_to_do", "why":
			c.Width = 130 // one line, nearly always
		case "detail":
			c.Width, c.Limit = 62, 250
		case "title":
			c.Width = 34
		}
		columns = append(columns, c)
	}
	return columns
}
