package report

import (
	"net/url"
	"slices"

	"tokenaudit/jobs/audit"
)

// Writers are the lists that a run asked for, with the active write tokens in each,
// as reperform.sh counts them with jq. Meet counts, Seal writes down.
type Writers struct {
	lists []redo
	of    map[string][]*redo // of a target
}

// NewWriters counts nothing yet. The URLs are those of the targets, by name.
func NewWriters(s audit.Summary, urls map[string]string) *Writers {
	w := &Writers{listsOf(s, urls), map[string][]*redo{}}
	for i := range w.lists {
		l := &w.lists[i]
		w.of[l.Target] = append(w.of[l.Target], l)
	}
	return w
}

func (w *Writers) all() []redo {
	if w == nil {
		return nil
	}
	return w.lists
}

// Meet counts a record, if it is one to count.
func (w *Writers) Meet(r *audit.Record) {
	if w == nil || !activeWriter(r) {
		return
	}
	for _, l := range w.of[r.Target] {
		if l.Skip == "" && inFilter(r, l.filter) {
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
