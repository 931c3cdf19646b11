package xlsx

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// writeAbout says how this review came to be: who ran what, with which settings, and
// how to check that nobody changed it since.
func (b *Workbook) writeAbout(context.Context) error {
	sheet, err := b.open(b.File, layout{name: sheetAbout, widths: []float64{20, 60, 10, 10, 14, 50}})
	if err != nil {
		return err
	}
	p, s := &page{sheet: sheet, columns: 6}, b.in.Summary
	p.wide(30, "About this review", look{role: title})
	p.section("Run")
	p.fact("Run", table.OneLine(s.ID))
	p.fact("Slot", table.Moment(s.Slot))
	p.fact("Schedule", cmp.Or(table.OneLine(s.Schedule), "not recorded"))
	p.fact("Basis", cmp.Or(audit.Line(s.Basis, 1000), "none is configured"))
	p.fact("Trigger", table.TriggerWords(s.Trigger))
	p.fact("Began", table.Moment(s.Started))
	p.fact("Lateness", table.LatenessWords(s))
	p.fact("Finished", table.Moment(s.Finished))
	p.fact("Missed slots", table.MissedWords(s.Missed))
	p.fact("Made by", strings.TrimSpace(s.Tool.Name+" "+s.Tool.Version))
	p.fact("Build", orNone(s.Tool.Build))
	p.fact("Host", orNone(table.OneLine(s.Tool.Host)))
	p.fact("Evidence URL", b.in.Settings().EvidenceURL)
	p.fact("Retention", cmp.Or(audit.Line(s.Retention, 1000), "not recorded"))
	for _, t := range s.Coverage.Targets {
		clock := cmp.Or(skew(t.ClockSkewSeconds), "no difference to the clock of the review was seen")
		if !t.ServerDate.IsZero() {
			clock = table.Moment(t.ServerDate) + ": " + clock
		}
		p.fact("Clock of "+table.OneLine(t.Target), clock)
		for _, c := range t.Credentials {
			of := table.OneLine(t.Target)
			if c.Of != audit.TheTarget {
				of += ", " + table.OneLine(c.Of)
			}
			words := c.Words()
			if !c.Accepted {
				words = cmp.Or(c.Answer, "not accepted")
			}
			p.fact("Credential of "+of, audit.Line(words, 1000))
		}
	}
	p.section("Policy")
	for _, change := range s.PolicyChanges {
		p.fact("Changed", change)
	}
	p.fact("SHA-256", orNone(s.Policy.SHA256))
	p.fact("Service users", orNone(strings.Join(s.Policy.ServiceUsers, ", ")))
	p.fact("Rotate after", audit.SpanWords(s.Policy.Policy().RotateAfter))
	p.fact("Inactive after", audit.SpanWords(s.Policy.Policy().InactiveAfter))
	if s.Policy.MaxAdmins > 0 {
		p.fact("Most admin tokens", audit.Number(s.Policy.MaxAdmins))
	}
	p.fact("Fix within", table.FixWithinWords(s.Policy))
	p.fact("Longest exception", b.in.Settings().MaxException)
	p.fact("Checks", "each with its severity: the sheet "+sheetChecks)
	p.section("How to verify")
	p.fact("Everything", "tokenaudit verify FOLDER, where FOLDER holds this file: hashes, signature, rows and the chain of reviews")
	p.fact("Hashes alone", "sha256sum -c SHA256SUMS")
	p.fact("Figures", "summary.json has the same ones; the sheet "+sheetCoverage+" compares them with the rows by live formulas")
	p.fact("Requests", "requests-TARGET.jsonl has each request with its time, status, rows and hash; reperform.sh asks again and compares")
	p.fact("Secrets", "none: the value of a token is never kept, and secrets are removed from the configuration below")
	p.requests(s.Coverage.Targets)
	p.section("Configuration, without secrets")
	if b.in.Config == "" {
		p.wide(16, "not recorded with this review", look{role: subtitle})
	}
	for line := range strings.Lines(b.in.Config) {
		p.wide(13, strings.TrimRight(line, " \r\n"), look{role: mono})
	}
	return p.end()
}

func (p *page) requests(all []audit.Coverage) {
	p.section("Requests")
	p.header(left("Target"), left("Request"), right("Status"), right("Rows"), left("Verdict"), left("Reason"))
	for _, t := range all {
		for _, q := range t.Asked {
			status := cell{look: look{kind: table.Integer}} // empty where no answer came
			if q.Status != 0 {
				status = number(q.Status)
			}
			answer := q.Reason // and what came back beside the rows
			if q.SHA256 != "" {
				answer = strings.TrimPrefix(answer+"; SHA-256 of the answer: "+q.SHA256, "; ")
			}
			p.flow(wrapped(t.Target, 1), wrapped(q.Request, 1), status, number(q.Rows), coloured(string(q.Verdict)), wrapped(answer, 1))
		}
	}
}

// writeControls maps every check of the policy to the controls that it relates to.
func (b *Workbook) writeControls(context.Context) error {
	const head = 3 // line of the header
	s, err := b.open(b.File, layout{name: sheetControls, widths: []float64{20, 32, 10, 10, 17, 10, 12, 52, 12, 42}, frozenRows: head})
	if err != nil {
		return err
	}
	p := &page{sheet: s, columns: 10}
	p.wide(30, "Controls that the checks relate to", look{role: title})
	p.wide(18, "A finding is evidence that bears on a control. It relates to the control; it does not say whether the control is met.", look{role: subtitle})
	p.header(left("Check"), left("What is wrong"), left("Severity"), right("Findings"), left("Framework"), left("Version"), left("Control"), left("What it asks for"), left("Strength"), left("Source"))
	for _, c := range b.in.Summary.Policy.Checks {
		relate := func(cells ...cell) {
			n := b.findings.count(b.currentOf(c.Check), test{"Check", "$" + p.at()}, unresolved, judged)
			what, found := audit.CheckOf(c.Check).Title, number(n)
			if !b.in.Summary.Applies(c.Check) {
				what, found = what+"\ndoes not apply to these products", words("does not apply")
			}
			if why := b.in.Summary.WhyNotJudged(c.Check); why != "" {
				what += "\nnot judged: " + why
				if b.currentOf(c.Check).all == 0 {
					found = words("not judged")
				}
			}
			p.flow(append([]cell{words(c.Check), wrapped(what, 1), b.severityOf(c), found}, cells...)...)
		}
		controls := b.in.Controls[c.Check]
		if len(controls) == 0 {
			relate(across(6, words("none mapped")))
		}
		for _, r := range controls {
			relate(wrapped(r.Framework, 1), wrapped(r.Version, 1), wrapped(r.ID, 1), wrapped(r.Title, 1), wrapped(r.Strength, 1), wrapped(r.Source, 1))
		}
	}
	return errors.Join(b.headed(s, head, p.columns), p.end())
}
