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
	What            transition
	Field, From, To string
	Severity        audit.Severity
	Record          audit.Record
}

// compare notes what is different about r. In a first review everything is new,
// and nothing has changed.
func (s *survey) compare(r audit.Record) error {
	if s.at.Previous == nil {
		return nil
	}
	for _, c := range changesOf(r, s.at.Started) {
		c.Record = r
		c.Record.Permissions, c.Record.Findings, c.Record.Changes = nil, nil, nil
		if err := s.changes.put(c.What, c); err != nil {
			return err
		}
	}
	return nil
}

func changesOf(r audit.Record, at time.Time) []changed {
	out := presenceOf(r, at)
	for _, c := range r.Changes {
		out = append(out, changed{What: fieldChanged, Field: c.Field, From: c.From, To: c.To})
	}
	for _, f := range r.Findings {
		if what, ok := transitionOf(f, at); ok {
			out = append(out, changed{What: what, Field: audit.CheckOf(f.Check).Title, To: f.Detail, Severity: f.Severity})
		}
	}
	return out
}

func presenceOf(r audit.Record, at time.Time) []changed {
	switch {
	case r.IsServer():
		return nil
	case r.Presence == audit.Gone:
		return []changed{{What: wasRevoked, From: string(r.Status)}}
	case r.Presence == audit.Hidden:
		return []changed{{What: isHidden}}
	case r.Presence == audit.Unseen:
		return []changed{{What: isUnseen}}
	case r.FirstSeen.Equal(at):
		return []changed{{What: isNew, To: audit.AccessOf(r.Authorization).WriteScope()}}
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
	all := untilDone(ctx, b.survey.changes.all(cmp.Compare[transition]))
	return l.fill(mapped(all, func(c changed) *row {
		return &row{Record: c.Record, changed: c, now: b.draft.in.Summary.Started}
	}))
}

func changeColumns() []column {
	return []column{
		{header: "What", width: 19, value: func(r *row) value { return str(r.changed.What.String()) }},
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
