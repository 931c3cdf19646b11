package report

import (
	_ "embed"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/template"

	"tokenaudit/jobs/audit"
)

//go:embed reperform.sh.tmpl
var reperformTemplate string

// listRequest begins the request for a list of authorizations.
const listRequest = "GET /api/v2/authorizations"

// redo is one list to ask for again, and what the run got.
type redo struct {
	Number       int
	Target, What string
	URL          string
	Rows, Writes int
	Skip         string // why it cannot be asked for again
	filter       url.Values
}

// writeScript writes reperform.sh: everything from outside goes through quote.
func (s *sealer) writeScript(w io.Writer) error {
	t, err := template.New(reperformFile).Funcs(template.FuncMap{"quote": quote}).Parse(reperformTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, map[string]any{"Run": s.pack.Summary.ID, "Lists": s.pack.Writers.all()})
}

// quote makes one harmless word for a POSIX shell: on one line, nothing in it acts.
func quote(text string) string {
	return "'" + strings.ReplaceAll(audit.Visible(text, false), "'", `'\''`) + "'"
}

func listsOf(s audit.Summary, urls map[string]string) []redo {
	var out []redo
	for _, t := range s.Coverage.Targets {
		for _, asked := range t.Asked {
			query, ok := strings.CutPrefix(asked.Request, listRequest)
			if !ok || query != "" && query[0] != '?' {
				continue
			}
			r := redo{Number: len(out) + 1, Target: t.Target, What: audit.Line(asked.What, 200), Rows: asked.Rows}
			r.fill(urls[t.Target], asked, query)
			out = append(out, r)
		}
	}
	return out
}

func (r *redo) fill(address string, asked audit.Asked, query string) {
	base, err := url.Parse(address)
	filter, bad := url.ParseQuery(strings.TrimPrefix(query, "?"))
	switch {
	case asked.Status != http.StatusOK || asked.Verdict == audit.NotKnown:
		r.Skip = "the review got no answer that it could rely on"
	case asked.Foreign > 0:
		r.Skip = "the answer held rows that were not asked for, so counts prove nothing"
	case err != nil || bad != nil || base.Host == "" || base.User != nil:
		r.Skip = "its address is not known"
	}
	if r.Skip != "" {
		return
	}
	base = base.JoinPath("/api/v2/authorizations")
	base.RawQuery = filter.Encode()
	r.URL, r.filter = base.String(), filter
}
