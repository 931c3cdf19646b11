package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestManPages: every command and every topic has a page of its own, and no page points to
// one that is not there.
func TestManPages(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"man", folder}, &out, &errs); code != 0 || out.Len() > 0 {
		t.Fatalf("exit code %d: %s%s", code, out.String(), errs.String())
	}
	pages := map[string]string{}
	files, err := filepath.Glob(filepath.Join(folder, "man[17]", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.Base(file)] = string(text)
		for _, part := range []string{".TH ", `"tokenaudit ` + version + `"`, ".SH NAME", ".SH DESCRIPTION", ".SH SEE ALSO"} {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s lacks %s", file, part)
			}
		}
	}
	var commands func(*cobra.Command)
	commands = func(cmd *cobra.Command) {
		page := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
		if cmd.IsAdditionalHelpTopicCommand() {
			page = strings.TrimSuffix(page, ".1") + ".7"
		}
		if pages[page] == "" && !cmd.Hidden && cmd.Name() != "help" {
			t.Errorf("no page %s", page)
		}
		for _, child := range cmd.Commands() {
			commands(child)
		}
	}
	commands(newRoot(&out, &errs))
	for name, text := range pages {
		for _, m := range regexp.MustCompile(`\\fB(tokenaudit[\w-]*)\((\d)\)`).FindAllStringSubmatch(text, -1) {
			if pages[m[1]+"."+m[2]] == "" {
				t.Errorf("%s points to %s(%s), which is not there", name, m[1], m[2])
			}
		}
	}
	if !strings.Contains(pages["tokenaudit.1"], "tokenaudit-evidence(7)") {
		t.Error("the first page does not list the topics")
	}
	if text := pages["tokenaudit-evidence.7"]; !strings.Contains(text, "ssh-keygen -Y verify") || strings.Contains(text, "# evidence") {
		t.Errorf("not the topic: %s", text)
	}
}
