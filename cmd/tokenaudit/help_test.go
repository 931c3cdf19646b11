package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
)

// pages are the README and the manual, by the paths of their files.
func pages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("help/*.md")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d pages: %v", len(files), err)
	}
	texts := map[string]string{}
	for _, file := range append(files, root+"/README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(text)
	}
	return texts
}

// TestManual compares the parts of README and manual that are made by the program;
// with UPDATE=1 it rewrites them.
func TestManual(t *testing.T) {
	parts := map[string]string{
		"demo":   fenced(demoOutput(t)),
		"checks": checkRows(),
		"exit":   fenced(exitHelp),

		"premises": premiseList(),
		"products": productRows(),
		"limits":   limitList(),
	}
	made := regexp.MustCompile(`(?s)(<!-- (\w+): made [^>]*-->\n).*?(<!-- end -->)`)
	found := map[string]bool{}
	for file, text := range pages(t) {
		want := made.ReplaceAllStringFunc(text, func(old string) string {
			m := made.FindStringSubmatch(old)
			found[m[2]] = true
			return m[1] + parts[m[2]] + m[3]
		})
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if diff := cmp.Diff(want, text); diff != "" {
			t.Errorf("%s is not what the program does; UPDATE=1 rewrites it (-want +got):\n%s", file, diff)
		}
	}
	if len(found) != len(parts) {
		t.Errorf("only %v of the made parts are shown", found)
	}
}

func fenced(text string) string { return "```text\n" + strings.TrimRight(text, "\n") + "\n```\n" }

// demoOutput is what the demo prints, on a day that can be shown for ever.
func demoOutput(t *testing.T) string {
	t.Helper()
	var out, errs bytes.Buffer
	dir := filepath.Join(t.TempDir(), "tokenaudit-demo")
	if code := run(t.Context(), []string{"demo", "--out", dir}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	text := strings.NewReplacer(dir, "tokenaudit-demo", calledAs(), "go run ./cmd/tokenaudit").Replace(out.String())
	times := regexp.MustCompile(`T\d{4,6}Z|\d\d:\d\d UTC`)
	text = times.ReplaceAllStringFunc(text, func(at string) string {
		if strings.HasSuffix(at, "UTC") {
			return "09:00 UTC"
		}
		return "T0900Z"
	})
	reviewed, err := time.Parse(time.DateOnly, regexp.MustCompile(`\d{4}-\d\d-\d\d`).FindString(text))
	if err != nil {
		t.Fatal(err)
	}
	days := int(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Sub(reviewed).Hours() / 24)
	for _, form := range []struct{ pattern, layout string }{
		{`\d{4}-\d\d-\d\d`, time.DateOnly}, {`[A-Z][a-z]{2} \d\d? [A-Z][a-z]{2} \d{4}`, "Mon 2 Jan 2006"},
	} {
		text = regexp.MustCompile(form.pattern).ReplaceAllStringFunc(text, func(day string) string {
			at, err := time.Parse(form.layout, day)
			if err != nil {
				return day
			}
			return at.AddDate(0, 0, days).Format(form.layout)
		})
	}
	return text
}

func checkRows() string {
	var b strings.Builder
	b.WriteString("| check | severity | matches |\n|---|---|---|\n")
	for _, c := range checksBySeverity() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.ID, c.Severity, c.Title)
	}
	return b.String()
}

// premiseList has the premises of every product, then those of each, in lines that a
// terminal has room for.
func premiseList() string {
	var b strings.Builder
	for _, of := range []struct{ product, title string }{
		{"", "Every product"}, {"OSS", "InfluxDB OSS"}, {"Cloud", "InfluxDB Cloud"}, {"bolt", "A copy of the database file (`bolt:`)"},
	} {
		fmt.Fprintf(&b, "\n%s:\n\n", of.title)
		for _, p := range audit.Premises() {
			if productOf(p.ID) != of.product {
				continue
			}
			may := ""
			if p.Acceptable {
				may = ", can be accepted"
			}
			item := fmt.Sprintf("- `%s`%s: %s. %s *%s*", p.ID, may, p.Title, p.Why, p.Fix)
			b.WriteString(strings.ReplaceAll(wrapped(item, 78), "\n", "\n  ") + "\n")
		}
	}
	return b.String() + "\n"
}

// productRows has a line for each check, with the products that it applies to.
func productRows() string {
	var b strings.Builder
	b.WriteString("| check | OSS | Cloud | Core | Enterprise | Dedicated | Clustered | 1.x |\n|---|---|---|---|---|---|---|---|\n")
	for _, c := range checksBySeverity() {
		fmt.Fprintf(&b, "| `%s` |", c.ID)
		for _, p := range audit.Products() {
			_, applies := p.Judges(c.ID)
			fmt.Fprintf(&b, " %s |", map[bool]string{true: "yes", false: "–"}[applies])
		}
		b.WriteString("\n")
	}
	return b.String()
}

// limitList has each limit once, with the products that have it.
func limitList() string {
	var ids []string
	texts, names := map[string]string{}, map[string][]string{}
	for _, p := range audit.Products() {
		for _, l := range p.Limits() {
			if texts[l.ID] == "" {
				ids = append(ids, l.ID)
			}
			texts[l.ID], names[l.ID] = l.Text, append(names[l.ID], p.Name())
		}
	}
	var b strings.Builder
	b.WriteString("\n")
	for _, id := range ids {
		item := fmt.Sprintf("- `%s` (%s): %s.", id, strings.Join(names[id], ", "), strings.TrimSuffix(texts[id], "."))
		b.WriteString(strings.ReplaceAll(wrapped(item, 78), "\n", "\n  ") + "\n")
	}
	return b.String() + "\n"
}

// TestManualNamesPremises: for each product after InfluxDB 2, the manual says of every premise
// what proves it, or that it is not needed.
func TestManualNamesPremises(t *testing.T) {
	t.Parallel()
	text := pages(t)["help/products.md"]
	everywhere := regexp.MustCompile("(?s)those that concern every product: (.*?)\\.\n").FindStringSubmatch(text)
	if everywhere == nil {
		t.Fatal("the premises of every product are not named")
	}
	for _, section := range []string{"InfluxDB 3 Core and Enterprise", "Cloud Dedicated and Clustered", "InfluxDB 1.x"} {
		_, part, ok := strings.Cut(text, "\n## "+section+"\n")
		if !ok {
			t.Errorf("no section on %s", section)
			continue
		}
		part, _, _ = strings.Cut(part, "\n## ")
		rows := regexp.MustCompile("(?m)^\\| `([\\w-]+)` \\|").FindAllStringSubmatch(part, -1)
		unneeded := regexp.MustCompile("(?s)\nNot needed: (.*?)\\. ").FindStringSubmatch(part)
		if unneeded == nil {
			t.Errorf("%s: what is not needed is not said", section)
			continue
		}
		times := map[string]int{}
		for _, row := range rows {
			times[row[1]]++
		}
		for _, id := range regexp.MustCompile("`([\\w-]+)`").FindAllStringSubmatch(unneeded[1]+everywhere[1], -1) {
			times[id[1]]++
		}
		for _, p := range audit.Premises() {
			if times[p.ID] != 1 {
				t.Errorf("%s: %s is named %d times", section, p.ID, times[p.ID])
			}
			delete(times, p.ID)
		}
		for id := range times {
			t.Errorf("%s: there is no premise %s", section, id)
		}
	}
}

// productOf is the one that a premise is about; empty for every one.
func productOf(premise string) string {
	switch premise {
	case audit.StoredListed, audit.InstanceSeen, audit.LegacyListed, audit.ImportCurrent:
		return "OSS"
	case audit.OwnersConfigured:
		return "Cloud"
	case audit.CopyCurrent:
		return "bolt"
	}
	return ""
}

// wrapped breaks a text at spaces.
func wrapped(text string, width int) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return strings.Join(append(lines, line), "\n")
}

// TestManualConfigurations loads every configuration that README and manual show.
func TestManualConfigurations(t *testing.T) {
	for file, text := range pages(t) {
		for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(text, -1) {
			folder := t.TempDir()
			path, backup := filepath.Join(folder, "shown.yaml"), filepath.Join(folder, "backup")
			if err := errors.Join(os.Mkdir(backup, 0o700), os.WriteFile(path, []byte(block[1]), 0o600),
				os.WriteFile(filepath.Join(backup, "20261123T080000Z.bolt.gz"), nil, 0o600),
				os.WriteFile(filepath.Join(folder, "reviewers"), nil, 0o600), os.WriteFile(filepath.Join(folder, "roster.csv"), []byte("name\nalice\n"), 0o600)); err != nil {
				t.Fatal(err)
			}
			if _, err := configs.Load(path); err != nil {
				t.Errorf("%s: %v\nin\n%s", file, err, block[1])
			}
		}
	}
}

// TestManualCommands: every command and flag that README and manual name is there.
func TestManualCommands(t *testing.T) {
	named := regexp.MustCompile("(?m)(?:^(?:\\./|go run \\./cmd/)?|`)tokenaudit ([^#\n>`|]*)")
	for file, text := range pages(t) {
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```|`tokenaudit [^`]*`").FindAllString(text, -1) {
			for _, m := range named.FindAllStringSubmatch(strings.ReplaceAll(block, "\\\n", ""), -1) {
				checkCommand(t, file, strings.Fields(m[1]))
			}
		}
	}
}

func checkCommand(t *testing.T, file string, args []string) {
	t.Helper()
	cmd, rest, err := newRoot(&bytes.Buffer{}, &bytes.Buffer{}).Find(args)
	if err != nil || cmd.Parent() == nil {
		t.Errorf("%s: tokenaudit %v: no such command (%v)", file, args, err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%s: tokenaudit %v: %v", file, args, err)
	}
	if cmd.Name() == "help" && len(rest) > 0 && rest[0] != "TOPIC" {
		checkCommand(t, file, rest)
	}
}

// TestManualLinks: every file that README and manual point to is there, and the
// README names every topic.
func TestManualLinks(t *testing.T) {
	texts := pages(t)
	for file, text := range texts {
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)[)#]`).FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		if topic, ok := strings.CutPrefix(file, "help/"); ok && !strings.Contains(texts[root+"/README.md"], "(cmd/tokenaudit/help/"+topic+")") {
			t.Errorf("the README does not point to %s", file)
		}
	}
	contributing, err := os.ReadFile(root + "/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("`((?:cmd|configs|jobs|report|notify)/[\\w./]+)`").FindAllStringSubmatch(texts[root+"/README.md"]+string(contributing), -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Errorf("README or CONTRIBUTING: %v", err)
		}
	}
	if n := strings.Count(texts[root+"/README.md"], "\n"); n > 150 {
		t.Errorf("the README has %d lines; what is more than 150 belongs into the manual", n)
	}
}

// TestManualFitsTerminals: no line of a page is longer than a terminal is wide, but
// for commands that cannot be cut.
func TestManualFitsTerminals(t *testing.T) {
	for file, text := range pages(t) {
		title, rest, _ := strings.Cut(text, "\n")
		name, short, ok := strings.Cut(strings.TrimPrefix(title, "# "), ": ")
		switch {
		case file == root+"/README.md":
			continue
		case !ok || "help/"+name+".md" != file || len(short) > 64:
			t.Errorf("%s: the title %q is not # %s and what it is about, in a line", file, title, strings.TrimSuffix(filepath.Base(file), ".md"))
		}
		for line := range strings.Lines(rest) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 80 && !strings.HasPrefix(line, "tokenaudit ") && !strings.HasPrefix(line, "<!--") {
				t.Errorf("%s: longer than 80: %s", file, line)
			}
		}
	}
}

// TestHelpFits: what --help shows fits every terminal.
func TestHelpFits(t *testing.T) {
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.InitDefaultHelpFlag()
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > helpWidth && !strings.Contains(line, "http") {
				t.Errorf("%s: %s", cmd.CommandPath(), line)
			}
		}
		for _, child := range cmd.Commands() {
			visit(child)
		}
	}
	visit(newRoot(&bytes.Buffer{}, &bytes.Buffer{}))
}
