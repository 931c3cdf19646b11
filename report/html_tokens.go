package report

import (
	"context"
	"encoding/json"
	"io"
	"slices"

	"tokenaudit/jobs/audit"
)

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
	}, authorizationColumns())
}

// tokens are the authorizations of the page: their rows, and where each is found.
type tokens struct {
	rows  []rowView
	index map[string]int // place in the data of the page, by target and key
}

// gatherTokens walks the rows for the second time: rows of the table by rank, and
// the view of each token down to the disk.
func gatherTokens(ctx context.Context, d *draft, c *choice, data *pageData) (tokens, error) {
	ts := tokens{index: map[string]int{}}
	views, ranked := tokenColumns(), make([][]rowView, len(c.free))
	err := d.File(tokensFile, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		for line, err := range d.rows(ctx) {
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

func tokenRow(views []columnView, r *row, at int) rowView {
	return rowView{
		Token: at, Severity: string(r.Worst()), State: oneLine(string(r.Status)), Owner: oneLine(string(r.Owner.State)), Past: r.past(),
		Find:  oneLine(r.UserID + " " + r.OrgID),
		Cells: cells(views, r),
	}
}

func tokenTable(rows []rowView, all int) tableView {
	return tableView{
		ID: "authorizations", Title: "Authorizations", Columns: tokenColumns(), Rows: rows,
		Note:        bounded(len(rows), all, "authorization", authorizationsFile),
		Placeholder: "description, ID, owner, class, check …",
		Filters: []filterView{
			severityFilter(), {Name: "state", Label: "Status", Options: options(audit.Active, audit.Inactive)}, ownerFilter(),
		},
	}
}
