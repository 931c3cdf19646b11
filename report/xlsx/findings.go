package xlsx

import (
	"context"
	"slices"

	"tokenaudit/report/table"
)

func (b *Workbook) writeFindings(context.Context) error {
	rows := b.totals.worst.Take()
	l, err := newList(b, layout{name: sheetFindings, frozenCols: 2, paper: paperA3, pages: 2}, findingColumns(), len(rows), b.totals.worst.Seen(), b.in.WholeIn(table.FindingsFile))
	if err != nil {
		return err
	}
	for i, r := range rows {
		f := &r.Finding
		if b.shownFindings.Add(f); b.firstOf[table.GroupOf(*f)] == 0 {
			b.firstOf[table.GroupOf(*f)] = l.first + i
		}
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
