// Package html writes a review as one page that needs nothing but itself: what has to be
// known and decided, a table of the worst tokens that can be searched and filtered, and
// the view of each. Rows come in, and the template, the style and the script of this
// package make the page of them. Its words are in the template and in words.go.
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
	findings table.FindingCounts
	owners   map[audit.OwnerState]int
	worst    *table.Worst[rank, table.Place]
	spool    *table.Spool
}

func New(s *table.Staging, in table.Input) (*Page, error) {
	spool, err := table.NewSpool(s, "tokens.json")
	if err != nil {
		return nil, err
	}
	return &Page{
		staging: s, in: in, findings: table.FindingCounts{}, owners: map[audit.OwnerState]int{},
		worst: table.NewWorst[rank, table.Place](table.MostOnPage, compareRanks), spool: spool,
	}, nil
}

func (p *Page) Add(r *table.Row) (err error) {
	first := rank{part: noFinding}
	for i := range r.Findings {
		f := &r.Findings[i]
		if !f.Reported(r.Now) {
			continue
		}
		p.findings.Add(f)
		if at := rankOf(*f, r.Now); compareRanks(at, first) < 0 {
			first = at
		}
	}
	if r.Exists() {
		p.owners[r.Owner.State]++
	}
	if r.IsServer() && first.part == noFinding {
		return nil
	}
	p.worst.Offer(first, func() (at table.Place) {
		at, err = p.spool.Put(&r.Record)
		return at
	})
	return err
}

// Finish writes one page that needs nothing but itself: styles and script are
// inside, and its own policy forbids it every request.
func (p *Page) Finish(ctx context.Context, h *audit.Highlights) ([]table.Shown, error) {
	groups := p.findings.Groups()
	data, filters := newPageData(p.in, groups), newFilters(p.in.Summary, groups)
	rows, err := p.rows(ctx, data, filters)
	if err != nil {
		return nil, err
	}
	s := p.in.Summary
	shown := table.Shown{File: File, Table: "Tokens", Rows: len(rows), Of: p.worst.Seen(), AllIn: p.in.WholeIn(table.AuthorizationsFile)}
	v := p.view(h)
	v.Tokens = tokensView{Note: shownWords(shown), Rows: rows, Filters: filters, All: s.NeedsAction.Tokens+s.NeedsAction.Server == 0}
	if shown.Whole() {
		v.Tokens.Others = len(rows) - s.Authorizations.Total
	}
	t, err := template.New("").Funcs(template.FuncMap{
		"grouped": audit.Number, "plural": audit.Plural, "moment": table.Moment, "day": table.DayOf, "line": table.OneLine, "long": long, "plain": plain,
		"reason": func(s string) string { return audit.Line(s, 400) }, "control": controlName, "breaks": breaks, "web": func(s string) bool { return strings.HasPrefix(s, "https://") },
		"limit": audit.SpanWords, "trigger": table.TriggerWords, "missed": table.MissedWords, "lateness": table.LatenessWords, "fixWithin": table.FixWithinWords, "premiseWords": table.PremiseWords, "severities": table.SeverityWords, "join": strings.Join,
	}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	return []table.Shown{shown}, p.staging.File(File, func(w io.Writer) error {
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
	First             summaryView
	CSP               string
	Style             template.CSS
	Script            template.JS
	CoverageWords     string
	Listed            int // as Hidden and Unseen, of all targets
	Hidden, Unseen    int
	Bars              []barChart
	Trend             trendChart
	Checks            []checkSection
	Passed, Switched  []audit.Check
	Elsewhere         []audit.Check // for other products
	Unjudged          []unjudgedView
	Tokens            tokensView
	CoverageOfTargets []targetView
	GapsOfJob         []table.Gap
	Config            string
	Settings          table.Settings
}

// tokensView is the table of tokens.
type tokensView struct {
	Note    string
	Rows    []rowView
	Others  int // rows of what is not in the population
	Filters filters
	All     bool // shows all of them at first, as none needs action
}

func (p *Page) view(h *audit.Highlights) *view {
	s := p.in.Summary
	v := &view{
		Summary: s, First: p.summary(h), CSP: security(pageScript, pageStyle), Style: template.CSS(pageStyle), Script: template.JS(pageScript),
		CoverageWords: table.CoverageWords(s.Coverage),
		Bars:          []barChart{severityChart(s), ownerChart(p.owners)}, Trend: newTrend(append(slices.Clone(p.in.Trend), s.Point())),
		Checks: checkSections(p.findings, p.in.Controls), CoverageOfTargets: targetViews(s.Coverage.Targets), Config: audit.Visible(p.in.Config, true), Settings: p.in.Settings(),
	}
	for _, t := range s.Coverage.Targets {
		v.Listed, v.Hidden, v.Unseen = v.Listed+t.Listed, v.Hidden+t.Hidden, v.Unseen+t.Unseen
	}
	v.GapsOfJob, _ = table.GapsOf(s.Coverage.Gaps)
	v.Passed, v.Unjudged, v.Switched, v.Elsewhere = quietChecks(s)
	return v
}

// Found is how many findings are in a state.
func (v *view) Found(state string) int { return v.Findings.ByState[audit.FindingState(state)] }

// Style is the style of the page, for others that look the same: its tiles, cards, chips
// and tables, in light, dark and on paper.
func Style() string { return pageStyle }

// Policy allows a page without a script its own style, and no request of any kind.
func Policy(style string) string {
	return "default-src 'none'; style-src " + hashSource(style) + "; img-src data:; base-uri 'none'; form-action 'none'"
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
