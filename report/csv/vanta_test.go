package csv

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

func vantaRows(t *testing.T, in table.Input) reporttest.CSV {
	t.Helper()
	return reporttest.ReadCSV(t, vantaFiles(t, in)[VantaFile])
}

func TestVantaIsThePopulation(t *testing.T) {
	t.Parallel()
	in := reporttest.EveryState(t)
	var want []string
	for r := range in.Rows {
		if r.Exists() {
			want = append(want, r.Target+"/"+r.Key())
		}
	}
	var got []string
	rows := vantaRows(t, in)
	for _, name := range rows.Column("Account name") {
		key, _, _ := strings.Cut(strings.TrimPrefix(name, "'"), " ")
		got = append(got, key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Account name", "Account owner", "Role", "Status"}, rows.Header); diff != "" {
		t.Error(diff)
	}
}

func TestVantaCells(t *testing.T) {
	t.Parallel()
	rows := vantaRows(t, reporttest.EveryState(t)).Rows
	tests := []struct{ account, Column, want string }{
		{"office/000000000000a028 operator", "Role", "operator"},
		{"office/000000000000a028 operator", "Status", "Active"},
		{"office/000000000000a028 operator", "Account owner", ""},
		{"office/000000000000a029", "Account owner", ""},
		{"office/000000000000a02a set aside", "Role", "write"},
		{"office/000000000000a02c hidden", "Account owner", "No owner"},
		{"office/000000000000a02d cannot be asked", "Status", "Active"},
		{"office/000000000000a02d cannot be asked", "Account owner", "Not a person"},
		{"office/000000000000a02f repaired", "Status", "Deactivated"},
		{"office/000000000000a030 of a deleted user", "Account owner", "No owner"},
		{"plant/~00000000000000e1", "Role", "legacy"},
		{"plant/~00000000000000e1", "Status", "Active"},
	}
	for _, tt := range tests {
		t.Run(tt.account+" "+tt.Column, func(t *testing.T) {
			at := slices.IndexFunc(rows, func(r map[string]string) bool { return r["Account name"] == tt.account })
			if at < 0 {
				t.Fatal("no such account")
			}
			if got := rows[at][tt.Column]; got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestVantaOwner(t *testing.T) {
	t.Parallel()
	policy := audit.AppliedPolicy{ServiceUsers: []string{"telegraf", "00000000000000b9", "bot@example.com"}}
	tests := []struct {
		name, user, id string
		state          audit.OwnerState
		want           string
	}{
		{"a mail address", "ann@example.com", "00000000000000b1", audit.OwnerPresent, "ann@example.com"},
		{"a mail address that is inactive", "ann@example.com", "00000000000000b1", audit.OwnerInactive, "ann@example.com"},
		{"a name", "ann", "00000000000000b1", audit.OwnerPresent, ""},
		{"a name with an address", "Ann <ann@example.com>", "00000000000000b1", audit.OwnerPresent, ""},
		{"a service user by name", "telegraf", "00000000000000b2", audit.OwnerPresent, "Not a person"},
		{"a service user by ID", "anything", "00000000000000b9", audit.OwnerPresent, "Not a person"},
		{"a service user with an address", "bot@example.com", "00000000000000b3", audit.OwnerPresent, "Not a person"},
		{"a deleted service user", "telegraf", "00000000000000b2", audit.OwnerDeleted, "No owner"},
		{"not known", "", "00000000000000b1", audit.OwnerUnknown, ""},
		{"a formula", "=a@example.com", "00000000000000b1", audit.OwnerPresent, "'=a@example.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &table.Row{Record: audit.Record{Authorization: audit.Authorization{UserID: tt.id}, Owner: audit.Owner{ID: tt.id, Name: tt.user, State: tt.state}}}
			if got := table.FormulaSafe(accountOwner(r, policy)); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestVantaRoles(t *testing.T) {
	t.Parallel()
	grant := func(kind string) audit.Permission {
		return audit.Permission{Action: "write", Resource: audit.Resource{Type: kind, OrgID: "00000000000000aa"}}
	}
	users := audit.Permission{Action: "write", Resource: audit.Resource{Type: "users"}}
	tests := []struct {
		permissions []audit.Permission
		want        string
	}{
		{nil, "unknown"}, // could not be read
		{[]audit.Permission{}, "no permissions"},
		{[]audit.Permission{grant("buckets")}, "org-wide write"},
		{[]audit.Permission{grant("buckets"), grant("authorizations")}, "org-wide write, creates tokens"},
		{[]audit.Permission{users}, "operator, administers users"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			r := new(table.Row)
			table.NewRowMaker(table.Input{Summary: audit.Summary{Started: reporttest.Began}}).Fill(r, &audit.Record{Authorization: audit.Authorization{Permissions: tt.permissions}})
			if got := roles(r); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// A name cannot be a formula, has no space at its ends and is on one line.
func TestVantaHostileText(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	in = reporttest.With(in, audit.Record{Target: "=cmd", Authorization: reporttest.Authorization(2, "+1"), Presence: audit.Listed})
	for i, name := range vantaRows(t, in).Column("Account name") {
		if table.FormulaSafe(name) != name && !strings.HasPrefix(name, "'") || strings.TrimSpace(name) != name || strings.ContainsAny(name, "\r\n\t\u202e") || len(name) > 400 {
			t.Errorf("row %d: %.200q", i, name)
		}
	}
	if got := vantaFiles(t, in)[VantaFile]; !strings.Contains(got, fmt.Sprintf("\r\n'=cmd/%s +1,", reporttest.Authorization(2, "").ID)) {
		t.Errorf("%.300q", got)
	}
}

func TestVantaWithoutAuthorizations(t *testing.T) {
	t.Parallel()
	if got := vantaFiles(t, reporttest.Nothing())[VantaFile]; got != "Account name,Account owner,Role,Status\r\n" {
		t.Errorf("%q", got)
	}
}

func vantaFiles(t *testing.T, in table.Input) map[string]string {
	t.Helper()
	files, _ := reporttest.Files(t, in, NewVanta)
	return files
}
