package report

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/klauspost/compress/gzip"

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
}

// writeScript writes reperform.sh: everything from outside goes through quote.
func (s *sealer) writeScript(w io.Writer) error {
	lists, err := s.lists()
	if err != nil {
		return err
	}
	t, err := template.New(reperformFile).Funcs(template.FuncMap{"quote": quote}).Parse(reperformTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, map[string]any{"Run": s.pack.Summary.ID, "Lists": lists})
}

// quote makes one harmless word for a POSIX shell: on one line, nothing in it acts.
func quote(text string) string {
	return "'" + strings.ReplaceAll(audit.Visible(text, false), "'", `'\''`) + "'"
}

func (s *sealer) lists() ([]redo, error) {
	var out []redo
	for _, t := range s.pack.Summary.Coverage.Targets {
		for _, asked := range t.Asked {
			query, ok := strings.CutPrefix(asked.Request, listRequest)
			if !ok || query != "" && query[0] != '?' {
				continue
			}
			r := redo{Number: len(out) + 1, Target: t.Target, What: audit.Line(asked.What, 200), Rows: asked.Rows}
			if err := s.fill(&r, asked, query); err != nil {
				return nil, err
			}
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *sealer) fill(r *redo, asked audit.Asked, query string) error {
	base, err := url.Parse(s.pack.URLs[r.Target])
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
		return nil
	}
	base = base.JoinPath("/api/v2/authorizations")
	base.RawQuery = filter.Encode()
	r.URL = base.String()
	r.Writes, err = s.activeWriters(r.Target, filter)
	return err
}

// activeWriters counts, in the snapshot of a target, what jq counts in the list.
func (s *sealer) activeWriters(target string, filter url.Values) (int, error) {
	n := 0
	err := eachRecord(filepath.Join(s.dir, "snapshot-"+target+".jsonl.gz"), func(r audit.Record) {
		listed := r.Presence == audit.Listed && !r.Legacy && !r.IsServer()
		if listed && r.Status == audit.Active && inFilter(r, filter) && audit.AccessOf(r.Authorization).Writes > 0 {
			n++
		}
	})
	return n, err
}

func inFilter(r audit.Record, filter url.Values) bool {
	for key, value := range map[string]string{"userID": r.UserID, "user": r.User, "orgID": r.OrgID, "org": r.Org} {
		if filter.Has(key) && filter.Get(key) != value {
			return false
		}
	}
	return true
}

func eachRecord(path string, do func(audit.Record)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(bufio.NewReaderSize(f, 64<<10))
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	dec := json.NewDecoder(unzipped)
	for {
		var r audit.Record
		switch err := dec.Decode(&r); err {
		case nil:
			do(r)
		case io.EOF:
			return nil
		default:
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
}
