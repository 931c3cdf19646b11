package html

import (
	"context"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

func findingViews() []columnView {
	return bound([]columnView{
		{Header: "Severity", main: "severity", chip: true},
		{Header: "Finding", main: "title", sub: "detail"},
		{Header: "Token", main: "description", sub: "authorization_id", open: true},
		{Header: "Owner", main: "owner", sub: "owner_state", Detail: true},
		{Header: "State", main: "state", Detail: true},
		{Header: "Since", main: "since", Detail: true},
		{Header: "Target", main: "target", sub: "org", Detail: true},
		{Header: "Created", main: "created", sub: "age_days", unit: " days", Detail: true},
	}, table.FindingColumns())
}

// gatherFindings takes the findings that stand, worst first, then the resolved
// ones, as far as there is room.
func gatherFindings(ctx context.Context, d *table.Draft, ts tokens) ([]rowView, error) {
	views, out := findingViews(), []rowView(nil)
	for _, resolved := range []bool{false, true} {
		for r, err := range d.FindingRows(ctx) {
			if err != nil {
				return nil, err
			}
			if len(out) == mostRows {
				return out, nil
			}
			if (r.Finding.State == audit.Resolved) == resolved {
				out = append(out, findingView(views, r, ts.index[tokenKey(r.Record)]))
			}
		}
	}
	return out, nil
}

func findingView(views []columnView, r *table.Row, token int) rowView {
	return rowView{
		Token: token, Severity: string(r.Finding.Severity), State: string(r.Finding.State), Owner: string(r.Owner.State), Past: r.Past(),
		Find:  table.OneLine(r.Finding.Check + " " + r.UserID + " " + r.OrgID),
		Cells: cells(views, r),
	}
}

func findingTable(rows []rowView, all int) tableView {
	return tableView{
		ID: "findings", Title: "Findings", Columns: findingViews(), Rows: rows,
		Note:        bounded(len(rows), all, "finding", table.FindingsFile),
		Placeholder: "title, detail, description, ID, owner …",
		Filters: []filterView{
			severityFilter(),
			{Name: "state", Label: "State", Options: options(audit.New, audit.Reopened, audit.Open, audit.Excepted, audit.Resolved)},
			ownerFilter(),
		},
	}
}
