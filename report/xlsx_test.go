package report

import (
	"archive/zip"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

func openWorkbook(t testing.TB, text string) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func rawRows(t testing.TB, f *excelize.File, sheet string) [][]string {
	t.Helper()
	rows, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// expected is a list as the sheet must read, from the rows themselves.
func expected(cols []column, rows []*row) [][]string {
	out := [][]string{nil}
	for _, c := range cols {
		out[0] = append(out[0], c.header)
	}
	for _, r := range rows {
		var line []string
		for _, c := range cols {
			line = append(line, expectedCell(c, r))
		}
		out = append(out, line)
	}
	return out
}

// wholeColumns are those of the sheet Authorizations.
func wholeColumns(in Input) []column {
	return (&book{draft: &draft{in: in}}).authorizationColumns()
}

func expectedCell(c column, r *row) string {
	switch v := c.value(r).boxed().(type) {
	case string:
		return xlsxText(v, c.limit)
	case int:
		return strconv.Itoa(v)
	case time.Time:
		if !v.IsZero() {
			return stamp(v)
		}
	}
	return unknown
}

func allRows(t testing.TB, in Input) (authorizations, found []*row) {
	d := met(t, in)
	copied := func(rows iter.Seq2[*row, error]) (all []*row) {
		for r, err := range rows {
			if err != nil {
				t.Fatal(err)
			}
			c := *r
			all = append(all, &c)
		}
		return all
	}
	return copied(d.authorizationRows(t.Context())), copied(d.findingRows(t.Context()))
}

// met is a draft that has met every row, and its outputs with it.
func met(t testing.TB, in Input, outputs ...func(*draft) (output, error)) *draft {
	t.Helper()
	d, err := newDraft(t.TempDir(), in)
	if err != nil {
		t.Fatal(err)
	}
	var formats []format
	for _, begin := range outputs {
		formats = append(formats, format{begin: begin})
	}
	if err := d.writeAll(t.Context(), formats); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWorkbookCells(t *testing.T) {
	in := input(t)
	f := openWorkbook(t, written(t, in)["review.xlsx"])
	authorizations, found := allRows(t, in)
	want := []string{"Summary", "To do", "Findings", "Authorizations", "Changes", "Owners", "Coverage", "Exceptions", "Controls", "About"}
	if diff := cmp.Diff(want, f.GetSheetList()); diff != "" {
		t.Error(diff)
	}
	for sheet, want := range map[string][][]string{
		"Authorizations": expected(wholeColumns(in), authorizations),
		"Findings":       expected(bookFindingColumns(), found),
	} {
		if diff := cmp.Diff(want, plain(t, rawRows(t, f, sheet), want[0])); diff != "" {
			t.Errorf("%s: %.2000s", sheet, diff)
		}
	}
}

// plain rows have their dates as in CSV, and the empty cells at their end, which
// excelize leaves out.
func plain(t testing.TB, rows [][]string, header []string) [][]string {
	for i := range rows {
		for len(rows[i]) < len(header) {
			rows[i] = append(rows[i], "")
		}
		for j, name := range header {
			if i > 0 && strings.HasSuffix(name, "(UTC)") {
				rows[i][j] = plainDate(t, rows[i][j])
			}
		}
	}
	return rows
}

func plainDate(t testing.TB, raw string) string {
	if raw == unknown {
		return raw
	}
	days, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		t.Errorf("%q is no date", raw)
	}
	at, _ := excelize.ExcelDateToTime(days, false)
	return stamp(at.Round(time.Second))
}

func TestWorkbookTypes(t *testing.T) {
	in := input(t)
	f := openWorkbook(t, written(t, in)["review.xlsx"])
	rows := rawRows(t, f, "Authorizations")
	for i, c := range wholeColumns(in) {
		for n := 2; n <= len(rows); n++ {
			name, _ := excelize.CoordinatesToCellName(i+1, n)
			if v, _ := f.GetCellValue("Authorizations", name, excelize.Options{RawCellValue: true}); v == "" || v == unknown {
				continue
			}
			typ, _ := f.GetCellType("Authorizations", name)
			if want := cellType(c.kind); typ != want {
				t.Errorf("%s (%s) is of type %v, want %v", name, c.name, typ, want)
			}
		}
	}
}

func cellType(k kind) excelize.CellType {
	if k == text || k == severity {
		return excelize.CellTypeInlineString
	}
	return excelize.CellTypeUnset // a number
}

func TestWorkbookDatesReadAsDates(t *testing.T) {
	in := input(t)
	f := openWorkbook(t, written(t, in)["review.xlsx"])
	at := slices.IndexFunc(wholeColumns(in), func(c column) bool { return c.name == "created" })
	shown, err := f.GetRows("Authorizations")
	if err != nil {
		t.Fatal(err)
	}
	n := 1
	for r := range in.Rows() {
		want := unknown
		if !r.CreatedAt.IsZero() {
			want = r.CreatedAt.Format("2006-01-02 15:04:05")
		}
		if got := shown[n][at]; got != want {
			t.Errorf("row %d shows %q, want %q", n+1, got, want)
		}
		n++
	}
}

func parts(t testing.TB, text string) map[string]string {
	r, err := zip.NewReader(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(rc) // checks the CRC too
		if err != nil {
			t.Fatal(f.Name, err)
		}
		out[f.Name] = string(b)
	}
	return out
}

func TestWorkbookLayout(t *testing.T) {
	f := openWorkbook(t, written(t, input(t))["review.xlsx"])
	tests := []struct {
		sheet  string
		frozen int
		titles string
	}{
		{"Findings", 2, "'Findings'!$A:$B,'Findings'!$1:$1"},
		{"Authorizations", 4, "'Authorizations'!$A:$D,'Authorizations'!$1:$1"},
		{"To do", 1, "'To do'!$A:$A,'To do'!$1:$1"},
		{"Changes", 1, "'Changes'!$A:$A,'Changes'!$1:$1"},
		{"Owners", 1, "'Owners'!$A:$A,'Owners'!$1:$1"},
	}
	for _, tt := range tests {
		t.Run(tt.sheet, func(t *testing.T) {
			p, err := f.GetPanes(tt.sheet)
			if err != nil || !p.Freeze || p.XSplit != tt.frozen || p.YSplit != 1 {
				t.Errorf("panes %+v, %v", p, err)
			}
			if got := defined(f, tt.sheet, "_xlnm.Print_Titles"); got != tt.titles {
				t.Errorf("printed titles %q", got)
			}
			rows := rawRows(t, f, tt.sheet)
			last, _ := excelize.CoordinatesToCellName(len(rows[0]), len(rows), true)
			if got, want := defined(f, tt.sheet, "_xlnm._FilterDatabase"), "'"+tt.sheet+"'!$A$1:"+last; got != want {
				t.Errorf("filter %q, want %q", got, want)
			}
			page, _ := f.GetPageLayout(tt.sheet)
			if *page.Orientation != "landscape" || *page.FitToHeight != 0 {
				t.Errorf("page %+v", page)
			}
			if props, _ := f.GetSheetProps(tt.sheet); !*props.FitToPage {
				t.Error("does not fit to the page")
			}
		})
	}
}

func defined(f *excelize.File, sheet, name string) string {
	for _, d := range f.GetDefinedName() {
		if d.Scope == sheet && d.Name == name {
			return d.RefersTo
		}
	}
	return ""
}

func TestWorkbookSeverityIsColoured(t *testing.T) {
	f := openWorkbook(t, written(t, input(t))["review.xlsx"])
	for i, line := range rawRows(t, f, "Findings")[1:] {
		id, err := f.GetCellStyle("Findings", fmt.Sprintf("A%d", i+2))
		if err != nil {
			t.Fatal(err)
		}
		st, _ := f.GetStyle(id)
		p, _ := paintOf(line[0])
		want := []string{p.fill}
		if line[3] == "resolved" {
			want = nil
		}
		if !slices.Equal(st.Fill.Color, want) {
			t.Errorf("row %d, %s %s: fill %v, want %v", i+2, line[3], line[0], st.Fill.Color, want)
		}
	}
}

func TestWorkbookProperties(t *testing.T) {
	f := openWorkbook(t, written(t, input(t))["review.xlsx"])
	p, err := f.GetDocProps()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"InfluxDB token review weekly-review/2026-11-23T0800Z", "tokenaudit", "2026-11-23T08:01:00Z", "2026-11-23T08:01:00Z"}
	if got := []string{p.Title, p.Creator, p.Created, p.Modified}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestWorkbookContinuesOnNextSheet(t *testing.T) {
	in := input(t)
	f := smallSheets(t, in, 12)
	want := []string{"Summary", "To do", "To do 2", "To do 3", "Findings", "Findings 2", "Findings 3", "Findings 4", "Authorizations", "Authorizations 2", "Authorizations 3", "Changes", "Owners", "Coverage", "Exceptions", "Controls", "About"}
	if got := f.GetSheetList(); !slices.Equal(got, want) {
		t.Fatalf("sheets %v", got)
	}
	whole := rawRows(t, f, want[8])[:1]
	for _, name := range want[8:11] {
		rows := rawRows(t, f, name)
		if len(rows) > 12 {
			t.Errorf("%s has %d rows", name, len(rows))
		}
		whole = append(whole, rows[1:]...)
	}
	authorizations, _ := allRows(t, in)
	all := expected(wholeColumns(in), authorizations)
	if diff := cmp.Diff(all, plain(t, whole, all[0])); diff != "" {
		t.Errorf("%.2000s", diff)
	}
}

// A sheet that is exactly full has no empty one behind it.
func TestWorkbookExactlyFull(t *testing.T) {
	in := input(t)
	authorizations, _ := allRows(t, in)
	f := smallSheets(t, in, len(authorizations)+1)
	if slices.Contains(f.GetSheetList(), "Authorizations 2") {
		t.Error(f.GetSheetList())
	}
}

func smallSheets(t *testing.T, in Input, maxRows int) *excelize.File {
	t.Helper()
	return openWorkbook(t, workbookText(t, in, maxRows))
}

func TestWorkbookWithoutRows(t *testing.T) {
	f := openWorkbook(t, written(t, nothing())["review.xlsx"])
	for sheet, cols := range map[string][]column{"Findings": bookFindingColumns(), "Authorizations": wholeColumns(nothing()), "To do": taskColumns(&book{})} {
		if diff := cmp.Diff(expected(cols, nil), rawRows(t, f, sheet)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestXLSXText(t *testing.T) {
	const mark = "… (cut, 40000 characters in all)"
	room := excelize.TotalCellChars - utf16Len(mark)
	tests := []struct {
		name, in string
		limit    int
		want     string
	}{
		{"short", "telegraf", 0, "telegraf"},
		{"just fits", strings.Repeat("é", excelize.TotalCellChars), 0, strings.Repeat("é", excelize.TotalCellChars)},
		{"too long", strings.Repeat("é", 40000), 0, strings.Repeat("é", room) + mark},
		{"counted as Excel does", strings.Repeat("🔑", 20000), 0, strings.Repeat("🔑", room/2) + mark},
		{"limit of the column", strings.Repeat("a", 60), 50, strings.Repeat("a", 50-29) + "… (cut, 60 characters in all)"},
		{"formula", "=1+1", 0, "=1+1"},
		{"lines", "a\nb\tc", 0, "a\nb\tc"},
		{"control", "a\x00b\u202e", 0, `a\u0000b\u202e`},
		{"not UTF-8", "a\xffb", 0, `a\xffb`},
		{"escape", "_x0041_", 0, "_x0041_"},
		{"escapes that overlap", "_x0041_x0042_", 0, `_x0041\u005fx0042_`},
		{"escape of an escape", "_x005F_x0041_", 0, `_x005F\u005fx0041_`},
		{"half a surrogate pair", "_xD83D_", 0, `\u005fxD83D_`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := xlsxText(tt.in, tt.limit)
			if got != tt.want {
				t.Errorf("%.60q…, want %.60q…", got, tt.want)
			}
			if n := utf16Len(got); n > excelize.TotalCellChars {
				t.Errorf("%d units", n)
			}
		})
	}
}

func TestSerial(t *testing.T) {
	tests := []struct {
		name string
		in   time.Time
		want any
	}{
		{"none", time.Time{}, nil},
		{"noon", time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), 46349.5},
		{"other zone", time.Date(2026, 11, 23, 14, 0, 0, 0, time.FixedZone("", 7200)), 46349.5},
		{"a third is rounded up", time.Date(2026, 11, 23, 8, 0, 0, 999, time.UTC), 46349.333333334},
		{"last one", time.Date(9999, 12, 31, 12, 0, 0, 0, time.UTC), 2958465.5},
		{"first right one", time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC), 61.0},
		{"before Excel's dates", time.Date(1812, 6, 24, 0, 0, 0, 0, time.UTC), "1812-06-24T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := serial(tt.in); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
