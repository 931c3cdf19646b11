package audit

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Highlights is what the messages about a review say besides its figures. It is bounded,
// whatever was found.
type Highlights struct {
	Worst          []Highlight       `json:"worst"`          // with something new, worst first, at most MaxWorst
	Authorizations int               `json:"authorizations"` // how many have something new
	Findings       int               `json:"findings"`       // how many new or reopened findings there are
	Owners         []OwnerHighlights `json:"owners"`         // those with something to do, worst first, at most MaxOwners
	MoreOwners     int               `json:"more_owners"`    // how many are left out of Owners
}

// Limits of what Highlights holds; the rest is in the evidence.
const (
	MaxWorst       = 15
	MaxOwners      = 30
	MaxOwnerTokens = 20
)

// Highlight is an authorization with findings that somebody should hear of, worst
// first; never without any. Of its record only what a message shows is there.
type Highlight struct {
	Record   Record    `json:"record"`
	Findings []Finding `json:"findings"`
}

// OwnerHighlights is what one owner has to look at: what is new, and what stands and is
// rated critical or high, unless an exception allows it.
type OwnerHighlights struct {
	Owner    Owner       `json:"owner"`
	Tokens   int         `json:"tokens"`
	Findings int         `json:"findings"`
	Worst    []Highlight `json:"worst"` // at most MaxOwnerTokens
}

// HighlightsOf walks the records of a review.
func HighlightsOf(rows iter.Seq2[Record, error]) (Highlights, error) {
	var b HighlightsBuilder
	for r, err := range rows {
		if err != nil {
			return Highlights{}, err
		}
		b.Add(&r)
	}
	return b.Highlights(), nil
}

// HighlightsBuilder makes Highlights of records that come one by one. The zero value is empty.
type HighlightsBuilder struct {
	sum    Highlights
	owners ownerHighlights
}

// Add keeps what there is to say of a record.
func (b *HighlightsBuilder) Add(r *Record) {
	if h := highlight(r, Finding.fresh); len(h.Findings) > 0 {
		if !r.IsServer() {
			b.sum.Authorizations++
		}
		b.sum.Findings += len(h.Findings)
		b.sum.Worst = insert(b.sum.Worst, h, MaxWorst)
	}
	if h := highlight(r, Finding.pressing); len(h.Findings) > 0 && !r.IsServer() {
		b.owners.add(h)
	}
}

// Highlights is what was added so far.
func (b *HighlightsBuilder) Highlights() Highlights {
	n := b.sum
	all := b.owners.ranked()
	for _, o := range all[:min(len(all), MaxOwners)] {
		n.Owners = append(n.Owners, *o)
	}
	n.MoreOwners = len(all) - len(n.Owners)
	return n
}

func (f Finding) fresh() bool { return f.State == New || f.State == Reopened }

func (f Finding) pressing() bool {
	return f.fresh() || (f.State == Open || f.State == ByPolicy) && f.Severity.AtLeast(High)
}

func highlight(r *Record, wanted func(Finding) bool) (h Highlight) {
	for _, f := range r.Findings {
		if wanted(f) {
			h.Findings = append(h.Findings, f)
		}
	}
	if len(h.Findings) > 0 {
		slices.SortStableFunc(h.Findings, func(a, b Finding) int { return rank(a) - rank(b) })
		h.Record = brief(*r)
	}
	return h
}

// longest is the longest text of a brief record, in bytes.
const longest = 400

// brief leaves out what no message shows: a description may have 200 kB.
func brief(r Record) Record {
	r.Permissions, r.Findings, r.Changes, r.Evidence, r.Owner.Evidence = nil, nil, nil, "", ""
	for _, text := range []*string{&r.Description, &r.User, &r.Org, &r.Owner.Name} {
		*text = strings.ToValidUTF8((*text)[:min(len(*text), longest)], "�")
	}
	return r
}

// insert keeps the worst highlights, in order.
func insert(worst []Highlight, h Highlight, max int) []Highlight {
	if len(worst) == max && compareHighlights(worst[max-1], h) <= 0 { // nearly all, once it is full
		return worst
	}
	at, _ := slices.BinarySearchFunc(worst, h, compareHighlights)
	worst = slices.Insert(worst, at, h)
	return worst[:min(len(worst), max)]
}

// compareHighlights orders by the worst finding, then by how many there are, then
// by target and ID, so that the same review always reads the same.
func compareHighlights(a, b Highlight) int {
	return cmp.Or(
		rank(a.Findings[0])-rank(b.Findings[0]),
		len(b.Findings)-len(a.Findings),
		strings.Compare(a.Record.Target+a.Record.ID, b.Record.Target+b.Record.ID),
	)
}

// rank orders findings by severity, then by the order of the checks.
func rank(f Finding) int {
	return slices.Index(Severities(), f.Severity)*1000 + CheckPlace(f.Check)
}

// ownerHighlights gathers highlights by the ID of their owner. What it holds grows with
// the owners, not with the tokens.
type ownerHighlights struct {
	owners map[string]*OwnerHighlights
	held   int // highlights
}

// mostHeld is how many highlights are held before those of owners that are not
// among the worst are let go of; their tokens stay counted.
const mostHeld = 5000

// longestID bounds the IDs of owners, which name parts of messages: a server that is
// not InfluxDB may send anything.
const longestID = 64

func (b *ownerHighlights) add(h Highlight) {
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
func (b *ownerHighlights) thin() {
	b.held = 0
	for i, o := range b.ranked() {
		if i >= MaxOwners {
			o.Worst = slices.Clip(o.Worst[:1])
			continue
		}
		b.held += len(o.Worst)
	}
}

func (b *ownerHighlights) ranked() []*OwnerHighlights {
	all := make([]*OwnerHighlights, 0, len(b.owners))
	for _, o := range b.owners {
		all = append(all, o)
	}
	slices.SortFunc(all, func(x, y *OwnerHighlights) int {
		return cmp.Or(rank(x.Worst[0].Findings[0])-rank(y.Worst[0].Findings[0]), y.Tokens-x.Tokens, strings.Compare(x.Owner.ID, y.Owner.ID))
	})
	return all
}
