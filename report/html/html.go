// Package html writes a review as one page that needs nothing but itself: figures,
// charts, and tables of the worst findings and tokens that can be searched. Rows
// come in, and the template, the style and the script of this package make the page
// of them.
package html

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

const (
	File = "report.html"
	// mostRows bounds each table of the page; the CSV files have everything. That
	// both bounds are the same makes every finding shown one of a token shown.
	mostRows = 5000
)

//go:embed page.html.tmpl page.css page.js
var pageParts embed.FS

// Write writes one page that needs nothing but itself: styles and script are
// inside, and its own policy forbids it every request.
func Write(ctx context.Context, d *table.Draft) error {
	v, err := newView(ctx, d)
	if err != nil {
		return err
	}
	t, err := pageTemplate()
	if err != nil {
		return err
	}
	return d.File(File, func(w io.Writer) error { return v.write(w, t, d) })
}

func pageTemplate() (*template.Template, error) {
	funcs := template.FuncMap{
		"grouped": table.Grouped, "plural": table.Plural, "moment": table.Moment, "day": day, "line": table.OneLine, "long": long,
		"limit": table.Days, "stored": table.StoredWords, "ownerWords": ownerWords, "title": table.Capital, "join": strings.Join,
	}
	return template.New("page").Funcs(funcs).ParseFS(pageParts, "page.html.tmpl")
}

// write puts the data of the tokens between the two halves of the template: they
// come from a file and are as long as they are.
func (v *view) write(w io.Writer, t *template.Template, d *table.Draft) error {
	if err := t.ExecuteTemplate(w, "page", v); err != nil {
		return err
	}
	if err := v.data.write(w, d); err != nil {
		return err
	}
	return t.ExecuteTemplate(w, "end", v)
}

// pageText is a part of the page that is embedded in the program, so it is always there.
func pageText(name string) (string, error) {
	b, err := pageParts.ReadFile(name)
	return string(b), err
}

// security allows the page its own script and style, by their hashes, and nothing
// else: no request of any kind, no form, no frame.
func security(script, style string) string {
	return "default-src 'none'; script-src " + hashSource(script) + "; style-src " + hashSource(style) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
}

func hashSource(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

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

func newView(ctx context.Context, d *table.Draft) (*view, error) {
	c, err := chooseRows(ctx, d)
	if err != nil {
		return nil, err
	}
	v := &view{Summary: d.In.Summary, data: newPageData(d.In, d.Findings.Groups), Config: audit.Visible(d.In.Config, true)}
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

func (v *view) say(d *table.Draft, c *choice) {
	s := v.Summary
	v.Verdict, v.Alarm, v.CoverageWords = table.Verdict(s), table.Alarm(s), table.CoverageWords(s.Coverage.Verdict)
	v.FirstReasons, v.MoreReasons = head(linesOf(s.Coverage.Reasons), 5)
	v.Tiles, v.Changes = tiles(s), changeTiles(s)
	v.Bars = []barChart{severityChart(s), ownerChart(c.owners)}
	v.Trend = newTrend(append(slices.Clone(d.In.Trend), s.Point()))
	v.Todo = todos(d.Findings, d.In.Controls)
	v.Passed, v.Switched = quietChecks(s)
	v.CoverageOfTargets = targetViews(s.Coverage.Targets)
}

func (v *view) tables(ctx context.Context, d *table.Draft, c *choice) error {
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
