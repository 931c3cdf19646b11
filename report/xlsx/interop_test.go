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
    if cell.is_date and cell.value is not None: return cell.value.strftime("%Y-%m-%dT%H:%M:%SZ" if "h" in cell.number_format else "%Y-%m-%d")
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
	t.Parallel()
	python := pythonWithOpenpyxl(t)
	for name, in := range map[string]table.Input{"hostile": reporttest.Input(t), "many": reporttest.Thousands(t, 500), "family": reporttest.Family(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command(python, "-c", readWithOpenpyxl, workbookOnDisk(t, in)).Output()
			if err != nil {
				t.Fatal(err)
			}
			var got [][]string
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			rows, _ := reporttest.AllRows(t, in)
			if diff := cmp.Diff(expected(authorizationColumns(in), rows), got); diff != "" {
				t.Errorf("%.3000s", diff)
			}
		})
	}
}

// The options of LibreOffice's CSV filter: comma, quote, UTF-8, and all sheets.
const libreCSV = `csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1`

// libreSheets are the sheets of workbooks as LibreOffice exports them, by workbook.
func libreSheets(t *testing.T, books map[string][]byte) map[string]map[string]string {
	t.Helper()
	_, err := exec.LookPath("soffice")
	reporttest.Need(t, "soffice", err)
	dir, sheets := t.TempDir(), map[string]map[string]string{}
	args := []string{"-env:UserInstallation=file://" + t.TempDir(), "--headless", "--convert-to", libreCSV, "--outdir", dir}
	for name, book := range books {
		path := filepath.Join(dir, name+".xlsx")
		if err := os.WriteFile(path, book, 0o600); err != nil {
			t.Fatal(err)
		}
		args, sheets[name] = append(args, path), map[string]string{}
	}
	if out, err := exec.Command("soffice", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for file, text := range reporttest.Contents(t, dir) {
		if sheet, ok := strings.CutSuffix(file, ".csv"); ok {
			book, sheet, _ := strings.Cut(sheet, "-")
			sheets[book][sheet] = text
		}
	}
	return sheets
}

func compareAuthorizations(t *testing.T, got reporttest.CSV) {
	t.Helper()
	rows, _ := reporttest.AllRows(t, reporttest.Input(t))
	for i, line := range expected(authorizationColumns(reporttest.Input(t)), rows)[1:] {
		for j, c := range authorizationColumns(reporttest.Input(t)) {
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
