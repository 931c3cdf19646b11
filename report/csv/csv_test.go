package csv

import (
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

func TestAuthorizationsCSV(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	in.Contacts = audit.Contacts{"user-1": {Responsible: "ann@example.com", Team: "platform", Purpose: "=edge"}}
	got := reporttest.ReadCSV(t, tablesText(t, in)["authorizations.csv"])
	i := 0
	for r := range in.Rows {
		row := got.Rows[i]
		i++
		access, permissions, checks := audit.AccessOf(r.Authorization), []string(nil), []string(nil)
		for _, p := range r.Permissions {
			permissions = append(permissions, p.String())
		}
		for _, f := range r.Findings {
			if f.State != audit.Resolved {
				checks = append(checks, f.Check)
			}
		}
		want := map[string]string{
			"target": r.Target, "org": r.Org, "org_id": r.OrgID, "authorization_id": r.ID,
			"description": table.FormulaSafe(audit.Visible(r.Description, true)), "status": string(r.Status), "status_now": string(r.Status),
			"product": "", "expires": "", "revoked": "", "secret_replaced": "",
			"owner": r.Owner.Name, "owner_id": r.UserID, "owner_state": string(r.Owner.State), "owner_evidence": r.Owner.Evidence,
			"class": access.Class(), "may_write": access.WriteScope(), "permissions": strings.Join(permissions, ", "),
			"created": reporttest.Stamp(r.CreatedAt), "updated": reporttest.Stamp(r.UpdatedAt), "age_days": "",
			"first_seen": reporttest.Stamp(r.FirstSeen), "last_seen": reporttest.Stamp(r.LastSeen), "presence": string(r.Presence), "presence_evidence": r.Evidence,
			"worst_severity": string(r.Worst()), "findings": strings.Join(checks, ", "),
			"needs_action": map[bool]string{true: "yes", false: "no"}[r.NeedsAction(reporttest.Began)], "due": "", "responsible": "", "team": "", "purpose": "",
			"overdue": map[bool]string{true: "yes", false: "no"}[slices.ContainsFunc(r.Findings, func(f audit.Finding) bool { return f.Overdue(reporttest.Began) })],
		}
		if r.Owner.Name == "user-1" {
			want["responsible"], want["team"], want["purpose"] = "ann@example.com", "platform", "'=edge"
		}
		if want["owner"] == "" {
			want["owner"] = r.User
		}
		if !r.CreatedAt.IsZero() {
			want["age_days"] = strconv.Itoa(int(reporttest.Began.Sub(r.CreatedAt) / (24 * time.Hour)))
		}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Errorf("%s: %s", r.ID, diff)
		}
	}
	if i != len(got.Rows) {
		t.Errorf("%d rows for %d records", len(got.Rows), i)
	}
}

func TestDerivedCells(t *testing.T) {
	t.Parallel()
	got := reporttest.ReadCSV(t, tablesText(t, reporttest.Input(t))["authorizations.csv"])
	byDescription := map[string]map[string]string{}
	for _, r := range got.Rows {
		byDescription[r["description"]] = r
	}
	tests := []struct{ description, Column, want string }{
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
		t.Run(tt.description+" "+tt.Column, func(t *testing.T) {
			if got := byDescription[tt.description][tt.Column]; got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestFindingsCSV(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	got := reporttest.ReadCSV(t, tablesText(t, in)["findings.csv"])
	type hit struct {
		Finding audit.Finding
		Record  audit.Record
	}
	var want []hit
	for r := range in.Rows {
		for _, f := range r.Findings {
			if f.Reported(in.Summary.Started) {
				want = append(want, hit{Finding: f, Record: r})
			}
		}
	}
	slices.SortStableFunc(want, func(a, b hit) int {
		return table.CompareGroups(table.Group{Severity: a.Finding.Severity, Check: a.Finding.Check}, table.Group{Severity: b.Finding.Severity, Check: b.Finding.Check})
	})
	if len(got.Rows) != len(want) {
		t.Fatalf("%d rows for %d findings", len(got.Rows), len(want))
	}
	for i, h := range want {
		c := audit.CheckOf(h.Finding.Check)
		wanted := map[string]string{
			"severity": string(h.Finding.Severity), "check": c.ID, "title": c.Title, "state": string(h.Finding.State),
			"since": reporttest.Stamp(h.Finding.Since), "authorization_id": h.Record.ID, "detail": h.Finding.Detail,
			"description": table.FormulaSafe(audit.Visible(h.Record.Description, true)), "why": c.Why, "what_to_do": c.Fix, "overdue": map[bool]string{true: "yes", false: "no"}[h.Finding.Overdue(in.Summary.Started)],
		}
		for name, text := range wanted {
			if got.Rows[i][name] != text {
				t.Errorf("row %d, %s: %.80q, want %.80q", i, name, got.Rows[i][name], text)
			}
		}
	}
}

// What a finding and its token say of due dates, controls and what to run.
func TestDueAndCommand(t *testing.T) {
	t.Parallel()
	in, day := reporttest.Input(t), 24*time.Hour
	r := audit.Record{Target: "plant", Authorization: reporttest.Authorization(1, "gateway"), Presence: audit.Listed}
	r.ID = "11adece381a52001"
	r.Findings = []audit.Finding{
		{Check: "active-write", Severity: audit.Info, State: audit.Open, Since: reporttest.LastWeek},
		{Check: "deleted-owner", Severity: audit.Critical, State: audit.New, Since: reporttest.Began, Due: reporttest.Began.Add(7 * day)},
		{Check: "not-rotated", Severity: audit.Medium, State: audit.Open, Since: reporttest.LastWeek, Due: reporttest.Began.Add(-day)},
		{Check: "no-description", Severity: audit.Low, State: audit.Excepted, Since: reporttest.LastWeek, Due: reporttest.Began.Add(-9 * day)},
	}
	files := tablesText(t, reporttest.With(in, r))
	token := reporttest.ReadCSV(t, files[table.AuthorizationsFile])
	last := token.Rows[len(token.Rows)-1]
	if last["needs_action"] != "yes" || last["due"] != "2026-11-22T08:00:03Z" {
		t.Errorf("needs action %s, due %q", last["needs_action"], last["due"])
	}
	got := map[string][]string{}
	for _, row := range reporttest.ReadCSV(t, files[table.FindingsFile]).Rows {
		if row["authorization_id"] == r.ID {
			got[row["check"]] = []string{row["needs_action"], row["due"], row["command"], row["controls"]}
		}
	}
	const deleteByAPI = `printf 'Authorization: Token %s\n' "$INFLUX_TOKEN" | curl -fsS -X DELETE -H @- "$INFLUX_HOST/api/v2/authorizations/11adece381a52001"`
	if diff := cmp.Diff(map[string][]string{
		"active-write":   {"no", "", "influx auth inactive --id 11adece381a52001", "PCI DSS 7.2.5.1, NIST 800-53 AC-6(7)"},
		"deleted-owner":  {"yes", "2026-11-30T08:00:03Z", deleteByAPI, "NIST 800-53 AC-2"},
		"not-rotated":    {"yes", "2026-11-22T08:00:03Z", "influx auth inactive --id 11adece381a52001", ""},
		"no-description": {"no", "", "", ""},
	}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFindingsAreWorstFirst(t *testing.T) {
	t.Parallel()
	severities := reporttest.ReadCSV(t, tablesText(t, reporttest.Input(t))["findings.csv"]).Column("severity")
	if !slices.IsSortedFunc(severities, func(a, b string) int {
		return table.Rank(audit.Severities(), audit.Severity(a)) - table.Rank(audit.Severities(), audit.Severity(b))
	}) {
		t.Error(severities)
	}
}

func TestCSVCountsEqualSummary(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	files := tablesText(t, in)
	fs, as := in.Summary.Findings, in.Summary.Authorizations
	got := audit.NewCounts().Findings
	for _, r := range reporttest.ReadCSV(t, files["findings.csv"]).Rows {
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
	for _, p := range reporttest.ReadCSV(t, files["authorizations.csv"]).Column("presence") {
		presence[p]++
	}
	if presence["gone"] != as.Gone || presence["listed"]+presence["hidden"]+presence["unseen"] != as.Total {
		t.Errorf("presence %v, summary %+v", presence, as)
	}
}

func TestCSVForm(t *testing.T) {
	t.Parallel()
	files := tablesText(t, reporttest.Input(t))
	for _, name := range []string{table.FindingsFile, table.AuthorizationsFile} {
		text := files[name]
		if n := strings.Count(strings.ReplaceAll(text, "\r\n", ""), "\n"); n != 0 {
			t.Errorf("%s: %d lines end without CR", name, n)
		}
		if !strings.HasSuffix(text, "\r\n") || !strings.Contains(text, reporttest.Describe("long")) {
			t.Errorf("%s: no end of line, or the long description was cut", name)
		}
	}
}

func TestCSVWithoutRows(t *testing.T) {
	t.Parallel()
	files := tablesText(t, reporttest.Nothing())
	for name, cols := range map[string][]table.Column{table.FindingsFile: table.FindingColumns(), table.AuthorizationsFile: table.AuthorizationColumns()} {
		got := reporttest.ReadCSV(t, files[name])
		if len(got.Header) != len(cols) || got.Header[0] != cols[0].Name || len(got.Rows) != 0 {
			t.Errorf("%s: %q", name, files[name])
		}
	}
}

func TestOwnNumbersAndDatesStay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value any
		want  string
	}{
		{-1, "-1"}, {0, "0"}, {nil, ""}, {table.When(time.Time{}), ""},
		{table.When(time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))), "2026-01-02T02:04:05Z"},
	}
	for _, tt := range tests {
		if got := cell(tt.value); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.value, got, tt.want)
		}
	}
}

// FuzzCSVCell: a cell never begins a formula, and taking its apostrophe away
// gives the visible text back.
func FuzzCSVCell(f *testing.F) {
	for _, s := range reporttest.Hostile() {
		f.Add(s[:min(len(s), 100)])
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.UseCRLF = true
		if err := w.Write([]string{cell(s), "end"}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		got := reporttest.ReadCSV(t, "a,b\r\n"+b.String()).Rows[0]["a"]
		if strings.IndexAny(strings.TrimSpace(got), "=+-@") == 0 || strings.IndexAny(got, "\t\r") == 0 {
			t.Errorf("%q begins a formula", got)
		}
		if got := strings.TrimPrefix(got, "'"); got != audit.Visible(s, true) {
			t.Errorf("%q came back as %q", audit.Visible(s, true), got)
		}
	})
}

func TestCSVStyle(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	in.CSV = table.CSVStyle{Delimiter: ';', BOM: true}
	files := tablesText(t, in)
	for _, name := range []string{table.FindingsFile, table.AuthorizationsFile} {
		rest, ok := strings.CutPrefix(files[name], "\ufeff")
		if header, _, _ := strings.Cut(rest, "\r\n"); !ok || strings.Count(header, ";") < 10 || strings.Contains(header, ",") {
			t.Errorf("%s begins with %q", name, header)
		}
	}
}

func tablesText(t testing.TB, in table.Input) map[string]string {
	t.Helper()
	files, _ := reporttest.Files(t, in, New)
	return files
}

// TestCSVOfProducts: products, what became of tokens, dates, and the commands that end what was
// found, whatever the names.
func TestCSVOfProducts(t *testing.T) {
	t.Parallel()
	files := tablesText(t, reporttest.Family(t))
	got := map[string]map[string]string{}
	for _, row := range reporttest.ReadCSV(t, files["authorizations.csv"]).Rows {
		got[row["target"]+" "+row["authorization_id"]] = row
	}
	for key, want := range map[string]map[string]string{
		"core 0000000000000000":                                {"description": "_admin", "product": "InfluxDB 3 Core", "secret_replaced": reporttest.Stamp(reporttest.ThisWeek.AddDate(0, 0, -3)), "class": "admin"},
		"core 0000000000000002":                                {"status": "active", "status_now": "expired", "expires": reporttest.Stamp(reporttest.LastWeek.AddDate(0, 0, 2))},
		"enterprise 0000000000000001":                          {"may_write": "one database: line3"},
		"cloud-dedicated 0198f4a2-0000-7000-8000-000000000001": {"status_now": "revoked", "revoked": reporttest.Stamp(reporttest.LastWeek.AddDate(0, 0, 3)), "may_write": "the whole cluster: all databases"},
		"v1 user/root":                                         {"product": "InfluxDB 1.x", "class": "admin", "status_now": "active"},
		"plant 000000000000a001":                               {"status_now": "active", "secret_replaced": ""},
	} {
		for name, text := range want {
			if got[key][name] != text {
				t.Errorf("%s: %s is %q, want %q", key, name, got[key][name], text)
			}
		}
	}
	commands := map[string]string{}
	for _, row := range reporttest.ReadCSV(t, files["findings.csv"]).Rows {
		commands[row["target"]+" "+row["check"]+" "+row["authorization_id"]] = row["command"]
	}
	for key, want := range map[string]string{
		"core active-write 0000000000000001":  "influxdb3 delete token --token-name ci",
		"core active-write 0000000000000003":  `influxdb3 delete token --token-name='-rf $(touch pwned) '\''x'\'''`,
		"core active-write 0000000000000004":  "",
		"v1 operator user/root":               `influx -execute 'REVOKE ALL PRIVILEGES FROM "root"'`,
		"v1 active-write user/te%5Cle%27graf": `influx -execute 'DROP USER "te\\le'\''graf"'`,
	} {
		if command, found := commands[key]; !found || command != want {
			t.Errorf("%s: %q, want %q", key, command, want)
		}
	}
}

// TestVantaOfProducts: an account that expired or was revoked is deactivated.
func TestVantaOfProducts(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, row := range vantaRows(t, reporttest.Family(t)).Rows {
		got[row["Account name"]] = row["Status"]
	}
	for name, want := range map[string]string{
		"core/0000000000000001 ci": "Active", "core/0000000000000002 expired": "Deactivated", "cloud-dedicated/0198f4a2-0000-7000-8000-000000000001 handed over": "Deactivated",
		"plant/000000000000a002 set aside": "Deactivated", "v1/user/root": "Active",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

// TestCSVOfServers: a server has no status and no owner.
func TestCSVOfServers(t *testing.T) {
	t.Parallel()
	for _, row := range reporttest.ReadCSV(t, tablesText(t, reporttest.EveryState(t))["findings.csv"]).Rows {
		if is := row["authorization_id"] == "server"; is != (row["status"]+row["status_now"]+row["owner_state"] == "") {
			t.Errorf("%s: status %q, %q, owner %q", row["authorization_id"], row["status"], row["status_now"], row["owner_state"])
		}
	}
}
