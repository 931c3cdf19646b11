package report

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
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
	*book
	*page
	sum audit.Summary
}

func (b *book) summary(context.Context) error {
	s, err := b.open(layout{name: sheetSummary, widths: summaryWidths(), paper: paperA4, pages: 1, one: true})
	if err != nil {
		return err
	}
	o := &overview{book: b, page: &page{sheet: s, columns: summaryWidth}, sum: b.draft.in.Summary}
	o.heading()
	o.tiles()
	o.middle()
	o.bottom()
	if o.err != nil {
		return o.err
	}
	return errors.Join(b.printArea(s, summaryWidth), s.Flush())
}

func summaryWidths() []float64 {
	var widths []float64
	for range half {
		widths = append(widths, 8)
	}
	widths = append(append(widths, 2), widths...)
	return append(widths, 3, 13, 9, 9, 9, 9, 3, 14, 15, 3, 13, 9, 9, 9, 9)
}

func (b *book) printArea(s *sheet, columns int) error {
	last, _ := excelize.ColumnNumberToName(columns)
	return b.SetDefinedName(&excelize.DefinedName{
		Name: "_xlnm.Print_Area", Scope: s.name, RefersTo: "'" + s.name + "'!$A$1:$" + last + "$" + strconv.Itoa(s.rows),
	})
}

func (o *overview) heading() {
	s := o.sum
	o.wide(28, "InfluxDB token review", look{role: title})
	o.wide(16, oneLine(s.ID)+", due "+moment(s.Slot)+", finished "+moment(s.Finished), look{role: subtitle})
	o.line(4)
	o.wide(34, verdict(s), look{role: band, wrap: true, word: alarm(s)})
	o.wide(22, coverageWords(s.Coverage.Verdict), look{role: band, word: string(s.Coverage.Verdict)})
	o.reasons(s.Coverage.Reasons)
	o.strip("Scope", scopeWords(s))
	o.strip("Policy", policyWords(s.Policy))
}

// strip is a label and a text over the whole page.
func (o *overview) strip(name, text string) {
	o.flow(cell{value: name, look: look{role: label}, over: 2}, cell{value: text, look: look{wrap: true}, over: o.columns - 2})
}

// reasons: the first few; all of them are on the sheet Coverage.
func (o *overview) reasons(all []string) {
	const most = 3
	for _, reason := range all[:min(len(all), most)] {
		o.strip("Reason", audit.Line(reason, 300))
	}
	if len(all) > most {
		o.strip("", "and "+grouped(len(all)-most)+" more, see the sheet "+sheetCoverage)
	}
}

func scopeWords(s audit.Summary) string {
	const most = 6
	var names []string
	for _, t := range s.Coverage.Targets[:min(len(s.Coverage.Targets), most)] {
		names = append(names, strings.TrimSuffix(oneLine(t.Target)+" ("+oneLine(t.Server)+")", " ()"))
	}
	if more := len(s.Coverage.Targets) - most; more > 0 {
		names = append(names, "and "+grouped(more)+" more")
	}
	return plural(len(s.Coverage.Targets), "target") + strings.TrimSuffix(": "+strings.Join(names, ", "), ": ")
}

func policyWords(p audit.AppliedPolicy) string {
	return fmt.Sprintf("service users: %s; rotate after %s; inactive after %s",
		orNone(strings.Join(p.ServiceUsers, ", ")), limit(p.RotateAfterDays), limit(p.InactiveAfterDays))
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
	return plural(days, "day")
}
