package report

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
)

type holderKey struct{ target, id string }

// holder is a user with the figures of its tokens.
type holder struct {
	holderKey
	name                  string
	state                 audit.OwnerState
	tokens, active, write int
	findings              map[audit.Severity]int
	oldest                time.Time
}

func (s *survey) hold(r *row) {
	key := holderKey{r.Target, r.UserID}
	h := s.holders[key]
	if h == nil {
		h = &holder{holderKey: key, name: r.owner(), state: r.Owner.State, findings: map[audit.Severity]int{}}
		s.holders[key] = h
	}
	h.add(r)
}

func (h *holder) add(r *row) {
	h.tokens++
	if r.Status != audit.Inactive {
		h.active++
	}
	if r.access.Writes > 0 {
		h.write++
	}
	for _, f := range r.Findings {
		if f.Current() {
			h.findings[f.Severity]++
		}
	}
	if !r.CreatedAt.IsZero() && (h.oldest.IsZero() || r.CreatedAt.Before(h.oldest)) {
		h.oldest = r.CreatedAt
	}
	if r.Owner.State != h.state && stateRank(r.Owner.State) < stateRank(h.state) { // it may be a member of one org and not of another
		h.state = r.Owner.State
	}
}

func (h *holder) total() int {
	n := 0
	for _, c := range h.findings {
		n += c
	}
	return n
}

// statesOfOwners are the states of owners, the one to worry about most first.
func statesOfOwners() []audit.OwnerState {
	return []audit.OwnerState{audit.OwnerDeleted, audit.OwnerInactive, audit.OwnerNotMember, audit.OwnerPresent, audit.OwnerUnknown}
}

func stateRank(s audit.OwnerState) int { return place(statesOfOwners(), s) }

// owners are the holders, those with the worst findings first.
func (s *survey) owners() []*holder {
	return slices.SortedFunc(maps.Values(s.holders), func(a, b *holder) int {
		for _, sev := range audit.Severities() {
			if c := b.findings[sev] - a.findings[sev]; c != 0 {
				return c
			}
		}
		return cmp.Or(b.tokens-a.tokens, cmp.Compare(a.target, b.target), cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
	})
}

func (b *book) owners(ctx context.Context) error {
	l := b.list(sheetOwners, 1, holderColumns())
	l.pages, l.paper, l.none = 1, paperA4, "No authorization was seen, so no owner is known."
	all := untilDone(ctx, withoutErrors(b.survey.owners()))
	return l.fill(mapped(all, func(h *holder) *row { return &row{holder: h, now: b.draft.in.Summary.Started} }))
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

func holderColumns() []column {
	columns := []column{
		{header: "Owner", width: 24, value: func(r *row) value { return str(r.holder.name) }},
		{header: "Owner ID", width: 18, value: func(r *row) value { return str(r.holder.id) }},
		{header: "Target", width: 16, value: func(r *row) value { return str(r.holder.target) }},
		{header: "State", width: 12, value: func(r *row) value { return str(string(r.holder.state)) }},
		{header: "Tokens", width: 9, kind: integer, value: func(r *row) value { return num(r.holder.tokens) }},
		{header: "Active", width: 9, kind: integer, value: func(r *row) value { return num(r.holder.active) }},
		{header: "May write", width: 11, kind: integer, value: func(r *row) value { return num(r.holder.write) }},
	}
	for _, sev := range audit.Severities() {
		columns = append(columns, column{header: capital(string(sev)), width: 9, kind: tally, word: string(sev), value: func(r *row) value { return num(r.holder.findings[sev]) }})
	}
	return append(columns,
		column{header: "Findings", width: 10, kind: integer, value: func(r *row) value { return num(r.holder.total()) }},
		column{header: "Oldest token (UTC)", width: 20, kind: date, value: func(r *row) value { return when(r.holder.oldest) }},
	)
}
