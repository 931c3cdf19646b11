package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	excelize "github.com/xuri/excelize/v2"

	"tokenaudit/report/reporttest"
	"tokenaudit/report/xlsx"
)

// The hashes of all that the report of 20,000 authorizations says. A change that
// means to alter a report runs this with UPDATE=1; one that makes it faster does not.
func TestReportsSayTheSameAsBefore(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("long; runs without -short")
	}
	dir := t.TempDir()
	if _, err := Write(t.Context(), dir, Names(), reporttest.Thousands(t, 20_000)); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name, text := range reporttest.Contents(t, dir) {
		if name != xlsx.File {
			got[name] = hashOf([]byte(text))
			continue
		}
		for sheet, hash := range sheetHashes(t, text) {
			got[name+" "+sheet] = hash
		}
	}
	path := filepath.Join("testdata", "golden.json")
	if os.Getenv("UPDATE") == "1" {
		b, _ := json.MarshalIndent(got, "", "\t")
		if err := os.WriteFile(path, append(b, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// sheetHashes are those of the sheets, where each style is what it looks like and
// not its number.
func sheetHashes(t *testing.T, text string) map[string]string {
	f, files := reporttest.OpenWorkbook(t, text), reporttest.Parts(t, text)
	out := map[string]string{}
	for i, name := range f.GetSheetList() {
		sheet := files[partOf(t, files, name)]
		out[fmt.Sprintf("%02d %s", i, name)] = hashOf(withLooks(t, f, sheet))
	}
	return out
}

// partOf is the file of a sheet.
func partOf(t *testing.T, files map[string]string, sheet string) string {
	_, rest, found := strings.Cut(files["xl/workbook.xml"], `<sheet name="`+sheet+`"`)
	_, rest, _ = strings.Cut(rest, `r:id="`)
	id, _, _ := strings.Cut(rest, `"`)
	for _, rel := range strings.Split(files["xl/_rels/workbook.xml.rels"], "<Relationship ") {
		if strings.Contains(rel, `Id="`+id+`"`) {
			_, rest, _ = strings.Cut(rel, `Target="`)
			target, _, _ := strings.Cut(rest, `"`)
			return strings.TrimPrefix(strings.TrimPrefix("xl/"+target, "xl//"), "xl//")
		}
	}
	t.Fatalf("no part of %s (%v)", sheet, found)
	return ""
}

// Text of cells has its quotes escaped, so what looks like a style is one.
func withLooks(t *testing.T, f *excelize.File, sheet string) []byte {
	looks := map[string]string{}
	var b bytes.Buffer
	for {
		before, rest, ok := strings.Cut(sheet, ` s="`)
		b.WriteString(before)
		if !ok {
			return b.Bytes()
		}
		var id string
		id, sheet, _ = strings.Cut(rest, `"`)
		if looks[id] == "" {
			looks[id] = lookOf(t, f, id)
		}
		b.WriteString(looks[id])
	}
}

func lookOf(t *testing.T, f *excelize.File, id string) string {
	var n int
	if _, err := fmt.Sscan(id, &n); err != nil {
		t.Fatal(err)
	}
	st, err := f.GetStyle(n)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	return hashOf(b)
}
