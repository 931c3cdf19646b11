package report

import (
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

func (p *pageData) token(r *row) tokenView {
	v := tokenView{Name: audit.Line(r.Description, cellRunes), Server: r.IsServer(), Severity: r.Worst(), Status: oneLine(string(r.Status))}
	for _, c := range p.columns {
		v.Facts = append(v.Facts, long(display(c.value(r))))
	}
	for _, f := range r.Findings {
		if f.Reported(r.now) {
			v.Findings = append(v.Findings, findingNote{f.Check, f.Severity, f.State, moment(f.Since), long(f.Detail), approvalWords(f.Approval)})
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
	return long(words + ", until " + moment(a.Expires))
}

// grants puts the permissions together by resource, as the InfluxDB UI shows them.
func (p *pageData) grants(ps []audit.Permission) (out []grantView, hidden int) {
	actions, order := map[resourceView][]string{}, []resourceView{}
	for _, perm := range ps {
		res := resourceOf(perm.Resource)
		if actions[res] == nil {
			order = append(order, res)
		}
		if action := oneLine(perm.Action); !slices.Contains(actions[res], action) {
			actions[res] = append(actions[res], action)
		}
	}
	for _, res := range order[:min(len(order), mostGrants)] {
		out = append(out, grantView{p.shared(res), strings.Join(actions[res], ", ")})
	}
	return out, max(0, len(order)-mostGrants)
}

// shared is the number of a resource, as long as there are not too many.
func (p *pageData) shared(res resourceView) any {
	at, ok := p.known[res]
	switch {
	case ok:
		return at
	case len(p.resources) == mostResources:
		return res
	}
	p.known[res], p.resources = len(p.resources), append(p.resources, res)
	return p.known[res]
}

func resourceOf(r audit.Resource) resourceView {
	return resourceView{oneLine(r.Type), oneLine(which(r)), oneLine(where(r))}
}

func which(r audit.Resource) string {
	if r.ID == "" {
		return "all"
	}
	return named(r.Name, r.ID)
}

// where a permission holds: without an org and without one resource it is every org.
func where(r audit.Resource) string {
	switch {
	case r.OrgID != "":
		return named(r.Org, r.OrgID)
	case r.ID == "":
		return "every org"
	}
	return ""
}

func named(name, id string) string {
	if name == "" {
		return id
	}
	return name + " (" + id + ")"
}

// controlWords: a finding relates to a control; whether it is met is not said.
func controlWords(cs []audit.Control) []string {
	var out []string
	for _, c := range cs {
		out = append(out, audit.Line(strings.Join(strings.Fields(c.Framework+" "+c.Version+" "+c.ID), " ")+": "+c.Title+strength(c), 300))
	}
	return out
}

func strength(c audit.Control) string {
	if c.Strength == "" {
		return ""
	}
	return " (" + c.Strength + ")"
}
