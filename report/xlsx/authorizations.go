package xlsx

import (
	"cmp"
	"context"
	"slices"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// population is the sheet Authorizations, written while the records come by. The
// summary says how many there are by their worst finding, and so which of them are the
// worst if not all of them fit; they stand in the order of the records.
type population struct {
	*list[*table.Row]
	seen   int
	counts counts                 // of what is on the sheet
	left   map[audit.Severity]int // by worst finding, how many more the sheet takes; nil if all fit
	places []int                  // of the rows on the sheet, ascending; nil if all are there
}

func newPopulation(b *Workbook) (*population, error) {
	a := b.in.Summary.Authorizations
	all, most := a.Total+a.Gone, b.bounds.authorizations
	p := &population{counts: counts{}}
	if all > most {
		p.left = worst(a.ByWorst, most, all)
	}
	var err error
	columns := authorizationColumns(b.in)
	printed := 1 + slices.IndexFunc(columns, func(c table.Column) bool { return c.Name == "authorization_id" })
	p.list, err = newList(b, layout{name: sheetAuthorizations, frozenCols: 2, printed: printed, printedRows: mostPrinted, lines: 6, order: "They stand in the order of targets and IDs."}, columns, most, all, b.in.WholeIn(table.AuthorizationsFile))
	return p, err
}

// worst is how many of each severity are among the worst so many; "" is no finding. It
// is nil where not all were counted: the version before began this run.
func worst(of map[audit.Severity]int, most, all int) map[audit.Severity]int {
	left := map[audit.Severity]int{}
	for _, s := range append(audit.Severities(), "") {
		n := of[cmp.Or(s, audit.NoSeverity)]
		left[s] = min(n, most)
		most, all = most-left[s], all-n
	}
	if all != 0 {
		return nil
	}
	return left
}

func (p *population) add(r *table.Row) error {
	place := p.seen
	p.seen++
	switch {
	case p.left == nil && place >= p.bounds.authorizations, p.left != nil && p.left[r.WorstSeverity] == 0:
		return nil
	case p.left != nil:
		p.left[r.WorstSeverity]--
		p.places = append(p.places, place)
	}
	p.counts[kindOf(r)]++
	return p.list.add(r, r.Past())
}

func (p *population) finish(context.Context) error {
	p.Of, p.Shown.Rows = p.seen, p.sheet.rows-p.first+1
	_, err := p.end("")
	return err
}

// lineOf is where the authorization with a place in the population is, 0 if it is
// not on the sheet.
func (p *population) lineOf(place int) int {
	if p.places == nil {
		if place >= p.Shown.Rows {
			return 0
		}
		return p.first + place
	}
	i, ok := slices.BinarySearch(p.places, place)
	if !ok {
		return 0
	}
	return p.first + i
}

// authorizationColumns of the workbook come in the order in which a person decides by
// them, and say in addition what the permissions come to and which controls the findings
// relate to.
func authorizationColumns(in table.Input) []table.Column {
	more := []table.Column{
		{Name: "permission_summary", Header: "Permission summary", Value: func(r *table.Row) any { return r.Reach }},
		{Name: "controls", Header: "Related controls", Value: func(r *table.Row) any { return r.ControlNames }},
	}
	return arranged(in, append(table.AuthorizationColumns(), more...), []table.Column{
		{Name: "worst_severity", Header: worstHeader, Width: 14},
		{Name: "description", Width: 30, Wrap: true, Limit: 120},
		{Name: "owner", Width: 28, Wrap: true, Limit: 200},
		{Name: "target", Width: 14, Wrap: true},
		{Name: "product", Width: 18, Wrap: true},
		{Name: "needs_action", Width: 8, Wrap: true},
		{Name: "due", Width: 12, Kind: table.Day},
		{Name: "status_now", Width: 9},
		{Name: "expires", Width: 12, Kind: table.Day},
		{Name: "revoked", Width: 12, Kind: table.Day},
		{Name: "class", Width: 15},
		{Name: "may_write", Width: 32, Wrap: true, Limit: 150},
		{Name: "age_days", Width: 9},
		{Name: "authorization_id", Width: 18},
		{Name: "findings", Width: 40},
		{Name: "owner_state", Width: 12},
		{Name: "responsible", Width: 24},
		{Name: "team", Width: 16},
		{Name: "purpose", Width: 24},
		{Name: "overdue", Width: 9},
		{Name: "created", Width: 20},
		{Name: "updated", Width: 20},
		{Name: "secret_replaced", Width: 20},
		{Name: "first_seen", Width: 20},
		{Name: "last_seen", Width: 20},
		{Name: "presence", Width: 10},
		{Name: "presence_evidence", Width: 36},
		{Name: "permission_summary", Width: 19},
		{Name: "permissions", Width: 36, Limit: 1000},
		{Name: "owner_id", Width: 18},
		{Name: "owner_evidence", Width: 30},
		{Name: "org", Width: 16},
		{Name: "org_id", Width: 18},
		{Name: "controls", Width: 44, Limit: 1000},
	})
}
