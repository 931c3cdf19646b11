package main

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/campaign"
)

// columns of the files of reviewers.
const (
	columnDecision, columnToken, columnJustification      = 0, 1, 3
	columnCampaign, columnItem, columnFacts, columnReview = 17, 18, 20, 21
)

// TestImportBadFiles gives the command what people may send back: each row is taken, or
// refused with its code; what is no file of the campaign changes nothing; and a second
// import of anything changes nothing.
func TestImportBadFiles(t *testing.T) {
	t.Parallel()
	opened := newOffice(t)
	opened.open()
	small := func(o office) string { return csvOf(fill(o.rows("ben"), "keep")) }
	table := func(edit func(rows [][]string) [][]string) func(o office) []string {
		return func(o office) []string {
			o.write("back.csv", csvOf(edit(fill(o.rows("carla"), "keep"))))
			return []string{"back.csv"}
		}
	}
	book := func(edit func(f *excelize.File) error) func(o office) []string {
		return func(o office) []string {
			o.write("back.xlsx", o.workbook("carla", func(f *excelize.File) error {
				f.SetCellStr("Review", "A2", "keep")
				f.SetCellStr("Review", "A3", "keep")
				return edit(f)
			}))
			return []string{"back.xlsx"}
		}
	}
	bytesOf := func(content []byte) func(o office) []string {
		return func(o office) []string {
			o.write("back.xlsx", string(content))
			return []string{"back.xlsx"}
		}
	}
	set := func(column int, text string) func(o office) []string {
		return table(func(rows [][]string) [][]string { rows[1][column] = text; return rows })
	}
	none := []campaign.Code{}
	for name, tc := range map[string]struct {
		files   func(o office) []string
		code    int
		taken   int
		refused []campaign.Code // nil where nothing is imported
		says    string
	}{
		"as it was filled in":       {table(func(rows [][]string) [][]string { return rows }), exitDone, 2, none, "2 rows taken, 0 refused"},
		"sorted":                    {table(func(rows [][]string) [][]string { slices.Reverse(rows[1:]); return rows }), exitDone, 2, none, "2 rows taken"},
		"filtered, or rows deleted": {table(func(rows [][]string) [][]string { return rows[:2] }), exitDone, 1, none, "1 row taken"},
		"a row twice":               {table(func(rows [][]string) [][]string { return append(rows, rows[1]) }), exitRefused, 2, []campaign.Code{campaign.Duplicate}, "more than once"},
		"a row twice, decided otherwise": {table(func(rows [][]string) [][]string {
			again := slices.Clone(rows[1])
			again[columnDecision] = "revoke"
			return append(rows, again)
		}), exitRefused, 1, []campaign.Code{campaign.Duplicate, campaign.Duplicate}, "with different decisions"},
		"nothing decided": {table(func(rows [][]string) [][]string {
			rows[1][columnDecision], rows[2][columnDecision] = "", " "
			return rows
		}), exitDone, 0, none, "0 rows taken, 0 refused, 0 as before, 2 without a decision"},
		"a note below the rows": {table(func(rows [][]string) [][]string { return append(rows, []string{"", "asked Anna"}) }), exitDone, 2, none, "2 rows taken"},
		"a semicolon and a BOM": {func(o office) []string {
			var text strings.Builder
			w := csv.NewWriter(&text)
			w.Comma = ';'
			must(o, w.WriteAll(fill(o.rows("carla"), "keep")))
			o.write("back.csv", "\ufeff"+text.String())
			return []string{"back.csv"}
		}, exitDone, 2, none, "2 rows taken"},
		"an edited fact":             {set(columnToken, "a harmless token"), exitRefused, 1, []campaign.Code{campaign.FactsEdited}, "the column Token was changed"},
		"an edited hash":             {set(columnFacts, "#00000000000000000000000000000000"), exitRefused, 1, []campaign.Code{campaign.FactsEdited}, "facts-edited"},
		"an ID that is a number":     {set(columnItem, "1.1E+15"), exitRefused, 1, []campaign.Code{campaign.IDIsNumber}, "export again"},
		"an unknown item":            {set(columnItem, "prod/1/2"), exitRefused, 1, []campaign.Code{campaign.UnknownItem}, "no such item"},
		"an unknown decision":        {set(columnDecision, "perhaps"), exitRefused, 1, []campaign.Code{campaign.UnknownDecision}, "known are keep, revoke, modify, not mine"},
		"a formula as decision":      {set(columnDecision, `=HYPERLINK("http://x")`), exitRefused, 1, []campaign.Code{campaign.UnknownDecision}, "unknown-decision"},
		"modify without a reason":    {table(func(rows [][]string) [][]string { rows[1][0], rows[1][3] = "modify", ""; return rows }), exitRefused, 1, []campaign.Code{campaign.NeedsJustification}, "needs a justification"},
		"modify without a new scope": {set(columnDecision, "modify"), exitRefused, 1, []campaign.Code{campaign.NeedsScope}, "what the new token may do"},
		"the row of somebody else": {table(func(rows [][]string) [][]string {
			of := fill(opened.rows("ben"), "keep")[1]
			of[columnReview] = rows[1][columnReview]
			return append(rows, of)
		}), exitRefused, 2, []campaign.Code{campaign.NotYours}, "the reviewer is ben@example.com"},
		"a token of their own": {table(func(rows [][]string) [][]string {
			own := fill(opened.rows("ciso"), "keep")
			i := slices.IndexFunc(own, func(r []string) bool { return strings.HasPrefix(r[columnToken], "of secops (") })
			own[i][columnReview] = "secops@example.com"
			return [][]string{rows[0], own[i]}
		}), exitRefused, 0, []campaign.Code{campaign.SelfReview}, "is the owner, or responsible"},
		"rows of two people": {table(func(rows [][]string) [][]string {
			return append(rows, fill(opened.rows("ciso"), "keep")[1])
		}), exitRefused, 2, []campaign.Code{campaign.NotYours}, "not-yours"},
		"a row of another campaign": {set(columnCampaign, "quarterly/2020-01-01T0900Z"), exitRefused, 1, []campaign.Code{campaign.OtherCampaign}, "of campaign quarterly/2020-01-01T0900Z"},
		"another campaign's file": {table(func(rows [][]string) [][]string {
			for _, r := range rows[1:] {
				r[columnCampaign] = "yearly/2020-01-01T0900Z"
			}
			return rows
		}), exitFailed, 0, nil, "back.csv: it is of the campaign yearly/2020-01-01T0900Z, which the evidence here does not have"},
		"a renamed column":  {table(func(rows [][]string) [][]string { rows[0][columnDecision] = "Verdict"; return rows }), exitFailed, 0, nil, "lacks Decision"},
		"no rows":           {table(func(rows [][]string) [][]string { return rows[:1] }), exitFailed, 0, nil, "back.csv: it has no row to import"},
		"an empty file":     {bytesOf(nil), exitFailed, 0, nil, "back.xlsx: the file is empty"},
		"a locked workbook": {bytesOf(lockedWorkbook(t)), exitFailed, 0, nil, "back.xlsx: the workbook is locked with a password: save it without one"},
		"half a workbook":   {bytesOf([]byte(opened.exported("carla", "xlsx"))[:2000]), exitFailed, 0, nil, "back.xlsx: the workbook is damaged or was cut short"},
		"a zip bomb":        {bytesOf(zipBomb(t)), exitFailed, 0, nil, "back.xlsx: the workbook is damaged"},
		"a picture":         {bytesOf([]byte("\x89PNG\r\n\x1a\n\x00\x00")), exitFailed, 0, nil, "back.xlsx: the file is neither a workbook nor CSV"},
		"a formula as decision, in a workbook": {book(func(f *excelize.File) error {
			f.SetCellValue("Review", "A2", nil)
			return f.SetCellFormula("Review", "A2", `"ke"&"ep"`)
		}), exitRefused, 1, []campaign.Code{campaign.UnknownDecision}, "unknown-decision"},
		"merged cells":               {book(func(f *excelize.File) error { return f.MergeCell("Review", "A2", "A3") }), exitDone, 1, none, "1 row taken"},
		"an ID that Excel made 1e15": {book(func(f *excelize.File) error { return f.SetCellValue("Review", "S2", 1.1e15) }), exitRefused, 1, []campaign.Code{campaign.IDIsNumber}, "export again"},
		"hostile texts": {table(func(rows [][]string) [][]string {
			for _, r := range rows[1:] {
				r[columnDecision], r[columnJustification] = "=cmd|' /C calc'!A0\x1b[31m", "\u202eno"
				r[columnItem], r[columnReview] = "@SUM(A1)\x1b]0;x\a\u202e"+strings.Repeat("x", 30000), "=1+1\u202e\x1b[2J\n-x"
			}
			return rows
		}), exitRefused, 0, []campaign.Code{campaign.UnknownItem, campaign.UnknownItem}, "unknown-item"},
		"a hostile campaign": {table(func(rows [][]string) [][]string {
			for _, r := range rows[1:] {
				r[columnCampaign] = "\x1b[2J\u202e" + strings.Repeat("x", 30000)
			}
			return rows
		}), exitFailed, 0, nil, `it is of the campaign \u001b[2J\u202exxx`},
		"a hostile name of the file": {func(o office) []string {
			o.write("a\x1b[31m\u202e\n=x.csv", small(o))
			return []string{"a\x1b[31m\u202e\n=x.csv"}
		}, exitDone, 2, none, `a\u001b[31m\u202e\n=x.csv: draft of ben@example.com`},
		"20,000 unknown items": {table(func(rows [][]string) [][]string {
			for i := range 20_000 {
				r := slices.Clone(rows[1])
				r[columnItem] = fmt.Sprintf("prod/%016x/%016x", i, i)
				rows = append(rows, r)
			}
			return rows
		}), exitRefused, 2, slices.Repeat([]campaign.Code{campaign.UnknownItem}, 20_000), "and 19950 more, in refused.csv"},
		"a folder":          {func(o office) []string { return []string{"files"} }, exitFailed, 0, nil, "files: it is no file; name the workbook or CSV"},
		"a missing file":    {func(o office) []string { return []string{"missing.csv"} }, exitFailed, 0, nil, "missing.csv: no such file or directory"},
		"a signature alone": {func(o office) []string { o.write("ben.csv.sig", "x"); return []string{"ben.csv.sig"} }, exitFailed, 0, nil, "ben.csv.sig: it is a signature; name the file that it is of"},
		"a signature that is none": {func(o office) []string {
			o.write("ben.csv", small(o))
			o.write("ben.csv.sig", "-----BEGIN SSH SIGNATURE-----\nhalf")
			return []string{"ben.csv"}
		}, exitFailed, 0, nil, "ben.csv: its signature"},
		"a good file and bad ones": {func(o office) []string {
			o.write("ben.csv", small(o))
			o.write("bad.csv", "a,b\n1,2\n")
			return []string{"bad.csv", "ben.csv", "missing.csv"}
		}, exitFailed, 2, none, "bad.csv: the file has none of the columns of a review"},
		"the same file twice": {func(o office) []string {
			o.write("ben.csv", small(o))
			return []string{"ben.csv", "ben.csv"}
		}, exitDone, 2, none, "imported before"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := opened.copied(t)
			var args []string
			for _, file := range tc.files(o) {
				args = append(args, o.path(file))
			}
			before := o.files()
			code, out, errs := o.run(append([]string{"campaign", "import", "--dry-run"}, args...)...)
			if after := o.files(); code != tc.code || !maps.Equal(before, after) {
				t.Errorf("dry run: exit code %d: %s\n%s", code, errs, cmp.Diff(before, after))
			}
			clear(t, out+errs)
			code, out, errs = o.run(append([]string{"campaign", "import"}, args...)...)
			clear(t, out+errs)
			if said := out + errs; code != tc.code || !strings.Contains(strings.Join(strings.Fields(said), " "), tc.says) {
				t.Errorf("exit code %d, want %d with %s\n%.2000s", code, tc.code, tc.says, said)
			}
			if tc.refused == nil && !maps.Equal(before, o.files()) {
				t.Errorf("something was imported:\n%.2000s", cmp.Diff(before, o.files()))
			}
			taken, refused := o.outcome()
			if diff := cmp.Diff(append([]campaign.Code{}, tc.refused...), refused); taken != tc.taken || diff != "" {
				t.Errorf("%d taken, want %d; refused (-want +got):\n%.2000s", taken, tc.taken, diff)
			}
			o.tidy()
			o.must("verify", o.path("evidence"))
			done := o.fixed()
			again, out, errs := o.run(append([]string{"campaign", "import"}, args...)...)
			clear(t, out+errs)
			if after := o.fixed(); !maps.Equal(done, after) || again != tc.code && again != exitDone {
				t.Errorf("the second import: exit code %d\n%.2000s", again, cmp.Diff(done, after))
			}
		})
	}
}

// TestExportInPart: where a file is there already, the others are written and noted, and the
// sums of the campaign are right.
func TestExportInPart(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.open()
	found, _ := filepath.Glob(o.path("files/*-ben@example.com.csv"))
	must(t, os.Rename(found[0], o.path("ben.csv")))
	if code, _, errs := o.run("campaign", "export", "--format", "csv", "--folder", o.path("files")); code != exitDone {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if n := strings.Count(o.files()[campaign.ExportsFile], "ben@example.com"); n != 3 {
		t.Errorf("%d exports for Ben are noted", n)
	}
	o.tidy()
}

// fixed are the files of the campaign, byte by byte, without the reports and sums.
func (o office) fixed() map[string]string {
	o.Helper()
	all := o.files()
	maps.DeleteFunc(all, func(name, _ string) bool { return isMadeAgain(name) })
	return all
}

// outcome is what imports took and refused.
func (o office) outcome() (taken int, refused []campaign.Code) {
	o.Helper()
	refused = []campaign.Code{}
	rows, err := csv.NewReader(strings.NewReader(o.files()[campaign.RefusedFile])).ReadAll()
	must(o, err)
	for _, r := range rows {
		if r[0] == "import" {
			continue
		}
		refused = append(refused, campaign.Code(r[5]))
		for _, cell := range r {
			if strings.ContainsAny(cell[:min(len(cell), 1)], "=+-@\t\r") || strings.ContainsFunc(cell, acts) {
				o.Errorf("a spreadsheet would take %q for a formula, or a terminal for a command", cell)
			}
		}
	}
	return strings.Count(o.files()[campaign.DecisionsFile], "\n"), refused
}

// acts reports whether a character does something to a terminal.
func acts(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) }

// clear: what is printed fits a screen or two, acts on no terminal, and has no words of
// programmers.
func clear(t *testing.T, said string) {
	t.Helper()
	if n := strings.Count(said, "\n"); n > 300 || len(said) > 30_000 {
		t.Errorf("%d lines, %d bytes:\n%.1000s", n, len(said), said)
	}
	if i := strings.IndexFunc(said, acts); i >= 0 {
		t.Errorf("it prints %q", said[i:min(len(said), i+20)])
	}
	if found := regexp.MustCompile(`strconv|unmarshal|invalid syntax|%!|<nil>|errno|(open|stat|read) /|not a regular|\bEOF\b`).FindString(said); found != "" {
		t.Errorf("%q is no word for operators:\n%.1000s", found, said)
	}
}

func lockedWorkbook(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	f := excelize.NewFile()
	must(t, f.Write(&b, excelize.Options{Password: "secret"}))
	return b.Bytes()
}

// zipBomb is a workbook of some kilobytes, one part of which comes to more than a gigabyte.
func zipBomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range map[string]string{
		"xl/workbook.xml":            `<workbook><sheets><sheet name="Review" id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Type="worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
	} {
		part, err := w.Create(name)
		must(t, err)
		_, err = part.Write([]byte(text))
		must(t, err)
	}
	_, err := w.CreateRaw(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, UncompressedSize64: 1 << 30})
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}
