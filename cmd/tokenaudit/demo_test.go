package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestDemoScreen: the demo fits a terminal of 24 lines and 80 columns, between the command
// and the next prompt, and the command that it shows verifies its evidence.
func TestDemoScreen(t *testing.T) {
	for _, columns := range []string{"80", "200"} {
		t.Run(columns+" columns", func(t *testing.T) {
			t.Chdir(t.TempDir())
			t.Setenv("COLUMNS", columns)
			var out, errs bytes.Buffer
			if code := run(t.Context(), []string{"demo"}, &out, &errs); code != 0 || errs.Len() > 0 {
				t.Fatalf("exit code %d: %s", code, errs.String())
			}
			screen := strings.ReplaceAll(out.String(), calledAs(), "go run ./cmd/tokenaudit")
			lines := strings.Split(strings.TrimSuffix(screen, "\n"), "\n")
			if len(lines) > 22 {
				t.Errorf("%d lines", len(lines))
			}
			for _, line := range lines {
				if utf8.RuneCountInString(line) > 80 {
					t.Errorf("longer than 80: %s", line)
				}
			}
			shown := regexp.MustCompile(`(?m)tokenaudit (verify .*\\\n.*)$`).FindStringSubmatch(screen)
			if shown == nil {
				t.Fatalf("no command to verify:\n%s", screen)
			}
			out.Reset()
			if code := run(t.Context(), strings.Fields(strings.Replace(shown[1], "\\\n", "", 1)), &out, &errs); code != 0 {
				t.Errorf("%s: exit code %d\n%s%s", shown[1], code, out.String(), errs.String())
			}
		})
	}
}

// TestDemoVerify: the command can be pasted whatever the name of the folder.
func TestDemoVerify(t *testing.T) {
	t.Parallel()
	got := demoVerify("./tokenaudit", "  ", "my demo")
	want := "  ./tokenaudit verify 'my demo' \\\n    --allowed-signers 'my demo/allowed_signers'"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
