package xlsx

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

func workbookOnDisk(t *testing.T, in table.Input) string {
	path := filepath.Join(t.TempDir(), File)
	if err := os.WriteFile(path, []byte(workbookText(t, in, whole)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const readWithOpenpyxl = `
import json, sys, openpyxl
from openpyxl.utils.escape import unescape
book = openpyxl.load_workbook(sys.argv[1])
sheet = book["Authorizations"]
def text(cell):
    if cell.data_type == "f": return "FORMULA"
    if cell.is_date and cell.value is not None: return cell.value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return "" if cell.value is None else unescape(str(cell.value))
json.dump([[text(c) for c in row] for row in sheet.iter_rows()], sys.stdout)
`

// pythonWithOpenpyxl prefers the one on the path; Debian's package serves its own.
func pythonWithOpenpyxl(t *testing.T) string {
	t.Helper()
	var err error
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if err = exec.Command(python, "-c", "import openpyxl").Run(); err == nil {
			return python
		}
	}
	reporttest.Need(t, "python3-openpyxl", err)
	return ""
}

func TestOpenpyxlReadsTheSame(t *testing.T) {
	python := pythonWithOpenpyxl(t)
	for name, in := range map[string]table.Input{"hostile": reporttest.Input(t), "many": reporttest.Thousands(t, 2000)} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.Command(python, "-c", readWithOpenpyxl, workbookOnDisk(t, in)).Output()
			if err != nil {
				t.Fatal(err)
			}
			var got [][]string
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			rows, _ := reporttest.AllRows(t, in)
			if diff := cmp.Diff(expected(authorizationColumns(), rows), got); diff != "" {
				t.Errorf("%.3000s", diff)
			}
		})
	}
}

// The options of LibreOffice's CSV filter: comma, quote, UTF-8, and all sheets.
const libreCSV = `csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1`

// libreSheets are the sheets of a workbook as LibreOffice exports them.
func libreSheets(t *testing.T, book string) map[string]string {
	t.Helper()
	_, err := exec.LookPath("soffice")
	reporttest.Need(t, "soffice", err)
	dir := t.TempDir()
	cmd := exec.Command("soffice", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--headless", "--convert-to", libreCSV, "--outdir", dir, book)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	sheets := map[string]string{}
	for file, text := range reporttest.Contents(t, dir) {
		if name, ok := strings.CutPrefix(strings.TrimSuffix(file, ".csv"), "review-"); ok {
			sheets[name] = text
		}
	}
	return sheets
}

func TestLibreOfficeReadsTheSame(t *testing.T) {
	in := reporttest.Input(t)
	got := reporttest.ReadCSV(t, libreSheets(t, workbookOnDisk(t, in))["Authorizations"])
	rows, _ := reporttest.AllRows(t, in)
	for i, line := range expected(authorizationColumns(), rows)[1:] {
		for j, c := range authorizationColumns() {
			want := line[j]
			if c.Kind == table.Date && want != table.Unknown {
				want = strings.TrimSuffix(strings.Replace(want, "T", " ", 1), "Z")
			}
			if c.Kind == table.Integer {
				continue // shown with separators
			}
			if v := got.Rows[i][c.Header]; v != want {
				t.Errorf("row %d, %s: %.80q, want %.80q", i+2, c.Header, v, want)
			}
		}
	}
}
