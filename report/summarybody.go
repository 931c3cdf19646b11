package report

import (
	"strconv"

	"tokenaudit/jobs/audit"
)

// middle is every check on the left, those that found nothing and those that are
// off too (nothing found is a result, not judged is none), and the charts on the
// right.
func (o *overview) middle() {
	o.line(8)
	o.pair(20, []cell{across(half, heading("Findings by check"))}, []cell{across(half, heading("By severity, by state of the owner, and over time"))})
	first := o.rows + 1
	data := o.chartData()
	checks := o.sum.Policy.Checks
	o.pair(18, checkHeader(), nil, data.line(0)...)
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

func heading(s string) cell { return cell{value: s, look: look{role: section}} }

func checkHeader() []cell {
	return []cell{across(3, left("Check")), across(5, left("What is wrong")), across(2, left("Severity")), right("Now"), right("New")}
}

func (o *overview) check(c audit.AppliedCheck) []cell {
	found := o.findingTable()
	id := test{"Check", o.at(1)}
	now := figureOf(found.count(o.survey.counts.Findings.ByCheck[c.Check], id, current))
	if c.Severity == audit.Off {
		now = words("off")
	}
	return []cell{
		across(3, o.checkLink(c)), across(5, words(audit.CheckOf(c.Check).Title)), across(2, o.severityOf(c)),
		now, figureOf(found.count(o.draft.findings.fresh(c), id, is("State", "new"))),
	}
}

// severityOf a check has its colour only where something was found.
func (b *book) severityOf(c audit.AppliedCheck) cell {
	if b.survey.counts.Findings.ByCheck[c.Check] == 0 {
		return words(string(c.Severity))
	}
	return coloured(string(c.Severity))
}

// checkLink leads to the first finding of the check.
func (o *overview) checkLink(c audit.AppliedCheck) cell {
	name := words(c.Check)
	before := 0
	for _, g := range o.draft.findings.groups {
		if g == (group{c.Severity, c.Check}) {
			sheet, line := o.findingTable().at(before)
			name.look.kind = reference
			o.link(o.at(1), sheet, line)
		}
		before += o.draft.findings.counts[g]
	}
	return name
}

// link makes a cell lead to a row of another sheet.
func (o *overview) link(cell, sheet string, line int) {
	if o.err == nil {
		o.err = o.SetCellHyperLink(sheetSummary, cell[1:], "'"+sheet+"'!A"+strconv.Itoa(line), "Location")
	}
}

// bottom is what became different on the left and who owns it on the right.
func (o *overview) bottom() {
	o.line(8)
	o.pair(20, []cell{across(half, heading("Since the previous review"))}, []cell{across(half, heading("Owners with the worst findings"))})
	changes, owners := o.news(), o.topOwners()
	for i := range max(len(changes), len(owners)) {
		o.pair(chartRow, at(changes, i), at(owners, i))
	}
	o.wide(16, "Counts are live formulas over the sheets To do, Findings and Authorizations; the sheet Coverage compares them with summary.json.", look{role: subtitle})
}

func at(lines [][]cell, i int) []cell {
	if i < len(lines) {
		return lines[i]
	}
	return nil
}

func (o *overview) news() [][]cell {
	s, previous := o.sum, "none: this is the first one"
	if p := s.Previous; p != nil {
		previous = oneLine(p.ID) + ", due " + moment(p.Slot)
	}
	tasks := o.taskTable()
	return [][]cell{
		{across(4, labelled("Previous review")), across(8, words(previous))},
		news("New findings", s.Findings.ByState[audit.New], ""),
		news("Reopened findings", s.Findings.ByState[audit.Reopened], "resolved before, back again"),
		news("Open findings", s.Findings.ByState[audit.Open], "there before and still there"),
		news("Resolved findings", s.Findings.ByState[audit.Resolved], "there before, gone now"),
		news("New authorizations", s.Authorizations.New, "seen for the first time"),
		news("Gone authorizations", s.Authorizations.Gone, "no longer exist; not part of the population"),
		news("Missed slots", s.Missed, "before this one, that nobody reviewed"),
		news("To decide", tasks.rows, "rows of the sheet To do"),
		news("Decided", tasks.sum(0, func(of func(string) string) string { return "COUNTA(" + of("Decision") + ")" }), "of these, filled in by the reviewer"),
	}
}

func news(name string, n any, meaning string) []cell {
	return []cell{across(4, labelled(name)), across(2, figureOf(n)), across(6, words(meaning))}
}

func (o *overview) topOwners() [][]cell {
	const most = 9
	lines := [][]cell{{
		across(4, left("Owner")), across(2, left("State")), right("Tokens"), right("Write"), right("Critical"), right("High"), right("Medium"), right("Low"),
	}}
	owners := o.survey.owners()
	for _, h := range owners[:min(len(owners), most)] {
		lines = append(lines, topOwner(h))
	}
	return lines
}

func topOwner(h *holder) []cell {
	cells := []cell{across(4, words(oneLine(h.label()))), across(2, words(string(h.state))), number(h.tokens), number(h.write)}
	for _, sev := range audit.Severities() {
		c := number(h.findings[sev])
		if h.findings[sev] > 0 {
			c.look.word = string(sev)
		}
		cells = append(cells, c)
	}
	return cells
}

// label names a user that may have no name any more.
func (h *holder) label() string {
	switch {
	case h.name != "":
		return h.name
	case h.id != "":
		return "ID " + h.id
	}
	return "nobody"
}
