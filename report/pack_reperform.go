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
	filter       url.Values
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
			s.fill(&r, asked, query)
			out = append(out, r)
		}
	}
	return out, s.countWriters(out)
}

func (s *sealer) fill(r *redo, asked audit.Asked, query string) {
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
		return
	}
	base = base.JoinPath("/api/v2/authorizations")
	base.RawQuery = filter.Encode()
	r.URL, r.filter = base.String(), filter
}

// countWriters counts, in the snapshots of the targets, what jq counts in the lists:
// each snapshot is read once, however many lists were asked for.
func (s *sealer) countWriters(lists []redo) error {
	for _, t := range s.pack.Summary.Coverage.Targets {
		var of []*redo
		for i := range lists {
			if r := &lists[i]; r.Target == t.Target && r.Skip == "" {
				of = append(of, r)
			}
		}
		if of == nil {
			continue
		}
		err := eachRecord(filepath.Join(s.dir, "snapshot-"+t.Target+".jsonl.gz"), func(r *heldAuthorization) { count(of, r) })
		if err != nil {
			return err
		}
	}
	return nil
}

func count(lists []*redo, r *heldAuthorization) {
	if !r.activeWriter() {
		return
	}
	for _, l := range lists {
		if inFilter(r, l.filter) {
			l.Writes++
		}
	}
}

// heldAuthorization is what reperforming looks at in a snapshot.
type heldAuthorization struct {
	ID          string         `json:"id"`
	OrgID       string         `json:"orgID"`
	Org         string         `json:"org"`
	UserID      string         `json:"userID"`
	User        string         `json:"user"`
	Status      audit.Status   `json:"status"`
	Presence    audit.Presence `json:"presence"`
	Legacy      bool           `json:"legacy"`
	Permissions []struct {
		Action string `json:"action"`
	} `json:"permissions"`
}

func (h *heldAuthorization) activeWriter() bool {
	if h.Presence != audit.Listed || h.Legacy || h.ID == audit.ServerID || h.Status != audit.Active {
		return false
	}
	for _, p := range h.Permissions {
		if p.Action == "write" {
			return true
		}
	}
	return false
}

func inFilter(r *heldAuthorization, filter url.Values) bool {
	for key, value := range map[string]string{"userID": r.UserID, "user": r.User, "orgID": r.OrgID, "org": r.Org} {
		if filter.Has(key) && filter.Get(key) != value {
			return false
		}
	}
	return true
}

func eachRecord(path string, do func(*heldAuthorization)) error {
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
		var r heldAuthorization
		switch err := dec.Decode(&r); err {
		case nil:
			do(&r)
		case io.EOF:
			return nil
		default:
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
}
