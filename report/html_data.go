package report

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"tokenaudit/jobs/audit"
)

const (
	tokensFile = "tokens.part" // in the draft only
	// Bounds of what one token shows, and of what the tokens share.
	mostGrants    = 1000
	mostResources = 20_000
)

// pageData is what the script of the page reads: the view of each token. Words
// that many tokens share are kept once.
type pageData struct {
	columns   []column
	known     map[resourceView]int
	resources []resourceView
	checks    map[string]checkView
}

// resourceView is what a permission speaks of: type, which one, and where.
type resourceView [3]string

type checkView struct {
	Title    string   `json:"title"`
	Why      string   `json:"why"`
	Fix      string   `json:"fix"`
	Controls []string `json:"controls,omitempty"`
}

// tokenView is one token; Facts stand in the order of the columns.
type tokenView struct {
	Name     string         `json:"name"`
	Server   bool           `json:"server,omitempty"`
	Severity audit.Severity `json:"severity,omitempty"`
	Status   string         `json:"status"`
	Facts    []string       `json:"facts"`
	Findings []findingNote  `json:"findings,omitempty"`
	Grants   []grantView    `json:"grants,omitempty"`
	Hidden   int            `json:"hidden,omitempty"` // grants beyond the bound
	Changes  []audit.Change `json:"changes,omitempty"`
}

type findingNote struct {
	Check    string             `json:"check"`
	Severity audit.Severity     `json:"severity"`
	State    audit.FindingState `json:"state"`
	Since    string             `json:"since"`
	Detail   string             `json:"detail,omitempty"`
	Approval string             `json:"approval,omitempty"`
}

// grantView is a resource, by its number or in full, and the actions on it.
type grantView [2]any

func newPageData(in Input, groups []group) *pageData {
	p := &pageData{known: map[resourceView]int{}, checks: map[string]checkView{}}
	for _, c := range authorizationColumns() {
		if !shownApart(c.name) {
			p.columns = append(p.columns, c)
		}
	}
	for _, g := range groups {
		c := audit.CheckOf(g.check)
		p.checks[g.check] = checkView{Title: long(c.Title), Why: c.Why, Fix: c.Fix, Controls: controlWords(in.Controls[g.check])}
	}
	return p
}

// shownApart: the view of a token has a place of its own for it.
func shownApart(name string) bool {
	return name == "permissions" || name == "findings" || name == "worst_severity"
}

// write writes the block of data: a line that all tokens share, then one for each.
// No markup can be in it, since the encoder escapes <, > and &.
func (p *pageData) write(w io.Writer, d *draft) error {
	if _, err := io.WriteString(w, `<script type="application/json" id="data">`); err != nil {
		return err
	}
	if err := p.lines(w, d); err != nil {
		return err
	}
	_, err := io.WriteString(w, "</script>\n")
	return err
}

func (p *pageData) lines(w io.Writer, d *draft) error {
	var headers []string
	for _, c := range p.columns {
		headers = append(headers, c.header)
	}
	enc := json.NewEncoder(w)
	if err := enc.Encode(map[string]any{"columns": headers, "checks": p.checks, "resources": p.resources}); err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(d.Path, tokensFile))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, bufio.NewReader(f))
	return err
}
