package report

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

// sheetOf is a CSV file by its column names.
type sheetOf struct {
	header []string
	rows   []map[string]string
}

func readCSV(t testing.TB, text string) sheetOf {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	s := sheetOf{header: lines[0]}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range s.header {
			row[name] = line[i]
		}
		s.rows = append(s.rows, row)
	}
	return s
}

func (s sheetOf) column(name string) []string {
	var out []string
	for _, r := range s.rows {
		out = append(out, r[name])
	}
	return out
}

func TestAuthorizationsCSV(t *testing.T) {
	in := input(t)
	got := readCSV(t, written(t, in)["authorizations.csv"])
	i := 0
	for r := range in.Rows() {
		row := got.rows[i]
		i++
		want := map[string]string{
			"target": r.Target, "org": r.Org, "org_id": r.OrgID, "authorization_id": r.ID,
			"description": neutral(audit.Visible(r.Description, true)), "status": string(r.Status),
			"owner": r.Owner.Name, "owner_id": r.UserID, "owner_state": string(r.Owner.State), "owner_evidence": r.Owner.Evidence,
			"class": row["class"], "may_write": row["may_write"], "permissions": row["permissions"],
			"created": stamp(r.CreatedAt), "updated": stamp(r.UpdatedAt), "age_days": row["age_days"],
			"first_seen": stamp(r.FirstSeen), "last_seen": stamp(r.LastSeen), "presence": string(r.Presence), "presence_evidence": r.Evidence,
			"worst_severity": string(r.Worst()), "findings": row["findings"],
		}
		if want["owner"] == "" {
			want["owner"] = r.User
		}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Errorf("%s: %s", r.ID, diff)
		}
	}
	if i != len(got.rows) {
		t.Errorf("%d rows for %d records", len(got.rows), i)
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func TestDerivedCells(t *testing.T) {
	got := readCSV(t, written(t, input(t))["authorizations.csv"])
	byDescription := map[string]map[string]string{}
	for _, r := range got.rows {
		byDescription[r["description"]] = r
	}
	tests := []struct{ description, column, want string }{
		{"operator", "class", "operator"},
		{"operator", "may_write", "all orgs: buckets"},
		{"operator", "permissions", "write:/buckets"},
		{"operator", "findings", "operator, active-write, not-rotated"},
		{"operator", "worst_severity", "critical"},
		{"set aside", "class", "write"},
		{"set aside", "may_write", "one bucket: sensors"},
		{"set aside", "permissions", "read:buckets/00000000000000c1, write:orgs/00000000000000aa/buckets/00000000000000c1"},
		{"deleted since", "presence", "gone"},
		{"deleted since", "findings", ""},
		{"hidden", "presence", "hidden"},
		{"cannot be asked", "presence", "unseen"},
		{"cannot be asked", "last_seen", "2026-11-16T08:00:00Z"},
		{"new here", "first_seen", "2026-11-23T08:00:03Z"},
		{"of a deleted user", "owner_state", "deleted"},
		{"'@SUM(A1)", "age_days", "30"},
	}
	for _, tt := range tests {
		t.Run(tt.description+" "+tt.column, func(t *testing.T) {
			if got := byDescription[tt.description][tt.column]; got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestFindingsCSV(t *testing.T) {
	in := input(t)
	got := readCSV(t, written(t, in)["findings.csv"])
	type hit struct {
		Finding audit.Finding
		Record  audit.Record
	}
	var want []hit
	for r := range in.Rows() {
		for _, f := range r.Findings {
			if f.Reported(in.Summary.Started) {
				want = append(want, hit{Finding: f, Record: r})
			}
		}
	}
	slices.SortStableFunc(want, func(a, b hit) int {
		return compareGroups(group{a.Finding.Severity, a.Finding.Check}, group{b.Finding.Severity, b.Finding.Check})
	})
	if len(got.rows) != len(want) {
		t.Fatalf("%d rows for %d findings", len(got.rows), len(want))
	}
	for i, h := range want {
		c := audit.CheckOf(h.Finding.Check)
		wanted := map[string]string{
			"severity": string(h.Finding.Severity), "check": c.ID, "title": c.Title, "state": string(h.Finding.State),
			"since": stamp(h.Finding.Since), "authorization_id": h.Record.ID, "detail": h.Finding.Detail,
			"description": neutral(audit.Visible(h.Record.Description, true)), "why": c.Why, "what_to_do": c.Fix,
		}
		for name, text := range wanted {
			if got.rows[i][name] != text {
				t.Errorf("row %d, %s: %.80q, want %.80q", i, name, got.rows[i][name], text)
			}
		}
	}
}

func TestFindingsAreWorstFirst(t *testing.T) {
	severities := readCSV(t, written(t, input(t))["findings.csv"]).column("severity")
	if !slices.IsSortedFunc(severities, func(a, b string) int {
		return place(audit.Severities(), audit.Severity(a)) - place(audit.Severities(), audit.Severity(b))
	}) {
		t.Error(severities)
	}
}

func TestCompareGroups(t *testing.T) {
	sorted := []group{
		{audit.Critical, "deleted-owner"}, {audit.Critical, "operator"}, {audit.Critical, "not-rotated"},
		{audit.High, "deleted-owner"}, {audit.Low, "no-description"}, {audit.Low, "a-check-of-later"}, {audit.Low, "the-next"}, {"severe", "operator"},
	}
	got := slices.Clone(sorted)
	slices.Reverse(got)
	slices.SortFunc(got, compareGroups)
	if !slices.Equal(got, sorted) {
		t.Errorf("got %v", got)
	}
}

func TestCSVCountsEqualSummary(t *testing.T) {
	in := input(t)
	files := written(t, in)
	fs, as := in.Summary.Findings, in.Summary.Authorizations
	got := audit.NewCounts().Findings
	for _, r := range readCSV(t, files["findings.csv"]).rows {
		got.ByState[audit.FindingState(r["state"])]++
		if r["state"] != "resolved" {
			got.Total++
			got.ByCheck[r["check"]]++
			got.BySeverity[audit.Severity(r["severity"])]++
		}
	}
	if diff := cmp.Diff(fs, got); diff != "" {
		t.Error(diff)
	}
	presence := map[string]int{}
	for _, p := range readCSV(t, files["authorizations.csv"]).column("presence") {
		presence[p]++
	}
	if presence["gone"] != as.Gone || presence["listed"]+presence["hidden"]+presence["unseen"] != as.Total {
		t.Errorf("presence %v, summary %+v", presence, as)
	}
}

func TestCSVForm(t *testing.T) {
	files := written(t, input(t))
	for _, name := range []string{findingsFile, authorizationsFile} {
		text := files[name]
		if n := strings.Count(strings.ReplaceAll(text, "\r\n", ""), "\n"); n != 0 {
			t.Errorf("%s: %d lines end without CR", name, n)
		}
		if !strings.HasSuffix(text, "\r\n") || !strings.Contains(text, describe("long")) {
			t.Errorf("%s: no end of line, or the long description was cut", name)
		}
	}
}

func TestCSVWithoutRows(t *testing.T) {
	files := written(t, nothing())
	for name, cols := range map[string][]column{findingsFile: findingColumns(), authorizationsFile: authorizationColumns()} {
		got := readCSV(t, files[name])
		if len(got.header) != len(cols) || got.header[0] != cols[0].name || len(got.rows) != 0 {
			t.Errorf("%s: %q", name, files[name])
		}
	}
}

func TestNeutral(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"word", "telegraf", "telegraf"},
		{"equals", "=1", "'=1"},
		{"plus", "+1", "'+1"},
		{"minus", "-1", "'-1"},
		{"at", "@A1", "'@A1"},
		{"tab", "\tx", "'\tx"},
		{"return", "\rx", "'\rx"},
		{"after spaces", " \u00a0=1", "' \u00a0=1"},
		{"after a line", "\n=1", "'\n=1"},
		{"after a control character", "\x01=1", "'\x01=1"},
		{"full width", "＝1", "'＝1"},
		{"an apostrophe of its own", "'=1", "''=1"},
		{"inside", "a=1", "a=1"},
		{"spaces only", "  ", "  "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := neutral(tt.in); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestOwnNumbersAndDatesStay(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{-1, "-1"}, {0, "0"}, {nil, ""}, {time.Time{}, ""},
		{time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600)), "2026-01-02T02:04:05Z"},
	}
	for _, tt := range tests {
		if got := csvCell(tt.value); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.value, got, tt.want)
		}
	}
}

// FuzzCSVCell: a cell never begins a formula, and taking its apostrophe away
// gives the visible text back.
func FuzzCSVCell(f *testing.F) {
	for _, s := range hostile() {
		f.Add(s[:min(len(s), 100)])
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.UseCRLF = true
		if err := w.Write([]string{csvCell(s), "end"}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		cell := readCSV(t, "a,b\r\n"+b.String()).rows[0]["a"]
		if strings.IndexAny(strings.TrimSpace(cell), "=+-@") == 0 || strings.IndexAny(cell, "\t\r") == 0 {
			t.Errorf("%q begins a formula", cell)
		}
		if got := strings.TrimPrefix(cell, "'"); got != audit.Visible(s, true) {
			t.Errorf("%q came back as %q", audit.Visible(s, true), got)
		}
	})
}

func TestCSVStyle(t *testing.T) {
	in := input(t)
	in.CSV = CSVStyle{Delimiter: ';', BOM: true}
	dir := t.TempDir()
	if err := Write(t.Context(), dir, []string{"csv"}, in); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{findingsFile, authorizationsFile} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		rest, ok := strings.CutPrefix(string(text), "\ufeff")
		if header, _, _ := strings.Cut(rest, "\r\n"); !ok || strings.Count(header, ";") < 10 || strings.Contains(header, ",") {
			t.Errorf("%s begins with %q", name, header)
		}
	}
}
