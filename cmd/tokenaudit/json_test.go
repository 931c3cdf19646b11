package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
)

// jsonShapes are what --json prints, by the chapter of help/json.md; of lists, an entry.
func jsonShapes() map[string]any {
	return map[string]any{
		"version":  buildInfo{},
		"checks":   checkJSON{},
		"run":      jobResult{},
		"schedule": slotJSON{},
		"doctor":   doctorLine{},
		"verify":   verdictJSON{},

		"history list":    historyRun{},
		"history show":    historyDetails{},
		"history diff":    runDiff{},
		"history replay":  replayed{},
		"tokens list":     shownToken{},
		"tokens show":     tokenDetails{},
		"offboard":        offboarding{},
		"offboard --done": offboarded{},
		"rotate":          rotation{},
		"campaign list":   campaignJSON{},
		"campaign show":   campaignDetails{},

		"campaigns in summary.json": audit.CampaignStatus{},
	}
}

// TestJSONIsDocumented: the manual has every key that a command prints, with its type, and
// no other.
func TestJSONIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("help/json.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	for _, chapter := range strings.Split(string(text), "\n## ")[1:] {
		name, body, _ := strings.Cut(chapter, "\n")
		for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\| [^|]+ \\|$").FindAllStringSubmatch(body, -1) {
			documented[name] = append(documented[name], row[1]+": "+row[2])
		}
		if rows := strings.Count(body, "\n|") - 2; rows != len(documented[name]) {
			t.Errorf("%s: %d rows of %d are not | `key` | type | meaning |", name, rows-len(documented[name]), rows)
		}
	}
	shapes := map[string][]string{}
	for name, shape := range jsonShapes() {
		shapes[name] = jsonKeys(reflect.TypeOf(shape), "")
	}
	if diff := cmp.Diff(shapes, documented); diff != "" {
		t.Errorf("help/json.md is not what the commands print (-printed +documented):\n%s", diff)
	}
}

// jsonKeys are the keys of a struct in its JSON, in order, each with its type.
func jsonKeys(of reflect.Type, prefix string) []string {
	var keys []string
	for i := range of.NumField() {
		field := of.Field(i)
		key, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		path, kind, null := prefix+key, field.Type, ""
		if field.Anonymous && key == "" {
			keys = append(keys, jsonKeys(kind, prefix)...)
			continue
		}
		if !field.IsExported() {
			continue
		}
		if key == "" {
			panic(fmt.Sprintf("%s.%s has no json tag", of, field.Name))
		}
		if kind.Kind() == reflect.Pointer {
			kind, null = kind.Elem(), "?"
		}
		if strings.HasPrefix(options, "omit") {
			null += ", absent if empty"
		}
		if kind.Kind() == reflect.Slice {
			path, kind = path+"[]", kind.Elem()
		}
		switch {
		case kind == reflect.TypeFor[audit.Summary](): // it is documented with the reports
			keys = append(keys, path+": object"+null)
		case kind == reflect.TypeFor[time.Time]():
			keys = append(keys, path+": time"+null)
		case kind.Kind() == reflect.String:
			keys = append(keys, path+": string"+null)
		case kind.Kind() == reflect.Bool:
			keys = append(keys, path+": boolean"+null)
		case kind.Kind() == reflect.Int, kind.Kind() == reflect.Int64, kind.Kind() == reflect.Float64:
			keys = append(keys, path+": number"+null)
		case kind.Kind() == reflect.Struct:
			if null != "" {
				keys = append(keys, path+": object"+null)
			}
			keys = append(keys, jsonKeys(kind, path+".")...)
		default:
			panic(fmt.Sprintf("%s.%s: no word for %s", of, field.Name, kind))
		}
	}
	return keys
}

// TestRunResult: the state of a job, by what its review returned.
func TestRunResult(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	c := &cli{stdout: &out, stderr: &errs, data: &out, secrets: secret.NewRedactor()}
	file := &configs.File{Evidence: t.TempDir(), Jobs: []configs.Job{{Name: "weekly", Schedule: "0 9 * * 1", Timezone: "UTC"}, {Name: "other", Schedule: "@weekly", Timezone: "UTC"}}}
	s := &audit.Summary{ID: "weekly/2026-11-23T0900Z", Job: "weekly"}
	for name, x := range map[string]struct {
		summary  *audit.Summary
		err      error
		state    string
		evidence bool
	}{
		"reviewed":                {s, nil, "reviewed", true},
		"a message did not leave": {s, errors.New("Slack is away"), "reviewed", true},
		"nothing due":             {nil, nil, "nothing-due", false},
		"another process":         {nil, fmt.Errorf("weekly: %w", runner.ErrLeased), "busy", false},
		"the store is taken":      {nil, ledger.ErrBusy, "busy", false},
		"failed":                  {nil, errors.New("disk full"), "failed", false},
	} {
		got := c.resultOf(file, "weekly", x.summary, x.err)
		if got.State != x.state || (got.Evidence != "") != x.evidence || (got.Error != "") != (x.err != nil) || (got.Run != "") != (x.summary != nil) {
			t.Errorf("%s: %+v", name, got)
		}
		if got.Next == nil || got.Next.Weekday() != time.Monday || got.Next.Hour() != 9 {
			t.Errorf("%s: next at %v", name, got.Next)
		}
	}
}

// cmdJSON compares a value in the newest summary.json of a job:
// json weekly coverage.verdict complete
func cmdJSON(ts *testscript.TestScript, _ bool, args []string) {
	paths, err := filepath.Glob(ts.MkAbs("evidence/" + args[0] + "/*/summary.json"))
	ts.Check(err)
	newest := ""
	var at time.Time
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.ModTime().After(at) {
			newest, at = p, info.ModTime()
		}
	}
	checkValue(ts, ts.ReadFile(newest), args[1], args[2])
}

// cmdDocument demands that the last program printed one JSON document and nothing else,
// and compares values in it: document 0.job weekly 0.state reviewed
func cmdDocument(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile("stdout")
	if !json.Valid([]byte(text)) {
		ts.Fatalf("not one JSON document:\n%s", text)
	}
	for i := 0; i+1 < len(args); i += 2 {
		checkValue(ts, text, args[i], args[i+1])
	}
}

func checkValue(ts *testscript.TestScript, text, path, want string) {
	var v any
	ts.Check(json.Unmarshal([]byte(text), &v))
	for _, key := range strings.Split(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			ts.Check(err)
			if i >= len(node) {
				ts.Fatalf("%s: there are only %d", path, len(node))
			}
			v = node[i]
		}
	}
	if got := fmt.Sprint(v); got != want {
		ts.Fatalf("%s is %s, want %s", path, got, want)
	}
}

// TestResultsWhileTheStoreIsTaken: each job is named, although none was looked at.
func TestResultsWhileTheStoreIsTaken(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "tokenaudit.yaml")
	text := "targets: [{name: prod, url: 'http://127.0.0.1:1', org: acme, token: {file: token}}]\n" +
		"jobs: [{name: weekly, schedule: '@weekly'}, {name: daily, schedule: '@daily'}]\n"
	for name, text := range map[string]string{config: text, filepath.Join(dir, "token"): "a-token"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	other, err := ledger.Open(t.Context(), ledger.AtPath(filepath.Join(dir, "data", "tokenaudit.db")), secret.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for args, want := range map[string]string{"": "weekly busy, daily busy", "--job daily": "daily busy"} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"run", "--json", "-c", config}, strings.Fields(args)...), &stdout, &stderr)
		var results []jobResult
		if err := json.Unmarshal(stdout.Bytes(), &results); err != nil {
			t.Fatalf("%v: %s%s", err, &stdout, &stderr)
		}
		got := strings.Join(namesOf(results, func(r jobResult) string { return r.Job + " " + r.State }), ", ")
		if code != exitDone || got != want {
			t.Errorf("run %s: exit code %d, %s, want %s", args, code, got, want)
		}
	}
}
