package xlsx

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// exceptions follows what becomes of each exception of the policy while the records come
// by. Memory grows with the exceptions only.
type exceptions struct {
	policy  []audit.Exception
	of      map[string][]int // by authorization
	states  map[int]audit.ExceptionState
	tokens  map[int]string // descriptions
	unnamed []finding      // excepted by what the summary of an earlier version does not list
}

func newExceptions(s audit.Summary) *exceptions {
	e := &exceptions{policy: s.Policy.Exceptions, of: map[string][]int{}, states: map[int]audit.ExceptionState{}, tokens: map[int]string{}}
	for i, x := range e.policy {
		e.of[x.Authorization] = append(e.of[x.Authorization], i)
	}
	return e
}

func (e *exceptions) add(r *table.Row, kept func() *brief) {
	named := false
	for _, i := range e.of[r.TokenID()] {
		state := e.policy[i].StateOn(&r.Record, r.Now)
		if state == "" {
			continue
		}
		named = true
		if old := e.states[i]; old == "" || state == audit.ExceptionUsed {
			e.states[i], e.tokens[i] = state, described(r.Description)
		}
	}
	for _, f := range r.Record.Findings {
		if f.State == audit.Excepted && f.Approval != nil && !named {
			e.unnamed = append(e.unnamed, finding{kept(), f})
		}
	}
}

// stateOf is that of the exception i, whose token may not have come by.
func (e *exceptions) stateOf(i int, s audit.Summary) audit.ExceptionState {
	x := e.policy[i]
	at := slices.IndexFunc(s.Coverage.Targets, func(c audit.Coverage) bool { return c.Target == x.Target })
	switch {
	case e.states[i] != "":
		return e.states[i]
	case !s.Started.Before(x.Expires):
		return audit.ExceptionExpired
	case at < 0, s.Coverage.Targets[at].Verdict == audit.NotKnown:
		return audit.ExceptionUnknown
	}
	return audit.ExceptionUnused
}

// granted is a line of the sheet: what two people decided, and what became of it.
type granted struct {
	state               audit.ExceptionState
	target, what, check string
	reason, control     string
	requested, approved string
	granted, last       time.Time
	ticket              string
}

func (b *Workbook) writeExceptions(context.Context) error {
	s, err := b.open(b.File, layout{name: sheetExceptions, widths: []float64{10, 15, 26, 17, 32, 26, 22, 22, 12, 12, 12}, frozenRows: 2})
	if err != nil {
		return err
	}
	p := &page{sheet: s, columns: 11}
	p.wide(30, "Exceptions and accepted gaps", look{role: title})
	p.wide(18, "Two people accepted each, with a reason and a last day. The covered findings stay in every list and every count.", look{role: subtitle})
	p.section("Exceptions of findings")
	p.header(left("State"), left("Target"), left("Token"), left("Check"), left("Reason"), left("Compensating control"), left("Requested by"), left("Approved by"), left("Granted"), left("Last day"), left("Ticket"))
	p.decisions(b.exceptionLines(), "No exception is configured.")
	p.section("Accepted gaps in coverage")
	p.header(left("State"), left("Target"), across(2, left("Gap")), left("Reason"), left("Compensating control"), left("Requested by"), left("Approved by"), left("Granted"), left("Last day"), left("Ticket"))
	p.decisions(b.acceptedLines(), "No gap is accepted.")
	p.section("States")
	p.fact("used", "something stands by it")
	p.fact("unused", "nothing needs it: remove it from the configuration")
	p.fact("expired", "its last day has passed: what it covered counts again")
	p.fact("void", "permissions, owner or status of the token changed since: decide again")
	p.fact("unknown", "its token or target could not be read")
	return p.end()
}

func (b *Workbook) exceptionLines() []granted {
	var lines []granted
	e := b.totals.exceptions
	for i, x := range e.policy {
		lines = append(lines, granted{
			e.stateOf(i, b.in.Summary), x.Target, tokenWords(e.tokens[i], x.Authorization), x.Check, x.Reason, x.CompensatingControl,
			x.RequestedBy, x.ApprovedBy, x.Granted, x.LastDay(), x.Ticket,
		})
	}
	for _, f := range e.unnamed {
		a := f.Approval
		lines = append(lines, granted{
			audit.ExceptionUsed, f.target, tokenWords(described(f.description), f.id), f.Finding.Check, a.Reason, a.CompensatingControl,
			a.Requested, a.ApprovedBy, a.Granted, a.LastDay(), a.Ticket,
		})
	}
	return lines
}

func (b *Workbook) acceptedLines() []granted {
	var lines []granted
	s := b.in.Summary
	for _, g := range b.acceptedGaps() {
		lines = append(lines, granted{
			s.Coverage.StateOf(g, s.Started), g.Target, g.Gap, "", g.Reason, g.CompensatingControl,
			g.RequestedBy, g.ApprovedBy, g.Granted, g.LastDay(), g.Ticket,
		})
	}
	return lines
}

// acceptedGaps are those of the policy, or where an earlier version did not list them
// there, those that were used.
func (b *Workbook) acceptedGaps() []audit.AcceptedGap {
	s := b.in.Summary
	if len(s.Policy.AcceptedGaps) > 0 {
		return s.Policy.AcceptedGaps
	}
	var out []audit.AcceptedGap
	for _, g := range s.Coverage.Accepted() {
		out = append(out, *g.Accepted)
	}
	for _, t := range s.Coverage.Targets {
		out = append(out, t.AcceptedUnused...)
	}
	return out
}

// decisions are lines in the order of the states, those to look at last first.
func (p *page) decisions(lines []granted, none string) {
	order := []audit.ExceptionState{audit.ExceptionVoid, audit.ExceptionExpired, audit.ExceptionUnused, audit.ExceptionUnknown, audit.ExceptionUsed}
	slices.SortStableFunc(lines, func(x, y granted) int {
		return cmp.Or(cmp.Compare(table.Rank(order, x.state), table.Rank(order, y.state)), x.last.Compare(y.last))
	})
	for _, g := range lines {
		about := []cell{wrapped(g.what, 1), wrapped(g.check, 1)}
		if g.check == "" {
			about = []cell{wrapped(g.what, 2)}
		}
		cells := append([]cell{coloured(string(g.state)), wrapped(g.target, 1)}, about...)
		p.flow(append(cells, wrapped(g.reason, 1), wrapped(g.control, 1), wrapped(g.requested, 1), wrapped(g.approved, 1), day(g.granted), day(g.last), wrapped(g.ticket, 1))...)
	}
	if len(lines) == 0 {
		p.wide(20, none, look{})
	}
}

// described is the description of a token that is known.
func described(description string) string {
	return cmp.Or(audit.Line(description, 100), table.NoDescription)
}

// tokenWords name a token: its description, if it is known, and below it the ID.
func tokenWords(description, id string) string {
	if description == "" {
		return id
	}
	return description + "\n" + id
}
