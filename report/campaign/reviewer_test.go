package campaign

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/campaign"
)

func read(t testing.TB, content []byte) []campaign.Row {
	t.Helper()
	rows, _, err := Read(content)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestReadGivesWhatWasWritten(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]campaign.Line{"hostile": hostile(), "usual": usual(30), "none": nil} {
		for decided, by := range map[string]map[string]campaign.Decision{"undecided": nil, "decided": decisions(lines)} {
			t.Run(name+" "+decided, func(t *testing.T) {
				t.Parallel()
				want := rowsOf(lines, by)
				for format, content := range map[string][]byte{".xlsx": workbookOf(t, lines, by), ".csv": csvOf(t, lines, by)} {
					got, ext, err := Read(content)
					if err != nil || ext != format {
						t.Fatalf("%s: %v", ext, err)
					}
					for i := range got {
						got[i].Line = i + 2 // of CSV, there are more if a text has more
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s: %.2000s", format, diff)
					}
				}
			})
		}
	}
}

func TestSameInputIsTheSameFile(t *testing.T) {
	t.Parallel()
	first := workbookOf(t, usual(30), nil)
	for range 3 {
		if !bytes.Equal(first, workbookOf(t, usual(30), nil)) {
			t.Fatal("the workbooks differ")
		}
	}
}

func reopened(t *testing.T, content []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestSheetForReviewers: the decision, what it is about and whose it is are always in view,
// and what tells which row it is never.
func TestSheetForReviewers(t *testing.T) {
	t.Parallel()
	f := reopened(t, workbookOf(t, usual(30), nil))
	rows, err := f.GetRows(sheetReview)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Decision", "Token", "Owner", "Justification", "Until or new scope", "Ticket", "Severity", "Why", "Class", "May write", "Status", "Age (days)", "Weeks open",
		"Last decision", "Responsible", "Purpose", "Target", "Campaign", "Item", "Fingerprint", "Facts", "Reviewer",
	}
	if diff := cmp.Diff(want, rows[0]); diff != "" {
		t.Error(diff)
	}
	for i := range want {
		name, _ := excelize.ColumnNumberToName(i + 1)
		if shown, err := f.GetColVisible(sheetReview, name); err != nil || shown != (i < 17) {
			t.Errorf("column %s is shown: %v, %v", want[i], shown, err)
		}
	}
	panes, err := f.GetPanes(sheetReview)
	if err != nil || !panes.Freeze || panes.XSplit != 3 || panes.YSplit != 1 {
		t.Errorf("panes %+v, %v", panes, err)
	}
	for i, row := range rows[1:] {
		for _, name := range []string{"A", "D", "E", "F"} {
			if text, _ := f.GetCellValue(sheetReview, fmt.Sprint(name, i+2)); text != "" {
				t.Errorf("row %v says %q in column %s before anybody decided", row, text, name)
			}
		}
		if hash, _ := f.GetCellValue(sheetReview, fmt.Sprint(letter("Fingerprint"), i+2)); !strings.HasPrefix(hash, "#") {
			t.Errorf("row %d: a spreadsheet could take the hash %s for a number", i+2, hash)
		}
		at := fmt.Sprint(letter(campaign.FactAge), i+2)
		id, _ := f.GetCellStyle(sheetReview, at)
		if style, err := f.GetStyle(id); err != nil || style.NumFmt != wholeFormat {
			t.Errorf("row %d: as CSV, the age would not be digits alone: %v, %v", i+2, style, err)
		}
		if kind, _ := f.GetCellType(sheetReview, at); kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber {
			t.Errorf("row %d: the age is of type %d", i+2, kind)
		}
	}
	validations, err := f.GetDataValidations(sheetReview)
	if err != nil || len(validations) != 4 {
		t.Fatalf("%d validations, %v", len(validations), err)
	}
	if v := validations[0]; v.Formula1 != `"keep,revoke,modify,not mine"` || v.Sqref != fmt.Sprintf("A2:A%d", len(rows)) {
		t.Errorf("decisions %s in %s", v.Formula1, v.Sqref)
	}
	if p, err := f.GetSheetProtection(sheetReview); err == nil && p.Password != "" {
		t.Error("the sheet is protected: it could not be sorted")
	}
	for _, n := range f.GetDefinedName() {
		if n.Name == "_xlnm._FilterDatabase" && n.RefersTo == fmt.Sprintf("'Review'!$A$1:$V$%d", len(rows)) {
			return
		}
	}
	t.Errorf("no filter over all rows: %v", f.GetDefinedName())
}

// TestHowTo: what is to be done, until when, and for whom.
func TestHowTo(t *testing.T) {
	t.Parallel()
	c := quarterly()
	c.TicketRequired = true
	var strict bytes.Buffer
	if err := WriteWorkbook(&strict, c, ben, nil, nil); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		content    []byte
		want, lack []string
	}{
		"as usual": {workbookOf(t, usual(1200), nil), []string{
			"For ben@example.com: 1,080 rows, to decide until 15 October 2026, 11:00 CEST", "ssh-keygen -Y sign -n tokenaudit-review -f KEY FILE", "Send FILE and FILE.sig to the person who sent you the file.",
			"within 3 days for critical, 14 days for high, 30 days for others.", "TRA-2026-07, section 3", "weekly-review/2026-09-28T0600Z",
		}, []string{"A ticket."}},
		"with tickets": {strict.Bytes(), []string{"0 rows", "A justification, and what the new token may do. A ticket."}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rows, err := reopened(t, tt.content).GetRows(sheetHowTo)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for _, row := range rows {
				text.WriteString(strings.Join(row, "\n") + "\n")
			}
			for _, want := range append(tt.want, campaign.Kinds()...) {
				if !strings.Contains(text.String(), want) {
					t.Errorf("%q is missing in\n%s", want, text.String())
				}
			}
			for _, lack := range tt.lack {
				if strings.Contains(text.String(), lack) {
					t.Errorf("%q is there", lack)
				}
			}
		})
	}
}

// TestPropertiesNameNoMachine: whoever gets the file sees which campaign it is of, and not
// where it was made.
func TestPropertiesNameNoMachine(t *testing.T) {
	t.Parallel()
	p, err := reopened(t, workbookOf(t, nil, nil)).GetDocProps()
	if err != nil {
		t.Fatal(err)
	}
	want := excelize.DocProperties{
		Title: "Access review quarterly/2026-10-01T0900Z, ben@example.com", Subject: "Review of InfluxDB API tokens", Identifier: "quarterly/2026-10-01T0900Z", Category: "Access review",
		Version: "1.4.0", Creator: "tokenaudit", LastModifiedBy: "tokenaudit", Created: "2026-10-01T09:00:00Z", Modified: "2026-10-01T09:00:00Z", Language: p.Language,
	}
	if diff := cmp.Diff(want, *p); diff != "" {
		t.Error(diff)
	}
}

// TestRowsAreHighEnough: all of a long reason can be read without opening its cell.
func TestRowsAreHighEnough(t *testing.T) {
	t.Parallel()
	long := item(1, "telegraf")
	long.Why = []string{strings.Repeat("critical: operator (all orgs) ", 14)} // 420 characters in a column of 36
	f := reopened(t, workbookOf(t, quarterly().Lines([]campaign.Item{long}), nil))
	if height, err := f.GetRowHeight(sheetReview, 2); err != nil || height < 10*13 {
		t.Errorf("the row is %.0f points high (%v)", height, err)
	}
}
