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
	contact               audit.Contact
	tokens, active, write int
	needs, fresh, overdue int                    // tokens that need action; new ones; overdue ones
	worst                 map[audit.Severity]int // tokens, by the worst finding
	oldest                time.Time
}

func (t *totals) addOwner(r *table.Row) {
	key := ownerKey{r.Target, r.UserID}
	o := t.owners[key]
	if o == nil {
		o = &owner{ownerKey: key, name: r.OwnerWords(), state: r.Owner.State, contact: r.Contact, worst: map[audit.Severity]int{}}
		t.owners[key] = o
	}
	o.tokens++
	if !ended(r.StatusAt(r.Now)) {
		o.active++
	}
	if r.Access.Writes > 0 {
		o.write++
	}
	o.worst[r.WorstSeverity]++
	if r.NeedsAction(r.Now) {
		o.needs++
		if !r.NeededAction && t.in.Summary.Previous != nil {
			o.fresh++
		}
		if r.Overdue() {
			o.overdue++
		}
	}
	o.oldest = audit.Earlier(o.oldest, r.CreatedAt)
	if rank := ownerStateRank(r.Owner.State); r.Owner.State != o.state && rank < ownerStateRank(o.state) { // it may be a member of one org and not of another
		o.state = r.Owner.State
	}
}

func ownerStateRank(s audit.OwnerState) int { return table.Rank(table.OwnerStates(), s) }

// ownersWorstFirst are the owners, those with most tokens that need action first, then
// those with the worst tokens.
func (t *totals) ownersWorstFirst() []*owner {
	return slices.SortedFunc(maps.Values(t.owners), func(a, b *owner) int {
		if c := b.needs - a.needs; c != 0 {
			return c
		}
		for _, sev := range audit.Severities() {
			if c := b.worst[sev] - a.worst[sev]; c != 0 {
				return c
			}
		}
		return cmp.Or(b.tokens-a.tokens, cmp.Compare(a.target, b.target), cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
	})
}

func (b *Workbook) writeOwners(context.Context) error {
	all := b.totals.ownersWorstFirst()
	rows := all[:min(len(all), b.bounds.owners)]
	l, err := newList(b, layout{name: sheetOwners, frozenCols: 1, printed: 17, printedRows: mostPrinted, lines: 5, note: "Each token counts once, by its worst finding, with excepted ones. Needs action leaves excepted ones out."}, ownerColumns(), len(rows), len(all), b.in.WholeIn(table.AuthorizationsFile))
	if err != nil {
		return err
	}
	for _, o := range rows {
		b.tokensOfOwners += o.tokens
		if err := l.add(o, false); err != nil {
			return err
		}
	}
	b.owners, err = l.end("No token was seen, so no owner is known.")
	return err
}

func ownerColumns() []table.ColumnOf[*owner] {
	columns := []table.ColumnOf[*owner]{
		{Header: "Owner", Width: 28, Wrap: true, Limit: 200, Value: func(o *owner) any { return o.name }},
		{Header: "Responsible", Width: 22, Wrap: true, Limit: 200, Value: func(o *owner) any { return o.contact.Responsible }},
		{Header: "Team", Width: 13, Wrap: true, Limit: 200, Value: func(o *owner) any { return o.contact.Team }},
		{Header: "Needs action", Width: 8, Kind: table.Integer, Word: string(audit.High), Value: func(o *owner) any { return o.needs }},
		{Header: "New", Width: 7, Kind: table.Integer, Value: func(o *owner) any { return o.fresh }},
		{Header: "Overdue", Width: 9, Kind: table.Integer, Value: func(o *owner) any { return o.overdue }},
	}
	for _, sev := range audit.Severities()[:4] {
		columns = append(columns, table.ColumnOf[*owner]{Header: "Worst " + string(sev), Width: 9, Kind: table.Integer, Word: string(sev), Value: func(o *owner) any { return o.worst[sev] }})
	}
	return append(columns,
		table.ColumnOf[*owner]{Header: "Tokens", Width: 9, Kind: table.Integer, Value: func(o *owner) any { return o.tokens }},
		table.ColumnOf[*owner]{Header: "Active", Width: 9, Kind: table.Integer, Value: func(o *owner) any { return o.active }},
		table.ColumnOf[*owner]{Header: "May write", Width: 9, Kind: table.Integer, Value: func(o *owner) any { return o.write }},
		table.ColumnOf[*owner]{Header: "Oldest token (UTC)", Width: 12, Wrap: true, Kind: table.Day, Value: func(o *owner) any { return table.When(o.oldest) }},
		table.ColumnOf[*owner]{Header: "State", Width: 12, Value: func(o *owner) any { return string(o.state) }},
		table.ColumnOf[*owner]{Header: "Target", Width: 13, Wrap: true, Value: func(o *owner) any { return o.target }},
		table.ColumnOf[*owner]{Header: "Purpose", Width: 20, Wrap: true, Limit: 200, Value: func(o *owner) any { return o.contact.Purpose }},
		table.ColumnOf[*owner]{Header: "Owner ID", Width: 18, Value: func(o *owner) any { return o.id }},
	)
}
