package campaign

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/campaign"
)

// edited is a workbook after somebody worked on it.
func edited(t testing.TB, content []byte, edit func(f *excelize.File) error) []byte {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := edit(f); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// letter is the column of the workbook with a name.
func letter(name string) string {
	l, _ := excelize.ColumnNumberToName(1 + slices.IndexFunc(columns(), func(c column) bool { return c.name == name }))
	return l
}

// archive is a zip file.
func archive(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range parts {
		part, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(part, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sheetOf is a workbook of one sheet with the XML of its rows.
func sheetOf(t testing.TB, rows string) []byte {
	return archive(t, map[string]string{
		"xl/workbook.xml":            `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Review" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   `<worksheet><sheetData>` + rows + `</sheetData></worksheet>`,
	})
}

// cellsOf is a row of inline texts.
func cellsOf(texts ...string) string {
	row := "<row>"
	for _, text := range texts {
		row += "<c t='inlineStr'><is><t>" + text + "</t></is></c>"
	}
	return row + "</row>"
}

func headRow() string {
	var names []string
	for _, c := range columns() {
		names = append(names, c.name)
	}
	return cellsOf(names...)
}

func utf16Of(text string, littleEndian bool) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
		if littleEndian {
			b = append(b, byte(u), byte(u>>8))
		} else {
			b = append(b, byte(u>>8), byte(u))
		}
	}
	return b
}

// withDelimiter is CSV as a spreadsheet of another country writes it.
func withDelimiter(content []byte, delimiter string) string {
	return strings.ReplaceAll(strings.TrimPrefix(string(content), "\ufeff"), ",", delimiter)
}

// plain are lines without delimiters in their texts.
func plain() []campaign.Line {
	var items []campaign.Item
	for i := range 3 {
		it := item(i, fmt.Sprintf("telegraf %d", i))
		it.Last, it.Why = nil, it.Why[:1]
		items = append(items, it)
	}
	return quarterly().Lines(items)
}

func kept(lines []campaign.Line) map[string]campaign.Decision {
	out := map[string]campaign.Decision{}
	for _, l := range lines {
		out[l.ID] = campaign.Decision{Decision: campaign.Keep, Justification: "needed for the line", Ticket: "OPS-1"}
	}
	return out
}

// TestReadOtherForms: programs write a file in other ways, in which it says the same.
func TestReadOtherForms(t *testing.T) {
	t.Parallel()
	lines := plain()
	csv, xlsx := csvOf(t, lines, kept(lines)), workbookOf(t, lines, kept(lines))
	text := strings.TrimPrefix(string(csv), "\ufeff")
	shifted := func(by int) func([]campaign.Row) []campaign.Row {
		return func(rows []campaign.Row) []campaign.Row {
			for i := range rows {
				rows[i].Line += by
			}
			return rows
		}
	}
	same := shifted(0)
	tests := map[string]struct {
		content []byte
		want    func([]campaign.Row) []campaign.Row
	}{
		"CSV without the mark of UTF-8": {[]byte(text), same},
		"CSV with semicolons":           {[]byte("\ufeff" + withDelimiter(csv, ";")), same},
		"CSV with tabs":                 {[]byte(withDelimiter(csv, "\t")), same},
		"CSV with the line of Excel":    {[]byte("sep=;\r\n" + withDelimiter(csv, ";")), shifted(1)},
		"CSV with lines of Unix":        {[]byte(strings.ReplaceAll(text, "\r\n", "\n")), same},
		"CSV with lines of old Macs":    {[]byte(strings.ReplaceAll(text, "\r\n", "\r")), same},
		"CSV in UTF-16, little-endian":  {utf16Of(withDelimiter(csv, "\t"), true), same},
		"CSV in UTF-16, big-endian":     {utf16Of(text, false), same},
		"CSV with all cells quoted":     {[]byte(`"` + strings.ReplaceAll(strings.ReplaceAll(strings.TrimSuffix(text, "\r\n"), ",", `","`), "\r\n", "\"\r\n\"") + `"`), same},
		"CSV with empty lines": {[]byte(strings.ReplaceAll(text, "\r\n", "\r\n\r\n\r\n")), func(rows []campaign.Row) []campaign.Row {
			for i := range rows {
				rows[i].Line = 4 + 3*i
			}
			return rows
		}},
		"CSV of a Windows program": {bytes.ReplaceAll([]byte(text), []byte("needed for the line"), []byte("f\xfcr die Linie \x80")), func(rows []campaign.Row) []campaign.Row {
			for i := range rows {
				rows[i].Justification = "für die Linie €"
			}
			return rows
		}},
		"names of the columns in other letters": {[]byte(strings.Replace(text, "Decision,Token", " DECISION ,token", 1)), same},
		"a sheet in front": {edited(t, xlsx, func(f *excelize.File) error {
			if _, err := f.NewSheet("Notes"); err != nil {
				return err
			}
			return f.MoveSheet("Notes", sheetReview)
		}), same},
		"rows above the names of the columns": {edited(t, xlsx, func(f *excelize.File) error { return f.InsertRows(sheetReview, 1, 3) }), shifted(3)},
		"columns between the others":          {edited(t, xlsx, func(f *excelize.File) error { return f.InsertCols(sheetReview, "C", 2) }), same},
		"without a fact": {edited(t, xlsx, func(f *excelize.File) error { return f.RemoveCol(sheetReview, letter("Why")) }), func(rows []campaign.Row) []campaign.Row {
			for i := range rows {
				delete(rows[i].Facts, "Why")
			}
			return rows
		}},
		"a row deleted": {edited(t, xlsx, func(f *excelize.File) error { return f.RemoveRow(sheetReview, 2) }), func(rows []campaign.Row) []campaign.Row { return shifted(-1)(rows[1:]) }},
		"a row doubled": {edited(t, xlsx, func(f *excelize.File) error { return f.DuplicateRow(sheetReview, 4) }), func(rows []campaign.Row) []campaign.Row {
			again := rows[2]
			again.Line = 5
			return append(rows, again)
		}},
		"empty rows between the others": {edited(t, xlsx, func(f *excelize.File) error { return f.InsertRows(sheetReview, 3, 2) }), func(rows []campaign.Row) []campaign.Row {
			return append(rows[:1], shifted(2)(rows[1:])...)
		}},
		"merged decisions, of which the first counts": {edited(t, xlsx, func(f *excelize.File) error {
			if err := f.SetCellValue(sheetReview, "A3", nil); err != nil {
				return err
			}
			return f.MergeCell(sheetReview, "A2", "A3")
		}), func(rows []campaign.Row) []campaign.Row {
			rows[1].Decision, rows[1].Facts = "", nil
			return rows
		}},
		"rich text": {edited(t, xlsx, func(f *excelize.File) error {
			return f.SetCellRichText(sheetReview, "D2", []excelize.RichTextRun{{Text: "needed "}, {Text: "for the line", Font: &excelize.Font{Bold: true}}})
		}), same},
		"a sheet without rows": {workbookOf(t, nil, nil), func([]campaign.Row) []campaign.Row { return nil }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want(rowsOf(lines, kept(lines))), read(t, tt.content)); diff != "" {
				t.Errorf("%.2000s", diff)
			}
		})
	}
}

// TestReadCells: what stands in a cell, and how it reads.
func TestReadCells(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		column string
		put    func(f *excelize.File, at string) error
		want   string
	}{
		"a formula as decision": {"Decision", func(f *excelize.File, at string) error { return f.SetCellFormula(sheetReview, at, `"ke"&"ep"`) }, `="ke"&"ep"`},
		"a formula as item":     {"Item", func(f *excelize.File, at string) error { return f.SetCellFormula(sheetReview, at, "S4") }, "=S4"},
		"a text like a formula": {"Decision", func(f *excelize.File, at string) error { return f.SetCellStr(sheetReview, at, "=keep") }, "=keep"},
		"a boolean":             {"Decision", func(f *excelize.File, at string) error { return f.SetCellBool(sheetReview, at, true) }, "TRUE"},
		"spaces":                {"Decision", func(f *excelize.File, at string) error { return f.SetCellStr(sheetReview, at, " Keep ") }, " Keep "},
		"a day": {"Until or new scope", func(f *excelize.File, at string) error {
			style, err := f.NewStyle(&excelize.Style{NumFmt: 14})
			if err == nil {
				err = f.SetCellStyle(sheetReview, at, at, style)
			}
			if err != nil {
				return err
			}
			return f.SetCellValue(sheetReview, at, 46387)
		}, "2026-12-31"},
		"a day in a format of its own": {"Until or new scope", func(f *excelize.File, at string) error {
			format := `[$-407]d. mmmm yyyy" ("dddd")"`
			style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
			if err == nil {
				err = f.SetCellStyle(sheetReview, at, at, style)
			}
			if err != nil {
				return err
			}
			return f.SetCellValue(sheetReview, at, 46387)
		}, "2026-12-31"},
		"a day that is counted from 1904": {"Until or new scope", func(f *excelize.File, at string) error {
			yes := true
			style, err := f.NewStyle(&excelize.Style{NumFmt: 14})
			return errors.Join(err, f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}), f.SetCellStyle(sheetReview, at, at, style), f.SetCellValue(sheetReview, at, 46387-1462))
		}, "2026-12-31"},
		"a moment": {"Until or new scope", func(f *excelize.File, at string) error {
			return f.SetCellValue(sheetReview, at, day.Add(90*time.Minute))
		}, "2026-12-31 01:30:00"},
		"a number as ticket": {"Ticket", func(f *excelize.File, at string) error { return f.SetCellValue(sheetReview, at, 4711) }, "4711"},
		"a number in a format of money": {"Ticket", func(f *excelize.File, at string) error {
			format := `#,##0.00 "days"`
			style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
			if err == nil {
				err = f.SetCellStyle(sheetReview, at, at, style)
			}
			if err != nil {
				return err
			}
			return f.SetCellValue(sheetReview, at, 4711.5)
		}, "4711.5"},
		"an ID as number":          {"Item", func(f *excelize.File, at string) error { return f.SetCellValue(sheetReview, at, 1.1e15) }, "1100000000000000"},
		"an ID as its picture":     {"Item", func(f *excelize.File, at string) error { return f.SetCellStr(sheetReview, at, "1.1E+15") }, "1.1E+15"},
		"a fact as another number": {campaign.FactAge, func(f *excelize.File, at string) error { return f.SetCellStr(sheetReview, at, "30,0") }, "30"},
		"a fact that is no number": {campaign.FactAge, func(f *excelize.File, at string) error { return f.SetCellStr(sheetReview, at, "old") }, "old"},
		"lines":                    {"Justification", func(f *excelize.File, at string) error { return f.SetCellStr(sheetReview, at, "one\r\ntwo\rthree") }, "one\ntwo\nthree"},
	}
	lines := plain()
	content := workbookOf(t, lines, kept(lines))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := read(t, edited(t, content, func(f *excelize.File) error { return tt.put(f, letter(tt.column)+"2") }))
			got := rows[0].Facts[tt.column]
			for _, c := range columns() {
				if c.name == tt.column && c.field != nil {
					got = *c.field(&rows[0])
				}
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestReadSheets: forms of sheets that only other programs write.
func TestReadSheets(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ rows, want string }{
		"no references":            {headRow() + cellsOf("keep", "a"), "2 keep a"},
		"references with gaps":     {headRow() + `<row r="7"><c r="A7" t="str"><v>keep</v></c><c r="B7" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c></row>`, "7 keep ab"},
		"how it is pronounced":     {headRow() + `<row><c t="inlineStr"><is><t>keep</t><rPh sb="0" eb="1"><t>kip</t></rPh></is></c></row>`, "2 keep "},
		"prefixes":                 {strings.NewReplacer("</", "</x:", "<", "<x:").Replace(headRow() + cellsOf("keep", "a")), "2 keep a"},
		"a date of ISO":            {headRow() + `<row><c t="d"><v>2026-12-31T00:00:00</v></c></row>`, "2 2026-12-31 "},
		"an error":                 {headRow() + `<row><c t="e"><v>#N/A</v></c></row>`, "2 #N/A "},
		"escapes":                  {headRow() + cellsOf("_x006B_eep", "_x005F_x0041_"), "2 keep _x0041_"},
		"a shared formula":         {headRow() + `<row><c t="str"><f t="shared" si="0"/><v>keep</v></c></row>`, "2 = "},
		"long text":                {headRow() + cellsOf("keep", strings.Repeat("ä", 40_000)), "2 keep " + strings.Repeat("ä", longestText-1) + "…"},
		"a very long text":         {headRow() + cellsOf("keep", strings.Repeat("🔑", 40_000)), "2 keep " + strings.Repeat("🔑", longestText-1) + "…"},
		"an empty cell at the end": {headRow() + cellsOf("keep", "a", ""), "2 keep a"},
		"other elements in rows":   {headRow() + `<row><c t="str"><v>keep</v><extLst><ext/></extLst></c></row>`, "2 keep "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := read(t, sheetOf(t, tt.rows))
			if len(rows) != 1 || rows[0].Facts == nil {
				t.Fatalf("%v", rows)
			}
			if got := fmt.Sprint(rows[0].Line, " ", rows[0].Decision, " ", rows[0].Facts[campaign.FactToken]); got != tt.want {
				t.Errorf("%.200q, want %.200q", got, tt.want)
			}
		})
	}
}

// bomb is a workbook whose sheet is of so many spaces, and of which the archive says that
// it has claimed.
func bomb(t *testing.T, size, claimed int) []byte {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	spaces := bytes.Repeat([]byte(" "), 1<<20)
	for left := size; left > 0; left -= len(spaces) {
		if _, err := w.Write(spaces[:min(left, len(spaces))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	small := sheetOf(t, "")
	r, err := zip.NewReader(bytes.NewReader(small), int64(len(small)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	to := zip.NewWriter(&b)
	for _, f := range r.File {
		if f.Name != "xl/worksheets/sheet1.xml" {
			if err := to.Copy(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	part, err := to.CreateRaw(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, CompressedSize64: uint64(packed.Len()), UncompressedSize64: uint64(claimed)})
	if err == nil {
		_, err = part.Write(packed.Bytes())
	}
	if err := errors.Join(err, to.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// twice is a workbook that has its first part again.
func twice(t *testing.T, xlsx []byte) []byte {
	r, err := zip.NewReader(bytes.NewReader(xlsx), int64(len(xlsx)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range append(r.File, r.File[0]) {
		if err := w.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// broken is a workbook whose sheet has other bytes than were written.
func broken(t *testing.T, xlsx []byte) []byte {
	r, err := zip.NewReader(bytes.NewReader(xlsx), int64(len(xlsx)))
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(r.File, func(f *zip.File) bool { return f.Name == "xl/worksheets/sheet1.xml" })
	from, err := r.File[at].DataOffset()
	if err != nil {
		t.Fatal(err)
	}
	xlsx = slices.Clone(xlsx)
	for i := range 64 {
		xlsx[int(from)+200+i] ^= 0xFF
	}
	return xlsx
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	lines := plain()
	csv, xlsx := csvOf(t, lines, kept(lines)), workbookOf(t, lines, kept(lines))
	rename := func(name, to string) []byte {
		return edited(t, xlsx, func(f *excelize.File) error { return f.SetCellStr(sheetReview, letter(name)+"1", to) })
	}
	var locked bytes.Buffer
	f := excelize.NewFile()
	if err := f.Write(&locked, excelize.Options{Password: "secret"}); err != nil {
		t.Fatal(err)
	}
	zeros := strings.Repeat("0", 1<<20)
	many := strings.Repeat("keep\r\n", mostRows+1)
	tests := map[string]struct {
		content []byte
		want    string
	}{
		"nothing":                             {nil, "the file is empty"},
		"spaces":                              {[]byte(" \r\n"), "the file is empty"},
		"a file that is large":                {bytes.Repeat([]byte("a"), mostBytes+1), "more than 100 MiB"},
		"a sheet that is large when unpacked": {bomb(t, mostSheet+1, mostSheet+1), "a part has more than 512 MiB"},
		"a large sheet that says it is small": {bomb(t, mostSheet+1, 1<<20), "damaged"},
		"many rows":                           {slices.Concat(csv, []byte(many)), "more than 250,000 rows"},
		"many empty rows":                     {slices.Concat(csv, bytes.Repeat([]byte(",\r\n"), mostRows+1)), "more than 250,000 rows"},
		"a locked workbook":                   {locked.Bytes(), "save it without one"},
		"an old workbook":                     {append(slices.Clone(compoundFile), zeros...), "as .xls"},
		"OpenDocument":                        {archive(t, map[string]string{"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": ""}), "as .ods"},
		"a binary workbook":                   {archive(t, map[string]string{"xl/workbook.bin": ""}), ".xlsb"},
		"another archive":                     {archive(t, map[string]string{"word/document.xml": ""}), "not a workbook"},
		"half a workbook":                     {xlsx[:len(xlsx)/2], "was cut short"},
		"a workbook with an error":            {broken(t, xlsx), "damaged"},
		"a sheet that ends early":             {sheetOf(t, "<row>"), "damaged"},
		"a sheet that is missing":             {archive(t, map[string]string{"xl/workbook.xml": "<workbook/>"}), "damaged"},
		"a workbook without sheets":           {archive(t, map[string]string{"xl/workbook.xml": "<workbook/>", "xl/_rels/workbook.xml.rels": "<Relationships/>"}), "none of the columns"},
		"rows in disorder":                    {sheetOf(t, `<row r="2"/><row r="2"/>`), "not in order"},
		"cells in disorder":                   {sheetOf(t, `<row><c r="B1"/><c r="A1"/></row>`), "not in order"},
		"a row within a cell":                 {sheetOf(t, `<row><c r="A1"><row r="2"></row></c></row>`), "a row begins within a cell"},
		"a cell of many texts":                {sheetOf(t, `<row><c t="inlineStr"><is>`+strings.Repeat("<t>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</t>", mostText/32+1)+`</is></c></row>`), "a cell has more than 1 MiB"},
		"a cell far away":                     {sheetOf(t, `<row><c r="ZZZZZ1"/></row>`), "damaged"},
		"a text that is missing":              {sheetOf(t, `<row><c t="s"><v>7</v></c></row>`), "a text that is missing"},
		"columns that are far down":           {[]byte(strings.Repeat("note\r\n", mostAbove) + string(csv)), "none of the columns"},
		"a part that is there twice":          {twice(t, xlsx), "a part is there twice"},
		"no columns":                          {[]byte("a,b\r\n1,2\r\n"), "none of the columns"},
		"an HTML page":                        {[]byte("<html><body><table>"), "none of the columns"},
		"a signature":                         {[]byte("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n"), "none of the columns"},
		"bytes of no text":                    {append([]byte("Decision,Item\r\n"), 0, 1, 2), "neither a workbook nor CSV"},
		"quotes that do not end":              {append(slices.Clone(csv), `"keep`...), "line 5 is not CSV"},
		"a renamed decision":                  {rename("Decision", "Verdict"), `line 1 of the sheet "Review" lacks Decision; it has Verdict, Token,`},
		"a renamed justification":             {rename("Justification", "Reason"), "lacks Justification"},
		"renamed hidden columns":              {[]byte(strings.Replace(string(csv), "Item,Fingerprint", "ID,Hash", 1)), "line 1 lacks Item, Fingerprint; it has Decision"},
		"the hidden columns deleted":          {edited(t, xlsx, func(f *excelize.File) error { return f.RemoveCol(sheetReview, letter("Facts")) }), "lacks Facts"},
		"a column that is there twice":        {rename(campaign.FactPurpose, "decision "), "the column Decision is there twice"},
		"names that are very long":            {[]byte("Decision," + strings.Repeat("x", 1000)), "it has Decision, xxxxxxxxxxxxxxxxxxxxxxxxxxxxx…."},
		"a copy of the sheet": {edited(t, xlsx, func(f *excelize.File) error {
			to, err := f.NewSheet("Copy")
			if err != nil {
				return err
			}
			return f.CopySheet(0, to)
		}), `the sheets "Review" and "Copy" both have`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, ext, err := Read(tt.content)
			if err == nil || !strings.Contains(err.Error(), tt.want) || rows != nil || ext != "" {
				t.Errorf("%d rows of %q, %v; want %s", len(rows), ext, err, tt.want)
			}
		})
	}
}
