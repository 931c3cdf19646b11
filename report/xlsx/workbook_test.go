package xlsx

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

func rawRows(t testing.TB, f *excelize.File, sheet string) [][]string {
	t.Helper()
	rows, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// expected is a list as the sheet must read, from the rows themselves.
func expected(cols []table.Column, rows []*table.Row) [][]string {
	out := [][]string{nil}
	for _, c := range cols {
		out[0] = append(out[0], c.Header)
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

func expectedCell(c table.Column, r *table.Row) string {
	switch v := c.Value(r).(type) {
	case string:
		return xlsxText(v, c.Limit)
	case int:
		return strconv.Itoa(v)
	case time.Time:
		if c.Kind == table.Day {
			return v.UTC().Format(time.DateOnly)
		}
		return reporttest.Stamp(v)
	}
	return table.Unknown
}

func TestWorkbookCells(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	f := reporttest.OpenWorkbook(t, workbookText(t, in, whole))
	authorizations, found := reporttest.AllRows(t, in)
	want := []string{"Summary", "To do", "Findings", "Authorizations", "Changes", "Owners", "Inventory", "Coverage", "Exceptions", "Checks", "Controls", "About"}
	if diff := cmp.Diff(want, f.GetSheetList()); diff != "" {
		t.Error(diff)
	}
	for sheet, want := range map[string][][]string{
		"Authorizations": expected(authorizationColumns(reporttest.Input(t)), authorizations),
		"Findings":       expected(findingColumns(reporttest.Input(t)), found),
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
			switch {
			case i == 0:
			case strings.HasSuffix(name, "(UTC)"):
				rows[i][j], _, _ = strings.Cut(plainDate(t, rows[i][j]), "T00:00:00Z") // of a day
			}
		}
	}
	return rows
}

func plainDate(t testing.TB, raw string) string {
	if raw == table.Unknown {
		return raw
	}
	days, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		t.Errorf("%q is no date", raw)
	}
	at, _ := excelize.ExcelDateToTime(days, false)
	return reporttest.Stamp(at.Round(time.Second))
}

func TestWorkbookTypes(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	f := reporttest.OpenWorkbook(t, workbookText(t, in, whole))
	rows := rawRows(t, f, "Authorizations")
	for i, c := range authorizationColumns(reporttest.Input(t)) {
		for n := 2; n <= len(rows); n++ {
			name, _ := excelize.CoordinatesToCellName(i+1, n)
			if v, _ := f.GetCellValue("Authorizations", name, excelize.Options{RawCellValue: true}); v == "" || v == table.Unknown {
				continue
			}
			typ, _ := f.GetCellType("Authorizations", name)
			if want := cellType(c.Kind); typ != want {
				t.Errorf("%s (%s) is of type %v, want %v", name, c.Name, typ, want)
			}
		}
	}
}

func cellType(k table.Kind) excelize.CellType {
	if k == table.Text || k == table.Severity {
		return excelize.CellTypeInlineString
	}
	return excelize.CellTypeUnset // a number
}

func TestWorkbookDatesReadAsDates(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	f := reporttest.OpenWorkbook(t, workbookText(t, in, whole))
	at := slices.IndexFunc(authorizationColumns(reporttest.Input(t)), func(c table.Column) bool { return c.Name == "created" })
	shown, err := f.GetRows("Authorizations")
	if err != nil {
		t.Fatal(err)
	}
	n := 1
	for r := range in.Rows {
		want := table.Unknown
		if !r.CreatedAt.IsZero() {
			want = r.CreatedAt.Format("2006-01-02 15:04:05")
		}
		if got := shown[n][at]; got != want {
			t.Errorf("row %d shows %q, want %q", n+1, got, want)
		}
		n++
	}
}

func TestWorkbookLayout(t *testing.T) {
	t.Parallel()
	f := reporttest.OpenWorkbook(t, workbookText(t, reporttest.Input(t), whole))
	tests := []struct {
		sheet  string
		frozen int
		head   int    // line of the header
		last   string // cell that is printed
	}{
		{"Findings", 3, 1, "$K$45"},
		{"Authorizations", 2, 1, "$K$31"},
		{"To do", 3, 2, "$L$22"},
		{"Changes", 3, 1, "$I$10"},
		{"Owners", 1, 2, "$Q$11"},
		{"Inventory", 2, 2, "$J$16"},
	}
	for _, tt := range tests {
		t.Run(tt.sheet, func(t *testing.T) {
			p, err := f.GetPanes(tt.sheet)
			if err != nil || !p.Freeze || p.XSplit != tt.frozen || p.YSplit != tt.head {
				t.Errorf("panes %+v, %v", p, err)
			}
			if got := defined(f, tt.sheet, "_xlnm.Print_Titles"); got != fmt.Sprintf("'%s'!$1:$%d", tt.sheet, tt.head) {
				t.Errorf("printed titles %q", got)
			}
			if got := defined(f, tt.sheet, "_xlnm.Print_Area"); got != "'"+tt.sheet+"'!$A$1:"+tt.last {
				t.Errorf("printed area %q", got)
			}
			rows := rawRows(t, f, tt.sheet)
			last, _ := excelize.CoordinatesToCellName(len(rows[tt.head-1]), len(rows), true)
			if got, want := defined(f, tt.sheet, "_xlnm._FilterDatabase"), fmt.Sprintf("'%s'!$A$%d:%s", tt.sheet, tt.head, last); got != want {
				t.Errorf("filter %q, want %q", got, want)
			}
			page, _ := f.GetPageLayout(tt.sheet)
			if *page.Orientation != "landscape" || *page.Size != 9 || *page.FitToWidth != 1 || *page.FitToHeight != 0 {
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
	t.Parallel()
	f := reporttest.OpenWorkbook(t, workbookText(t, reporttest.Input(t), whole))
	state := headerAt(t, f, "Findings", "State") - 1
	for i, line := range rawRows(t, f, "Findings")[1:] {
		id, err := f.GetCellStyle("Findings", fmt.Sprintf("A%d", i+2))
		if err != nil {
			t.Fatal(err)
		}
		st, _ := f.GetStyle(id)
		want := []string{paints[line[0]].Fill}
		if line[state] == "resolved" || line[0] == "info" { // which stands back
			want = nil
		}
		if !slices.Equal(st.Fill.Color, want) {
			t.Errorf("row %d, %s %s: fill %v, want %v", i+2, line[state], line[0], st.Fill.Color, want)
		}
	}
}

func TestWorkbookProperties(t *testing.T) {
	t.Parallel()
	f := reporttest.OpenWorkbook(t, workbookText(t, reporttest.Input(t), whole))
	p, err := f.GetDocProps()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"InfluxDB token review weekly-review/2026-11-23T0800Z", "tokenaudit", "2026-11-23T08:01:00Z", "2026-11-23T08:01:00Z"}
	if got := []string{p.Title, p.Creator, p.Created, p.Modified}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// noted parts the line above the heads of a list, if there is one, from the list.
func noted(rows [][]string) (note string, list [][]string) {
	if len(rows[0]) == 1 {
		return rows[0][0], rows[1:]
	}
	return "", rows
}

// A sheet with more rows than it may have shows the worst, and says so.
func TestBoundedSheets(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	files, shown := reporttest.Files(t, in, func(s *table.Staging, in table.Input) (*Workbook, error) { return newWorkbook(s, in, few) })
	f := reporttest.OpenWorkbook(t, files[File])
	all := reporttest.OpenWorkbook(t, workbookText(t, in, whole))
	want := []string{
		"To do: The worst 10 of 20, all in authorizations.csv.", "Findings: The worst 15 of 44, all in findings.csv.",
		"Authorizations: The worst 12 of 30, all in authorizations.csv.", "Changes: The worst 8 of 9, all in snapshot-*.jsonl.gz.",
		"Owners: The worst 3 of 9, all in authorizations.csv.", "Inventory: The worst 4 of 14, all in authorizations.csv.",
	}
	if len(shown) != len(want) {
		t.Fatalf("%d sheets are bounded, want %d", len(shown), len(want))
	}
	for i, s := range shown {
		if got := s.Table + ": " + s.Words(); got != want[i] {
			t.Errorf("%s, want %s", got, want[i])
		}
		note, rows := noted(rawRows(t, f, s.Table))
		_, complete := noted(rawRows(t, all, s.Table))
		if !strings.HasPrefix(note, s.Words()) || !slices.Equal(rows[0], complete[0]) || len(rows) != s.Rows+1 || len(complete) != s.Of+1 {
			t.Errorf("%s: %d rows of %d below %q, %q", s.Table, len(rows), len(complete), note, rows[0])
		}
		for _, sheet := range []string{"Summary", "Coverage"} {
			if text := sheetText(t, f, sheet); !strings.Contains(text, s.Table+"|"+s.Words()) || strings.Contains(text, differs) {
				t.Errorf("%s of %s:\n%s", sheet, s.Table, text)
			}
		}
	}
	for _, sheet := range []string{"To do", "Findings", "Owners"} { // which are sorted
		_, rows := noted(rawRows(t, f, sheet))
		_, complete := noted(rawRows(t, all, sheet))
		for i, row := range rows[1:] {
			i++
			if sheet == "To do" {
				at := headerAt(t, f, sheet, "Record") - 1
				row[at], complete[i][at] = "", "" // the line of another sheet
			}
			if !slices.Equal(row, complete[i]) {
				t.Errorf("%s: row %d is %q, want %q", sheet, i, row, complete[i])
			}
		}
	}
	// The authorizations stay in their order; the worst are those that stay.
	at, worst, id := 0, authorizationColumnAt("worst_severity"), authorizationColumnAt("authorization_id")
	left := map[string]int{}
	complete := rawRows(t, all, "Authorizations")[1:]
	rows := rawRows(t, f, "Authorizations")[2:]
	for _, row := range complete {
		if at < len(rows) && row[id] == rows[at][id] {
			at++
			continue
		}
		severity := ""
		if len(row) > worst {
			severity = row[worst]
		}
		left[severity]++
	}
	if at != len(rows) || left["critical"]+left["high"]+left["medium"] > 0 || left["low"] == 0 {
		t.Errorf("%d rows in order of %d; left out: %v", at, len(rows), left)
	}
}

func authorizationColumnAt(name string) int {
	return slices.IndexFunc(authorizationColumns(table.Input{}), func(c table.Column) bool { return c.Name == name })
}

// A sheet that is exactly full lacks nothing.
func TestSheetExactlyFull(t *testing.T) {
	t.Parallel()
	most := whole
	most.authorizations = 30
	f := reporttest.OpenWorkbook(t, workbookText(t, reporttest.Input(t), most))
	if rows := rawRows(t, f, "Authorizations"); len(rows) != 31 || rows[0][0] != authorizationColumns(reporttest.Input(t))[0].Header {
		t.Errorf("%d rows, the first %q", len(rows), rows[0])
	}
}

// A summary that counts fewer than come leaves no more rows than a sheet may have.
func TestMoreRowsThanTheSummarySays(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	in.Summary.Authorizations.Total = 5
	f := reporttest.OpenWorkbook(t, workbookText(t, in, few))
	if rows := rawRows(t, f, "Authorizations"); len(rows) != 13 {
		t.Errorf("%d rows", len(rows))
	}
	if text := sheetText(t, f, "Coverage"); !strings.Contains(text, differs) || !strings.Contains(text, "Authorizations|The worst 12 of 30") {
		t.Errorf("the difference is not said:\n%s", text)
	}
}

func TestNoFileHasWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	in.Formats = []string{"xlsx"}
	f := reporttest.OpenWorkbook(t, workbookText(t, in, few))
	if got := rawRows(t, f, "Findings")[0][0]; got != "The worst 15 of 44; the others are in no file, since this report was made without csv." {
		t.Errorf("%q", got)
	}
}

func TestWorkbookWithoutRows(t *testing.T) {
	t.Parallel()
	f := reporttest.OpenWorkbook(t, workbookText(t, reporttest.Nothing(), whole))
	headers := map[string][][]string{"Findings": expected(findingColumns(reporttest.Input(t)), nil), "Authorizations": expected(authorizationColumns(reporttest.Input(t)), nil), "To do": {nil}}
	for _, c := range (&Workbook{}).taskColumns() {
		headers["To do"][0] = append(headers["To do"][0], c.Header)
	}
	headers["To do"] = append(headers["To do"], []string{"Nothing to decide: no token has a finding that somebody should act on."})
	for sheet, want := range headers {
		if diff := cmp.Diff(want, rawRows(t, f, sheet)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestXLSXText(t *testing.T) {
	t.Parallel()
	const mark = "… (cut, 40000 characters in all)"
	room := excelize.TotalCellChars - utf16Len(mark)
	tests := []struct {
		name, in string
		Days     int
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
			got := xlsxText(tt.in, tt.Days)
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
	t.Parallel()
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

// TestColumnsOfProducts: columns of products after v2 are there where a target is of one, and
// empty ones are not.
func TestColumnsOfProducts(t *testing.T) {
	t.Parallel()
	of := func(products ...audit.Product) table.Input {
		var in table.Input
		for _, p := range products {
			in.Summary.Coverage.Targets = append(in.Summary.Coverage.Targets, audit.Coverage{Product: p})
		}
		return in
	}
	for name, tt := range map[string]struct {
		in   table.Input
		want string
	}{
		"InfluxDB 2":         {of(audit.ProductOSS, audit.ProductCloud), ""},
		"an earlier version": {of(""), ""},
		"InfluxDB 3":         {of(audit.ProductOSS, audit.ProductCore), "product expires secret_replaced"},
		"Cloud Dedicated":    {of(audit.ProductDedicated), "product expires revoked"},
		"InfluxDB 1.x":       {of(audit.ProductV1), "product"},
	} {
		var got []string
		for _, c := range authorizationColumns(tt.in) {
			if slices.Contains([]string{"product", "expires", "revoked", "secret_replaced"}, c.Name) {
				got = append(got, c.Name)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", name, got, tt.want)
		}
	}
}

// TestStatusOfProducts: the sheets say what became of tokens that their server still calls
// active, and count them so.
func TestStatusOfProducts(t *testing.T) {
	t.Parallel()
	f := reporttest.OpenWorkbook(t, workbookText(t, reporttest.Family(t), whole))
	at := func(row []string, header string) string {
		if i := headerAt(t, f, "Authorizations", header) - 1; i < len(row) {
			return row[i]
		}
		return ""
	}
	got := map[string]string{}
	for _, row := range rawRows(t, f, "Authorizations")[1:] {
		got[at(row, "Description")+" of "+at(row, "Owner")] = at(row, "Status") + ", " + at(row, "Product")
	}
	for name, want := range map[string]string{
		"expired of (no owner)": "expired, InfluxDB 3 Core", "ci of (no owner)": "active, InfluxDB 3 Core",
		"handed over of (no owner)": "revoked, " + audit.ProductDedicated.Name(), "reader of (no owner)": "expired, " + audit.ProductDedicated.Name(),
		"(no description) of root": "active, InfluxDB 1.x",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	text := sheetText(t, f, "Coverage")
	for _, want := range []string{"  active", "  expired", "  revoked", audit.ProductEnterprise.Name()} {
		if !strings.Contains(text, want) {
			t.Errorf("the sheet Coverage lacks %q", want)
		}
	}
	if strings.Contains(text, "DIFFERS") {
		t.Error(text)
	}
}

// TestServerFindingsStand: what was found in a server that is there has the colour of its
// severity, like any other finding that stands, and no status.
func TestServerFindingsStand(t *testing.T) {
	t.Parallel()
	f := reporttest.OpenWorkbook(t, workbookText(t, reporttest.EveryState(t), whole))
	for _, sheet := range []string{"To do", "Findings", "Changes"} {
		_, list := noted(rawRows(t, f, sheet))
		id, severity := slices.Index(list[0], "Authorization ID"), slices.Index(list[0], "Severity")
		status, at := slices.Index(list[0], "Status"), slices.IndexFunc(list, func(line []string) bool { return line[id] == "server" && line[severity] == "high" })
		if at < 0 {
			t.Fatalf("%s has no finding of the server", sheet)
		}
		cell, err := excelize.CoordinatesToCellName(severity+1, at+1+len(rawRows(t, f, sheet))-len(list))
		if err != nil {
			t.Fatal(err)
		}
		style, err := f.GetCellStyle(sheet, cell)
		if err != nil {
			t.Fatal(err)
		}
		st, _ := f.GetStyle(style)
		if !slices.Equal(st.Fill.Color, []string{paints["high"].Fill}) {
			t.Errorf("%s: fill %v", sheet, st.Fill.Color)
		}
		if status >= 0 && list[at][status] != table.Unknown {
			t.Errorf("%s: status %q", sheet, list[at][status])
		}
	}
}

// TestAuthorizationsArePrintedWithTheirTarget: on paper, tokens of several servers are told apart.
func TestAuthorizationsArePrintedWithTheirTarget(t *testing.T) {
	t.Parallel()
	f := reporttest.OpenWorkbook(t, workbookText(t, reporttest.Family(t), whole))
	_, last, _ := strings.Cut(defined(f, "Authorizations", "_xlnm.Print_Area"), ":$")
	last, _, _ = strings.Cut(last, "$")
	printed, err := excelize.ColumnNameToNumber(last)
	if err != nil {
		t.Fatal(err)
	}
	_, list := noted(rawRows(t, f, "Authorizations"))
	for _, header := range []string{"Target", "Product", "Expires (UTC)", "Authorization ID"} {
		if at := slices.Index(list[0], header); at < 0 || at >= printed {
			t.Errorf("%s is column %d, and %d are printed", header, at+1, printed)
		}
	}
}

// TestLimitsStandOnce: one row for each limit, with the targets that have it.
func TestLimitsStandOnce(t *testing.T) {
	t.Parallel()
	in := reporttest.Family(t)
	for i := range in.Summary.Coverage.Targets {
		c := &in.Summary.Coverage.Targets[i]
		c.AddLimits(c.Product)
	}
	text := sheetText(t, reporttest.OpenWorkbook(t, workbookText(t, in, whole)), "Coverage")
	if n := strings.Count(text, "(limit operator-token)"); n != 1 {
		t.Errorf("a limit stands %d times", n)
	}
	if !strings.Contains(text, "core, enterprise") {
		t.Error("the targets of a limit are not named")
	}
}
