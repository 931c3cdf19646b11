package xlsx

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

func (s *totals) hold(r *table.Row) {
	key := table.HolderKey{Target: r.Target, ID: r.UserID}
	h := s.holders[key]
	if h == nil {
		h = &table.Holder{HolderKey: key, Name: r.OwnerName(), State: r.Owner.State, Findings: map[audit.Severity]int{}}
		s.holders[key] = h
	}
	h.Add(r)
}

// owners are the holders, those with the worst findings first.
func (s *totals) owners() []*table.Holder {
	return slices.SortedFunc(maps.Values(s.holders), func(a, b *table.Holder) int {
		for _, sev := range audit.Severities() {
			if c := b.Findings[sev] - a.Findings[sev]; c != 0 {
				return c
			}
		}
		return cmp.Or(b.Tokens-a.Tokens, cmp.Compare(a.Target, b.Target), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}

func (b *Workbook) owners(ctx context.Context) error {
	l := b.list(sheetOwners, 1, holderColumns())
	l.pages, l.paper, l.none = 1, paperA4, "No authorization was seen, so no owner is known."
	all := table.UntilDone(ctx, withoutErrors(b.totals.owners()))
	return l.fill(table.Mapped(all, func(h *table.Holder) *table.Row { return &table.Row{Holder: h, Now: b.draft.In.Summary.Started} }))
}

func withoutErrors[T any](vs []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range vs {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func holderColumns() []table.Column {
	columns := []table.Column{
		{Header: "Owner", Width: 24, Value: func(r *table.Row) table.Value { return table.Str(r.Holder.Name) }},
		{Header: "Owner ID", Width: 18, Value: func(r *table.Row) table.Value { return table.Str(r.Holder.ID) }},
		{Header: "Target", Width: 16, Value: func(r *table.Row) table.Value { return table.Str(r.Holder.Target) }},
		{Header: "State", Width: 12, Value: func(r *table.Row) table.Value { return table.Str(string(r.Holder.State)) }},
		{Header: "Tokens", Width: 9, Kind: table.Integer, Value: func(r *table.Row) table.Value { return table.Num(r.Holder.Tokens) }},
		{Header: "Active", Width: 9, Kind: table.Integer, Value: func(r *table.Row) table.Value { return table.Num(r.Holder.Active) }},
		{Header: "May write", Width: 11, Kind: table.Integer, Value: func(r *table.Row) table.Value { return table.Num(r.Holder.Write) }},
	}
	for _, sev := range audit.Severities() {
		columns = append(columns, table.Column{Header: table.Capital(string(sev)), Width: 9, Kind: table.Tally, Word: string(sev), Value: func(r *table.Row) table.Value { return table.Num(r.Holder.Findings[sev]) }})
	}
	return append(columns,
		table.Column{Header: "Findings", Width: 10, Kind: table.Integer, Value: func(r *table.Row) table.Value { return table.Num(r.Holder.Total()) }},
		table.Column{Header: "Oldest token (UTC)", Width: 20, Kind: table.Date, Value: func(r *table.Row) table.Value { return table.When(r.Holder.Oldest) }},
	)
}
