package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
)

const readme = root + "/README.md"

// TestReadme compares the parts of the README that are made by the program; with
// UPDATE=1 it rewrites them.
func TestReadme(t *testing.T) {
	parts := map[string]string{
		"demo":   fenced(demoOutput(t)),
		"checks": checkRows(),
		"exit":   fenced(exitHelp),
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, part := range parts {
		made := regexp.MustCompile(`(?s)(<!-- ` + name + `: [^>]*-->\n).*?(<!-- end -->)`)
		want = made.ReplaceAllStringFunc(want, func(old string) string {
			m := made.FindStringSubmatch(old)
			return m[1] + part + m[2]
		})
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("README.md is not what the program does; UPDATE=1 rewrites it (-want +got):\n%s", diff)
	}
}

func fenced(text string) string { return "```text\n" + strings.TrimRight(text, "\n") + "\n```\n" }

// demoOutput is what the demo prints, on a day that the README can show for ever.
func demoOutput(t *testing.T) string {
	t.Helper()
	var out, errs bytes.Buffer
	dir := filepath.Join(t.TempDir(), "tokenaudit-demo")
	if code := run(t.Context(), []string{"demo", "--out", dir}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	text := strings.ReplaceAll(out.String(), dir, "tokenaudit-demo")
	for pattern, day := range map[string]string{
		`(weekly-review/)\d{4}-\d\d-\d\dT\d{4,6}Z`:           "${1}2026-11-23T0900Z",
		`weekly-review · at \w+ \d+ \w+ \d+ \d\d:\d\d UTC`:   "weekly-review · at Mon 23 Nov 2026 09:00 UTC",
		`Since the review due \w+ \d+ \w+ \d+ \d\d:\d\d UTC`: "Since the review due Mon 16 Nov 2026 09:00 UTC",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, day)
	}
	return firstReply(text)
}

// firstReply leaves out the replies of the thread but the first.
func firstReply(text string) string {
	replies := strings.Split(text, "\n↳ ")
	_, rest, _ := strings.Cut(replies[len(replies)-1], "\n")
	return strings.Join(replies[:2], "\n↳ ") + fmt.Sprintf("\n… %d more owners, and the workbook\n", len(replies)-3) + rest
}

func checkRows() string {
	var b strings.Builder
	b.WriteString("| check | severity | matches |\n|---|---|---|\n")
	for _, c := range audit.Checks() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.ID, c.Severity, c.Title)
	}
	return b.String()
}

// TestReadmeConfigurations loads every configuration that the README shows.
func TestReadmeConfigurations(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) == 0 {
		t.Error("the README shows no configuration")
	}
	for _, block := range blocks {
		path := filepath.Join(t.TempDir(), "readme.yaml")
		if err := os.WriteFile(path, block[1], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := configs.Load(path, checkSchedule); err != nil {
			t.Errorf("%v\nin\n%s", err, block[1])
		}
	}
}

// TestReadmeCommands: every command and flag that the README names is there.
func TestReadmeCommands(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(text, -1) {
		for _, m := range regexp.MustCompile(`(?m)^(?:\./|go run \./cmd/)?tokenaudit ([^#\n>]*)`).FindAllSubmatch(block[1], -1) {
			checkCommand(t, strings.Fields(string(m[1])))
		}
	}
}

func checkCommand(t *testing.T, args []string) {
	t.Helper()
	cmd, rest, err := newRoot(&bytes.Buffer{}, &bytes.Buffer{}).Find(args)
	if err != nil || cmd.Parent() == nil {
		t.Errorf("tokenaudit %v: no such command (%v)", args, err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("tokenaudit %v: %v", args, err)
	}
}
