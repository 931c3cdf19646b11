package report

import (
	"iter"
	"path/filepath"
	"testing"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
)

func TestExceptionsSheet(t *testing.T) {
	in := input(t)
	r := audit.Record{Target: "prod", Presence: audit.Listed, Authorization: audit.Authorization{ID: "11adece381a52001", Description: "gateway"}}
	r.Findings = []audit.Finding{{
		Check: "not-rotated", Severity: audit.Medium, State: audit.Excepted, Since: in.Summary.Started,
		Approval: &audit.Approval{Reason: "=migration", Requested: "alice", ApprovedBy: "bob", Ticket: "SEC-1", Expires: in.Summary.Started},
	}}
	in.Rows = func() iter.Seq2[audit.Record, error] {
		return func(yield func(audit.Record, error) bool) { yield(r, nil) }
	}
	dir := t.TempDir()
	if err := Write(t.Context(), dir, []string{"xlsx"}, in); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenFile(filepath.Join(dir, workbookFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows(sheetExceptions)
	if err != nil {
		t.Fatal(err)
	}
	last := rows[len(rows)-1]
	if len(last) < 8 || last[0] != r.ID || last[2] != "=migration" || last[4] != "bob" || last[7] != "excepted" {
		t.Errorf("last row %q", last)
	}
}
