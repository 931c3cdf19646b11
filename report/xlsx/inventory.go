package xlsx

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// inventory are the active write tokens, counted by owner, what they may write, and age.
// Beyond so many groups, others are counted by the kind of access in place of its
// buckets, so that memory grows with the owners and not with the tokens.
type inventory map[stockKey]*stock

const mostStocks = table.MostFindings

type stockKey struct {
	ownerKey
	scope string
	age   ageBand
}

// stock are active write tokens that are alike.
type stock struct {
	stockKey
	owner         string
	contact       audit.Contact
	tokens, fresh int
	oldest        time.Time
}

type ageBand int

func (a ageBand) String() string {
	return [...]string{"under 30 days", "30 to 89 days", "90 to 364 days", "1 to 2 years", "2 years and more", "not known"}[a]
}

func ageBandOf(r *table.Row) ageBand {
	age, known := r.Age().(int)
	if !known {
		return 5
	}
	for band, end := range []int{30, 90, 365, 2 * 365} {
		if age < end {
			return ageBand(band)
		}
	}
	return 4
}

// add counts a token that the check of the inventory found.
func (v inventory) add(r *table.Row) {
	at := slices.IndexFunc(r.Findings, func(f audit.Finding) bool { return f.Check == audit.InventoryCheck && f.Current() })
	if at < 0 {
		return
	}
	key := stockKey{ownerKey{r.Target, r.UserID}, audit.Line(r.Scope, 200), ageBandOf(r)}
	if v[key] == nil && len(v) >= mostStocks {
		key.scope = r.Access.Class()
	}
	s := v[key]
	if s == nil {
		s = &stock{stockKey: key, owner: r.OwnerWords(), contact: r.Contact}
		v[key] = s
	}
	s.tokens++
	if r.Findings[at].Fresh() {
		s.fresh++
	}
	s.oldest = audit.Earlier(s.oldest, r.CreatedAt)
}

func (b *Workbook) writeInventory(context.Context) error {
	all := slices.SortedFunc(maps.Values(b.totals.inventory), func(x, y *stock) int {
		return cmp.Or(
			y.fresh-x.fresh, y.tokens-x.tokens, cmp.Compare(x.target, y.target), cmp.Compare(x.owner, y.owner),
			cmp.Compare(x.id, y.id), cmp.Compare(x.scope, y.scope), cmp.Compare(x.age, y.age),
		)
	})
	rows := all[:min(len(all), b.bounds.inventory)]
	l, err := newList(b, layout{
		name: sheetInventory, frozenCols: 2, printedRows: mostPrinted, lines: 4, order: "New ones and large groups come first.", note: b.in.Summary.InventoryWords(),
	}, stockColumns(), len(rows), len(all), b.in.WholeIn(table.AuthorizationsFile))
	if err != nil {
		return err
	}
	for _, s := range all {
		b.writeTokens.all += s.tokens
	}
	for _, s := range rows {
		b.writeTokens.shown += s.tokens
		if err := l.add(s, false); err != nil {
			return err
		}
	}
	b.inventory, err = l.end("No active write token was found.")
	return err
}

func stockColumns() []table.ColumnOf[*stock] {
	return []table.ColumnOf[*stock]{
		{Header: "Owner", Width: 30, Wrap: true, Limit: 200, Value: func(s *stock) any { return s.owner }},
		{Header: "May write", Width: 46, Wrap: true, Value: func(s *stock) any { return s.scope }},
		{Header: "Age", Width: 17, Value: func(s *stock) any { return s.age.String() }},
		{Header: "Tokens", Width: 9, Kind: table.Integer, Value: func(s *stock) any { return s.tokens }},
		{Header: "New", Width: 8, Kind: table.Integer, Word: string(audit.Medium), Value: func(s *stock) any { return s.fresh }},
		{Header: "Oldest (UTC)", Width: 14, Kind: table.Day, Value: func(s *stock) any { return table.When(s.oldest) }},
		{Header: "Responsible", Width: 24, Wrap: true, Limit: 200, Value: func(s *stock) any { return s.contact.Responsible }},
		{Header: "Team", Width: 14, Wrap: true, Limit: 200, Value: func(s *stock) any { return s.contact.Team }},
		{Header: "Target", Width: 14, Wrap: true, Value: func(s *stock) any { return s.target }},
		{Header: "Owner ID", Width: 18, Value: func(s *stock) any { return s.id }},
	}
}
