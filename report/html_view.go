package report

import (
	"context"
	"html/template"
	"slices"

	"tokenaudit/jobs/audit"
)

// view is what the template of the page shows. Everything in it is bounded,
// whatever the population.
type view struct {
	audit.Summary
	CSP               string
	Style             template.CSS
	Script            template.JS
	Verdict, Alarm    string
	CoverageWords     string
	FirstReasons      []string
	MoreReasons       int
	Tiles             []tileView
	Changes           []tileView
	Bars              []barChart
	Trend             trendChart
	Todo              []todoView
	Passed, Switched  []audit.Check
	Tables            []tableView
	CoverageOfTargets []targetView
	Config            string
	data              *pageData
}

func newView(ctx context.Context, d *draft) (*view, error) {
	c, err := chooseRows(ctx, d)
	if err != nil {
		return nil, err
	}
	v := &view{Summary: d.in.Summary, data: newPageData(d.in, d.findings.groups), Config: audit.Visible(d.in.Config, true)}
	if err := v.inline(); err != nil {
		return nil, err
	}
	v.say(d, c)
	return v, v.tables(ctx, d, c)
}

func (v *view) inline() error {
	style, err := pageText("page.css")
	if err != nil {
		return err
	}
	script, err := pageText("page.js")
	v.Style, v.Script, v.CSP = template.CSS(style), template.JS(script), security(script, style)
	return err
}

func (v *view) say(d *draft, c *choice) {
	s := v.Summary
	v.Verdict, v.Alarm, v.CoverageWords = verdict(s), alarm(s), coverageWords(s.Coverage.Verdict)
	v.FirstReasons, v.MoreReasons = head(linesOf(s.Coverage.Reasons), 5)
	v.Tiles, v.Changes = tiles(s), changeTiles(s)
	v.Bars = []barChart{severityChart(s), ownerChart(c.owners)}
	v.Trend = newTrend(append(slices.Clone(d.in.Trend), s.Point()))
	v.Todo = todos(d.findings, d.in.Controls)
	v.Passed, v.Switched = quietChecks(s)
	v.CoverageOfTargets = targetViews(s.Coverage.Targets)
}

func (v *view) tables(ctx context.Context, d *draft, c *choice) error {
	ts, err := gatherTokens(ctx, d, c, v.data)
	if err != nil {
		return err
	}
	fs, err := gatherFindings(ctx, d, ts)
	s := v.Summary
	v.Tables = []tableView{
		findingTable(fs, s.Findings.Total+s.Findings.ByState[audit.Resolved]),
		tokenTable(ts.rows, s.Authorizations.Total+s.Authorizations.Gone),
	}
	return err
}

// head is the beginning of a list, and how much it leaves out.
func head[T any](all []T, most int) ([]T, int) {
	n := min(len(all), most)
	return all[:n], len(all) - n
}

func linesOf(in []string) []string {
	var out []string
	for _, s := range in {
		out = append(out, audit.Line(s, 400))
	}
	return out
}
