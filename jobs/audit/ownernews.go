package audit

import (
	"cmp"
	"slices"
	"strings"
)

// ownerBook gathers highlights by the ID of their owner. What it holds grows with
// the owners, not with the tokens.
type ownerBook struct {
	owners map[string]*OwnerHighlights
	held   int // highlights
}

// mostHeld is how many highlights are held before those of owners that are not
// among the worst are let go of; their tokens stay counted.
const mostHeld = 5000

// longestID bounds the IDs of owners, which name parts of messages: a server that is
// not InfluxDB may send anything.
const longestID = 64

func (b *ownerBook) add(h Highlight) {
	id := cmp.Or(h.Record.UserID, h.Record.Owner.ID)
	id = strings.ToValidUTF8(id[:min(len(id), longestID)], "�")
	o := b.owners[id]
	if o == nil {
		if b.owners == nil {
			b.owners = map[string]*OwnerHighlights{}
		}
		o = &OwnerHighlights{Owner: h.Record.Owner}
		o.Owner.ID, o.Owner.Name = id, cmp.Or(h.Record.Owner.Name, h.Record.User)
		b.owners[id] = o
	}
	o.Tokens++
	o.Findings += len(h.Findings)
	before := len(o.Worst)
	o.Worst = insert(o.Worst, h, MaxOwnerTokens)
	if b.held += len(o.Worst) - before; b.held > mostHeld {
		b.thin()
	}
}

// thin leaves each owner that is not among the worst with the worst highlight,
// which says where it stands.
func (b *ownerBook) thin() {
	b.held = 0
	for i, o := range b.ranked() {
		if i >= MaxOwners {
			o.Worst = slices.Clip(o.Worst[:1])
			continue
		}
		b.held += len(o.Worst)
	}
}

func (b *ownerBook) ranked() []*OwnerHighlights {
	all := make([]*OwnerHighlights, 0, len(b.owners))
	for _, o := range b.owners {
		all = append(all, o)
	}
	slices.SortFunc(all, func(x, y *OwnerHighlights) int {
		return cmp.Or(rank(x.Worst[0].Findings[0])-rank(y.Worst[0].Findings[0]), y.Tokens-x.Tokens, strings.Compare(x.Owner.ID, y.Owner.ID))
	})
	return all
}

func (b *ownerBook) worst() (worst []OwnerHighlights, more int) {
	all := b.ranked()
	for _, o := range all[:min(len(all), MaxOwners)] {
		worst = append(worst, *o)
	}
	return worst, len(all) - len(worst)
}
