package main

import (
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// influxTypes are the resource types that influx auth create has a flag for, of InfluxDB OSS
// and Cloud (influxdata/influx-cli, api/extras).
var influxTypes = [...]string{
	"annotations", "authorizations", "buckets", "checks", "dashboards", "dbrp", "documents", "flows", "instance", "labels",
	"notebooks", "notificationEndpoints", "notificationRules", "orgs", "remotes", "replications", "scrapers", "secrets",
	"sources", "tasks", "telegrafs", "users", "variables", "views",
}

// influxCreate is the command of the influx CLI that creates a token with the permissions of
// a, under the user of that name; why says why none does. All that is in it is an ID, a known
// flag, or quoted.
func influxCreate(a audit.Authorization, user string) (command, why string) {
	access := audit.AccessOf(a)
	switch {
	case !a.Product.V2():
		return "", "the influx CLI of InfluxDB 2 cannot create it on " + a.Product.Name()
	case access.Unreadable:
		return "", "not all of its permissions could be read"
	case !target.IsID(a.OrgID):
		return "", "the ID of its org is not known"
	}
	words := []string{"influx auth create --org-id " + a.OrgID + " --user " + audit.ShellQuoted(audit.Line(user, 200))}
	if a.Legacy { // the user is that of the credential that runs it
		words = []string{"influx v1 auth create --org-id " + a.OrgID + " --username NEW-USERNAME"}
	}
	description := a.Description
	if description == "" {
		description = "replaces " + audit.Line(a.ID, longestID)
	}
	words = append(words, "--description "+audit.ShellQuoted(audit.Line(description, 200)))
	switch {
	case !a.Legacy && isOperator(a):
		return strings.Join(append(words, "--operator"), " "), ""
	case !a.Legacy && access.AllAccess:
		return strings.Join(append(words, "--all-access"), " "), ""
	}
	var other []string
	for _, p := range a.Permissions {
		flag := influxFlag(a, p)
		switch {
		case flag == "" || a.Legacy && !strings.HasPrefix(flag, "--"+p.Action+"-bucket "):
			other = append(other, audit.Line(p.String(), 120))
		case !slices.Contains(words, flag):
			words = append(words, flag)
		}
	}
	if len(other) > 0 {
		return "", "the influx CLI has no flag for " + audit.Names(other, 3) + "; create it in the API (POST " + audit.APIPath(a) + ")"
	}
	return strings.Join(words, " "), ""
}

// influxFlag is the flag that grants a permission, "" if none does: the CLI grants single
// buckets, types in the org, and orgs and users in every org (influx-cli clients/auth).
func influxFlag(a audit.Authorization, p audit.Permission) string {
	r := p.Resource
	everyOrg := r.Type == "orgs" || r.Type == "users"
	switch {
	case r.Type == "buckets" && target.IsID(r.ID) && r.OrgID == a.OrgID:
		return "--" + p.Action + "-bucket " + r.ID
	case r.ID != "" || !slices.Contains(influxTypes[:], r.Type):
		return ""
	case everyOrg && r.OrgID == "", !everyOrg && r.OrgID == a.OrgID:
		return "--" + p.Action + "-" + r.Type
	}
	return ""
}

// isOperator reports whether a may do everything in every org, as --operator grants it.
func isOperator(a audit.Authorization) bool {
	if slices.ContainsFunc(a.Permissions, func(p audit.Permission) bool { return p.Resource.ID != "" || p.Resource.OrgID != "" }) {
		return false
	}
	inOrg := a // the same permissions in one org are all-access
	inOrg.Permissions = slices.Clone(a.Permissions)
	for i := range inOrg.Permissions {
		inOrg.Permissions[i].Resource.OrgID = a.OrgID
	}
	return audit.AccessOf(inOrg).AllAccess
}
