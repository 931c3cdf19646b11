package slack_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
)

// TestNames: no name from outside stands where Slack reads markup, or acts on a terminal.
func TestNames(t *testing.T) {
	hidden := regexp.MustCompile(`[\p{Cc}\p{Cf}\x{fffd}]`)
	for _, name := range notifytest.Hostile() {
		t.Run(name, func(t *testing.T) {
			m := notifytest.Named(name)
			blocks := expectPostable(t, m)
			expectUnparsed(t, blocks)
			if name != "" && !bytes.Contains(blocks, []byte("evil")) {
				t.Error("the name is not in the message")
			}
			if bad := hidden.FindString(strings.Join(texts(t, blocks), "")); bad != "" {
				t.Errorf("blocks hold %q", bad)
			}
			if bad := hidden.FindString(strings.ReplaceAll(slack.Text(slack.Config{}, m, false), "\n", "")); bad != "" {
				t.Errorf("text holds %q", bad)
			}
		})
	}
}

func expectUnparsed(t *testing.T, blocks json.RawMessage) {
	t.Helper()
	parsed, err := notifytest.Parsed(blocks)
	if err != nil || len(parsed) == 0 {
		t.Fatalf("nothing is parsed (%v): the test sees nothing", err)
	}
	for _, text := range parsed {
		if strings.Contains(text, "evil") {
			t.Errorf("Slack would parse %q", text)
		}
	}
}

// texts returns every string value below a "text" key.
func texts(t *testing.T, blocks json.RawMessage) []string {
	t.Helper()
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if s, ok := v["text"].(string); ok {
				out = append(out, s)
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	var all any
	if err := json.Unmarshal(blocks, &all); err != nil {
		t.Fatal(err)
	}
	walk(all)
	return out
}

// TestTextColor: with color the text is the same but for its own escapes, which
// names cannot add to.
func TestTextColor(t *testing.T) {
	t.Skip("the messages are about to change")
	escapes := regexp.MustCompile("\x1b\\[(0|1|1;31|33)m")
	m := notifytest.Named("evil \x1b[31mred")
	plain, colored := slack.Text(slack.Config{}, m, false), slack.Text(slack.Config{}, m, true)
	if !escapes.MatchString(colored) {
		t.Fatal("no color")
	}
	if got := escapes.ReplaceAllString(colored, ""); got != plain {
		t.Errorf("color changed the text:\n%s", got)
	}
}

// TestLimits: the largest message that a run can make is one that Slack takes.
func TestLimits(t *testing.T) {
	const owners = 500
	for _, letter := range []string{"x", "é", "日", "😀", `"`, `\`, "<", "\u202e", "\x00", "x y "} {
		t.Run(letter, func(t *testing.T) {
			m := notifytest.Named(strings.Repeat(letter, 500))
			for i := range m.Highlights.New {
				m.Highlights.New[i].Record.Description = strings.Repeat(letter, 30_000/len(letter))
			}
			m.Summary.NeedsAction.New, m.Summary.Missed, m.Summary.Trigger = owners, owners, audit.CatchUp
			for _, c := range audit.Checks() {
				m.Summary.Findings.ByCheck[c.ID] = owners
			}
			m.Summary.Coverage.Reasons, m.Summary.Coverage.Targets = nil, nil
			for range 50 {
				m.Summary.Coverage.Targets = append(m.Summary.Coverage.Targets, audit.Coverage{Verdict: audit.Partial})
				m.Summary.Coverage.Reasons = append(m.Summary.Coverage.Reasons, strings.Repeat(letter, 2000))
			}
			blocks := expectPostable(t, m)
			if !strings.Contains(string(blocks), "and 42 more reasons, in the evidence") {
				t.Error("does not say how many reasons are left out")
			}
			for _, line := range strings.Split(slack.Text(slack.Config{}, m, false), "\n") {
				if n := len([]rune(line)); n > 110 {
					t.Errorf("a line of %d characters: %s", n, line)
				}
			}
		})
	}
}

// TestFit: findings that do not fit are left out from the end, and counted.
func TestFit(t *testing.T) {
	m := notifytest.Named(strings.Repeat("日", 500))
	m.Summary.NeedsAction.New = 27
	text := slack.Text(slack.Config{}, m, false)
	if strings.Contains(text, "shows the worst 15") || !strings.Contains(text, "27 tokens; the table shows the worst") {
		t.Error(text)
	}
}
