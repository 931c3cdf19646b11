package audit

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	day  = 24 * time.Hour
	org  = "2db78143e6693ae9"
	user = "11adece381a52000"
)

var reviewed = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// clean is an authorization that no check matches: a described, fresh, read-only
// token of a member.
func clean() Subject {
	return Subject{
		Authorization: Authorization{
			ID: "11adece381a52001", OrgID: org, Org: "acme", UserID: user, User: "iot_user_1", Status: Active,
			Description: "dashboard reader", CreatedAt: reviewed.Add(-10 * day), UpdatedAt: reviewed.Add(-10 * day),
			Permissions: []Permission{read("buckets")},
		},
		Owner: Owner{ID: user, Name: "iot_user_1", State: OwnerPresent, MembershipKnown: true},
		Now:   reviewed,
	}
}

func read(kind string) Permission  { return Permission{"read", Resource{Type: kind, OrgID: org}} }
func write(kind string) Permission { return Permission{"write", Resource{Type: kind, OrgID: org}} }
func writeBucket(id, name string) Permission {
	return Permission{"write", Resource{Type: "buckets", ID: id, Name: name, OrgID: org}}
}

func allAccess() []Permission {
	ps := []Permission{
		{"read", Resource{Type: "users", ID: user}}, {"write", Resource{Type: "users", ID: user}},
		{"read", Resource{Type: "orgs", ID: org, Name: "acme"}}, {"write", Resource{Type: "orgs", ID: org, Name: "acme"}},
	}
	for _, t := range append(allAccessTypes[:], "users", "notebooks") {
		ps = append(ps, read(t), write(t))
	}
	return ps
}

func operator() []Permission {
	var ps []Permission
	for _, t := range append(allAccessTypes[:], "users", "orgs") {
		ps = append(ps, Permission{"read", Resource{Type: t}}, Permission{"write", Resource{Type: t}})
	}
	return ps
}

func TestChecks(t *testing.T) {
	tests := map[string]struct {
		change func(*Subject)
		want   []string // IDs of the checks that match
	}{
		"clean": {func(*Subject) {}, nil},
		"one bucket, two permissions, one finding": {func(s *Subject) {
			s.Permissions = []Permission{writeBucket("7c2eff6b4db89265", "telemetry"), writeBucket("7c2eff6b4db89266", "alarms")}
		}, []string{"active-write"}},
		"inactive write": {func(s *Subject) {
			s.Permissions, s.Status = []Permission{writeBucket("7c2eff6b4db89265", "telemetry")}, Inactive
		}, nil},
		"write on dashboards counts as write": {func(s *Subject) { s.Permissions = []Permission{write("dashboards")} }, []string{"active-write"}},
		"all buckets of the org":              {func(s *Subject) { s.Permissions = []Permission{write("buckets")} }, []string{"org-wide-write", "active-write"}},
		"all-access": {func(s *Subject) { s.Permissions = allAccess() },
			[]string{"mints-tokens", "all-access", "active-write"}},
		"all-access, inactive": {func(s *Subject) { s.Permissions, s.Status = allAccess(), Inactive }, nil},
		"operator": {func(s *Subject) { s.Permissions = operator() },
			[]string{"operator", "mints-tokens", "administers-users", "active-write"}},
		"operator, inactive": {func(s *Subject) { s.Permissions, s.Status = operator(), Inactive }, []string{"inactive-operator"}},
		"instance matches everything": {func(s *Subject) { s.Permissions = []Permission{{"write", Resource{Type: "instance"}}} },
			[]string{"operator", "mints-tokens", "administers-users", "active-write"}},
		"write buckets of every org": {func(s *Subject) { s.Permissions = []Permission{{"write", Resource{Type: "buckets"}}} },
			[]string{"operator", "active-write"}},
		"read of every org is no operator": {func(s *Subject) { s.Permissions = []Permission{{"read", Resource{Type: "users"}}} }, nil},
		"one bucket without an org": {func(s *Subject) {
			s.Permissions = []Permission{{"write", Resource{Type: "buckets", ID: "7c2eff6b4db89265", Name: "telemetry"}}}
		}, []string{"active-write"}},
		"mints": {func(s *Subject) { s.Permissions = []Permission{write("authorizations")} }, []string{"mints-tokens", "active-write"}},
		"writes users of the org, which reaches none": {func(s *Subject) { s.Permissions = []Permission{write("users")} }, []string{"active-write"}},
		"writes its own user":                         {func(s *Subject) { s.Permissions = []Permission{{"write", Resource{Type: "users", ID: user}}} }, []string{"active-write"}},
		"writes another user": {func(s *Subject) {
			s.Permissions = []Permission{{"write", Resource{Type: "users", ID: "11adece381a52009", Name: "x"}}}
		}, []string{"administers-users", "active-write"}},
		"org deleted":                  {func(s *Subject) { s.OrgDeleted, s.Owner.State = true, OwnerUnknown }, []string{"deleted-org"}},
		"permissions changed":          {func(s *Subject) { s.Changes = []Change{{"permissions", "a", "b"}} }, []string{"permission-drift"}},
		"owner changed":                {func(s *Subject) { s.Changes = []Change{{"owner", "a", "b"}} }, []string{"permission-drift"}},
		"description changed":          {func(s *Subject) { s.Changes = []Change{{"description", "a", "b"}} }, nil},
		"set active":                   {func(s *Subject) { s.Changes = []Change{{"status", "inactive", "active"}} }, []string{"reactivated"}},
		"active, and before not known": {func(s *Subject) { s.Changes = []Change{{"status", "", "active"}} }, nil},
		"set inactive":                 {func(s *Subject) { s.Changes, s.Status = []Change{{"status", "active", "inactive"}}, Inactive }, nil},
		"the server itself":            {func(s *Subject) { s.Authorization = Server("shows values") }, []string{"token-value-readable"}},
		"credential that writes": {func(s *Subject) {
			s.Permissions, s.Scope.Credentials = []Permission{writeBucket("7c2eff6b4db89265", "telemetry")}, map[string]bool{s.ID: true}
		}, []string{"auditor-can-write", "active-write"}},
		"credential of a person": {func(s *Subject) {
			s.Policy.ServiceUsers, s.Scope.Credentials = []string{"telegraf"}, map[string]bool{s.ID: true}
		}, []string{"auditor-personal"}},
		"credential of a service user": {func(s *Subject) {
			s.Policy.ServiceUsers, s.Scope.Credentials = []string{"iot_user_1"}, map[string]bool{s.ID: true}
		}, nil},
		"strange status is not inactive": {func(s *Subject) {
			s.Permissions, s.Status = []Permission{writeBucket("7c2eff6b4db89265", "telemetry")}, "Active"
		}, []string{"active-write"}},
		"owner deleted":               {func(s *Subject) { s.Owner.State = OwnerDeleted }, []string{"deleted-owner"}},
		"owner inactive":              {func(s *Subject) { s.Owner.State = OwnerInactive }, []string{"inactive-owner"}},
		"owner unknown":               {func(s *Subject) { s.Owner.State = OwnerUnknown }, nil},
		"owner not member":            {func(s *Subject) { s.Owner.State = OwnerNotMember }, []string{"owner-not-member"}},
		"owner not in the roster":     {func(s *Subject) { s.Owner.Roster = RosterAbsent }, []string{"owner-not-in-roster"}},
		"owner left, by the roster":   {func(s *Subject) { s.Owner.Roster = RosterInactive }, []string{"owner-not-in-roster"}},
		"owner in the roster":         {func(s *Subject) { s.Owner.Roster = RosterActive }, nil},
		"owner of an unclear status":  {func(s *Subject) { s.Owner.Roster = RosterUnclear }, nil},
		"unknown, not in the roster":  {func(s *Subject) { s.Owner.State, s.Owner.Roster = OwnerNone, RosterAbsent }, []string{"owner-not-in-roster"}},
		"deleted, not in the roster":  {func(s *Subject) { s.Owner.State, s.Owner.Roster = OwnerDeleted, RosterAbsent }, []string{"deleted-owner"}},
		"service user, in no roster":  {func(s *Subject) { s.Owner.Roster, s.Policy.ServiceUsers = RosterAbsent, []string{user} }, nil},
		"owner of whom nothing tells": {func(s *Subject) { s.Owner.State = OwnerNone }, nil},
		"owner not configured": {func(s *Subject) { s.Scope = Scope{Users: map[string]bool{"x": true}, AllVisible: true} },
			[]string{"unlisted-owner"}},
		"owner configured": {func(s *Subject) { s.Scope = Scope{Users: map[string]bool{user: true}, AllVisible: true} }, nil},
		"person writes": {func(s *Subject) {
			s.Permissions, s.Policy.ServiceUsers = []Permission{writeBucket("7c2eff6b4db89265", "telemetry")}, []string{"telegraf"}
		}, []string{"active-write", "personal-write"}},
		"service user writes, by name": {func(s *Subject) {
			s.Permissions, s.Policy.ServiceUsers = []Permission{writeBucket("7c2eff6b4db89265", "telemetry")}, []string{"iot_user_1"}
		}, []string{"active-write"}},
		"service user writes, by id": {func(s *Subject) {
			s.Permissions, s.Policy.ServiceUsers = []Permission{writeBucket("7c2eff6b4db89265", "telemetry")}, []string{user}
		}, []string{"active-write"}},
		"old":               {func(s *Subject) { s.Policy.RotateAfter = 9 * day }, []string{"not-rotated"}},
		"young enough":      {func(s *Subject) { s.Policy.RotateAfter = 10 * day }, nil},
		"old and inactive":  {func(s *Subject) { s.Policy.RotateAfter, s.Status = 9*day, Inactive }, nil},
		"no date":           {func(s *Subject) { s.Policy.RotateAfter, s.CreatedAt = 9*day, time.Time{} }, nil},
		"left over":         {func(s *Subject) { s.Policy.InactiveAfter, s.Status = 9*day, Inactive }, []string{"inactive-leftover"}},
		"just set inactive": {func(s *Subject) { s.Policy.InactiveAfter, s.Status, s.UpdatedAt = 9*day, Inactive, reviewed }, nil},
		"no description":    {func(s *Subject) { s.Description = "" }, []string{"no-description"}},
		"blank description": {func(s *Subject) { s.Description = " \t\n\u200b\u202e" }, []string{"no-description"}},
		"bucket that is gone": {func(s *Subject) {
			s.Permissions = []Permission{{"read", Resource{Type: "buckets", ID: "3f47db6a15d251b5", OrgID: org}}}
		}, []string{"dangling-grant"}},
		"dashboard has no name": {func(s *Subject) {
			s.Permissions = []Permission{{"read", Resource{Type: "dashboards", ID: "3f47db6a15d251b5", OrgID: org}}}
		}, nil},
		"own user has no name":   {func(s *Subject) { s.Permissions = []Permission{{"read", Resource{Type: "users", ID: user}}} }, nil},
		"overridden to off":      {func(s *Subject) { s.Description = ""; s.Policy.Severity = map[string]Severity{"no-description": Off} }, nil},
		"override keeps the hit": {func(s *Subject) { s.Description = ""; s.Policy.Severity = map[string]Severity{"no-description": High} }, []string{"no-description"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := clean()
			test.change(&s)
			s.Access = AccessOf(s.Authorization)
			var got []string
			for _, f := range s.judge(nil) {
				got = append(got, f.Check)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChecksAreDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Checks() {
		if seen[c.ID] {
			t.Errorf("%s: twice in the list", c.ID)
		}
		seen[c.ID] = true
		if !slices.Contains(Severities(), c.Severity) || c.Match == nil {
			t.Errorf("%s: needs a severity and a rule", c.ID)
		}
		for what, text := range map[string]string{"title": c.Title, "why": c.Why, "fix": c.Fix} {
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s: %s is undocumented", c.ID, what)
			}
		}
	}
}

func TestWriteScope(t *testing.T) {
	tests := map[string]struct {
		permissions []Permission
		want, class string
	}{
		"nothing":      {[]Permission{}, "", "no permissions"},
		"not known":    {nil, "", "unknown"},
		"read":         {[]Permission{read("buckets")}, "", "read"},
		"one bucket":   {[]Permission{writeBucket("1", "telemetry")}, "one bucket: telemetry", "write"},
		"two buckets":  {[]Permission{writeBucket("1", "telemetry"), writeBucket("2", "alarms"), writeBucket("1", "telemetry")}, "2 buckets: telemetry, alarms", "write"},
		"bucket gone":  {[]Permission{writeBucket("3f47db6a15d251b5", "")}, "one bucket: 3f47db6a15d251b5", "write"},
		"bucket, more": {[]Permission{writeBucket("1", "telemetry"), write("tasks")}, "one bucket: telemetry; also tasks", "write"},
		"no bucket":    {[]Permission{write("dashboards")}, "no buckets: dashboards", "write"},
		"all buckets":  {[]Permission{write("buckets"), write("tasks")}, "the whole org: all buckets; also tasks", "org-wide write"},
		"all-access":   {allAccess(), "the whole org: every resource type", "all-access"},
		"every org":    {[]Permission{{"write", Resource{Type: "tasks"}}}, "all orgs: tasks", "operator"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			acc := AccessOf(Authorization{UserID: user, Permissions: test.permissions})
			if got := acc.WriteScope(); got != test.want {
				t.Errorf("WriteScope() = %q, want %q", got, test.want)
			}
			if got := acc.Class(); got != test.class {
				t.Errorf("Class() = %q, want %q", got, test.class)
			}
		})
	}
}

func TestPermissionString(t *testing.T) {
	for want, p := range map[string]Permission{
		"write:orgs/" + org + "/buckets/7c2eff6b4db89265": {"write", Resource{Type: "buckets", ID: "7c2eff6b4db89265", OrgID: org}},
		"read:orgs/" + org + "/tasks":                     {"read", Resource{Type: "tasks", OrgID: org}},
		"read:/authorizations":                            {"read", Resource{Type: "authorizations"}},
		"read:users/" + user:                              {"read", Resource{Type: "users", ID: user}},
	} {
		if got := p.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}
