package report

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

// coverage says of every target how much of it was seen, and what was asked to
// find that out.
func (b *book) coverage(context.Context) error {
	s, err := b.open(layout{name: "Coverage", widths: []float64{18, 34, 11, 9, 9, 9, 44, 48}, paper: paperA4, pages: 1})
	if err != nil {
		return err
	}
	p := &page{sheet: s, columns: 8}
	total := b.draft.in.Summary.Coverage
	p.wide(30, "Coverage", look{role: title})
	p.wide(26, coverageWords(total.Verdict), look{role: band, word: string(total.Verdict)})
	p.targets(total.Targets)
	p.questions(total.Targets)
	if p.err != nil {
		return p.err
	}
	return s.Flush()
}

func (p *page) targets(all []audit.Coverage) {
	p.section("Targets")
	p.header(left("Target"), left("Server"), left("Verdict"), right("Listed"), right("Hidden"), right("Unseen"), left("Reasons and blind spots"))
	for _, t := range all {
		reasons := slices.Concat(t.Reasons, prefixed("Stored by its own count: ", stored(t.Stored)), prefixed("Blind spot: ", t.BlindSpots))
		p.line(lines(len(reasons)), cell{value: t.Target}, cell{value: t.Server}, coloured(string(t.Verdict)),
			number(t.Listed), number(t.Hidden), number(t.Unseen),
			cell{value: strings.Join(reasons, "\n"), look: look{wrap: true}, over: 2})
	}
}

func prefixed(prefix string, in []string) []string {
	var out []string
	for _, s := range in {
		out = append(out, prefix+s)
	}
	return out
}

func stored(s *audit.Stored) []string {
	if s == nil {
		return nil
	}
	return []string{fmt.Sprintf("%d authorizations, %d users, %d orgs", s.Authorizations, s.Users, s.Orgs)}
}

func (p *page) questions(all []audit.Coverage) {
	p.section("Questions asked")
	p.header(left("Target"), left("What"), left("Verdict"), right("Status"), right("Rows"), right("Foreign"), left("Reason"), left("Request"))
	for _, t := range all {
		for _, q := range t.Asked {
			p.line(16, cell{value: t.Target}, cell{value: q.What}, coloured(string(q.Verdict)),
				status(q.Status), number(q.Rows), number(q.Foreign), cell{value: q.Reason}, cell{value: q.Request})
		}
	}
}

// status is empty where no answer came.
func status(code int) cell {
	if code == 0 {
		return cell{look: look{kind: integer}}
	}
	return number(code)
}

// lines is the height of n lines, within reason.
func lines(n int) float64 { return 16 + 13*float64(min(max(n, 1), 12)-1) }
