package campaign

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/campaign"
	"tokenaudit/report/reporttest"
)

// libreOffice has a profile of its own, in which it runs testdata/review.bas.
type libreOffice struct{ profile string }

func (l libreOffice) run(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "soffice", append([]string{"-env:UserInstallation=file://" + l.profile, "--headless", "--norestore"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func newLibreOffice(t *testing.T) libreOffice {
	t.Helper()
	_, err := exec.LookPath("soffice")
	reporttest.Need(t, "soffice", err)
	l := libreOffice{t.TempDir()}
	l.run(t, "--terminate_after_init")
	source, err := os.ReadFile("testdata/review.bas")
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := xml.EscapeText(&text, source); err != nil {
		t.Fatal(err)
	}
	module := `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">` + text.String() + `</script:module>`
	if err := os.WriteFile(filepath.Join(l.profile, "user/basic/Standard/Module1.xba"), []byte(module), 0o600); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestReviewInLibreOffice: decided, sorted, filtered and saved there, every row is taken.
func TestReviewInLibreOffice(t *testing.T) {
	t.Parallel()
	office, dir := newLibreOffice(t), t.TempDir()
	random, r := hostileItems(), rand.New(rand.NewPCG(15, 15))
	for i := range 200 {
		it := item(1000+i, randomText(r))
		it.User, it.Responsible, it.Purpose = randomText(r), randomText(r), randomText(r)
		random = append(random, it)
	}
	for name, items := range map[string][]campaign.Item{"usual": usualItems(40), "hostile": random} {
		lines := quarterly().Lines(items)
		if err := os.WriteFile(filepath.Join(dir, name+".xlsx"), workbookOf(t, lines, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		office.run(t, `macro:///Standard.Module1.Review("`+dir+`","`+name+`")`)
		if why, err := os.ReadFile(filepath.Join(dir, name+"-failed.txt")); err == nil {
			t.Fatalf("the macro failed: %s", why)
		}
		want := rowsOf(lines, decidedByMacro(lines))
		for _, ext := range []string{".xlsx", ".csv"} {
			t.Run(name+ext, func(t *testing.T) {
				content, err := os.ReadFile(filepath.Join(dir, name+"-saved"+ext))
				if err != nil {
					t.Fatal(err)
				}
				rows, as, err := Read(content)
				if err != nil || as != ext {
					t.Fatalf("%s: %v", as, err)
				}
				if slices.IsSortedFunc(rows, byItem) {
					t.Error("the rows were not sorted by another column")
				}
				book := campaign.Book{Campaign: quarterly(), Items: items}
				outcome := book.Judge(campaign.Import{Import: 1, At: time.Now(), Reviewer: ben, Signed: true}, rows)
				if len(outcome.Refused) > 0 || outcome.Empty != len(lines)-len(decidedByMacro(lines)) {
					t.Errorf("%d rows without a decision, refused %.1000v", outcome.Empty, outcome.Refused)
				}
				for i := range rows {
					rows[i].Line = 0
				}
				for i := range want {
					want[i].Line = 0
				}
				slices.SortFunc(rows, byItem)
				slices.SortFunc(want, byItem)
				if diff := gocmp.Diff(want, rows); diff != "" {
					t.Errorf("%.3000s", diff)
				}
			})
		}
	}
}

func byItem(a, b campaign.Row) int { return cmp.Compare(a.Item, b.Item) }

// decidedByMacro are the decisions that testdata/review.bas fills in.
func decidedByMacro(lines []campaign.Line) map[string]campaign.Decision {
	out := map[string]campaign.Decision{}
	for i, l := range lines {
		switch d := (campaign.Decision{}); (i + 1) % 3 {
		case 0:
			d.Decision = campaign.Revoke
			out[l.ID] = d
		case 1:
			d.Decision, d.Justification = campaign.Keep, "needed by "+l.ID
			if i == 0 {
				d.UntilOrScope = "2026-12-31"
			}
			out[l.ID] = d
		}
	}
	return out
}

const saveWithOpenpyxl = `
import sys, openpyxl
book = openpyxl.load_workbook(sys.argv[1])
book.create_sheet("Notes", 0)["A1"] = "Decision"
book.save(sys.argv[2])
`

// TestReviewSavedByOpenpyxl stands for the programs that read all of a workbook and write
// it in their own way.
func TestReviewSavedByOpenpyxl(t *testing.T) {
	t.Parallel()
	python := "python3"
	err := exec.Command(python, "-c", "import openpyxl").Run()
	if err != nil { // Debian's package serves its own
		python = "/usr/bin/python3"
		err = exec.Command(python, "-c", "import openpyxl").Run()
	}
	reporttest.Need(t, "python3-openpyxl", err)
	dir, lines := t.TempDir(), hostile()
	sent, saved := filepath.Join(dir, "sent.xlsx"), filepath.Join(dir, "saved.xlsx")
	if err := os.WriteFile(sent, workbookOf(t, lines, decisions(lines)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, "-c", saveWithOpenpyxl, sent, saved).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	content, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(rowsOf(lines, decisions(lines)), read(t, content)); diff != "" {
		t.Errorf("%.3000s", diff)
	}
}
