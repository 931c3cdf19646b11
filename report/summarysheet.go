package report

import (
	"context"
	"fmt"
	"strings"

	"tokenaudit/jobs/audit"
)

// page is a sheet that is written section by section; the first error stays.
type page struct {
	*sheet
	columns int
	err     error
}

func (p *page) line(height float64, cells ...cell) {
	if p.err == nil {
		p.err = p.add(height, cells...)
	}
}

// wide is one text over all columns.
func (p *page) wide(height float64, text string, l look) {
	p.line(height, cell{value: text, look: l, over: p.columns})
}

func (p *page) section(title string) {
	p.line(12)
	p.wide(22, title, look{role: section})
}

// header fills the line: what the cells leave free is blank.
func (p *page) header(cells ...cell) {
	if free := p.columns - len(cells); free > 0 {
		cells = append(cells, cell{look: look{role: header}, over: free})
	}
	p.line(18, cells...)
}

func left(name string) cell { return cell{value: name, look: look{role: header}} }

// right heads a column of numbers.
func right(name string) cell { return cell{value: name, look: look{role: header, kind: integer}} }

// fact is a label and a text.
func (p *page) fact(name, text string) {
	p.line(16, cell{value: name, look: look{role: label}}, cell{value: text, over: p.columns - 1})
}

// count is a label, a number and what it means.
func (p *page) count(name string, n int, meaning string) {
	p.line(16, cell{value: name, look: look{role: label}}, number(n), cell{value: meaning, over: p.columns - 2})
}

func number(n int) cell { return cell{value: n, look: look{kind: integer}} }

func coloured(word string) cell { return cell{value: word, look: look{word: word}} }

func (b *book) summary(context.Context) error {
	s, err := b.open(layout{name: "Summary", widths: []float64{26, 12, 12, 12, 62}, paper: paperA4, pages: 1})
	if err != nil {
		return err
	}
	p := &page{sheet: s, columns: 5}
	sum := b.draft.in.Summary
	p.heading(sum)
	p.scope(sum)
	p.severities(sum)
	p.checks(b.draft.in.Summary, b.draft.findings)
	p.changes(sum)
	p.run(sum)
	if p.err != nil {
		return p.err
	}
	return s.Flush()
}

func (p *page) heading(s audit.Summary) {
	p.wide(30, "InfluxDB token review", look{role: title})
	p.wide(16, oneLine(s.Job)+", due "+moment(s.Slot), look{role: subtitle})
	p.line(8)
	p.wide(36, verdict(s), look{role: band, wrap: true, word: alarm(s)})
	p.wide(26, coverageWords(s.Coverage.Verdict), look{role: band, word: string(s.Coverage.Verdict)})
	p.reasons(s.Coverage.Reasons)
}

// reasons: the first few; all of them are on the sheet Coverage.
func (p *page) reasons(all []string) {
	const most = 10
	for _, reason := range all[:min(len(all), most)] {
		p.wide(16, audit.Line(reason, 200), look{})
	}
	if len(all) > most {
		p.wide(16, "and "+grouped(len(all)-most)+" more, see the sheet Coverage", look{})
	}
}

func (p *page) scope(s audit.Summary) {
	a, listed, hidden, unseen := s.Authorizations, 0, 0, 0
	var names []string
	for _, t := range s.Coverage.Targets {
		names = append(names, t.Target)
		listed, hidden, unseen = listed+t.Listed, hidden+t.Hidden, unseen+t.Unseen
	}
	p.section("Scope")
	p.count("Targets", len(names), audit.Line(strings.Join(names, ", "), 90))
	p.count("Authorizations", a.Total, "known to exist")
	p.count("  active", a.Active, "")
	p.count("  inactive", a.Inactive, "")
	p.count("  flagged", a.Flagged, "have at least one finding")
	p.count("Listed", listed, "shown by the list of authorizations")
	p.count("Hidden", hidden, "exist, though the list left them out")
	p.count("Unseen", unseen, "of earlier reviews, could not be asked for now; their findings stand")
}

func (p *page) severities(s audit.Summary) {
	p.section("Findings by severity")
	if s.Previous == nil {
		p.header(left("Severity"), right("Findings"))
	} else {
		p.header(left("Severity"), right("Findings"), right("Previous"), right("Change"))
	}
	before, total := 0, s.Findings.Total
	for _, sev := range audit.Severities() {
		p.compared(coloured(string(sev)), s.Findings.BySeverity[sev], s.Previous, previously(s.Previous, sev))
		before += previously(s.Previous, sev)
	}
	p.compared(cell{value: "Total", look: look{role: label}}, total, s.Previous, before)
}

func (p *page) compared(name cell, n int, previous *audit.Previous, before int) {
	if previous == nil {
		p.line(16, name, number(n), cell{over: p.columns - 2})
		return
	}
	p.line(16, name, number(n), number(before), cell{value: n - before, look: look{kind: change}}, cell{})
}

func previously(p *audit.Previous, sev audit.Severity) int {
	if p == nil {
		return 0
	}
	return p.BySeverity[sev]
}

// checks lists every check, those that found nothing and those that are off too:
// nothing found is a result, not judged is none.
func (p *page) checks(s audit.Summary, fs *findings) {
	p.section("Findings by check")
	p.header(left("Check"), left("Severity"), right("Findings"), right("New"), left("What is wrong"))
	for _, c := range s.Policy.Checks {
		n := number(s.Findings.ByCheck[c.Check])
		if c.Severity == audit.Off {
			n = cell{value: "off"}
		}
		p.line(16, cell{value: c.Check}, coloured(string(c.Severity)), n, number(fs.fresh(c)), cell{value: audit.CheckOf(c.Check).Title})
	}
}

func (p *page) changes(s audit.Summary) {
	p.section("Changes since the previous review")
	previous := "none"
	if s.Previous != nil {
		previous = oneLine(s.Previous.ID) + ", due " + moment(s.Previous.Slot)
	}
	p.fact("Previous review", previous)
	p.count("New findings", s.Findings.ByState[audit.New], "")
	p.count("Reopened findings", s.Findings.ByState[audit.Reopened], "resolved before, back again")
	p.count("Open findings", s.Findings.ByState[audit.Open], "there before and still there")
	p.count("Resolved findings", s.Findings.ByState[audit.Resolved], "there before, gone now; not part of the total")
	p.count("New authorizations", s.Authorizations.New, "seen for the first time")
	p.count("Gone authorizations", s.Authorizations.Gone, "no longer exist; not part of the population")
}

func (p *page) run(s audit.Summary) {
	p.section("This review")
	p.fact("Run", oneLine(s.ID))
	p.fact("Slot", moment(s.Slot))
	p.fact("Began", moment(s.Started)+" ("+string(s.Trigger)+")")
	p.fact("Finished", moment(s.Finished))
	p.count("Missed slots", s.Missed, "before this one, that nobody reviewed")
	p.fact("Service users", orNone(strings.Join(s.Policy.ServiceUsers, ", ")))
	p.fact("Limits", fmt.Sprintf("rotate after %s, inactive after %s", limit(s.Policy.RotateAfterDays), limit(s.Policy.InactiveAfterDays)))
	p.fact("Made by", strings.TrimSpace(s.Tool.Name+" "+s.Tool.Version+" "+s.Tool.Build))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return audit.Line(s, 200)
}

func limit(days int) string {
	if days == 0 {
		return "never"
	}
	return fmt.Sprintf("%d days", days)
}
