package main

import (
	"cmp"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
	"tokenaudit/notify"
	"tokenaudit/report/table"
)

// TestDiffIsTheSheetChanges: of two reviews in a row history diff shows what the workbook
// of the second one shows, and the two snapshots alone come to the same.
func TestDiffIsTheSheetChanges(t *testing.T) {
	t.Parallel()
	for name, population := range map[string]func(*testing.T) (*app, notify.Message){"the demo": demoReview, "3,000 tokens, three reviews": largeReview} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, m := population(t)
			r, err := ledger.OpenReader(t.Context(), a.file.Store, a.file.StorePassword)
			if err != nil {
				t.Fatal(err)
			}
			p := past{a.file, r, a.snapshots}
			defer r.Close()
			earlier, ok := audit.ParseRunID(m.Summary.Previous.ID)
			before, err := p.stored(t.Context(), earlier)
			if err != nil || !ok {
				t.Fatal(err, ok)
			}
			after := m.Summary
			d, err := p.diff(t.Context(), before, after, 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(sheetChanges(t, m.Location), asOnSheet(d)); diff != "" || !d.Consecutive || len(d.Changes) != d.Total {
				t.Errorf("the sheet Changes and history diff (-sheet +diff): %.4000s", diff)
			}
			after.Previous = nil // so that the snapshots are compared
			compared, err := p.diff(t.Context(), before, after, 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(asOnSheet(d), asOnSheet(compared)); diff != "" || compared.Consecutive {
				t.Errorf("the review and its snapshot compared (-review +compared): %.4000s", diff)
			}
			few, err := p.diff(t.Context(), before, m.Summary, 5)
			if err != nil {
				t.Fatal(err)
			}
			lesser := func(c runChange) bool { return c.kind == audit.FindingResolved || c.kind == audit.TokenHidden }
			if len(few.Changes) != 5 || few.Total != d.Total || !slices.ContainsFunc(d.Changes, lesser) || slices.ContainsFunc(few.Changes, lesser) {
				t.Errorf("the worst 5 of %d are %+v", few.Total, few.Changes)
			}
			backward, err := p.diff(t.Context(), m.Summary, m.Summary, 0)
			if err != nil || len(backward.Changes) > 0 {
				t.Errorf("a run differs from itself: %+v, %v", backward, err)
			}
		})
	}
}

// sheetChanges are the rows of the sheet, each with the beginning of the description.
func sheetChanges(t *testing.T, folder string) [][]string {
	t.Helper()
	book, err := excelize.OpenFile(filepath.Join(folder, "review.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows("Changes", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(rows, func(row []string) bool { return len(row) > 0 && row[0] == "What" })
	var out [][]string
	for _, row := range rows[at+1:] {
		row = append(row, make([]string, 11)...)[:11]
		row[2] = cutText(row[2])
		out = append(out, row)
	}
	if len(out) == 0 {
		t.Fatal("no rows")
	}
	return out
}

func asOnSheet(d runDiff) [][]string {
	var out [][]string
	for _, c := range d.Changes {
		what := c.Field
		if c.Check != "" {
			what = audit.CheckOf(c.Check).Title
		}
		out = append(out, []string{c.kind.String(), string(c.Severity), cmp.Or(cutText(c.Description), table.NoDescription), c.Owner, what, c.From, c.To, c.Authorization, c.Target, c.Org, c.Proof})
	}
	return out
}

// cutText is the beginning of a description: each place cuts a long one in its own way.
func cutText(text string) string { return text[:min(len(text), 60)] }
