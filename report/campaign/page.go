package campaign

import (
	"bytes"
	_ "embed"
	"html/template"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/html"
	"tokenaudit/report/table"
)

var (
	//go:embed page.html.tmpl
	pageTemplate string
	//go:embed page.css
	pageStyle string
)

const (
	mostBrief = 10 // lines of a list on the first page
	mostItems = table.MostOnPage
	mostWhy   = 4 // findings of a token
)

// pageView is what the template shows.
type pageView struct {
	*view
	Policy string
	Style  template.CSS
}

// Brief is the beginning of a list.
func (pageView) Brief(rows []row) []row { return rows[:min(len(rows), mostBrief)] }

// More is what Brief leaves out.
func (pageView) More(rows []row) int { return max(0, len(rows)-mostBrief) }

// MadeBy names the program that made the page.
func (v pageView) MadeBy() string {
	t := v.Made.Tool
	return joined(" ", t.Name, t.Version, t.Build)
}

// OnPage are the items that the page has: the first ones, which are what is to do.
func (v pageView) OnPage() []row { return v.Rows[:min(len(v.Rows), mostItems)] }

// page is report.html: it needs nothing but itself.
func (v *view) page() ([]byte, error) {
	t, err := template.New("page").Funcs(template.FuncMap{
		"grouped": audit.Number, "plural": audit.Plural, "day": day, "moment": table.Moment, "line": table.OneLine,
		"text": func(s string) string { return audit.Line(s, 400) },
		"why":  func(all []string) []string { return all[:min(len(all), mostWhy)] },
		"pace": PaceWords, "stamp": func(t time.Time) string { return t.Format(time.RFC3339) },
		"minus": func(a, b int) int { return a - b },
	}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	style := html.Style() + pageStyle
	var out bytes.Buffer
	err = t.Execute(&out, pageView{v, html.Policy(style), template.CSS(style)})
	return out.Bytes(), err
}
