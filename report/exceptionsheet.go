package report

import (
	"cmp"
	"context"

	"tokenaudit/jobs/audit"
)

// exceptions are those that allow a finding of this review.
func (b *book) exceptions(context.Context) error {
	s, err := b.open(layout{name: sheetExceptions, widths: []float64{18, 20, 40, 18, 18, 16, 20, 14}, frozenRows: 3, paper: paperA4, pages: 1})
	if err != nil {
		return err
	}
	p := &page{sheet: s, columns: 8}
	p.wide(30, "Exceptions", look{role: title})
	p.wide(18, "Findings that somebody accepted, for a reason and until a date. They stay in every list and every count.", look{role: subtitle})
	p.header(left("Authorization ID"), left("Check"), left("Reason"), left("Requested by"), left("Approved by"), left("Ticket"), left("Expires (UTC)"), left("State"))
	for _, e := range b.survey.excepted {
		p.exception(e.authorization, e.Finding)
	}
	if len(b.survey.excepted) == 0 {
		p.wide(20, "None recorded.", look{})
	}
	return cmp.Or(p.err, s.Flush())
}

func (p *page) exception(authorization string, f audit.Finding) {
	a := f.Approval
	p.line(16, cell{value: authorization}, cell{value: f.Check}, cell{value: a.Reason, look: look{wrap: true}}, cell{value: a.Requested},
		cell{value: a.ApprovedBy}, cell{value: a.Ticket}, cell{value: a.Expires, look: look{kind: date}}, cell{value: string(f.State)})
}
