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

type ownerKey struct{ target, id string }

// owner is a user with the figures of its tokens.
type owner struct {
	ownerKey
	name                  string
	state                 audit.OwnerState
	tokens, active, write int
	findings              map[audit.Severity]int
	oldest                time.Time
}

func (t *totals) addOwner(r *table.Row) {
	key := ownerKey{r.Target, r.UserID}
	o := t.owners[key]
	if o == nil {
		o = &owner{ownerKey: key, name: r.OwnerName(), state: r.Owner.State, findings: map[audit.Severity]int{}}
		t.owners[key] = o
	}
	o.tokens++
	if r.Status != audit.Inactive {
		o.active++
	}
	if r.Access.Writes > 0 {
		o.write++
	}
	for _, f := range r.Findings {
		if f.Current() {
			o.findings[f.Severity]++
		}
	}
	if !r.CreatedAt.IsZero() && (o.oldest.IsZero() || r.CreatedAt.Before(o.oldest)) {
		o.oldest = r.CreatedAt
	}
	if rank := ownerStateRank(r.Owner.State); r.Owner.State != o.state && rank < ownerStateRank(o.state) { // it may be a member of one org and not of another
		o.state = r.Owner.State
	}
}

func ownerStateRank(s audit.OwnerState) int { return table.Rank(table.OwnerStates(), s) }

// ownersWorstFirst are the owners, those with the worst findings first.
func (t *totals) ownersWorstFirst() []*owner {
	return slices.SortedFunc(maps.Values(t.owners), func(a, b *owner) int {
		for _, sev := range audit.Severities() {
			if c := b.findings[sev] - a.findings[sev]; c != 0 {
				return c
			}
		}
		return cmp.Or(b.tokens-a.tokens, cmp.Compare(a.target, b.target), cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
	})
}

// label names a user that may have no name any more.
func (o *owner) label() string {
	switch {
	case o.name != "":
		return o.name
	case o.id != "":
		return "ID " + o.id
	}
	return "nobody"
}

func (b *Workbook) writeOwners(context.Context) error {
	all := b.totals.ownersWorstFirst()
	rows := all[:min(len(all), b.bounds.owners)]
	l, err := newList(b, layout{name: sheetOwners, frozenCols: 1, printedRows: mostPrinted, lines: 3}, ownerColumns(), len(rows), len(all), b.in.WholeIn(table.AuthorizationsFile))
	if err != nil {
		return err
	}
	for _, o := range rows {
		b.tokensOfOwners += o.tokens
		if err := l.add(o, false); err != nil {
			return err
		}
	}
	b.owners, err = l.end("No authorization was seen, so no owner is known.")
	return err
}

func ownerColumns() []table.ColumnOf[*owner] {
	columns := []table.ColumnOf[*owner]{
		{Header: "Owner", Width: 24, Value: func(o *owner) any { return o.name }},
		{Header: "Owner ID", Width: 18, Value: func(o *owner) any { return o.id }},
		{Header: "Target", Width: 16, Value: func(o *owner) any { return o.target }},
		{Header: "State", Width: 12, Value: func(o *owner) any { return string(o.state) }},
		{Header: "Tokens", Width: 9, Kind: table.Integer, Value: func(o *owner) any { return o.tokens }},
		{Header: "Active", Width: 9, Kind: table.Integer, Value: func(o *owner) any { return o.active }},
		{Header: "May write", Width: 11, Kind: table.Integer, Value: func(o *owner) any { return o.write }},
	}
	for _, sev := range audit.Severities() {
		columns = append(columns, table.ColumnOf[*owner]{Header: table.Capital(string(sev)), Width: 9, Kind: table.Integer, Word: string(sev), Value: func(o *owner) any { return o.findings[sev] }})
	}
	return append(columns,
		table.ColumnOf[*owner]{Header: "Findings", Width: 10, Kind: table.Integer, Value: func(o *owner) any {
			n := 0
			for _, c := range o.findings {
				n += c
			}
			return n
		}},
		table.ColumnOf[*owner]{Header: "Oldest token (UTC)", Width: 20, Kind: table.Date, Value: func(o *owner) any { return table.When(o.oldest) }},
	)
}
