package xlsx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// The summary is one printed page of two halves of twelve columns with a gap
// between them. To the right of it, not printed, are the figures of the charts.
const (
	half         = 12
	summaryWidth = 2*half + 1

	severityAt = summaryWidth + 2
	stateAt    = severityAt + 6
	trendAt    = stateAt + 3
)

// overview is the sheet Summary in the making.
type overview struct {
	*Workbook
	*page
	sum audit.Summary
}

func (b *Workbook) writeSummary(context.Context) error {
	oneHalf := slices.Repeat([]float64{8}, half)
	widths := slices.Concat(oneHalf, []float64{2}, oneHalf, []float64{3, 13, 9, 9, 9, 9, 3, 14, 15, 3, 13, 9, 9, 9, 9})
	s, err := b.open(b.File, layout{name: sheetSummary, widths: widths, one: true})
	if err != nil {
		return err
	}
	o := &overview{Workbook: b, page: &page{sheet: s, columns: summaryWidth}, sum: b.in.Summary}
	o.heading()
	o.tiles()
	o.checks()
	o.bottom()
	last, _ := excelize.ColumnNumberToName(summaryWidth)
	return errors.Join(
		b.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Area", Scope: s.name, RefersTo: fmt.Sprintf("'%s'!$A$1:$%s$%d", s.name, last, s.rows)}),
		o.end(),
	)
}

func (o *overview) heading() {
	const mostReasons, mostTargets = 3, 6 // all of them are on the sheet Coverage
	s := o.sum
	o.wide(28, "InfluxDB token review", look{role: title})
	o.wide(16, table.OneLine(s.ID)+", "+s.Trigger.When()+" "+table.Moment(s.Slot)+", finished "+table.Moment(s.Finished), look{role: subtitle})
	o.line(4)
	for _, words := range o.sum.Coverage.RetiredWords(mostRetired) {
		o.strip("Retired", words)
	}
	o.policyChanges()
	o.wide(34, table.Verdict(s), look{role: band, wrap: true, word: table.Alarm(s)})
	o.wide(22, table.CoverageWords(s.Coverage), look{role: band, word: string(s.Coverage.Verdict)})
	reasons := s.Coverage.Reasons
	for _, reason := range reasons[:min(len(reasons), mostReasons)] {
		o.strip("Reason", audit.Line(reason, 300))
	}
	if more := len(reasons) - mostReasons; more > 0 {
		o.strip("", "and "+table.Grouped(more)+" more, see the sheet "+sheetCoverage)
	}
	o.accepted()
	var targets []string
	for _, t := range s.Coverage.Targets[:min(len(s.Coverage.Targets), mostTargets)] {
		targets = append(targets, strings.TrimSuffix(table.OneLine(t.Target)+" ("+table.OneLine(t.Server)+")", " ()"))
	}
	if more := len(s.Coverage.Targets) - mostTargets; more > 0 {
		targets = append(targets, "and "+table.Grouped(more)+" more")
	}
	o.strip("Scope", table.Plural(len(s.Coverage.Targets), "target")+strings.TrimSuffix(": "+strings.Join(targets, ", "), ": "))
	o.strip("Policy", fmt.Sprintf("service users: %s; rotate after %s; inactive after %s",
		orNone(strings.Join(s.Policy.ServiceUsers, ", ")), table.Days(s.Policy.RotateAfterDays), table.Days(s.Policy.InactiveAfterDays)))
	if unjudged := o.sum.NotJudgedWords(); len(unjudged) > 0 {
		o.strip("Not judged", audit.Line(strings.Join(unjudged, "; "), 600))
	}
	for _, l := range o.shown() {
		if !l.Whole() {
			o.strip(l.Table, l.Words())
		}
	}
}

const mostRetired = 4 // lines; summary.json has all

// policyChanges come first: they say what the figures below cannot be compared with.
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

// accepted names the gaps that people accepted.
func (o *overview) accepted() {
	const most = 3 // all of them are on the sheet Coverage
	all := o.sum.Coverage.Accepted()
	for _, g := range all[:min(len(all), most)] {
		o.strip("Accepted gap", audit.Line(strings.TrimPrefix(g.Target+": ", ": ")+g.ID+", until "+g.Accepted.Until()+" by "+g.Accepted.ApprovedBy+": "+g.Accepted.Reason, 300))
	}
	if more := len(all) - most; more > 0 {
		o.strip("", "and "+table.Grouped(more)+" more, see the sheet "+sheetCoverage)
	}
}

// strip is a label and a text over the whole page.
func (o *overview) strip(name, text string) {
	o.flow(across(2, labelled(name)), wrapped(text, o.columns-2))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return audit.Line(s, 200)
}

// tiles are figures with a word above and one below. Each takes three columns; the
// gap between the halves stays free.
func (o *overview) tiles() {
	var captions, figures, notes []cell
	add := func(top string, value any, below, colour string) {
		captions = append(captions, cell{value: top, look: look{role: caption, word: colour}, over: 3})
		figures = append(figures, cell{value: value, look: look{role: figure, kind: table.Integer, word: colour}, over: 3})
		notes = append(notes, cell{value: below, look: look{role: note, word: colour}, over: 3})
	}
	a, share := o.sum.Authorizations, ""
	if a.Total > 0 {
		share = fmt.Sprintf("%.0f %% of all", 100*float64(a.Flagged)/float64(a.Total))
	}
	withFindings := o.authorizations(func(k kind) bool { return k.exists() && k.flagged })
	add("Authorizations", o.population.count(o.authorizations(kind.exists), notGone), fmt.Sprintf("%s active, %s inactive", table.Grouped(a.Active), table.Grouped(a.Inactive)), "")
	add("With findings", o.population.count(withFindings, notGone, flagged), share, "")
	for i, sev := range audit.Severities() {
		if i == 2 { // half of the tiles
			gap := cell{look: look{role: title}}
			captions, figures, notes = append(captions, gap), append(figures, gap), append(notes, gap)
		}
		n, colour := o.ofSeverity(sev), ""
		if n.all > 0 {
			colour = string(sev)
		}
		add(table.Capital(string(sev)), o.findings.count(n, is("Severity", string(sev)), unresolved, judged), o.since(sev), colour)
	}
	add("New findings", o.findings.count(o.ofState(audit.New), is("State", "new")), table.Grouped(o.sum.Findings.ByState[audit.Reopened])+" reopened", "")
	add("Resolved findings", o.findings.count(o.ofState(audit.Resolved), is("State", "resolved")), "not part of the total", "")
	o.line(6)
	o.line(16, captions...)
	o.line(30, figures...)
	o.line(15, notes...)
}

func (o *overview) since(sev audit.Severity) string {
	if o.sum.Previous == nil {
		return "first review"
	}
	before := table.Previously(o.sum.Previous, sev)
	if by := o.sum.Findings.BySeverity[sev] - before; by != 0 {
		return strings.Replace("+"+table.Grouped(by), "+-", "-", 1) + ", previously " + table.Grouped(before)
	}
	return "as before"
}

// checks is every check on the left, those that found nothing and those that are
// off too (nothing found is a result, not judged is none), and the charts on the
// right.
func (o *overview) checks() {
	o.line(8)
	o.headings("Findings by check", "By severity, by state of the owner, and over time")
	first := o.rows + 1
	data := o.chartData()
	checks := o.sum.Policy.Checks
	o.pair(18, []cell{across(3, left("Check")), across(5, left("What is wrong")), across(2, left("Severity")), right("Now"), right("New")}, nil, data.line(0)...)
	for i := range max(len(checks), data.lines()-1) {
		var cells []cell
		if i < len(checks) {
			cells = o.check(checks[i])
		}
		o.pair(chartRow, cells, nil, data.line(i+1)...)
	}
	if o.err == nil {
		o.err = o.charts(data, first, o.rows)
	}
}

// pair is a line of the two halves; what a half does not say stays free.
func (o *overview) pair(height float64, left, right []cell, aside ...cell) {
	blank := cell{look: look{role: title}, over: half}
	if left == nil {
		left = []cell{blank}
	}
	if right == nil {
		right = []cell{blank}
	}
	cells := append(append(append([]cell{}, left...), cell{look: look{role: title}}), right...)
	o.line(height, append(cells, aside...)...)
}

func (o *overview) headings(left, right string) {
	o.pair(20, []cell{{value: left, look: look{role: section}, over: half}}, []cell{{value: right, look: look{role: section}, over: half}})
}

func (o *overview) check(c audit.AppliedCheck) []cell {
	id := test{"Check", o.at(1)}
	fresh := o.foundOf(func(g table.Group, s audit.FindingState) bool {
		return g == table.Group{Severity: c.Severity, Check: c.Check} && s == audit.New
	})
	name, now := words(c.Check), figureOf(o.findings.count(o.currentOf(c.Check), id, unresolved, judged))
	if c.Severity == audit.Off {
		now = words("off")
	}
	// The name leads to the first finding of the check.
	if line := o.firstOf[table.Group{Severity: c.Severity, Check: c.Check}]; line > 0 && o.err == nil {
		name.look.kind = table.Reference
		o.err = o.SetCellHyperLink(sheetSummary, strings.TrimPrefix(o.at(1), "$"), fmt.Sprintf("'%s'!A%d", sheetFindings, line), "Location")
	}
	if o.sum.WhyNotJudged(c.Check) != "" && o.currentOf(c.Check).all == 0 {
		return []cell{across(3, name), across(5, words(audit.CheckOf(c.Check).Title)), across(2, o.severityOf(c)), across(2, words("not judged"))}
	}
	return []cell{
		across(3, name), across(5, words(audit.CheckOf(c.Check).Title)), across(2, o.severityOf(c)),
		now, figureOf(o.findings.count(fresh, id, is("State", "new"))),
	}
}

// severityOf a check has its colour only where something was found.
func (b *Workbook) severityOf(c audit.AppliedCheck) cell {
	if b.currentOf(c.Check).all == 0 {
		return words(string(c.Severity))
	}
	return coloured(string(c.Severity))
}

// bottom is what became different on the left and who owns it on the right.
func (o *overview) bottom() {
	o.line(8)
	o.headings("Since the previous review", "Owners with the worst findings")
	changes, owners := o.highlights(), o.topOwners()
	for i := range max(len(changes), len(owners)) {
		var left, right []cell
		if i < len(changes) {
			left = changes[i]
		}
		if i < len(owners) {
			right = owners[i]
		}
		o.pair(chartRow, left, right)
	}
	o.wide(16, "Counts are live formulas over the sheets To do, Findings and Authorizations; the sheet Coverage compares them with summary.json.", look{role: subtitle})
}

func (o *overview) highlights() [][]cell {
	s, previous := o.sum, "none: this is the first one"
	if p := s.Previous; p != nil {
		previous = table.OneLine(p.ID) + ", " + p.Trigger.When() + " " + table.Moment(p.Slot)
	}
	toDecide := "rows of the sheet To do"
	if !o.todo.Whole() {
		toDecide = "the worst " + table.Grouped(o.todo.Rows) + " are on the sheet To do"
	}
	return [][]cell{
		{across(4, labelled("Previous review")), across(8, words(previous))},
		highlight("New findings", s.Findings.ByState[audit.New], ""),
		highlight("Reopened findings", s.Findings.ByState[audit.Reopened], "resolved before, back again"),
		highlight("Open findings", s.Findings.ByState[audit.Open], "there before and still there"),
		highlight("Resolved findings", s.Findings.ByState[audit.Resolved], "there before, gone now"),
		highlight("Found by policy", s.Findings.ByState[audit.ByPolicy], "were there before, and the policy did not look"),
		highlight("Not judged any more", s.Findings.ByState[audit.NotJudged], "were there before; the policy changed, not the token"),
		highlight("New authorizations", s.Authorizations.New, "seen for the first time"),
		highlight("Gone authorizations", s.Authorizations.Gone, "no longer exist; not part of the population"),
		highlight("Touched authorizations", s.Authorizations.Touched, "updated since, without a visible change"),
		highlight("Missed slots", s.Missed, "before this one, that nobody reviewed"),
		highlight("To decide", o.todo.Of, toDecide),
		highlight("Decided", o.todo.formula(tally{}, "COUNTA("+o.todo.reference("Decision")+")"), "of these, filled in by the reviewer"),
	}
}

func highlight(name string, n any, meaning string) []cell {
	return []cell{across(4, labelled(name)), across(2, figureOf(n)), across(6, words(meaning))}
}

func (o *overview) topOwners() [][]cell {
	const most = 9
	lines := [][]cell{{
		across(4, left("Owner")), across(2, left("State")), right("Tokens"), right("Write"), right("Critical"), right("High"), right("Medium"), right("Low"),
	}}
	owners := o.totals.ownersWorstFirst()
	for _, h := range owners[:min(len(owners), most)] {
		line := []cell{across(4, words(table.OneLine(h.label()))), across(2, words(string(h.state))), number(h.tokens), number(h.write)}
		for _, sev := range audit.Severities() {
			c := number(h.findings[sev])
			if h.findings[sev] > 0 {
				c.look.word = string(sev)
			}
			line = append(line, c)
		}
		lines = append(lines, line)
	}
	return lines
}
