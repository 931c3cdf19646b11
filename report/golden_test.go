package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
)

// thousands is a review of as many authorizations as a large server has, with one a
// week before, in which part of them were missing, and others not missing yet.
func thousands(t testing.TB, n int) Input {
	t.Helper()
	all := generated(t, n)
	var then, now []audit.Authorization
	for i, a := range all {
		if i%97 != 0 {
			then = append(then, changedSince(a, i))
		}
		if i%89 != 0 {
			now = append(now, a)
		}
	}
	records := merge(t, "prod", began, now, merge(t, "prod", lastWeek, then, nil))
	run := audit.Run{Job: "weekly-review", Slot: thisWeek, Trigger: audit.Scheduled, Started: began}
	previous := &audit.Previous{ID: "weekly-review/2026-11-16T0800Z", Slot: lastWeek}
	in := input(t)
	in.Summary = audit.Summarize(run, []audit.Item{item("prod", records)}, thisWeek, in.Summary.Tool, audit.Policy{}, previous)
	in.Rows = func() iter.Seq2[audit.Record, error] { return values(records) }
	return in
}

func changedSince(a audit.Authorization, i int) audit.Authorization {
	if i%31 == 0 {
		a.Description = "before " + a.Description
	}
	if i%53 == 0 {
		a.Status = audit.Inactive
	}
	return a
}

func generated(t testing.TB, n int) []audit.Authorization {
	db := influxtest.New(influxtest.OSS)
	org, auditor := db.AddOrg("acme"), db.AddUser("auditor")
	_, token := db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: auditor, Description: "audit", Permissions: influxtest.AuditorPermissions(org)})
	db.Generate(org, n)
	r, answer := httptest.NewRequest("GET", "/api/v2/authorizations?org=acme", nil), httptest.NewRecorder()
	r.Header.Set("Authorization", "Token "+token)
	db.ServeHTTP(answer, r)
	var list struct{ Authorizations []audit.Authorization }
	if err := json.Unmarshal(answer.Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	for i := range list.Authorizations { // the time of the fake is the present
		list.Authorizations[i].CreatedAt = lastWeek.AddDate(0, 0, -i%700)
		list.Authorizations[i].UpdatedAt = list.Authorizations[i].CreatedAt
	}
	return list.Authorizations
}

// The hashes of all that the report of 20,000 authorizations says. A change that
// means to alter a report runs this with UPDATE=1; one that makes it faster does not.
func TestReportsSayTheSameAsBefore(t *testing.T) {
	if testing.Short() {
		t.Skip("long; runs without -short")
	}
	dir := t.TempDir()
	if err := Write(t.Context(), dir, Names(), thousands(t, 20_000)); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name, text := range contents(t, dir) {
		if name != workbookFile {
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
	f, files := openWorkbook(t, text), parts(t, text)
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
