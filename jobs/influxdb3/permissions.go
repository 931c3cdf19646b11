package influxdb3

import (
	"encoding/json"
	"slices"
	"strings"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
)

// Bounds of what is kept of the permissions of one token.
const (
	mostPermissions = 100_000
	longestUnknown  = 1000 // characters of permissions that cannot be read
)

// actions are those that InfluxDB 3 knows of each type, and whether they read or write.
var actions = map[string]map[string]string{
	"db": {
		"read": "read", "describe": "read",
		"create": "write", "update": "write", "drop": "write", "write": "write", "delete": "write",
	},
	"system": {"read": "read"},
}

// types are ours of those that InfluxDB 3 knows.
var types = map[string]string{"db": "buckets", "system": "system"}

// everything is what an admin may.
var everything = []audit.Permission{
	{Action: "read", Resource: audit.Resource{Type: "instance"}},
	{Action: "write", Resource: audit.Resource{Type: "instance"}},
}

// parsePermissions reads the column permissions: one element, or a JSON array of elements.
// Core has *:*:* for every token. An element is type:names:actions, with commas between
// names and between actions. What is of any other form may allow anything: it is kept
// as the action of a permission without a resource, which nothing takes for readable.
// Resources have neither orgs nor the names of databases; see place.
func parsePermissions(column string) []audit.Permission {
	elements := []string{column}
	if strings.HasPrefix(column, "[") {
		elements = nil
		if json.Unmarshal([]byte(column), &elements) != nil {
			return []audit.Permission{unknown(column)}
		}
	}
	out, met := []audit.Permission{}, map[audit.Permission]bool{}
	for _, element := range elements {
		for _, p := range parseElement(element) {
			if !met[p] {
				met[p] = true
				out = append(out, p)
			}
		}
		if len(out) > mostPermissions {
			return []audit.Permission{unknown(column)}
		}
	}
	return out
}

func unknown(text string) audit.Permission {
	if text == "" {
		text = `""`
	}
	return audit.Permission{Action: audit.Line(api.WithoutTokens(text), longestUnknown)}
}

// parseElement gives one permission for each name and each of read and write.
func parseElement(element string) []audit.Permission {
	if element == "*:*:*" {
		return everything
	}
	parts := strings.Split(element, ":")
	if len(parts) != 3 || actions[parts[0]] == nil {
		return []audit.Permission{unknown(element)}
	}
	var may []string // read, write
	for action := range strings.SplitSeq(parts[2], ",") {
		means := actions[parts[0]][action]
		if means == "" {
			return []audit.Permission{unknown(element)}
		}
		if !slices.Contains(may, means) {
			may = append(may, means)
		}
	}
	names := strings.Split(parts[1], ",")
	if len(names) > mostPermissions {
		return []audit.Permission{unknown(element)}
	}
	var out []audit.Permission
	for _, name := range names {
		switch {
		case name == "*" && len(names) == 1:
			name = ""
		case !isName(name):
			return []audit.Permission{unknown(element)}
		}
		for _, action := range may {
			out = append(out, audit.Permission{Action: action, Resource: audit.Resource{Type: types[parts[0]], ID: api.WithoutTokens(name)}})
		}
	}
	return out
}

// isName: a database has ASCII letters, digits and a few marks in its name.
func isName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/") == ""
}
