package html

import (
	"cmp"
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
	facts, more []fact
	known       map[resourceView]int
	resources   []resourceView
	checks      map[string]checkView
}

// fact is a field of a token, in the words of the CSV files.
type fact struct {
	header string
	value  func(*table.Row) string
}

// resourceView is what a permission speaks of: type, which one, and where.
type resourceView [3]string

type checkView struct {
	Title    string   `json:"title"`
	Why      string   `json:"why"`
	Fix      string   `json:"fix"`
	Controls []string `json:"controls,omitempty"`
}

// tokenView is one token; Facts and More stand in the order of their names.
type tokenView struct {
	Name     string         `json:"name"`
	ID       string         `json:"id"`
	Target   string         `json:"target"`
	Server   bool           `json:"server,omitempty"`
	Severity audit.Severity `json:"severity,omitempty"`
	Status   string         `json:"status"`
	Action   bool           `json:"action,omitempty"`
	Overdue  bool           `json:"overdue,omitempty"`
	Facts    []string       `json:"facts"`
	More     []string       `json:"more"`
	Findings []findingNote  `json:"findings,omitempty"`
	Grants   []grantView    `json:"grants,omitempty"`
	Hidden   int            `json:"hidden,omitempty"` // grants beyond the bound
	Changes  []audit.Change `json:"changes,omitempty"`
}

type findingNote struct {
	Check    string             `json:"check"`
	Words    string             `json:"words,omitempty"` // its place in checks, if it is not the check
	Severity audit.Severity     `json:"severity"`
	State    audit.FindingState `json:"state"`
	Since    string             `json:"since"`
	Due      string             `json:"due,omitempty"`
	Overdue  bool               `json:"overdue,omitempty"`
	Detail   string             `json:"detail,omitempty"`
	Approval string             `json:"approval,omitempty"`
	Command  string             `json:"command,omitempty"`
}

// grantView is a resource, by its number or in full, and the actions on it.
type grantView [2]any

func newPageData(in table.Input, groups []table.Group) *pageData {
	p := &pageData{known: map[resourceView]int{}, checks: map[string]checkView{}}
	p.facts, p.more = facts(in)
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

// facts are those that come first, and all others. Findings and permissions have places
// of their own.
func facts(in table.Input) (first, others []fact) {
	known := map[string]fact{}
	var names []string
	for _, c := range table.AuthorizationColumns() {
		if !in.Shows(c.Name) {
			continue
		}
		known[c.Name] = fact{c.Header, func(r *table.Row) string { return long(display(c.Value(r))) }}
		names = append(names, c.Name)
	}
	known["may_write"] = fact{known["may_write"].header, func(r *table.Row) string { return long(scopeOf(r)) }}
	order := []string{
		"may_write", "class", "status_now", "expires", "revoked", "secret_replaced", "owner", "owner_state", "owner_evidence", "responsible", "team", "purpose",
		"target", "product", "org", "created", "age_days", "updated", "first_seen", "last_seen",
	}
	for _, name := range order {
		if f, shown := known[name]; shown {
			first = append(first, f)
		}
	}
	elsewhere := append(order, "status", "permissions", "findings", "worst_severity", "description", "authorization_id", "needs_action", "due", "overdue")
	for _, name := range names {
		if !slices.Contains(elsewhere, name) {
			others = append(others, known[name])
		}
	}
	return first, others
}

// write writes the block of data: a line that all tokens share, then one for each.
// No markup can be in it, since the encoder escapes <, > and &.
func (p *pageData) write(w io.Writer, s *table.Staging) error {
	tokens, err := os.Open(filepath.Join(s.Path, tokensFile))
	if err != nil {
		return err
	}
	defer tokens.Close()
	if _, err := io.WriteString(w, `<script type="application/json" id="data">`); err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(map[string]any{"facts": headers(p.facts), "more": headers(p.more), "checks": p.checks, "resources": p.resources}); err != nil {
		return err
	}
	if _, err := io.Copy(w, tokens); err != nil {
		return err
	}
	_, err = io.WriteString(w, "</script>\n")
	return err
}

func headers(facts []fact) []string {
	var out []string
	for _, f := range facts {
		out = append(out, f.header)
	}
	return out
}

func (p *pageData) token(r *table.Row) tokenView {
	v := tokenView{
		Name: audit.Line(r.Description, nameRunes), ID: table.OneLine(r.ID), Target: table.OneLine(r.Target), Server: r.IsServer(),
		Severity: r.Worst(), Status: table.OneLine(string(r.StatusAt(r.Now))),
	}
	for _, f := range p.facts {
		v.Facts = append(v.Facts, f.value(r))
	}
	for _, f := range p.more {
		v.More = append(v.More, f.value(r))
	}
	told := map[string]bool{} // commands
	for _, f := range reported(r) {
		note := findingNote{
			Check: f.Check, Severity: f.Severity, State: f.State, Since: table.DayOf(f.Since), Due: table.DayOf(f.Due), Overdue: f.Overdue(r.Now),
			Detail: long(f.Detail), Approval: approvalWords(f.Approval), Command: audit.Command(&r.Record, f),
		}
		c := audit.CheckOf(f.Check)
		if on := c.On(r.Product); on.Title+on.Why+on.Fix != c.Title+c.Why+c.Fix {
			note.Words = f.Check + "/" + string(r.Product)
			p.checks[note.Words] = checkView{Title: long(on.Title), Why: on.Why, Fix: on.Fix}
		}
		if told[note.Command] {
			note.Command = ""
		}
		told[note.Command] = true
		v.Action, v.Overdue = v.Action || f.NeedsAction(r.Now), v.Overdue || note.Overdue
		v.Findings = append(v.Findings, note)
	}
	for _, c := range r.Changes {
		v.Changes = append(v.Changes, audit.Change{Field: c.Field, From: long(c.From), To: long(c.To)})
	}
	v.Grants, v.Hidden = p.grants(r.Product, r.Permissions)
	return v
}

// grants puts the permissions together by resource, as the InfluxDB UI shows them.
// A resource is given by its number among those that tokens share, as long as there
// are not too many.
func (p *pageData) grants(of audit.Product, ps []audit.Permission) (out []grantView, hidden int) {
	actions, order := map[resourceView][]string{}, []resourceView{}
	for _, perm := range ps {
		res := resourceOf(of, perm.Resource)
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

// resourceOf a permission: without an org and without one resource it is every org. Products
// after InfluxDB 2 have databases, and no orgs.
func resourceOf(of audit.Product, r audit.Resource) resourceView {
	if !of.V2() {
		kind, which := cmp.Or(map[string]string{"buckets": "database", "instance": "server"}[r.Type], table.OneLine(r.Type)), cmp.Or(table.OneLine(r.ID), "all")
		if r.Type == "buckets" && r.ID != "" && r.Name == "" {
			which += " (does not exist)"
		}
		return resourceView{kind, which, of.Name()}
	}
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
