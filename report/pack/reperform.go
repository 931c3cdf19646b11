package pack

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode/utf16"

	"tokenaudit/jobs/audit"
)

//go:embed reperform.sh.tmpl
var reperformTemplate string

// listRequest begins the request for a list of authorizations.
const listRequest = "GET /api/v2/authorizations"

// list is one to ask for again, and what the run got.
type list struct {
	Number       int
	Target, What string
	URL          string
	Kept         string // what of the answer is part of the review: fields of an authorization and their values, as JSON
	Narrowed     int    // 1 where Kept is less than what was asked for
	Rows         int
	Nobody       string // where InfluxDB OSS is asked for a user that does not exist; "" for others
	Credential   string // that the review asked with, in words
	Skip         string // why it cannot be asked for again
	ByHand       string // what to compare by hand instead, of a product that the script does not ask
}

// nobody is an ID that no user has.
const nobody = "0000000000000001"

// listsOf are the lists that a run asked for. The URLs are those of the targets, by name.
func listsOf(s audit.Summary, urls map[string]string) (all []list) {
	for _, t := range s.Coverage.Targets {
		for _, asked := range t.Asked {
			query, ok := strings.CutPrefix(asked.Request, listRequest)
			if !ok || query != "" && query[0] != '?' {
				continue
			}
			next := list{Number: len(all) + 1, Target: t.Target, What: audit.Line(asked.What, 200), Rows: asked.Rows}
			next.fill(urls[t.Target], asked, query)
			if strings.HasPrefix(t.Server, "InfluxDB OSS") && next.Skip == "" {
				next.Nobody = userURL(urls[t.Target])
			}
			next.Credential = "a credential that earlier versions do not name"
			for _, c := range t.Credentials {
				if c.Of == cmp.Or(asked.Credential, audit.TheTarget) {
					next.Credential = c.Words()
				}
			}
			all = append(all, next)
		}
		if command := listCommand(t.Product); command != "" {
			all = append(all, list{Number: len(all) + 1, Target: t.Target, What: "tokens of " + t.Product.Name(), ByHand: "this script does not ask " + t.Product.Name() + "; compare by hand what this shows: " + command})
		}
	}
	return all
}

// listCommand is what shows the tokens of a product that the script does not ask; "" for others.
func listCommand(p audit.Product) string {
	switch p {
	case audit.ProductCore, audit.ProductEnterprise:
		return "influxdb3 show tokens"
	case audit.ProductDedicated, audit.ProductClustered:
		return "influxctl token list"
	case audit.ProductV1:
		return "SHOW USERS, and SHOW GRANTS FOR each of them"
	}
	return ""
}

func (l *list) fill(address string, asked audit.Asked, query string) {
	base, err := url.Parse(address)
	filter, bad := url.ParseQuery(strings.TrimPrefix(query, "?"))
	kept, alsoBad := url.ParseQuery(asked.Kept)
	switch {
	case asked.Status != http.StatusOK || asked.Verdict == audit.NotKnown:
		l.Skip = "the review got no answer that it could rely on"
	case asked.Foreign > 0:
		l.Skip = "the answer has rows that were not requested, so it proves nothing"
	case err != nil || bad != nil || alsoBad != nil || base.Host == "" || base.User != nil:
		l.Skip = "its address is not known"
	default:
		base = base.JoinPath("/api/v2/authorizations")
		base.RawQuery = filter.Encode()
		l.URL = base.String()
		if asked.Kept != "" {
			filter, l.Narrowed = kept, 1
		}
		l.Kept = keptAs(filter)
	}
}

func userURL(address string) string {
	base, _ := url.Parse(address) // fill looked at it
	return base.JoinPath("/api/v2/users/" + nobody).String()
}

// keptAs is a query as JSON in ASCII, so that a shell and jq see the very names.
func keptAs(filter url.Values) string {
	values := map[string]string{}
	for _, key := range []string{"userID", "user", "orgID", "org"} {
		if filter.Has(key) {
			values[key] = filter.Get(key)
		}
	}
	text, _ := json.Marshal(values) // text always encodes
	var out strings.Builder
	for _, r := range string(text) {
		if r < 0x7f {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.String()
}

// Script is reperform.sh of a run: everything from outside goes through Quote. The URLs
// are those of the targets, by name.
func Script(s audit.Summary, urls map[string]string) ([]byte, error) {
	t, err := template.New(ReperformFile).Funcs(template.FuncMap{"quote": Quote}).Parse(reperformTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	lists := listsOf(s, urls)
	asks := len(lists) == 0 || slices.ContainsFunc(lists, func(l list) bool { return l.ByHand == "" })
	err = t.Execute(&out, map[string]any{"Run": s.ID, "Started": s.Started.UTC().Format(time.RFC3339), "Lists": lists, "Asks": asks})
	return out.Bytes(), err
}

// Quote makes one harmless word for a POSIX shell: on one line, nothing in it acts.
func Quote(text string) string {
	return "'" + strings.ReplaceAll(audit.Visible(text, false), "'", `'\''`) + "'"
}
