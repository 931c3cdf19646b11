package xlsx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// The summary is one printed page of two halves with a gap between them, on a grid of
// narrow columns. To the right of it, not printed, are the figures of the charts.
const (
	half         = 24
	grid         = 4 // width of a column
	summaryWidth = 2*half + 1

	trendAt = summaryWidth + 2
)

// overview is the sheet Summary in the making.
type overview struct {
	*Workbook
	*page
	sum        audit.Summary
	highlights *audit.Highlights
}

func (b *Workbook) writeSummary(context.Context) error {
	oneHalf := slices.Repeat([]float64{grid}, half)
	widths := slices.Concat(oneHalf, []float64{2}, oneHalf, []float64{3, 13, 11, 11, 11, 11})
	s, err := b.open(b.File, layout{name: sheetSummary, widths: widths, one: true})
	if err != nil {
		return err
	}
	o := &overview{Workbook: b, page: &page{sheet: s, columns: summaryWidth}, sum: b.in.Summary, highlights: b.highlights}
	o.heading()
	o.tiles()
	o.actions()
	o.bottom()
	last, _ := excelize.ColumnNumberToName(summaryWidth)
	return errors.Join(
		b.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Area", Scope: s.name, RefersTo: fmt.Sprintf("'%s'!$A$1:$%s$%d", s.name, last, s.rows)}),
		o.end(),
	)
}

// heading says in one line how things stand, and below it what lessens that.
func (o *overview) heading() {
	s := o.sum
	o.wide(28, "InfluxDB token review", look{role: title})
	o.wide(16, table.OneLine(s.ID)+", "+s.Trigger.When()+" "+table.Moment(s.Slot)+", finished "+table.Moment(s.Finished), look{role: subtitle})
	o.line(4)
	o.wide(36, s.Headline(), look{role: headline, wrap: true, word: table.Alarm(s)})
	o.campaigns()
	o.policyChanges()
	o.wide(20, table.CoverageWords(s.Coverage), look{role: band, word: string(s.Coverage.Verdict)})
	o.coverage()
	for _, words := range s.Coverage.RetiredWords(mostRetired) {
		o.strip("Retired", words)
	}
	for _, l := range o.shown() {
		if !l.Whole() {
			o.strip(l.Table, l.Words())
		}
	}
}

const mostRetired = 4 // lines; summary.json has all

// coverage is a line for each reason for which something was not seen.
func (o *overview) coverage() {
	const most = 5 // all of them are on the sheet Coverage
	lines := o.sum.Coverage.Lines()
	for _, l := range lines[:min(len(lines), most)] {
		name, text := "Not seen", audit.Line(l.Words, 300)
		if len(l.Targets) > 0 {
			text = audit.Names(l.Targets, 3) + ": " + text
		}
		switch {
		case l.Accepted != nil:
			name, text = "Accepted gap", text+" ("+audit.Line(l.Accepted.Words(), 300)+")"
		case l.Remedy != "":
			text += ". " + table.Capital(l.Remedy)
		}
		o.strip(name, text)
	}
	if more := len(lines) - most; more > 0 {
		o.strip("", audit.Plural(more, "more limit")+", see the sheet "+sheetCoverage)
	}
}

// campaigns say how each of them stands, with what is overdue and what is proven.
func (o *overview) campaigns() {
	const most, named = 4, 3 // campaigns, and tokens of each kind; summary.json and the evidence have all
	all := o.sum.Campaigns
	for _, c := range all[:min(len(all), most)] {
		word := ""
		if c.Revocations.Overdue > 0 {
			word = string(audit.Critical)
		}
		o.wide(20, c.Words(table.DayOf), look{role: band, word: word})
		for _, note := range c.Notes(named, table.DayOf) {
			o.strip(note.Label, note.Text)
		}
	}
	if more := len(all) - most; more > 0 {
		o.strip("", audit.Plural(more, "more campaign")+", see summary.json")
	}
}

// policyChanges say what the figures cannot be compared with.
func (o *overview) policyChanges() {
	const most = 4 // all of them are on the sheet About
	changes := o.sum.PolicyChanges
	if len(changes) == 0 {
		return
	}
	o.wide(22, table.PolicyWords(o.sum), look{role: band, word: string(audit.Partial)})
	for _, change := range changes[:min(len(changes), most)] {
		o.strip("Policy changed", audit.Line(change, 300))
	}
	if len(changes) > most {
		o.strip("", "and more, see the sheet "+sheetAbout)
	}
}

// strip is a label and a text over the whole page.
func (o *overview) strip(name, text string) {
	const label = 4
	o.flow(across(label, labelled(name)), wrapped(text, o.columns-label))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return audit.Line(s, 200)
}

// tiles are figures with a word above and one below, each a quarter of a half wide.
func (o *overview) tiles() {
	var captions, figures, notes []cell
	add := func(top string, n int, value any, below, colour string) {
		if o.sum.Unread(n) {
			value, below = "?", "not known"
		}
		if len(captions) == 4 { // the gap between the halves stays free
			gap := cell{look: look{role: title}}
			captions, figures, notes = append(captions, gap), append(figures, gap), append(notes, gap)
		}
		captions = append(captions, cell{value: top, look: look{role: caption, word: colour}, over: half / 4})
		figures = append(figures, cell{value: value, look: look{role: figure, kind: table.Integer, word: colour}, over: half / 4})
		notes = append(notes, cell{value: below, look: look{role: note, word: colour}, over: half / 4})
	}
	s, a, colour := o.sum, o.sum.NeedsAction, ""
	if a.Tokens > 0 {
		colour = table.Alarm(s)
	}
	if a.Known() {
		before := ""
		if s.Previous != nil {
			before = "before: " + audit.Number(a.Before())
			if a.First > 0 {
				before += ", new targets: " + audit.Number(a.First)
			}
		}
		needing := o.authorizations(func(k kind) bool { return k.exists() && k.needs })
		add("Needs action", a.Tokens, o.population.count(needing, is("Needs action", table.Yes), notGone), before, colour)
		add("New", a.New, o.sincePrevious(a.New), "did not need it before", "")
		add("Fixed", a.Fixed, o.sincePrevious(a.Fixed), "need none now", "")
		overdue := ""
		if a.Overdue > 0 {
			overdue = string(audit.High)
		}
		add("Overdue", a.Overdue, a.Overdue, "of those that need action", overdue)
	} else {
		for _, top := range []string{"Needs action", "New", "Fixed", "Overdue"} {
			add(top, 1, table.Unknown, "not counted", "")
		}
	}
	add("Exceptions", 1, s.Exceptions, o.inForce(s.Exceptions, len(s.Policy.Exceptions), func(p *audit.Previous) int { return p.Exceptions }), "")
	add("Accepted gaps", 1, s.Coverage.AcceptedGaps, o.inForce(s.Coverage.AcceptedGaps, len(s.Policy.AcceptedGaps), func(p *audit.Previous) int { return p.AcceptedGaps }), "")
	add("Active write tokens", s.Inventory.ActiveWrite, o.inventory.formula(o.writeTokens, "SUM("+o.inventory.reference("Tokens")+")"), o.newAndGone(s.Inventory.New, s.Inventory.Gone), "")
	add("Tokens reviewed", s.Authorizations.Total, o.population.count(o.authorizations(kind.exists), notGone), o.newAndGone(s.Authorizations.New, s.Authorizations.Gone), "")
	o.line(6)
	o.line(16, captions...)
	o.line(30, figures...)
	o.line(15, notes...)
}

// sincePrevious is a number of what differs from the review before, which there may not be.
func (o *overview) sincePrevious(n int) any {
	if o.sum.Previous == nil {
		return table.Unknown
	}
	return o.read(n)
}

// read is a number, or a question mark where nothing could be read.
func (o *overview) read(n int) any {
	if o.sum.Unread(n) {
		return "?"
	}
	return n
}

func (o *overview) newAndGone(fresh, gone int) string {
	if o.sum.Previous == nil {
		return "first review"
	}
	return o.sum.Figure(fresh) + " new, " + o.sum.Figure(gone) + " gone"
}

// inForce says what a number in force was at the review before, and how many are configured.
func (o *overview) inForce(now, configured int, was func(*audit.Previous) int) string {
	return strings.TrimPrefix(table.OfConfigured(now, configured)+", "+o.since(now, was), ", ")
}

// since says what a number was at the review before.
func (o *overview) since(now int, was func(*audit.Previous) int) string {
	switch {
	case o.sum.Previous == nil:
		return "first review"
	case was(o.sum.Previous) < 0:
		return "before: not known"
	case was(o.sum.Previous) == now:
		return "unchanged"
	}
	return "before: " + audit.Number(was(o.sum.Previous))
}

// pair is a line of the two halves, as high as its texts need; what a half does not say
// stays free.
func (o *overview) pair(height float64, left, right []cell, aside ...cell) {
	blank := cell{look: look{role: title}, over: half}
	if left == nil {
		left = []cell{blank}
	}
	if right == nil {
		right = []cell{blank}
	}
	cells := append(append(append([]cell{}, left...), cell{look: look{role: title}}), right...)
	o.line(max(height, o.fit(6, cells)), append(cells, aside...)...)
}

func (o *overview) headings(left, right string) {
	o.pair(20, []cell{{value: left, look: look{role: section}, over: half}}, []cell{{value: right, look: look{role: section}, over: half}})
}

// actions are what to decide on the left and who has it on the right.
func (o *overview) actions() {
	o.line(8)
	o.headings("Decide, by check (a token can count in several checks)", "Who has to act, worst first")
	o.pair(17,
		[]cell{across(8, left("Check")), across(3, left("Severity")), across(2, right("Tokens")), across(2, right("New")), across(3, right("Overdue")), across(3, left("Oldest")), across(3, left("Due"))},
		[]cell{across(10, left("Responsible or owner")), across(4, left("Target")), across(2, right("Tokens")), across(2, right("New")), across(3, right("Overdue")), across(3, left("Oldest"))},
	)
	checks, people := o.decide(), o.who()
	for i := range max(len(checks), len(people)) {
		var left, right []cell
		if i < len(checks) {
			left = checks[i]
			o.noteFor(i)
		}
		if i < len(people) {
			right = people[i]
		}
		o.pair(15, left, right)
	}
}

const mostLines = 10 // of what to decide, and of who has it

func (o *overview) decide() [][]cell {
	all := o.sum.Decide()
	var lines [][]cell
	for _, d := range all[:min(len(all), mostLines)] {
		title := d.Check.Title
		if where := o.highlights.Where(d); where != "" {
			title += ": " + where
		}
		lines = append(lines, []cell{
			wrapped(title, 8), across(3, coloured(string(d.Severity))), across(2, number(d.Tokens)), across(2, number(o.sincePrevious(d.New))), across(3, number(o.read(d.Overdue))),
			across(3, day(d.Oldest)), across(3, day(d.Due)),
		})
	}
	if more := len(all) - mostLines; more > 0 {
		lines = append(lines, []cell{across(half, words(audit.Plural(more, "more check")+", see the sheet "+sheetChecks))})
	}
	if len(all) == 0 {
		lines = append(lines, []cell{across(half, words(o.none("No check has a finding that needs action")))})
	}
	return lines
}

// none says that there is nothing, as far as anybody could see.
func (o *overview) none(text string) string {
	switch {
	case !o.sum.NeedsAction.Known():
		return o.sum.NeedsActionWords() + "."
	case o.sum.Coverage.Verdict == audit.NotKnown:
		return "Not known: nothing could be read."
	case o.sum.Coverage.Verdict == audit.Partial:
		return text + ", as far as the review could see."
	}
	return text + "."
}

// noteFor explains the check of a line to who points at it.
func (o *overview) noteFor(line int) {
	if all := o.sum.Decide(); line < min(len(all), mostLines) && o.err == nil {
		o.err = o.noteOf(all[line].Check.ID, sheetSummary, o.at())
	}
}

// who are the people, or else the users of InfluxDB, the one with the worst finding first.
func (o *overview) who() [][]cell {
	all := o.highlights.Owners
	var lines [][]cell
	for _, h := range all[:min(len(all), mostLines)] {
		where := table.OneLine(h.Target)
		if h.Users > 1 {
			where = table.Unknown // or in several
		}
		lines = append(lines, []cell{
			wrapped(audit.Line(personOf(h), 250), 10), wrapped(where, 4), across(2, number(h.Tokens)), across(2, number(o.sincePrevious(h.New))), across(3, number(o.read(h.Overdue))), across(3, day(h.Oldest)),
		})
	}
	if len(all) == 0 {
		lines = append(lines, []cell{across(half, words(o.none("No owner has a token that needs action")))})
	}
	if more := len(all) - mostLines + o.highlights.MoreOwners; more > 0 && len(all) > 0 {
		lines = append(lines, []cell{across(half, words(audit.Number(more)+" more, see the sheet "+sheetOwners))})
	}
	return lines
}

// personOf names who has something to do, and whose tokens they are if of somebody else.
func personOf(h audit.OwnerHighlights) string {
	user := h.Owner.Name
	switch {
	case h.Owner.IsNone():
		user = table.NoOwner
	case user == "" && h.Owner.ID == "":
		user = "nobody"
	case user == "":
		user = "ID " + h.Owner.ID
	}
	if h.Owner.State == audit.OwnerDeleted || h.Owner.State == audit.OwnerInactive {
		user += " (" + string(h.Owner.State) + ")"
	}
	switch who := h.Contact.Responsible; {
	case h.Owner.IsNone():
		return cmp.Or(who, user)
	case h.Users > 1:
		return cmp.Or(who, user) + ", for " + audit.Plural(h.Users, "user")
	case who == "" || who == h.Owner.Name:
		return user
	default:
		return who + ", for " + user
	}
}

// bottom is how it went over time on the left, and what else to know on the right.
func (o *overview) bottom() {
	o.line(8)
	o.headings("Tokens that need action, review by review", "About this review")
	trend, facts, first := o.trend(), o.facts(), o.rows+1
	for i := range max(len(trend), len(facts), 12) {
		var right, aside []cell
		if i < len(facts) {
			right = facts[i]
		}
		if i < len(trend) {
			aside = append([]cell{{look: look{role: title}}}, trend[i]...)
		}
		o.pair(chartRow, nil, right, aside...)
	}
	if o.err == nil {
		o.err = o.charts(first, len(trend)-1)
	}
	o.wide(16, "Days are in UTC. Numbers are live formulas where a sheet has the rows; the sheet Coverage compares them with summary.json.", look{role: subtitle})
}

// facts are what else tells how far the figures reach.
func (o *overview) facts() [][]cell {
	const mostTargets = 4
	s, previous, policy := o.sum, "none: this is the first review of this job", "first review: nothing to compare with"
	if p := s.Previous; p != nil {
		previous, policy = table.OneLine(p.ID)+", "+p.Trigger.When()+" "+table.Moment(p.Slot), "unchanged since the previous review"
	}
	if n := len(s.PolicyChanges); n > 0 {
		policy = "changed, see above"
	}
	var targets []string
	for _, t := range s.Coverage.Targets[:min(len(s.Coverage.Targets), mostTargets)] {
		targets = append(targets, strings.TrimSuffix(table.OneLine(t.Target)+" ("+table.OneLine(t.ProductWords())+")", " ()"))
	}
	if more := len(s.Coverage.Targets) - mostTargets; more > 0 {
		targets = append(targets, "and "+audit.Number(more)+" more")
	}
	fact := func(name string, c cell) []cell { return []cell{across(5, labelled(name)), across(half-5, c)} }
	text := func(name, text string) []cell { return fact(name, cell{value: text, look: look{wrap: true}}) }
	lines := [][]cell{
		text("Previous review", previous),
		text("Policy", policy),
		text("Scope", audit.Plural(len(s.Coverage.Targets), "target")+strings.TrimSuffix(": "+strings.Join(targets, ", "), ": ")),
		text("Findings", strings.TrimSuffix(audit.Plural(s.Findings.Total, "finding")+": "+table.SeverityWords(s), ": ")),
	}
	if s.Missed > 0 {
		lines = append(lines, text("Missed reviews", audit.Number(s.Missed)+" before this one"))
	}
	if unjudged := s.NotJudgedWords(); len(unjudged) > 0 {
		lines = append(lines, text("Not judged", audit.Line(strings.Join(unjudged, "; "), 400)))
	}
	rows := "rows to decide on"
	if !o.todo.Whole() {
		rows = "rows to decide on; the sheet has the worst " + audit.Number(o.todo.Rows)
	}
	return append(lines,
		[]cell{across(5, labelled("Sheet "+sheetTodo)), across(3, number(o.todo.Of)), across(half-8, words(rows))},
		[]cell{across(5, labelled("Decided")), across(3, number(o.todo.formula(tally{}, "COUNTA("+o.todo.reference("Decision")+")"))), across(half-8, words("of these, filled in by the reviewer"))},
	)
}
