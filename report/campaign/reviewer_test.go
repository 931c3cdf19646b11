package campaign

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

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
