package audit

import (
	"slices"
	"strings"
)

// Change is one field of an authorization that differs from the previous review.
type Change struct {
	Field string `json:"field"` // permissions, owner, org, status, description
	From  string `json:"from"`
	To    string `json:"to"`
}

// changes compares what is stored, not the names that the server looks up.
func changes(before, now Authorization) []Change {
	var out []Change
	note := func(field, from, to string) {
		if from != to {
			out = append(out, Change{field, from, to})
		}
	}
	if !slices.EqualFunc(before.Permissions, now.Permissions, sameGrant) {
		note("permissions", grants(before), grants(now))
	}
	note("owner", before.UserID, now.UserID)
	note("org", before.OrgID, now.OrgID)
	note("status", string(before.Status), string(now.Status))
	note("description", before.Description, now.Description)
	return out
}

// sameGrant leaves the names aside, as grants does.
func sameGrant(a, b Permission) bool {
	return a.Action == b.Action && a.Resource.Type == b.Resource.Type && a.Resource.ID == b.Resource.ID && a.Resource.OrgID == b.Resource.OrgID
}

// grants is the permissions in one order, whatever the order of the server.
func grants(a Authorization) string {
	var out []string
	for _, p := range a.Permissions {
		out = append(out, p.String())
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// changed finds the change of a field.
func (s *Subject) changed(field string) (Change, bool) {
	at := slices.IndexFunc(s.Changes, func(c Change) bool { return c.Field == field })
	if at < 0 {
		return Change{}, false
	}
	return s.Changes[at], true
}
