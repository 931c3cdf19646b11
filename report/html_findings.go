package report

import (
	"context"

	"tokenaudit/jobs/audit"
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
	}, findingColumns())
}

// gatherFindings takes the findings that stand, worst first, then the resolved
// ones, as far as there is room.
func gatherFindings(ctx context.Context, d *draft, ts tokens) ([]rowView, error) {
	views, out := findingViews(), []rowView(nil)
	for _, resolved := range []bool{false, true} {
		for r, err := range d.findingRows(ctx) {
			if err != nil {
				return nil, err
			}
			if len(out) == mostRows {
				return out, nil
			}
			if (r.finding.State == audit.Resolved) == resolved {
				out = append(out, findingView(views, r, ts.index[tokenKey(r.Record)]))
			}
		}
	}
	return out, nil
}

func findingView(views []columnView, r *row, token int) rowView {
	return rowView{
		Token: token, Severity: string(r.finding.Severity), State: string(r.finding.State), Owner: string(r.Owner.State), Past: r.past(),
		Find:  oneLine(r.finding.Check + " " + r.UserID + " " + r.OrgID),
		Cells: cells(views, r),
	}
}

func findingTable(rows []rowView, all int) tableView {
	return tableView{
		ID: "findings", Title: "Findings", Columns: findingViews(), Rows: rows,
		Note:        bounded(len(rows), all, "finding", findingsFile),
		Placeholder: "title, detail, description, ID, owner …",
		Filters: []filterView{
			severityFilter(),
			{Name: "state", Label: "State", Options: options(audit.New, audit.Reopened, audit.Open, audit.Excepted, audit.Resolved)},
			ownerFilter(),
		},
	}
}
