package report

import (
	"net/url"
	"slices"

	"tokenaudit/jobs/audit"
)

// countWriters counts, in the records of the run, what jq counts in the lists.
func (s *sealer) countWriters(lists []redo) error {
	if s.pack.Rows == nil || !slices.ContainsFunc(lists, func(r redo) bool { return r.Skip == "" }) {
		return nil
	}
	for r, err := range s.pack.Rows() {
		if err != nil {
			return err
		}
		if activeWriter(&r) {
			count(lists, &r)
		}
	}
	return nil
}

func count(lists []redo, r *audit.Record) {
	for i := range lists {
		if l := &lists[i]; l.Target == r.Target && l.Skip == "" && inFilter(r, l.filter) {
			l.Writes++
		}
	}
}

func activeWriter(r *audit.Record) bool {
	return r.Presence == audit.Listed && !r.Legacy && !r.IsServer() && r.Status == audit.Active &&
		slices.ContainsFunc(r.Permissions, func(p audit.Permission) bool { return p.Action == "write" })
}

func inFilter(r *audit.Record, filter url.Values) bool {
	for _, field := range [...]struct{ key, value string }{{"userID", r.UserID}, {"user", r.User}, {"orgID", r.OrgID}, {"org", r.Org}} {
		if filter.Has(field.key) && filter.Get(field.key) != field.value {
			return false
		}
	}
	return true
}
