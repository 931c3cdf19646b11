package xlsx

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

// ours are the formulas that a workbook may hold: functions, references to our
// own sheets and words of our own.
var ours = regexp.MustCompile(`^(` +
	`COUNTIFS\((,?'[A-Z][a-z]+'!\$[A-Z]+\$[23]:\$[A-Z]+\$[0-9]+,("[<>a-z?* ]+"|\$A[0-9]+))+\)(\+[0-9]+)?` +
	`|COUNTA\('To do'!\$[A-Z]+\$[23]:\$[A-Z]+\$[0-9]+\)` +
	`|SUM\('(Owners'!\$K|Inventory'!\$D)\$3:\$[KD]\$[0-9]+\)(\+[0-9]+)?` +
	`|SUM\(D[0-9]+:D[0-9]+\)|C[0-9]+-D[0-9]+` +
	`|IF\((C[0-9]+-D[0-9]+|SUM\(D[0-9]+:G[0-9]+\)-H[0-9]+)=0,"OK",("DIFFERS"|IF\((C[0-9]+-D[0-9]+|SUM\(D[0-9]+:G[0-9]+\)-H[0-9]+)=[0-9]+,"explained","DIFFERS"\))\)` +
	`|HYPERLINK\("#'Authorizations'!A[0-9]+","row [0-9]+"\)` +
	`)$`)

var (
	formulaCell = regexp.MustCompile(`<c r="([A-Z]+[0-9]+)"[^>]*><f>([^<]*)</f>(<v>[^<]*</v>)?`)
	anyFormula  = regexp.MustCompile(`<f[ >]`)
)

func TestWorkbookFormulasAreOurs(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]bounds{"whole": whole, "bounded": few} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := 0
			for name, xml := range reporttest.Parts(t, workbookText(t, reporttest.Input(t), most)) {
				cells := formulaCell.FindAllStringSubmatch(xml, -1)
				for _, c := range cells {
					text := strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(c[2])
					if !ours.MatchString(text) || c[3] == "" {
						t.Errorf("%s %s: %s %s", name, c[1], text, c[3])
					}
				}
				if n := len(anyFormula.FindAllString(xml, -1)); strings.HasPrefix(name, "xl/worksheets/") && n != len(cells) {
					t.Errorf("%s has %d formulas, %d of them in cells", name, n, len(cells))
				}
				found += len(cells)
			}
			if found < 80 {
				t.Errorf("%d formulas", found)
			}
		})
	}
}

// Links stay in the workbook.
func TestWorkbookLinks(t *testing.T) {
	t.Parallel()
	location := regexp.MustCompile(`^<hyperlink ref="[A-Z]+[0-9]+" location="&#39;Findings&#39;!A[0-9]+">$`)
	links := 0
	for name, xml := range reporttest.Parts(t, workbookText(t, reporttest.Input(t), whole)) {
		if strings.Contains(xml, `TargetMode="External"`) || strings.Contains(name, "externalLink") {
			t.Errorf("%s leads out of the workbook", name)
		}
		for _, link := range regexp.MustCompile(`<hyperlink [^>]*>`).FindAllString(xml, -1) {
			links++
			if !location.MatchString(link) {
				t.Errorf("%s: %s", name, link)
			}
		}
	}
	if links != 6 { // a check with findings each
		t.Errorf("%d links", links)
	}
}

// Bounds of which all of a fixture is shown, and only some.
var (
	whole = bounds{1000, 1000, 1000, 3000, 1000, 1000}
	few   = bounds{tasks: 10, findings: 15, changes: 8, authorizations: 12, owners: 3, inventory: 4}
)

func workbookText(t testing.TB, in table.Input, most bounds) string {
	t.Helper()
	files, _ := reporttest.Files(t, in, func(s *table.Staging, in table.Input) (*Workbook, error) { return newWorkbook(s, in, most) })
	return files[File]
}

// headerAt is the column of a list with a header, from 1.
func headerAt(t testing.TB, f *excelize.File, sheet, header string) int {
	t.Helper()
	for _, row := range rawRows(t, f, sheet)[:2] {
		if at := slices.Index(row, header); at >= 0 {
			return at + 1
		}
	}
	t.Fatalf("%s has no column %s", sheet, header)
	return 0
}

// A link of the sheet To do leads to the row of its authorization.
func TestTaskLinks(t *testing.T) {
	t.Parallel()
	at := regexp.MustCompile(`'Authorizations'!A([0-9]+)`)
	for name, most := range map[string]bounds{"whole": whole, "bounded": few} {
		f := reporttest.OpenWorkbook(t, workbookText(t, reporttest.Input(t), most))
		rows := rawRows(t, f, "To do")
		links := 0
		for i, row := range rows {
			cell, _ := excelize.CoordinatesToCellName(headerAt(t, f, "To do", "Record"), i+1)
			formula, err := f.GetCellFormula("To do", cell)
			if err != nil {
				t.Fatal(err)
			}
			if to := at.FindStringSubmatch(formula); to != nil {
				links++
				id := row[headerAt(t, f, "To do", "Authorization ID")-1]
				letter, _ := excelize.ColumnNumberToName(headerAt(t, f, "Authorizations", "Authorization ID"))
				if got, _ := f.GetCellValue("Authorizations", letter+to[1]); got != id {
					t.Errorf("%s, %s: %s leads to %s, not to %s", name, cell, formula, got, id)
				}
			}
		}
		if want := min(most.tasks, 20); links != want {
			t.Errorf("%s: %d links, want %d", name, links, want)
		}
	}
}

// LibreOffice gets workbooks without the values of their formulas, so that it must
// compute them; it comes to the ones that were there.
func TestLibreOffice(t *testing.T) {
	t.Parallel()
	books, texts := map[string][]byte{}, map[string]string{}
	for name, most := range map[string]bounds{"whole": whole, "bounded": few} {
		texts[name] = workbookText(t, reporttest.Input(t), most)
		books[name] = withoutValues(t, texts[name])
	}
	texts["family"] = workbookText(t, reporttest.Family(t), whole)
	books["family"] = withoutValues(t, texts["family"])
	sheets := libreSheets(t, books)
	for name, text := range texts {
		t.Run("computes the same, "+name, func(t *testing.T) {
			f := reporttest.OpenWorkbook(t, text)
			for _, sheet := range f.GetSheetList() {
				compareFormulas(t, f, sheet, sheets[name][sheet])
			}
		})
	}
	t.Run("reads the same", func(t *testing.T) {
		compareAuthorizations(t, reporttest.ReadCSV(t, sheets["whole"]["Authorizations"]))
	})
}

func compareFormulas(t *testing.T, f *excelize.File, sheet, text string) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	got, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rawRows(t, f, sheet) {
		for j, want := range row {
			cell, _ := excelize.CoordinatesToCellName(j+1, i+1)
			if formula, _ := f.GetCellFormula(sheet, cell); formula != "" && got[i][j] != want {
				t.Errorf("%s!%s = %s: %q, want %q", sheet, cell, formula, got[i][j], want)
			}
		}
	}
}

func withoutValues(t *testing.T, text string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	all := reporttest.Parts(t, text)
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		xml := regexp.MustCompile(`(<f>[^<]*</f>)<v>[^<]*</v>`).ReplaceAllString(all[name], "$1")
		if _, err := p.Write([]byte(xml)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
