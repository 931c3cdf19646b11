package report

import (
	"cmp"
	"context"
	"time"

	"tokenaudit/jobs/audit"
)

// transition is a kind of change since the previous review, in the order in which
// the kinds are shown.
type transition int

const (
	wasRevoked transition = iota
	isHidden
	isUnseen
	isNew
	fieldChanged
	findingNew
	findingReopened
	findingResolved
)

func (t transition) String() string {
	return [...]string{
		"Gone", "Hidden", "Not seen", "New authorization", "Changed",
		"New finding", "Finding is back", "Finding resolved",
	}[t]
}

// changed is one line of the changes: Field is a field or a check.
type changed struct {
	what            string
	Field, From, To string
	Severity        audit.Severity
}

// compare notes what is different about r. In a first review everything is new,
// and nothing has changed.
func (s *survey) compare(r *row) error {
	if s.at.Previous == nil {
		return nil
	}
	return s.note(r, changesOf(r))
}

func (s *survey) note(r *row, all []change) error {
	for _, c := range all {
		r.changed = c.changed
		r.changed.what = c.kind.String()
		if err := s.changes.put(c.kind, r); err != nil {
			return err
		}
	}
	r.changed = changed{}
	return nil
}

// change is a line in the making.
type change struct {
	kind transition
	changed
}

func changesOf(r *row) []change {
	out := presenceOf(r)
	for _, c := range r.Changes {
		out = append(out, change{fieldChanged, changed{Field: c.Field, From: c.From, To: c.To}})
	}
	for _, f := range r.Findings {
		if kind, ok := transitionOf(f, r.now); ok {
			out = append(out, change{kind, changed{Field: audit.CheckOf(f.Check).Title, To: f.Detail, Severity: f.Severity}})
		}
	}
	return out
}

func presenceOf(r *row) []change {
	switch {
	case r.IsServer():
		return nil
	case r.Presence == audit.Gone:
		return []change{{wasRevoked, changed{From: string(r.Status)}}}
	case r.Presence == audit.Hidden:
		return []change{{kind: isHidden}}
	case r.Presence == audit.Unseen:
		return []change{{kind: isUnseen}}
	case r.FirstSeen.Equal(r.now):
		return []change{{isNew, changed{To: r.scope}}}
	}
	return nil
}

func transitionOf(f audit.Finding, at time.Time) (transition, bool) {
	switch {
	case f.State == audit.New:
		return findingNew, true
	case f.State == audit.Reopened:
		return findingReopened, true
	}
	return findingResolved, f.State == audit.Resolved && f.Since.Equal(at)
}

func (b *book) changes(ctx context.Context) error {
	l := b.list(sheetChanges, 1, changeColumns())
	l.pages, l.none = 1, "Nothing changed since the previous review."
	if b.draft.in.Summary.Previous == nil {
		l.none = "This is the first review: there is nothing to compare it with."
	}
	return l.fill(untilDone(ctx, b.survey.changes.all(cmp.Compare[transition])))
}

func changeColumns() []column {
	return []column{
		{header: "What", width: 19, value: func(r *row) value { return str(r.changed.what) }},
		{header: "Severity", width: 10, kind: severity, value: func(r *row) value { return str(string(r.changed.Severity)) }},
		{header: "Field or check", width: 28, wrap: true, value: func(r *row) value { return str(r.changed.Field) }},
		{header: "From", width: 32, wrap: true, limit: 400, value: func(r *row) value { return str(r.changed.From) }},
		{header: "To, or detail", width: 32, wrap: true, limit: 400, value: func(r *row) value { return str(r.changed.To) }},
		{header: "Description", width: 30, wrap: true, limit: 200, value: func(r *row) value { return str(r.Description) }},
		{header: "Authorization ID", width: 18, value: func(r *row) value { return str(r.ID) }},
		{header: "Owner", width: 18, value: func(r *row) value { return str(r.owner()) }},
		{header: "Org", width: 14, value: func(r *row) value { return str(r.Org) }},
		{header: "Target", width: 14, value: func(r *row) value { return str(r.Target) }},
		{header: "Proof", width: 44, wrap: true, limit: 400, value: func(r *row) value { return str(r.Evidence) }},
	}
}
