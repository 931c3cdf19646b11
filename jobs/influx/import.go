package influx

import (
	"fmt"
	"iter"
	"os"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/recovery"
)

// known reads the authorizations that the configuration imports, ascending by ID;
// nil if it imports none. The second value frees what the walk holds. An error
// names the file and the line, never what is in it.
func (c Config) known() (iter.Seq2[audit.Record, error], func(), error) {
	if c.Import == "" {
		return nil, func() {}, nil
	}
	f, err := os.Open(string(c.Import))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	list := &Sorted{}
	if err := recovery.Read(f, list.add); err != nil {
		list.Close()
		return nil, nil, fmt.Errorf("%s: %w", c.Import, err)
	}
	return c.unseen(list), list.Close, nil
}

// unseen makes records of what is known from elsewhere: nothing was seen of it yet.
func (c Config) unseen(list *Sorted) iter.Seq2[audit.Record, error] {
	const source = "in the output of influxd recovery auth list"
	return func(yield func(audit.Record, error) bool) {
		for a, err := range list.All() {
			r := audit.Record{
				Target: c.Name, Authorization: a, Presence: audit.Unseen, Evidence: source,
				Owner: audit.Owner{ID: a.UserID, Name: a.User, State: audit.OwnerUnknown, Evidence: source},
			}
			if !yield(r, err) {
				return
			}
		}
	}
}
