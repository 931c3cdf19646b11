package main

import (
	"testing"

	"tokenaudit/jobs/audit"
)

const (
	orgA, orgB = "0d3f1c0a9b8e7a01", "0d3f1c0a9b8e7a02"
	userA      = "0d3f1c0a9b8e7b01"
	bucketA    = "0d3f1c0a9b8e7c01"
)

func permission(action, kind, id, org string) audit.Permission {
	return audit.Permission{Action: action, Resource: audit.Resource{Type: kind, ID: id, OrgID: org}}
}

// both is reading and writing of some types.
func both(org string, kinds ...string) []audit.Permission {
	var out []audit.Permission
	for _, kind := range kinds {
		out = append(out, permission("read", kind, "", org), permission("write", kind, "", org))
	}
	return out
}

var everyType = []string{
	"authorizations", "buckets", "checks", "dashboards", "dbrp", "documents", "labels", "notificationEndpoints",
	"notificationRules", "scrapers", "secrets", "sources", "tasks", "telegrafs", "variables", "views",
}

// TestInfluxCreate: the command grants the permissions of the token and no other, or there
// is none and it says why.
func TestInfluxCreate(t *testing.T) {
	t.Parallel()
	const begin = "influx auth create --org-id " + orgA + " --user telegraf --description sensor"
	for name, test := range map[string]struct {
		permissions []audit.Permission
		change      func(*audit.Authorization)
		command     string
		why         string
	}{
		"one bucket": {permissions: []audit.Permission{permission("write", "buckets", bucketA, orgA)}, command: begin + " --write-bucket " + bucketA},
		"twice the same": {
			permissions: []audit.Permission{permission("read", "buckets", bucketA, orgA), permission("read", "buckets", bucketA, orgA)},
			command:     begin + " --read-bucket " + bucketA,
		},
		"all buckets and tasks": {permissions: both(orgA, "buckets", "tasks"), command: begin + " --read-buckets --write-buckets --read-tasks --write-tasks"},
		"as an auditor": {
			permissions: []audit.Permission{permission("read", "authorizations", "", orgA), permission("read", "users", "", ""), permission("read", "orgs", "", "")},
			command:     begin + " --read-authorizations --read-users --read-orgs",
		},
		"all access": {
			permissions: append(both(orgA, everyType...), permission("read", "orgs", orgA, ""), permission("read", "users", userA, "")),
			command:     begin + " --all-access",
		},
		"operator":       {permissions: both("", append(everyType, "orgs", "users")...), command: begin + " --operator"},
		"one task":       {permissions: []audit.Permission{permission("write", "tasks", bucketA, orgA)}, why: "the influx CLI has no flag for write:orgs/" + orgA + "/tasks/" + bucketA + "; create it in the API (POST /api/v2/authorizations)"},
		"every bucket":   {permissions: []audit.Permission{permission("write", "buckets", "", "")}, why: "the influx CLI has no flag for write:/buckets; create it in the API (POST /api/v2/authorizations)"},
		"of another org": {permissions: []audit.Permission{permission("write", "buckets", bucketA, orgB)}, why: "the influx CLI has no flag for write:orgs/" + orgB + "/buckets/" + bucketA + "; create it in the API (POST /api/v2/authorizations)"},
		"orgs of an org": {permissions: []audit.Permission{permission("read", "orgs", "", orgA)}, why: "the influx CLI has no flag for read:orgs/" + orgA + "/orgs; create it in the API (POST /api/v2/authorizations)"},
		"a type of a later release": {
			permissions: []audit.Permission{permission("read", "x; rm -rf /", "", orgA)},
			why:         "the influx CLI has no flag for read:orgs/" + orgA + "/x; rm -rf /; create it in the API (POST /api/v2/authorizations)",
		},
		"unreadable":        {why: "not all of its permissions could be read"},
		"an org with no ID": {permissions: both("$(id)", "tasks"), change: func(a *audit.Authorization) { a.OrgID = "$(id)" }, why: "the ID of its org is not known"},
		"without a description": {
			permissions: both(orgA, "tasks"), change: func(a *audit.Authorization) { a.Description = "" },
			command: "influx auth create --org-id " + orgA + " --user telegraf --description 'replaces 0d3f1c0a9b8e7d01' --read-tasks --write-tasks",
		},
		"hostile texts": {
			permissions: both(orgA, "tasks"), change: func(a *audit.Authorization) { a.Description = "it's $(id)\n\x1b[2J" },
			command: "influx auth create --org-id " + orgA + ` --user telegraf --description 'it'\''s $(id)\n\u001b[2J' --read-tasks --write-tasks`,
		},
		"of 1.x": {
			permissions: []audit.Permission{permission("write", "buckets", bucketA, orgA)}, change: func(a *audit.Authorization) { a.Legacy = true },
			command: "influx v1 auth create --org-id " + orgA + " --username NEW-USERNAME --description sensor --write-bucket " + bucketA,
		},
		"of 1.x, all buckets": {
			permissions: both(orgA, "buckets"), change: func(a *audit.Authorization) { a.Legacy = true },
			why: "the influx CLI has no flag for read:orgs/" + orgA + "/buckets, write:orgs/" + orgA + "/buckets; create it in the API (POST /private/legacy/authorizations)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := audit.Authorization{ID: "0d3f1c0a9b8e7d01", OrgID: orgA, UserID: userA, Description: "sensor", Permissions: test.permissions}
			if test.change != nil {
				test.change(&a)
			}
			command, why := influxCreate(a, "telegraf")
			if command != test.command || why != test.why {
				t.Errorf("got  %q, %q\nwant %q, %q", command, why, test.command, test.why)
			}
		})
	}
}
