package pack

import (
	"bytes"
	_ "embed"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/template"

	"tokenaudit/jobs/audit"
)

//go:embed reperform.sh.tmpl
var reperformTemplate string

// listRequest begins the request for a list of authorizations.
const listRequest = "GET /api/v2/authorizations"

// Lists are the lists that a run asked for, with the active write tokens in each,
// as reperform.sh counts them with jq.
type Lists struct {
	all      []*list
	byTarget map[string][]*list
}

// list is one to ask for again, and what the run got.
type list struct {
	Number       int
	Target, What string
	URL          string
	Rows, Writes int
	Skip         string // why it cannot be asked for again
	filter       url.Values
}

// NewLists counts nothing yet. The URLs are those of the targets, by name.
func NewLists(s audit.Summary, urls map[string]string) *Lists {
	l := &Lists{byTarget: map[string][]*list{}}
	for _, t := range s.Coverage.Targets {
		for _, asked := range t.Asked {
			query, ok := strings.CutPrefix(asked.Request, listRequest)
			if !ok || query != "" && query[0] != '?' {
				continue
			}
			next := &list{Number: len(l.all) + 1, Target: t.Target, What: audit.Line(asked.What, 200), Rows: asked.Rows}
			next.fill(urls[t.Target], asked, query)
			l.all = append(l.all, next)
			l.byTarget[t.Target] = append(l.byTarget[t.Target], next)
		}
	}
	return l
}

func (l *list) fill(address string, asked audit.Asked, query string) {
	base, err := url.Parse(address)
	filter, bad := url.ParseQuery(strings.TrimPrefix(query, "?"))
	switch {
	case asked.Status != http.StatusOK || asked.Verdict == audit.NotKnown:
		l.Skip = "the review got no answer that it could rely on"
	case asked.Foreign > 0:
		l.Skip = "the answer held rows that were not asked for, so counts prove nothing"
	case err != nil || bad != nil || base.Host == "" || base.User != nil:
		l.Skip = "its address is not known"
	default:
		base = base.JoinPath("/api/v2/authorizations")
		base.RawQuery = filter.Encode()
		l.URL, l.filter = base.String(), filter
	}
}

// Count is given each record of the run once.
func (l *Lists) Count(r *audit.Record) {
	writes := r.Presence == audit.Listed && !r.Legacy && !r.IsServer() && r.Status == audit.Active &&
		slices.ContainsFunc(r.Permissions, func(p audit.Permission) bool { return p.Action == "write" })
	if !writes {
		return
	}
	for _, list := range l.byTarget[r.Target] {
		if list.Skip == "" && list.holds(r) {
			list.Writes++
		}
	}
}

func (l *list) holds(r *audit.Record) bool {
	for _, field := range [...]struct{ key, value string }{{"userID", r.UserID}, {"user", r.User}, {"orgID", r.OrgID}, {"org", r.Org}} {
		if l.filter.Has(field.key) && l.filter.Get(field.key) != field.value {
			return false
		}
	}
	return true
}

// Script is reperform.sh of a run: everything from outside goes through quote.
func (l *Lists) Script(run string) ([]byte, error) {
	t, err := template.New(ReperformFile).Funcs(template.FuncMap{"quote": quote}).Parse(reperformTemplate)
	if err != nil {
		return nil, err
	}
	var all []*list
	if l != nil {
		all = l.all
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{"Run": run, "Lists": all})
	return out.Bytes(), err
}

// quote makes one harmless word for a POSIX shell: on one line, nothing in it acts.
func quote(text string) string {
	return "'" + strings.ReplaceAll(audit.Visible(text, false), "'", `'\''`) + "'"
}
