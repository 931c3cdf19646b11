package recovery

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
)

// cell is a text between tabs, and the column that it begins in.
type cell struct {
	column int
	text   string
}

var idPattern = regexp.MustCompile(`^[0-9a-fA-F]{16}$`)

const (
	tabStop = 8
	// idColumn is as wide as a column of IDs is padded to.
	idColumn = 24
)

// cellsOf leaves out empty cells: in a table that is padded with tabs, only the
// columns tell where they are.
func cellsOf(line string) []cell {
	var out []cell
	column := 0
	for text := range strings.SplitSeq(line, "\t") {
		if text != "" {
			out = append(out, cell{column, text})
		}
		column += utf8.RuneCountInString(text)
		column += tabStop - column%tabStop
	}
	return out
}

func isHeader(cells []cell) bool {
	var names []string
	for _, c := range cells {
		names = append(names, strings.TrimPrefix(c.text, "\ufeff"))
	}
	return strings.Join(names, "|") == columns
}

// userCell finds the user ID in a row. The name before it is empty for a deleted
// user; an ID after the column of names is then the user's.
func userCell(cells []cell) (int, bool) {
	isID := func(i int) bool { return i < len(cells) && idPattern.MatchString(cells[i].text) }
	switch {
	case isID(1) && cells[1].column > idColumn:
		return 1, true
	case isID(2):
		return 2, true
	}
	return 0, false
}

// parsePermissions reads a list as influxd prints it: [read:orgs/ORG/buckets write:tasks].
func parsePermissions(text string) ([]audit.Permission, bool) {
	inside, ok := strings.CutPrefix(text, "[")
	if inside, ok2 := strings.CutSuffix(inside, "]"); ok && ok2 {
		return parseGrants(strings.Fields(inside))
	}
	return nil, false
}

func parseGrants(grants []string) ([]audit.Permission, bool) {
	out := []audit.Permission{}
	for _, grant := range grants {
		action, path, _ := strings.Cut(grant, ":")
		r, ok := parseResource(strings.Split(path, "/"))
		if !ok || action != "read" && action != "write" {
			return nil, false
		}
		out = append(out, audit.Permission{Action: action, Resource: r})
	}
	return out, true
}

// parseResource reverses Resource.String of influxdb authz.go.
func parseResource(path []string) (audit.Resource, bool) {
	var r audit.Resource
	if len(path) > 2 && path[0] == "orgs" {
		r.OrgID, path = path[1], path[2:]
		if !idPattern.MatchString(r.OrgID) {
			return r, false
		}
	}
	if len(path) == 2 {
		r.ID, path = path[1], path[:1]
		if !idPattern.MatchString(r.ID) {
			return r, false
		}
	}
	r.Type = path[0]
	return r, len(path) == 1 && r.Type != ""
}

// orgOf is the org of an authorization with these permissions, as far as they
// name one: InfluxDB accepts no other in them (Authorization.Valid in influxdb
// auth.go).
func orgOf(permissions []audit.Permission) string {
	for _, p := range permissions {
		if p.Resource.OrgID != "" {
			return p.Resource.OrgID
		}
	}
	return ""
}
