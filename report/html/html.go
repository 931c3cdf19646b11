// Package html writes a review as one page that needs nothing but itself: figures,
// charts, and tables of the worst findings and tokens that can be searched. Rows
// come in, and the template, the style and the script of this package make the page
// of them.
package html

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

const File = "report.html"

var (
	//go:embed page.html.tmpl
	pageTemplate string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string
)

// Page is a page in the making: it counts the findings as they go by, and keeps the
// tokens with the worst ones, of equals the first. They wait in a file, since a token
// may be as large as it likes.
type Page struct {
	staging  *table.Staging
	in       table.Input
	most     int // rows of each table
	findings table.FindingCounts
	owners   map[audit.OwnerState]int
	worst    *table.Worst[rank, table.Place]
	spool    *table.Spool
}

func New(s *table.Staging, in table.Input) (*Page, error) { return newPage(s, in, table.MostOnPage) }

func newPage(s *table.Staging, in table.Input, most int) (*Page, error) {
	spool, err := table.NewSpool(s, "tokens.json")
	if err != nil {
		return nil, err
	}
	return &Page{
		staging: s, in: in, most: most, findings: table.FindingCounts{}, owners: map[audit.OwnerState]int{},
		worst: table.NewWorst[rank, table.Place](most, compareRanks), spool: spool,
	}, nil
}

func (p *Page) Add(r *table.Row) (err error) {
	first := rank{part: 2}
	for i := range r.Findings {
		f := &r.Findings[i]
		if !f.Reported(r.Now) {
			continue
		}
		p.findings.Add(f)
		if at := rankOf(*f); compareRanks(at, first) < 0 {
			first = at
		}
	}
	if r.Exists() {
		p.owners[r.Owner.State]++
	}
	p.worst.Offer(first, func() (at table.Place) {
		at, err = p.spool.Put(&r.Record)
		return at
	})
	return err
}

// Finish writes one page that needs nothing but itself: styles and script are
// inside, and its own policy forbids it every request.
func (p *Page) Finish(ctx context.Context, _ *audit.Highlights) ([]table.Shown, error) {
	data := newPageData(p.in, p.findings.Groups())
	findings, authorizations, err := p.rows(ctx, data)
	if err != nil {
		return nil, err
	}
	s := p.in.Summary
	shown := []table.Shown{
		{File: File, Table: "Findings", Rows: len(findings), Of: s.Findings.Total + s.Findings.ByState[audit.Resolved] + s.Findings.ByState[audit.NotJudged], AllIn: p.in.WholeIn(table.FindingsFile)},
		{File: File, Table: "Authorizations", Rows: len(authorizations), Of: s.Authorizations.Total + s.Authorizations.Gone, AllIn: p.in.WholeIn(table.AuthorizationsFile)},
	}
	v := p.view()
	v.Tables = []tableView{findingTable(findings, shown[0]), tokenTable(authorizations, shown[1])}
	t, err := template.New("").Funcs(template.FuncMap{
		"grouped": table.Grouped, "plural": table.Plural, "moment": table.Moment, "day": day, "line": table.OneLine, "long": long, "plain": plain,
		"reason": func(s string) string { return audit.Line(s, 400) }, "control": controlName, "web": func(s string) bool { return strings.HasPrefix(s, "https://") },
		"limit": table.Days, "premiseWords": table.PremiseWords, "policyWords": table.PolicyWords, "severities": table.SeverityWords, "join": strings.Join,
	}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	return shown, p.staging.File(File, func(w io.Writer) error {
		if err := t.ExecuteTemplate(w, "page", v); err != nil {
			return err
		}
		if err := data.write(w, p.staging); err != nil { // from a file, since they are as long as they are
			return err
		}
		return t.ExecuteTemplate(w, "end", v)
	})
}

func (p *Page) Close() error { return p.spool.Close() }

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
	Listed            int // as Hidden and Unseen, of all targets
	Hidden, Unseen    int
	Bars              []barChart
	Trend             trendChart
	Todo              []todoView
	Passed, Switched  []audit.Check
	Unjudged          []unjudgedView
	Tables            []tableView
	CoverageOfTargets []targetView
	GapsOfJob         []table.Gap
	AcceptedGaps      []string // the first ones, in a line each
	MoreAccepted      int
	Config            string
}

func (p *Page) view() *view {
	s := p.in.Summary
	v := &view{
		Summary: s, CSP: security(pageScript, pageStyle), Style: template.CSS(pageStyle), Script: template.JS(pageScript),
		Verdict: table.Verdict(s), Alarm: table.Alarm(s), CoverageWords: table.CoverageWords(s.Coverage),
		Bars: []barChart{severityChart(s), ownerChart(p.owners)}, Trend: newTrend(append(slices.Clone(p.in.Trend), s.Point())),
		Todo: todos(p.findings, p.in.Controls), CoverageOfTargets: targetViews(s.Coverage.Targets), Config: audit.Visible(p.in.Config, true),
	}
	for _, t := range s.Coverage.Targets {
		v.Listed, v.Hidden, v.Unseen = v.Listed+t.Listed, v.Hidden+t.Hidden, v.Unseen+t.Unseen
	}
	v.FirstReasons, v.MoreReasons = head(s.Coverage.Reasons, 5)
	v.GapsOfJob, _ = table.GapsOf(s.Coverage.Gaps)
	for _, g := range s.Coverage.Accepted() {
		v.AcceptedGaps = append(v.AcceptedGaps, strings.TrimPrefix(g.Target+": ", ": ")+g.ID+", "+g.Accepted.Words())
	}
	v.AcceptedGaps, v.MoreAccepted = head(v.AcceptedGaps, 5)
	v.Passed, v.Unjudged, v.Switched = quietChecks(s)
	return v
}

// Found is how many findings are in a state.
func (v *view) Found(state string) int { return v.Findings.ByState[audit.FindingState(state)] }

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
