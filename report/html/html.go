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

const File = "report.html"

//go:embed page.html.tmpl page.css page.js
var pageParts embed.FS

// Page is a page in the making: it keeps the worst tokens as they go by.
type Page struct {
	staging  *table.Staging
	in       table.Input
	findings table.FindingCounts
	owners   map[audit.OwnerState]int
	tokens   *tokens
}

func New(s *table.Staging, in table.Input) (*Page, error) { return newPage(s, in, table.MostOnPage) }

func newPage(s *table.Staging, in table.Input, most int) (*Page, error) {
	kept, err := newTokens(s, in, most)
	if err != nil {
		return nil, err
	}
	return &Page{s, in, table.FindingCounts{}, map[audit.OwnerState]int{}, kept}, nil
}

func (p *Page) Add(r *table.Row) error {
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Reported(r.Now) {
			p.findings.Add(f)
		}
	}
	if r.Exists() {
		p.owners[r.Owner.State]++
	}
	return p.tokens.add(r)
}

// Finish writes one page that needs nothing but itself: styles and script are
// inside, and its own policy forbids it every request.
func (p *Page) Finish(ctx context.Context) ([]table.Shown, error) {
	v, shown, err := p.view(ctx)
	if err != nil {
		return nil, err
	}
	t, err := pageTemplate()
	if err != nil {
		return nil, err
	}
	return shown, p.staging.File(File, func(w io.Writer) error { return v.write(w, t, p.staging) })
}

func (p *Page) Close() error { return p.tokens.spool.Close() }

func pageTemplate() (*template.Template, error) {
	funcs := template.FuncMap{
		"grouped": table.Grouped, "plural": table.Plural, "moment": table.Moment, "day": day, "line": table.OneLine, "long": long,
		"limit": table.Days, "stored": table.StoredWords, "ownerWords": ownerWords, "title": table.Capital, "join": strings.Join,
	}
	return template.New("page").Funcs(funcs).ParseFS(pageParts, "page.html.tmpl")
}

// write puts the data of the tokens between the two halves of the template: they
// come from a file and are as long as they are.
func (v *view) write(w io.Writer, t *template.Template, d *table.Staging) error {
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

func (p *Page) view(ctx context.Context) (*view, []table.Shown, error) {
	s := p.in.Summary
	v := &view{Summary: s, data: newPageData(p.in, p.findings.Groups()), Config: audit.Visible(p.in.Config, true)}
	if err := v.inline(); err != nil {
		return nil, nil, err
	}
	v.Verdict, v.Alarm, v.CoverageWords = table.Verdict(s), table.Alarm(s), table.CoverageWords(s.Coverage.Verdict)
	v.FirstReasons, v.MoreReasons = head(linesOf(s.Coverage.Reasons), 5)
	v.Tiles, v.Changes = tiles(s), changeTiles(s)
	v.Bars = []barChart{severityChart(s), ownerChart(p.owners)}
	v.Trend = newTrend(append(slices.Clone(p.in.Trend), s.Point()))
	v.Todo = todos(p.findings, p.in.Controls)
	v.Passed, v.Switched = quietChecks(s)
	v.CoverageOfTargets = targetViews(s.Coverage.Targets)
	findings, authorizations, err := p.tokens.rows(ctx, p.staging, v.data)
	if err != nil {
		return nil, nil, err
	}
	shown := []table.Shown{
		{File: File, Table: "Findings", Rows: len(findings), Of: s.Findings.Total + s.Findings.ByState[audit.Resolved], AllIn: p.in.WholeIn(table.FindingsFile)},
		{File: File, Table: "Authorizations", Rows: len(authorizations), Of: s.Authorizations.Total + s.Authorizations.Gone, AllIn: p.in.WholeIn(table.AuthorizationsFile)},
	}
	v.Tables = []tableView{findingTable(findings, shown[0]), tokenTable(authorizations, shown[1])}
	return v, shown, nil
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
