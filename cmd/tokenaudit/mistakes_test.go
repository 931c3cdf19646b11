package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"tokenaudit/jobs/influx/influxtest"
)

const mistakesFile = "testdata/mistakes/mistakes.txtar"

// mistake is an entry of the table: what is changed in the good configuration, what is
// called, and what comes of it.
type mistake struct {
	edits   []lineEdit
	env     map[string]string
	command string // with its variables
	args    []string
	want    string // exit code and message, line by line
}

// lineEdit replaces a line, or inserts one behind it.
type lineEdit struct {
	line   int
	insert bool
	text   string
}

// TestMistakes makes every mistake of the table once, and compares exit code and message.
func TestMistakes(t *testing.T) {
	table, err := txtar.ParseFile(mistakesFile)
	if err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Abs(mistakesFile)
	if err != nil {
		t.Fatal(err)
	}
	dir := mistakesFolder(t, table)
	tried, seen := 0, map[string]bool{}
	for i, entry := range table.Files {
		if !strings.Contains(entry.Name, " ") {
			continue // a file
		}
		tried++
		if seen[entry.Name] {
			t.Errorf("two are called %s", entry.Name)
		}
		seen[entry.Name] = true
		t.Run(entry.Name, func(t *testing.T) {
			m := readMistake(t, string(entry.Data))
			got := m.make(t, dir, goodConfig(table))
			if got != m.want && os.Getenv("UPDATE") == "" {
				t.Errorf("got\n%swant\n%s", got, m.want)
			}
			table.Files[i].Data = []byte(m.given(got))
		})
	}
	if tried < 130 {
		t.Errorf("the table has %d mistakes", tried)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, txtar.Format(table), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMistakesAreClear holds every message to what an operator needs: no words of the
// libraries, and the place of the mistake in what is about the configuration.
func TestMistakesAreClear(t *testing.T) {
	table, err := txtar.ParseFile(mistakesFile)
	if err != nil {
		t.Fatal(err)
	}
	jargon := regexp.MustCompile(`strconv|\byaml: |unmarshal|invalid syntax|\bint(64)?\b|%!|<nil>|errno|cobra|pflag|tokenaudit: tokenaudit|canary($|[^:])`)
	place := regexp.MustCompile(`(?m)^2 +tokenaudit\.yaml:\d+: `)
	for _, entry := range table.Files {
		if !strings.Contains(entry.Name, " ") {
			continue
		}
		m := readMistake(t, string(entry.Data))
		if found := jargon.FindString(m.want); found != "" {
			t.Errorf("%s: %q is no word for operators:\n%s", entry.Name, found, m.want)
		}
		if !strings.HasPrefix(m.want, "2 ") && !strings.Contains(entry.Name, "no review") {
			t.Errorf("%s: the exit code is not 2:\n%s", entry.Name, m.want)
		}
		if m.command == "" && !place.MatchString(m.want) {
			t.Errorf("%s: no file and line in\n%s", entry.Name, m.want)
		}
	}
}

// mistakesFolder has the files of the table, and nothing of the environment of the tests.
func mistakesFolder(t *testing.T, table *txtar.Archive) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range table.Files {
		if strings.Contains(f.Name, " ") {
			continue
		}
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{"HOME": "/home/anna", "AUDIT_TOKEN": "canary-token-audit", "SLACK_TOKEN": "canary-token-slack", "COLUMNS": "100"} {
		t.Setenv(name, value)
	}
	for _, name := range []string{configVariable, "INFLUX_TOKEN", "INFLUX_HOST", "INFLUX_CONFIGS_PATH", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	t.Chdir(dir)
	reviewOnce(t)
	return dir
}

// reviewOnce leaves one review below the folder, for what asks for earlier ones.
func reviewOnce(t *testing.T) {
	t.Helper()
	db := influxtest.New(influxtest.OSS)
	org := db.AddOrg("acme")
	user := db.AddUser("auditor")
	db.AddMember(org, user)
	_, token := db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: user, Description: "audit", Permissions: influxtest.AuditorPermissions(org)})
	server := httptest.NewServer(db)
	defer server.Close()
	t.Setenv("REVIEWED_TOKEN", token)
	text := "store: sqlite:./reviewed/ledger.db\nevidence: ./reviewed/evidence\ntargets: [{name: prod, org: acme, url: '" + server.URL + "', token: {env: REVIEWED_TOKEN}}]\njobs: [{name: weekly, schedule: '@weekly'}]\n"
	if err := os.WriteFile("reviewed.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"run", "--now", "-c", "reviewed.yaml"}, &out, &out); code != exitDone {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
}

func goodConfig(table *txtar.Archive) string {
	at := slices.IndexFunc(table.Files, func(f txtar.File) bool { return f.Name == "tokenaudit.yaml" })
	return string(table.Files[at].Data)
}

var editPattern = regexp.MustCompile(`^(\d+)(\+?)\|(.*)$`)

func readMistake(t *testing.T, text string) mistake {
	t.Helper()
	m := mistake{env: map[string]string{}, args: []string{"config", "validate"}}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if found := editPattern.FindStringSubmatch(line); found != nil {
			n, err := strconv.Atoi(found[1])
			if err != nil {
				t.Fatal(err)
			}
			m.edits = append(m.edits, lineEdit{n, found[2] != "", found[3]})
			continue
		}
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			m.command, m.args = command, nil
			for _, word := range shellWords(command) {
				name, value, assigned := strings.Cut(word, "=")
				switch {
				case m.args != nil:
					m.args = append(m.args, word)
				case word == "tokenaudit":
					m.args = []string{}
				case assigned:
					m.env[name] = value
				}
			}
			continue
		}
		m.want += line + "\n"
	}
	return m
}

// shellWords splits a command, of which words in single quotes stay whole.
func shellWords(command string) []string {
	var words []string
	for _, found := range regexp.MustCompile(`'([^']*)'|[^ ]+`).FindAllStringSubmatch(command, -1) {
		word := found[0]
		if strings.HasPrefix(word, "'") {
			word = found[1]
		}
		words = append(words, word)
	}
	return words
}

// make makes the mistake, and gives the exit code with each line of the message. The line
// that counts a single problem is left out.
func (m mistake) make(t *testing.T, dir, good string) string {
	t.Helper()
	lines := strings.Split(good, "\n")
	var changed []string
	for i, line := range lines {
		behind := []string{}
		for _, e := range m.edits {
			switch {
			case e.line == i+1 && e.insert:
				behind = append(behind, e.text)
			case e.line == i+1:
				line = e.text
			}
		}
		changed = append(append(changed, line), behind...)
	}
	text := strings.NewReplacer(`\t`, "\t", `\u00a0`, "\u00a0").Replace(strings.Join(changed, "\n"))
	if err := os.WriteFile(filepath.Join(dir, "tokenaudit.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range m.env {
		if name == "CD" {
			t.Chdir(filepath.Join(dir, value))
			continue
		}
		t.Setenv(name, value)
	}
	var stderr bytes.Buffer
	code := run(t.Context(), m.args, io.Discard, &stderr)
	said := slotName.ReplaceAllString(strings.ReplaceAll(stderr.String(), dir, "DIR"), "SLOT")
	said = serverID.ReplaceAllString(said, "server/ID")
	said = strings.TrimPrefix(said, "tokenaudit: ")
	if single, rest, ok := strings.Cut(said, "\n"); ok && strings.HasPrefix(single, "1 problem in ") {
		said = strings.TrimPrefix(rest, "  ")
	}
	out := ""
	for line := range strings.Lines(said) {
		out += fmt.Sprintf("%d %s\n", code, strings.TrimSuffix(line, "\n"))
	}
	if out == "" {
		out = fmt.Sprintf("%d\n", code)
	}
	return out
}

// What differs from run to run.
var (
	slotName = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{4}Z`)
	serverID = regexp.MustCompile(`server/[0-9a-f]{16}`)
)

// given is the entry with another outcome.
func (m mistake) given(outcome string) string {
	var b strings.Builder
	for _, e := range m.edits {
		fmt.Fprintf(&b, "%d%s|%s\n", e.line, strings.Repeat("+", map[bool]int{true: 1}[e.insert]), e.text)
	}
	if m.command != "" {
		fmt.Fprintf(&b, "$ %s\n", m.command)
	}
	return b.String() + outcome
}
