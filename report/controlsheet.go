package report

import (
	"context"
	"errors"
	"fmt"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
)

const controlsWord = "A finding is evidence that bears on a control. It relates to the control; it does not say whether the control is met."

// controls maps every check of the policy to the controls that it relates to.
func (b *book) controls(context.Context) error {
	const head = 3
	s, err := b.open(layout{name: sheetControls, widths: []float64{20, 32, 10, 10, 17, 10, 12, 52, 12, 42}, frozenRows: head, paper: paperA4, pages: 1})
	if err != nil {
		return err
	}
	p := &page{sheet: s, columns: 10}
	p.wide(30, "Controls that the checks relate to", look{role: title})
	p.wide(18, controlsWord, look{role: subtitle})
	p.header(left("Check"), left("What is wrong"), left("Severity"), right("Findings"), left("Framework"), left("Version"), left("Control"), left("What it asks for"), left("Strength"), left("Source"))
	for _, c := range b.draft.in.Summary.Policy.Checks {
		b.related(p, c)
	}
	if p.err != nil {
		return p.err
	}
	return errors.Join(b.filterFrom(s, head, p.columns), s.Flush())
}

func (b *book) related(p *page, c audit.AppliedCheck) {
	controls := b.draft.in.Controls[c.Check]
	if len(controls) == 0 {
		p.flow(append(b.checkCells(p, c), across(6, words("none mapped")))...)
	}
	for _, r := range controls {
		p.flow(append(b.checkCells(p, c), wrapped(r.Framework, 1), wrapped(r.Version, 1), wrapped(r.ID, 1), wrapped(r.Title, 1), wrapped(r.Strength, 1), wrapped(r.Source, 1))...)
	}
}

func (b *book) checkCells(p *page, c audit.AppliedCheck) []cell {
	n := b.findingTable().count(b.survey.counts.Findings.ByCheck[c.Check], test{"Check", p.at(1)}, current)
	return []cell{words(c.Check), wrapped(audit.CheckOf(c.Check).Title, 1), b.severityOf(c), figureOf(n)}
}

// filterFrom lets the header in a line filter what is below, and prints the lines
// down to it on every page.
func (b *book) filterFrom(s *sheet, head, columns int) error {
	last, err := excelize.ColumnNumberToName(columns)
	if err != nil {
		return err
	}
	return errors.Join(
		b.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: s.name, RefersTo: fmt.Sprintf("'%s'!$%d:$%d", s.name, head, head)}),
		b.AutoFilter(s.name, fmt.Sprintf("A%d:%s%d", head, last, s.rows), nil),
	)
}
