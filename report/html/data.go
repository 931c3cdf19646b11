package html

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

const (
	tokensFile = "tokens.part" // in the staging folder only
	// Bounds of what one token shows, and of what the tokens share.
	mostGrants    = 1000
	mostResources = 20_000
)

// pageData is what the script of the page reads: the view of each token. Words
// that many tokens share are kept once.
type pageData struct {
	columns   []table.Column
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

func newPageData(in table.Input, groups []table.Group) *pageData {
	p := &pageData{known: map[resourceView]int{}, checks: map[string]checkView{}}
	for _, c := range table.AuthorizationColumns() {
		if c.Name != "permissions" && c.Name != "findings" && c.Name != "worst_severity" { // which have places of their own
			p.columns = append(p.columns, c)
		}
	}
	for _, g := range groups {
		c := audit.CheckOf(g.Check)
		v := checkView{Title: long(c.Title), Why: c.Why, Fix: c.Fix}
		for _, control := range in.Controls[g.Check] { // whether it is met is not said
			words := controlName(control) + ": " + control.Title
			if control.Strength != "" {
				words += " (" + control.Strength + ")"
			}
			v.Controls = append(v.Controls, audit.Line(words, 300))
		}
		p.checks[g.Check] = v
	}
	return p
}

// write writes the block of data: a line that all tokens share, then one for each.
// No markup can be in it, since the encoder escapes <, > and &.
func (p *pageData) write(w io.Writer, s *table.Staging) error {
	var headers []string
	for _, c := range p.columns {
		headers = append(headers, c.Header)
	}
	tokens, err := os.Open(filepath.Join(s.Path, tokensFile))
	if err != nil {
		return err
	}
	defer tokens.Close()
	if _, err := io.WriteString(w, `<script type="application/json" id="data">`); err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(map[string]any{"columns": headers, "checks": p.checks, "resources": p.resources}); err != nil {
		return err
	}
	if _, err := io.Copy(w, tokens); err != nil {
		return err
	}
	_, err = io.WriteString(w, "</script>\n")
	return err
}

func (p *pageData) token(r *table.Row) tokenView {
	v := tokenView{Name: audit.Line(r.Description, cellRunes), Server: r.IsServer(), Severity: r.Worst(), Status: table.OneLine(string(r.Status))}
	for _, c := range p.columns {
		v.Facts = append(v.Facts, long(display(c.Value(r))))
	}
	for _, f := range r.Findings {
		if f.Reported(r.Now) {
			v.Findings = append(v.Findings, findingNote{f.Check, f.Severity, f.State, table.Moment(f.Since), long(f.Detail), approvalWords(f.Approval)})
		}
	}
	for _, c := range r.Changes {
		v.Changes = append(v.Changes, audit.Change{Field: c.Field, From: long(c.From), To: long(c.To)})
	}
	v.Grants, v.Hidden = p.grants(r.Permissions)
	return v
}

// approvalWords say who allowed a finding, why and until when.
func approvalWords(a *audit.Approval) string {
	if a == nil {
		return ""
	}
	words := a.Reason + "; requested by " + a.Requested + ", approved by " + a.ApprovedBy
	if a.Ticket != "" {
		words += ", ticket " + a.Ticket
	}
	return long(words + ", until " + table.Moment(a.Expires))
}

// grants puts the permissions together by resource, as the InfluxDB UI shows them.
// A resource is given by its number among those that tokens share, as long as there
// are not too many.
func (p *pageData) grants(ps []audit.Permission) (out []grantView, hidden int) {
	actions, order := map[resourceView][]string{}, []resourceView{}
	for _, perm := range ps {
		res := resourceOf(perm.Resource)
		if actions[res] == nil {
			order = append(order, res)
		}
		if action := table.OneLine(perm.Action); !slices.Contains(actions[res], action) {
			actions[res] = append(actions[res], action)
		}
	}
	shown := min(len(order), mostGrants)
	for _, res := range order[:shown] {
		at, known := p.known[res]
		if !known && len(p.resources) < mostResources {
			at, known = len(p.resources), true
			p.known[res], p.resources = at, append(p.resources, res)
		}
		if words := strings.Join(actions[res], ", "); known {
			out = append(out, grantView{at, words})
		} else {
			out = append(out, grantView{res, words})
		}
	}
	return out, len(order) - shown
}

// resourceOf a permission: without an org and without one resource it is every org.
func resourceOf(r audit.Resource) resourceView {
	named := func(name, id string) string {
		if name == "" {
			return id
		}
		return name + " (" + id + ")"
	}
	which, where := "all", ""
	if r.ID != "" {
		which = named(r.Name, r.ID)
	}
	switch {
	case r.OrgID != "":
		where = named(r.Org, r.OrgID)
	case r.ID == "":
		where = "every org"
	}
	return resourceView{table.OneLine(r.Type), table.OneLine(which), table.OneLine(where)}
}
