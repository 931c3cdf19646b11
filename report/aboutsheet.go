package report

import (
	"context"
	"strings"

	"tokenaudit/jobs/audit"
)

// about says how this review came to be: who ran what, with which settings, and
// how to check that nobody changed it since.
func (b *book) about(context.Context) error {
	s, err := b.open(layout{name: sheetAbout, widths: []float64{20, 60, 10, 10, 14, 50}, paper: paperA4, pages: 1})
	if err != nil {
		return err
	}
	p, sum := &page{sheet: s, columns: 6}, b.draft.in.Summary
	p.wide(30, "About this review", look{role: title})
	p.run(sum)
	p.policy(sum.Policy)
	p.verification()
	p.requests(sum.Coverage.Targets)
	p.config(b.draft.in.Config)
	if p.err != nil {
		return p.err
	}
	return s.Flush()
}

func (p *page) run(s audit.Summary) {
	p.section("Run")
	p.fact("Run", oneLine(s.ID))
	p.fact("Slot", moment(s.Slot))
	p.fact("Trigger", string(s.Trigger))
	p.fact("Began", moment(s.Started))
	p.fact("Finished", moment(s.Finished))
	p.fact("Missed slots", grouped(s.Missed)+", before this one, that nobody reviewed")
	p.fact("Made by", strings.TrimSpace(s.Tool.Name+" "+s.Tool.Version))
	p.fact("Build", orNone(s.Tool.Build))
	for _, t := range s.Coverage.Targets {
		p.fact("Clock of "+oneLine(t.Target), clockWords(t))
	}
}

func clockWords(t audit.Coverage) string {
	if text := skew(t.ClockSkewSeconds); text != "" {
		return text
	}
	return "no difference to the clock of the review was seen"
}

func (p *page) policy(a audit.AppliedPolicy) {
	p.section("Policy")
	p.fact("Service users", orNone(strings.Join(a.ServiceUsers, ", ")))
	p.fact("Rotate after", limit(a.RotateAfterDays))
	p.fact("Inactive after", limit(a.InactiveAfterDays))
	p.fact("Checks", "each with its severity: sheets "+sheetSummary+" and "+sheetControls)
}

// verification names what comes with the workbook.
func (p *page) verification() {
	p.section("How to verify")
	p.fact("Everything", "tokenaudit verify FOLDER, where FOLDER holds this file: hashes, signature, rows and the chain of reviews")
	p.fact("Hashes alone", "sha256sum -c SHA256SUMS")
	p.fact("Figures", "summary.json has the same ones; the sheet "+sheetCoverage+" compares them with the rows by live formulas")
	p.fact("Secrets", "none: the value of a token is never kept, and secrets are taken out of the configuration below")
}

func (p *page) requests(all []audit.Coverage) {
	p.section("Requests")
	p.header(left("Target"), left("Request"), right("Status"), right("Rows"), left("Verdict"), left("Reason"))
	for _, t := range all {
		for _, q := range t.Asked {
			p.flow(wrapped(t.Target, 1), wrapped(q.Request, 1), status(q.Status), number(q.Rows), coloured(string(q.Verdict)), wrapped(answered(q), 1))
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

// config is one line a row, without the spaces of the end.
func (p *page) config(text string) {
	p.section("Configuration, without secrets")
	if text == "" {
		p.wide(16, "not recorded with this review", look{role: subtitle})
	}
	for line := range strings.Lines(text) {
		p.wide(13, strings.TrimRight(line, " \r\n"), look{role: mono})
	}
}

// answered is what came back beside the rows.
func answered(q audit.Asked) string {
	if q.SHA256 == "" {
		return q.Reason
	}
	return strings.TrimPrefix(q.Reason+"; SHA-256 of the answer: "+q.SHA256, "; ")
}
