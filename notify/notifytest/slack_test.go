package notifytest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tokenaudit/notify/notifytest"
)

// TestProblems: the fake refuses what Slack refuses, and takes what Slack takes.
func TestProblems(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name, blocks, says string // says is empty if Slack takes it
	}{
		{"longest header", header(long(150)), ""},
		{"header too long", header(long(151)), "no more than 150 characters"},
		{"empty text", header(""), "more than 0 characters"},
		{"too many blocks", repeat(51, header("x")), "no more than 50 items"},
		{"section too long", `{"type":"section","text":{"type":"mrkdwn","text":"` + long(3001) + `"}}`, "no more than 3000"},
		{"too many fields", `{"type":"section","fields":[` + repeat(11, `{"type":"mrkdwn","text":"x"}`) + `]}`, "no more than 10 items"},
		{"too many elements", `{"type":"context","elements":[` + repeat(11, `{"type":"mrkdwn","text":"x"}`) + `]}`, "no more than 10 items"},
		{"empty list", `{"type":"rich_text","elements":[{"type":"rich_text_list","elements":[]}]}`, "at least one element"},
		{"empty item", `{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":""}]}]}`, "more than 0"},
		{"largest table", table(100, 20, "x"), ""},
		{"too many rows", table(101, 1, "x"), "no more than 100 items"},
		{"too many columns", table(1, 21, "x"), "no more than 20 items"},
		{"too much in cells", table(51, 1, long(200)), "no more than 10000 characters in all cells"},
		{"empty cell", table(1, 1, ""), "more than 0 characters"},
		{"two tables", table(1, 1, "x") + "," + table(1, 1, "x"), "no more than 1 tables"},
		{"no alignment", `{"type":"table","rows":[],"column_settings":[{"align":""}]}`, "must be left"},
		{"too much in all", repeat(5, `{"type":"section","text":{"type":"mrkdwn","text":"`+long(2900)+`"}}`), "no more than 13000"},
		{"no array", `]`, "not a JSON array"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := strings.Join(notifytest.Problems(json.RawMessage("["+test.blocks+"]")), "\n")
			if test.says == "" && got != "" && !strings.Contains(got, "13000") {
				t.Error(got)
			}
			if !strings.Contains(got, test.says) {
				t.Errorf("misses %q: %s", test.says, got)
			}
		})
	}
}

func header(text string) string {
	return fmt.Sprintf(`{"type":"header","text":{"type":"plain_text","text":%q}}`, text)
}

func table(rows, columns int, cell string) string {
	row := "[" + repeat(columns, fmt.Sprintf(`{"type":"raw_text","text":%q}`, cell)) + "]"
	return `{"type":"table","rows":[` + repeat(rows, row) + `]}`
}

func repeat(n int, what string) string {
	return strings.TrimSuffix(strings.Repeat(what+",", n), ",")
}

// TestParsed: only what Slack reads markup in, at any depth.
func TestParsed(t *testing.T) {
	blocks := `[{"type":"header","text":{"type":"plain_text","text":"a","emoji":false}},
		{"type":"context","elements":[{"type":"mrkdwn","text":"b"},{"type":"plain_text","text":"c"}]},
		{"type":"section","fields":[{"type":"plain_text","text":"d","emoji":true}]},
		{"type":"table","rows":[[{"type":"raw_text","text":"e"}]]}]`
	got, err := notifytest.Parsed(json.RawMessage(blocks))
	if err != nil || strings.Join(got, "") != "bd" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestLeaksAreFound: the test for leaks fails for a notifier that leaks, and for
// one that reports no error.
func TestLeaksAreFound(t *testing.T) {
	for name, send := range leaky() {
		found := &failures{T: t}
		notifytest.LeaksNoSecret(found, []string{"SECRET"}, send)
		if found.n == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}
