package html

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"slices"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// rank of a finding in its table: those that stand come by severity and check, then
// resolved ones. A token is where its first finding is; without any it is the last.
type rank struct {
	part  int // 0 stands, 1 resolved, 2 none
	group table.Group
}

func rankOf(f audit.Finding) rank {
	r := rank{group: table.GroupOf(f)}
	if !f.Current() {
		r.part = 1
	}
	return r
}

func compareRanks(a, b rank) int {
	return cmp.Or(cmp.Compare(a.part, b.part), table.CompareGroups(a.group, b.group))
}

// rows are those of both tables, each worst first. The view of every token goes down
// to the disk, in the order of the records. There are as many findings as tokens at
// most, so that every one that is shown is of a token that is.
func (p *Page) rows(ctx context.Context, data *pageData) (findings, authorizations []rowView, err error) {
	kept := p.worst.Take()
	order := slices.SortedFunc(slices.Values(kept), func(a, b table.Place) int { return cmp.Compare(a.From, b.From) })
	worst := table.NewWorst[rank, rowView](p.most, compareRanks)
	byPlace := map[table.Place]rowView{}
	tokenColumns, findingColumns := tokenColumns(), findingColumns()
	err = p.staging.File(tokensFile, func(w io.Writer) error {
		out, at := json.NewEncoder(w), 0
		for r, err := range table.NewRowMaker(p.in).Rows(ctx, p.spool.Records(slices.Values(order))) {
			if err != nil {
				return err
			}
			if !r.IsServer() {
				byPlace[order[at]] = rowView{
					Token: at, Severity: string(r.Worst()), State: table.OneLine(string(r.Status)), Owner: table.OneLine(string(r.Owner.State)), Past: r.Past(),
					Find: table.OneLine(r.UserID + " " + r.OrgID), Cells: cells(tokenColumns, r),
				}
			}
			for _, f := range r.Findings {
				if !f.Reported(r.Now) {
					continue
				}
				worst.Offer(rankOf(f), func() rowView {
					r := r.Of(f)
					return rowView{
						Token: at, Severity: string(f.Severity), State: string(f.State), Owner: string(r.Owner.State), Past: r.Past(),
						Find: table.OneLine(f.Check + " " + r.UserID + " " + r.OrgID), Cells: cells(findingColumns, r),
					}
				})
			}
			if err := out.Encode(data.token(r)); err != nil {
				return err
			}
			at++
		}
		return nil
	})
	for _, place := range kept {
		if row, ok := byPlace[place]; ok {
			authorizations = append(authorizations, row)
		}
	}
	return worst.Take(), authorizations, err
}

func tokenColumns() []columnView {
	c := byName(table.AuthorizationColumns())
	return []columnView{
		{Header: "Worst", upper: c["worst_severity"], chip: true},
		{Header: "Token", upper: c["description"], lower: c["authorization_id"], open: true},
		{Header: "Owner", upper: c["owner"], lower: c["owner_state"]},
		{Header: "Status", upper: c["status"], lower: c["presence"], Detail: true},
		{Header: "Class", upper: c["class"], lower: c["may_write"], Detail: true},
		{Header: "Findings", upper: c["findings"], Detail: true},
		{Header: "Target", upper: c["target"], lower: c["org"], Detail: true},
		{Header: "Created", upper: c["created"], lower: c["age_days"], unit: " days", Detail: true},
	}
}

func tokenTable(rows []rowView, shown table.Shown) tableView {
	return tableView{
		ID: "authorizations", Title: "Authorizations", Columns: tokenColumns(), Rows: rows,
		Note:        bounded(shown, "authorization"),
		Placeholder: "description, ID, owner, class, check …",
		Filters:     []filterView{{"severity", "Severity", audit.Severities()}, {"state", "Status", []audit.Status{audit.Active, audit.Inactive}}, {"owner", "Owner", ownerStates()}},
	}
}

func findingColumns() []columnView {
	c := byName(table.FindingColumns())
	return []columnView{
		{Header: "Severity", upper: c["severity"], chip: true},
		{Header: "Finding", upper: c["title"], lower: c["detail"]},
		{Header: "Token", upper: c["description"], lower: c["authorization_id"], open: true},
		{Header: "Owner", upper: c["owner"], lower: c["owner_state"], Detail: true},
		{Header: "State", upper: c["state"], Detail: true},
		{Header: "Since", upper: c["since"], Detail: true},
		{Header: "Target", upper: c["target"], lower: c["org"], Detail: true},
		{Header: "Created", upper: c["created"], lower: c["age_days"], unit: " days", Detail: true},
	}
}

func findingTable(rows []rowView, shown table.Shown) tableView {
	return tableView{
		ID: "findings", Title: "Findings", Columns: findingColumns(), Rows: rows,
		Note:        bounded(shown, "finding"),
		Placeholder: "title, detail, description, ID, owner …",
		Filters: []filterView{
			{"severity", "Severity", audit.Severities()},
			{"state", "State", audit.FindingStates()},
			{"owner", "Owner", ownerStates()},
		},
	}
}
