package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors says which of our packages each one may import. What is missing here
// may import nothing of ours.
var floors = map[string][]string{
	"jobs/runner":            {"jobs/audit", "jobs/campaign", "jobs/schedule"},
	"jobs/schedule":          {},
	"jobs/metrics":           {"jobs/runner", "jobs/audit"},
	"jobs/target":            {"configs/secret", "configs/setting"},
	"jobs/api":               {"jobs/audit", "jobs/target", "configs/remedy", "configs/secret"},
	"jobs/sorted":            {"jobs/audit", "jobs/api"},
	"jobs/influx":            {"jobs/audit", "jobs/target", "jobs/api", "jobs/sorted", "configs/remedy", "configs/secret", "configs/setting", "jobs/influx/recovery"},
	"jobs/influxdb3":         {"jobs/audit", "jobs/target", "jobs/api", "jobs/sorted", "configs/remedy", "configs/secret"},
	"jobs/dedicated":         {"jobs/audit", "jobs/target", "jobs/api", "jobs/sorted", "configs/remedy", "configs/secret", "configs/setting"},
	"jobs/influxdb1":         {"jobs/audit", "jobs/target", "jobs/api", "jobs/sorted", "jobs/influxdb1/query"},
	"jobs/influx/bolt":       {"jobs/audit", "jobs/target", "jobs/sorted", "jobs/influx"},
	"jobs/influx/recovery":   {"jobs/audit"},
	"jobs/roster":            {"jobs/audit"},
	"jobs/ledger":            {"jobs/audit", "configs/remedy", "configs/secret"},
	"jobs/evidence":          {"jobs/audit", "configs/remedy", "configs/setting"},
	"report":                 {"jobs/audit", "configs/secret", "report/table", "report/xlsx", "report/csv", "report/html", "report/ocsf"},
	"report/pack":            {"jobs/audit", "report/signature"},
	"report/table":           {"jobs/audit"},
	"report/xlsx":            {"jobs/audit", "report/table"},
	"report/csv":             {"jobs/audit", "report/table"},
	"report/html":            {"jobs/audit", "report/table"},
	"report/ocsf":            {"jobs/audit", "report/table"},
	"report/reporttest":      {"jobs/audit", "jobs/influx/influxtest", "report/table"},
	"notify":                 {"jobs/audit", "configs/secret", "configs/setting"},
	"notify/slack":           {"notify", "jobs/audit", "configs/remedy", "configs/secret", "configs/setting"},
	"notify/email":           {"notify", "jobs/audit", "configs/remedy", "configs/secret", "configs/setting"},
	"notify/webhook":         {"notify", "jobs/audit", "configs/remedy", "configs/secret", "configs/setting"},
	"notify/ping":            {"notify", "configs/secret"},
	"notify/notifytest":      {"notify", "jobs/audit"},
	"notify/email/mailtest":  {},
	"jobs/influx/influxtest": {},

	"jobs/influxdb3/influxdb3test": {},
	"jobs/dedicated/dedicatedtest": {},
	"jobs/influxdb1/query":         {"jobs/audit", "jobs/api", "jobs/target", "configs/secret"},
	"jobs/influxdb1/influxdb1test": {},

	"jobs/ledger/ledgertest": {"configs/secret"},
	"configs":                {"jobs/campaign", "jobs/target", "jobs/influx", "jobs/dedicated", "jobs/roster", "jobs/schedule", "jobs/ledger", "jobs/evidence", "report", "notify/slack", "notify/email", "notify/webhook", "jobs/audit", "configs/secret", "configs/setting"},
	"jobs/audit":             {},
	"jobs/campaign":          {"jobs/audit"},
	"report/campaign":        {"jobs/audit", "jobs/campaign", "report/pack", "report/html", "report/signature", "report/table", "report/xlsx"},
	"report/signature":       {},
	"configs/secret":         {},
	"configs/setting":        {},
	"configs/remedy":         {},
	"cmd/tokenaudit":         {"*"},

	"jobs/influx/influxtest/conformance": {"jobs/influx/influxtest"},
	"jobs/influx/influxtest/histories":   {"jobs/audit", "jobs/influx/influxtest", "jobs/influx/influxtest/conformance"},
}

// stdlibOnly are packages that import nothing but the standard library.
var stdlibOnly = map[string]bool{"jobs/audit": true, "jobs/campaign": true, "configs/secret": true, "configs/setting": true, "configs/remedy": true}

// topLevel is all that the repository shows.
var topLevel = []string{"cmd", "jobs", "report", "notify", "configs", "go.mod", "go.sum", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"}

const root = "../.."

func TestFloors(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2
		if d.IsDir() && (hidden || d.Name() == "contract") { // contract is a module of its own
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			checkImports(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkImports(t *testing.T, path string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	rel, _ := filepath.Rel(root, filepath.Dir(path))
	from := filepath.ToSlash(rel)
	for _, spec := range file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		to, ours := strings.CutPrefix(name, "tokenaudit/")
		switch {
		case ours && !allowed(from, to):
			t.Errorf("%s imports %s, which is not on its floor", path, to)
		case !ours && stdlibOnly[from] && strings.Contains(strings.Split(name, "/")[0], "."):
			t.Errorf("%s imports %s; %s keeps to the standard library", path, name, from)
		}
	}
}

func allowed(from, to string) bool {
	for _, ok := range floors[from] {
		if ok == "*" || ok == to {
			return true
		}
	}
	return false
}

func TestTopLevel(t *testing.T) {
	entries, err := filepath.Glob(root + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := filepath.Base(e)
		known := strings.HasPrefix(name, ".")
		for _, ok := range topLevel {
			known = known || name == ok
		}
		if !known && !ignored(name) {
			t.Errorf("%s does not belong at the top level", name)
		}
	}
}

// ignored: what git ignores, too, such as the demo's own folder.
func ignored(name string) bool {
	return slices.Contains([]string{"tokenaudit", "tokenaudit.yaml", "tokenaudit-demo", "data"}, name)
}
