package html

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// choice picks the records that the page shows: those with the worst findings,
// and of equals the first. It counts in one walk and picks in a second, so that
// it holds a few numbers instead of the records.
type choice struct {
	groups map[table.Group]int
	free   []int // by rank, how many may still be picked
	owners map[audit.OwnerState]int
	at     time.Time // of the review
}

func chooseRows(ctx context.Context, d *table.Draft) (*choice, error) {
	c := &choice{groups: map[table.Group]int{}, owners: map[audit.OwnerState]int{}, at: d.In.Summary.Started}
	for i, g := range d.Findings.Groups {
		c.groups[g] = i
	}
	c.free = make([]int, 2*len(c.groups)+1)
	for r, err := range d.Records(ctx) {
		if err != nil {
			return nil, err
		}
		c.count(r)
	}
	c.share(mostRows)
	return c, nil
}

func (c *choice) count(r audit.Record) {
	c.free[c.rank(r)]++
	if r.Exists() {
		c.owners[r.Owner.State]++
	}
}

// share gives the places to the ranks, worst first.
func (c *choice) share(places int) {
	for i, n := range c.free {
		c.free[i] = min(n, places)
		places -= c.free[i]
	}
}

// rank is the place of the worst finding in the table of findings: current ones by
// severity and check, then resolved ones; without findings it is the last.
func (c *choice) rank(r audit.Record) int {
	worst := 2 * len(c.groups)
	for _, f := range r.Findings {
		if !f.Reported(c.at) {
			continue
		}
		at := c.groups[table.Group{Severity: f.Severity, Check: f.Check}]
		if !f.Current() {
			at += len(c.groups)
		}
		worst = min(worst, at)
	}
	return worst
}

func (c *choice) pick(rank int) bool {
	if c.free[rank] == 0 {
		return false
	}
	c.free[rank]--
	return true
}

func tokenColumns() []columnView {
	return bound([]columnView{
		{Header: "Worst", main: "worst_severity", chip: true},
		{Header: "Token", main: "description", sub: "authorization_id", open: true},
		{Header: "Owner", main: "owner", sub: "owner_state"},
		{Header: "Status", main: "status", sub: "presence", Detail: true},
		{Header: "Class", main: "class", sub: "may_write", Detail: true},
		{Header: "Findings", main: "findings", Detail: true},
		{Header: "Target", main: "target", sub: "org", Detail: true},
		{Header: "Created", main: "created", sub: "age_days", unit: " days", Detail: true},
	}, table.AuthorizationColumns())
}

// tokens are the authorizations of the page: their rows, and where each is found.
type tokens struct {
	rows  []rowView
	index map[string]int // place in the data of the page, by target and key
}

// gatherTokens walks the rows for the second time: rows of the table by rank, and
// the view of each token down to the disk.
func gatherTokens(ctx context.Context, d *table.Draft, c *choice, data *pageData) (tokens, error) {
	ts := tokens{index: map[string]int{}}
	views, ranked := tokenColumns(), make([][]rowView, len(c.free))
	err := d.File(tokensFile, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		for line, err := range d.Rows(ctx) {
			if err != nil {
				return err
			}
			r := line.Record
			rank := c.rank(r)
			if !c.pick(rank) {
				continue
			}
			if !r.IsServer() {
				ranked[rank] = append(ranked[rank], tokenRow(views, line, len(ts.index)))
			}
			ts.index[tokenKey(r)] = len(ts.index)
			if err := enc.Encode(data.token(line)); err != nil {
				return err
			}
		}
		return nil
	})
	ts.rows = slices.Concat(ranked...)
	return ts, err
}

func tokenKey(r audit.Record) string { return r.Target + "\x00" + r.Key() }

func tokenRow(views []columnView, r *table.Row, at int) rowView {
	return rowView{
		Token: at, Severity: string(r.Worst()), State: table.OneLine(string(r.Status)), Owner: table.OneLine(string(r.Owner.State)), Past: r.Past(),
		Find:  table.OneLine(r.UserID + " " + r.OrgID),
		Cells: cells(views, r),
	}
}

func tokenTable(rows []rowView, all int) tableView {
	return tableView{
		ID: "authorizations", Title: "Authorizations", Columns: tokenColumns(), Rows: rows,
		Note:        bounded(len(rows), all, "authorization", table.AuthorizationsFile),
		Placeholder: "description, ID, owner, class, check …",
		Filters: []filterView{
			severityFilter(), {Name: "state", Label: "Status", Options: options(audit.Active, audit.Inactive)}, ownerFilter(),
		},
	}
}
