package campaign

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scriptOf is revoke.sh of a quarter, in a folder of its own.
func scriptOf(t *testing.T, q *quarter, addresses map[string]string) (dir, text string) {
	t.Helper()
	made, err := Script(q.book, addresses)
	must(t, err)
	dir = t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, ScriptFile), made, 0o600))
	return dir, string(made)
}

func TestScript(t *testing.T) {
	t.Parallel()
	_, text := scriptOf(t, played(t), map[string]string{"plant": "https://influx.example.com/base/"})
	for _, want := range []string{
		"# Token: telegraf line 3 (0000000000000001) of plant\n# Owner: telegraf-writer, otto@example.com. Decision: revoke by ben@example.com on 2026-10-04, ticket OPS-1: nobody uses it\nrevoke 'plant' 'https://influx.example.com/base' '0' '0000000000000001' 'fp0000000000000001' 'INFLUX_TOKEN_PLANT'\n",
		"# Create the narrower token first: read bucket 00000000000000bb\n#   influx auth create --org-id 00000000000000aa --user 'telegraf-writer' ",
		"\n# revoke 'plant' 'https://influx.example.com/base' '0' '0000000000000004' ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	for id, why := range map[string]string{"0000000000000002": "is kept", "0000000000000003": "is proven gone", "0000000000000008": "is a draft"} {
		if strings.Contains(text, "'"+id+"'") {
			t.Errorf("%s %s, and the script has it", id, why)
		}
	}
	if t.Failed() {
		t.Log(text[strings.Index(text, "printf 'Campaign"):])
	}
}

// TestScriptHostile: whatever people write in InfluxDB or in a decision is a comment of one
// line, or one word.
func TestScriptHostile(t *testing.T) {
	t.Parallel()
	q := newQuarter(t, writer("0000000000000001", evil+"\r\n# shellcheck disable=SC2086\nfalse", evil, ""), writer("000000000000000z", evil, evil, ""))
	q.imported(days(2), ben, true, decision{"0000000000000001", "revoke", evil, evil, evil}, decision{"000000000000000z", "modify", evil, evil, evil})
	for name, address := range map[string]string{"an address": "https://influx.example.com/$(touch pwned)'", "no address": "", "a database file": "influxd.bolt", "a secret in it": "https://canary:canary@influx.example.com"} {
		dir, text := scriptOf(t, q, map[string]string{"plant": address})
		for _, bad := range []string{"\u202e", "\x1b", "\r", "canary", "\nfalse", "\n#\\ "} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: the script holds %q", name, bad)
			}
		}
		for _, line := range strings.Split(text[strings.Index(text, "printf 'Campaign"):], "\n") {
			known := line == ""
			for _, begin := range []string{"printf ", "# ", "#   influx ", "revoke '", "skip '", "[ ", "exit "} {
				known = known || strings.HasPrefix(line, begin)
			}
			if !known {
				t.Errorf("%s: the line %q", name, line)
			}
		}
		for _, check := range [][]string{{"sh", "-n", ScriptFile}, {"bash", "-n", ScriptFile}, {"shellcheck", ScriptFile}} {
			if out, err := program(t, dir, nil, check...); err != nil {
				t.Errorf("%s: %q: %v\n%s", name, check, err, out)
			}
		}
	}
}
