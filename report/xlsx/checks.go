package xlsx

import (
	"context"
	"errors"
	"fmt"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// writeChecks has every check of the policy, those that found nothing and those that are
// off too: nothing found is a result, not judged is none.
func (b *Workbook) writeChecks(context.Context) error {
	const head = 3 // line of the header
	s, err := b.open(b.File, layout{name: sheetChecks, widths: []float64{20, 26, 10, 13, 10, 10, 8, 12, 12, 42, 42}, frozenCols: 2, frozenRows: head})
	if err != nil {
		return err
	}
	p := &page{sheet: s, columns: 11}
	p.wide(30, "Checks", look{role: title})
	p.wide(18, "Why each matters and how to fix it. Findings are live counts of the sheet Findings; a check leads to its first one.", look{role: subtitle})
	p.header(left("Check"), left("What is wrong"), left("Severity"), right("Need action"), right("Overdue"), right("Findings"), right("New"), left("Oldest"), left("Due"), left("Why it matters"), left("How to fix it"))
	for _, c := range b.in.Summary.Policy.Checks {
		p.flow(b.checkCells(p, c)...)
	}
	return errors.Join(b.headed(s, head, p.columns), p.end())
}

func (b *Workbook) checkCells(p *page, c audit.AppliedCheck) []cell {
	known := audit.CheckOf(c.Check)
	id, name := test{"Check", "$" + p.at()}, wrapped(c.Check, 1)
	if line := b.firstOf[table.Group{Severity: c.Severity, Check: c.Check}]; line > 0 && p.err == nil {
		name.look.kind = table.Reference
		p.err = b.SetCellHyperLink(p.name, p.at(), fmt.Sprintf("'%s'!A%d", sheetFindings, line), "Location")
	}
	cells := []cell{name, wrapped(known.Title, 1), b.severityOf(c)}
	why := b.in.Summary.WhyNotJudged(c.Check)
	switch {
	case c.Severity == audit.Off:
		cells = append(cells, across(6, words("off")))
	case !b.in.Summary.Applies(c.Check):
		cells = append(cells, across(6, words("does not apply to these products")))
	case why != "" && b.currentOf(c.Check).all == 0:
		cells = append(cells, wrapped("not judged: "+why, 6))
	default:
		fresh := b.foundOf(func(g table.Group, s audit.FindingState) bool { return g.Check == c.Check && s == audit.New })
		a := b.in.Summary.NeedsAction.ByCheck[c.Check]
		cells = append(cells, number(a.Tokens), number(a.Overdue),
			number(b.findings.count(b.currentOf(c.Check), id, unresolved, judged)), number(b.findings.count(fresh, id, is("State", "new"))),
			day(a.Oldest), day(a.Due))
	}
	return append(cells, wrapped(known.Why, 1), wrapped(known.Fix, 1))
}

// severityOf a check has its colour only where something was found.
func (b *Workbook) severityOf(c audit.AppliedCheck) cell {
	if b.currentOf(c.Check).all == 0 {
		return words(string(c.Severity))
	}
	return coloured(string(c.Severity))
}

// headed has a sheet filter by its header, and print it on every page.
func (b *Workbook) headed(s *sheet, head, columns int) error {
	last, _ := excelize.ColumnNumberToName(columns)
	return errors.Join(
		b.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: s.name, RefersTo: fmt.Sprintf("'%s'!$%d:$%d", s.name, head, head)}),
		b.AutoFilter(s.name, fmt.Sprintf("A%d:%s%d", head, last, s.rows), nil),
	)
}

// noteOf explains a check to whoever points at a cell that names it.
func (b *Workbook) noteOf(check, sheet, cell string) error {
	c := audit.CheckOf(check)
	if c.Why == "" {
		return nil
	}
	font := &excelize.Font{Family: fontFamily, Size: 9}
	bold := &excelize.Font{Family: fontFamily, Size: 9, Bold: true}
	return b.AddComment(sheet, excelize.Comment{
		Cell: cell, Author: "tokenaudit", Width: 330, Height: 130,
		Paragraph: []excelize.RichTextRun{
			{Text: "Why it matters: ", Font: bold}, {Text: c.Why + "\n", Font: font}, {Text: "How to fix it: ", Font: bold}, {Text: c.Fix, Font: font},
		},
	})
}
