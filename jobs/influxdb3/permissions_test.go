package influxdb3

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

func TestParsePermissions(t *testing.T) {
	tests := map[string]struct {
		column string
		want   []string // as audit.Permission has them, "?" before those that cannot be read
	}{
		"an admin":                       {"*:*:*", []string{"read:/instance", "write:/instance"}},
		"an admin in an array":           {`["*:*:*"]`, []string{"read:/instance", "write:/instance"}},
		"Enterprise 3.8.4":               {`["db:gf_ha:read", "db:gf_ha:write"]`, []string{"read:buckets/gf_ha", "write:buckets/gf_ha"}},
		"plain":                          {"db:gf_ha:read", []string{"read:buckets/gf_ha"}},
		"several names":                  {"db:a,b-1/x:read", []string{"read:buckets/a", "read:buckets/b-1/x"}},
		"several actions":                {"db:a:read,write", []string{"read:buckets/a", "write:buckets/a"}},
		"actions that mean the same":     {"db:a:describe,read,create,write,delete,update,drop", []string{"read:buckets/a", "write:buckets/a"}},
		"each action that writes":        {`["db:a:create","db:b:update","db:c:drop","db:d:delete"]`, []string{"write:buckets/a", "write:buckets/b", "write:buckets/c", "write:buckets/d"}},
		"every database":                 {"db:*:write", []string{"write:/buckets"}},
		"system":                         {"system:health,metrics:read", []string{"read:system/health", "read:system/metrics"}},
		"all of system":                  {"system:*:read", []string{"read:/system"}},
		"twice":                          {`["db:a:read","db:a:read"]`, []string{"read:buckets/a"}},
		"none":                           {"[]", nil},
		"the name of a renamed database": {"db:a-20260102T030405:read", []string{"read:buckets/a-20260102T030405"}},

		"an empty text":                 {"", []string{`?""`}},
		"another type":                  {"token:7:read", []string{"?token:7:read"}},
		"another action":                {"db:a:read,grant", []string{"?db:a:read,grant"}},
		"every action of one database":  {"db:a:*", []string{"?db:a:*"}},
		"no action":                     {"db:a:", []string{"?db:a:"}},
		"no name":                       {"db::read", []string{"?db::read"}},
		"a name between commas":         {"db:a,,b:read", []string{"?db:a,,b:read"}},
		"all and one":                   {"db:*,a:read", []string{"?db:*,a:read"}},
		"writing to system":             {"system:health:write", []string{"?system:health:write"}},
		"less than everything":          {"*:*:read", []string{"?*:*:read"}},
		"four parts":                    {"db:a:read:x", []string{"?db:a:read:x"}},
		"two parts":                     {"db:a", []string{"?db:a"}},
		"blanks":                        {"db:a :read", []string{"?db:a :read"}},
		"two plain ones":                {"db:a:read db:b:read", []string{"?db:a:read db:b:read"}},
		"capitals":                      {"DB:a:READ", []string{"?DB:a:READ"}},
		"another name":                  {"db:ä:read", []string{"?db:ä:read"}},
		"a marker of deletion":          {"db:a (deleted):read", []string{"?db:a (deleted):read"}},
		"an array that is cut":          {`["db:a:read"`, []string{`?["db:a:read"`}},
		"an array of something else":    {`["db:a:read",7]`, []string{`?["db:a:read",7]`}},
		"an object":                     {`{"db":"a"}`, []string{`?{"db":"a"}`}},
		"one of several that is known":  {`["db:a:write","x:y:z"]`, []string{"write:buckets/a", "?x:y:z"}},
		"an array in an array":          {`[["db:a:read"]]`, []string{`?[["db:a:read"]]`}},
		"the end of a line in the text": {"db:a\n:read", []string{`?db:a\n:read`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			permissions := parsePermissions(test.column)
			if permissions == nil {
				t.Error("no permissions are not the same as unknown ones")
			}
			for _, p := range permissions {
				text := p.String()
				if p.Resource == (audit.Resource{}) {
					text = "?" + p.Action
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnknownPermissionsMayDoAnything: what cannot be read must not pass for read access.
func TestUnknownPermissionsMayDoAnything(t *testing.T) {
	for _, column := range []string{"", "read", "write:x", `["read"]`, "db:a:read,", strings.Repeat("x", 5000)} {
		a := audit.Authorization{Permissions: parsePermissions(column)}
		if a.PermissionsKnown() {
			t.Errorf("%.40q is known to be %v", column, a.Permissions)
		}
	}
}

func TestPermissionsAreBounded(t *testing.T) {
	names := make([]string, mostPermissions)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	for name, column := range map[string]string{
		"names":    "db:" + strings.Join(append(names, "x"), ",") + ":read",
		"elements": `["db:` + strings.Join(names, ",") + `:read,write","db:x:read"]`,
		"unknown":  strings.Repeat("x", 1<<20),
	} {
		if got := parsePermissions(column); len(got) != 1 || got[0].Resource.Type != "" || len([]rune(got[0].Action)) > longestUnknown {
			t.Errorf("%s: %d permissions", name, len(got))
		}
	}
	if got := parsePermissions("db:" + strings.Join(names, ",") + ":read"); len(got) != mostPermissions {
		t.Errorf("%d permissions, want %d", len(got), mostPermissions)
	}
}

// FuzzParsePermissions: nothing is lost without a word. Whatever the text, there is a
// permission for it, it is bounded, and what is readable is of the grammar.
func FuzzParsePermissions(f *testing.F) {
	for _, column := range []string{"*:*:*", `["db:gf_ha:read", "db:gf_ha:write"]`, "db:a,b:read,write", "system:*:read", "[]", "", `["`, "db:*,a:read", "db:a-20260102T030405:read"} {
		f.Add(column)
	}
	f.Fuzz(func(t *testing.T, column string) {
		got := parsePermissions(column)
		if len(got) == 0 && strings.Trim(column, "[] \t\r\n") != "" {
			t.Fatalf("%q is nothing", column)
		}
		if a := (audit.Authorization{Permissions: got}); a.PermissionsKnown() {
			for _, word := range []string{"write", "create", "update", "drop", "delete", "*:*:*"} {
				writes := slices.ContainsFunc(got, func(p audit.Permission) bool { return p.Action == "write" })
				if strings.Contains(column, ":"+word+`"`) && !writes {
					t.Fatalf("%q does not write: %v", column, got)
				}
			}
		}
		for _, p := range got {
			known := p.Resource.Type != ""
			if known && p.Action != "read" && p.Action != "write" || len([]rune(p.Action)) > longestUnknown {
				t.Fatalf("%q: %v", column, p)
			}
		}
	})
}
