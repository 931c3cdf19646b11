package xlsx

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// population is the sheet Authorizations in the making. Rows are written as they
// come, if the summary says that all of them fit. Else they wait in a file until it
// is known which are the worst; those are written in the order of the records.
type population struct {
	*list[*table.Row]
	seen   int
	counts counts // of what is on the sheet
	spool  *table.Spool
	worst  *table.Worst[audit.Severity, waiting]
	places []int // of the rows on the sheet, ascending; nil if all are there
}

// waiting is a row whose record waits.
type waiting struct {
	place int
	at    table.Place
}

func newPopulation(b *Workbook) (*population, error) {
	a := b.in.Summary.Authorizations
	all, most := a.Total+a.Gone, b.bounds.authorizations
	p := &population{counts: counts{}}
	var err error
	if all > most {
		p.worst = table.NewWorst[audit.Severity, waiting](most, compareSeverities)
		if p.spool, err = table.NewSpool(b.staging, "authorizations.json"); err != nil {
			return nil, err
		}
	}
	p.list, err = newList(b, layout{name: sheetAuthorizations, frozenCols: 4, paper: paperA3, pages: 2, order: "They stand in the order of targets and IDs."}, authorizationColumns(), most, all, b.in.WholeIn(table.AuthorizationsFile))
	return p, err
}

// compareSeverities: the worst first, and last what has no finding.
func compareSeverities(a, b audit.Severity) int {
	return cmp.Compare(table.Rank(audit.Severities(), a), table.Rank(audit.Severities(), b))
}

func (p *population) add(r *table.Row) (err error) {
	p.seen++
	switch {
	case p.spool != nil:
		p.worst.Offer(r.WorstSeverity, func() (w waiting) {
			w.place = p.seen - 1
			w.at, err = p.spool.Put(&r.Record)
			return w
		})
		return err
	case p.seen > p.bounds.authorizations: // more than the summary says
		return nil
	}
	return p.write(r)
}

func (p *population) write(r *table.Row) error {
	p.counts[kindOf(r)]++
	return p.list.add(r, r.Past())
}

func (p *population) finish(ctx context.Context) error {
	if p.spool != nil {
		kept := p.worst.Take()
		slices.SortFunc(kept, func(a, b waiting) int { return cmp.Compare(a.place, b.place) })
		places := func(yield func(table.Place) bool) {
			for _, w := range kept {
				if p.places = append(p.places, w.place); !yield(w.at) {
					return
				}
			}
		}
		for r, err := range table.NewRowMaker(p.in).Rows(ctx, p.spool.Records(places)) {
			if err == nil {
				err = p.write(r)
			}
			if err != nil {
				return err
			}
		}
	}
	p.Of, p.Shown.Rows = p.seen, p.sheet.rows-p.first+1
	_, err := p.end("")
	return err
}

func (p *population) close() error {
	if p.spool == nil {
		return nil
	}
	return errors.Join(p.spool.Close())
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

// authorizationColumns of the workbook say in addition what the permissions come
// to and which controls the findings relate to.
func authorizationColumns() []table.Column {
	columns := table.AuthorizationColumns()
	at := slices.IndexFunc(columns, func(c table.Column) bool { return c.Name == "may_write" })
	columns = slices.Insert(columns, at, table.Column{Name: "permission_summary", Header: "Permission summary", Width: 19, Value: func(r *table.Row) any { return r.Reach }})
	return append(columns, table.Column{Name: "controls", Header: "Related controls", Width: 44, Limit: 1000, Value: func(r *table.Row) any { return r.ControlNames }})
}
