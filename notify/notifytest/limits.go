package notifytest

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Problems checks blocks against Slack's limits (docs.slack.dev, Block Kit) and
// words each breach as Slack does; nil means that Slack would take them.
func Problems(blocks json.RawMessage) []string {
	var parsed []block
	if err := json.Unmarshal(blocks, &parsed); err != nil {
		return []string{"blocks are not a JSON array: " + err.Error()}
	}
	l := limits{}
	l.atMost(len(parsed), 50, "/blocks", "items")
	for i, b := range parsed {
		l.check(fmt.Sprintf("/blocks/%d", i), b)
	}
	l.atMost(utf8.RuneCount(blocks), 13_000, "/blocks", "characters in all blocks") // slackapi/bolt-js#2509
	l.atMost(strings.Count(string(blocks), `"type":"table"`), 1, "/blocks", "tables")
	return l.problems
}

// block is the part of every block that has limits.
type block struct {
	Type     string
	Text     *text
	Fields   []text
	Elements []any
	Rows     [][]text
	Columns  []struct{ Align string } `json:"column_settings"`
}

type text struct{ Type, Text string }

type limits struct{ problems []string }

func (l *limits) atMost(n, max int, where, what string) {
	if n > max {
		l.add("no more than %d %s allowed, got %d [json-pointer:%s]", max, what, n, where)
	}
}

func (l *limits) add(format string, args ...any) {
	l.problems = append(l.problems, "[ERROR] "+fmt.Sprintf(format, args...))
}

func (l *limits) text(where string, t text, max int) {
	l.atMost(utf8.RuneCountInString(t.Text), max, where, "characters")
	if t.Text == "" {
		l.add("must be more than 0 characters [json-pointer:%s/text]", where)
	}
}

func (l *limits) check(where string, b block) {
	if b.Text != nil {
		l.text(where+"/text", *b.Text, map[string]int{"header": 150}[b.Type]+map[string]int{"section": 3000}[b.Type])
	}
	l.atMost(len(b.Fields), 10, where+"/fields", "items")
	for i, f := range b.Fields {
		l.text(fmt.Sprintf("%s/fields/%d", where, i), f, 2000)
	}
	switch b.Type {
	case "context":
		l.atMost(len(b.Elements), 10, where+"/elements", "items")
		l.elements(where, b.Elements)
	case "rich_text":
		l.elements(where, b.Elements)
	case "table":
		l.table(where, b)
	}
}

// elements walks the texts of a context or rich_text block, at any depth.
func (l *limits) elements(where string, elements []any) {
	if len(elements) == 0 {
		l.add("must have at least one element [json-pointer:%s/elements]", where)
	}
	for i, e := range elements {
		here := fmt.Sprintf("%s/elements/%d", where, i)
		fields, _ := e.(map[string]any)
		if inside, ok := fields["elements"].([]any); ok {
			l.elements(here, inside)
			continue
		}
		if user, _ := fields["user_id"].(string); fields["type"] == "user" && user != "" {
			continue
		}
		words, _ := fields["text"].(string)
		l.text(here, text{Text: words}, 3000)
	}
}

func (l *limits) table(where string, b block) {
	l.atMost(len(b.Rows), 100, where+"/rows", "items")
	sum := 0
	for i, row := range b.Rows {
		l.atMost(len(row), 20, fmt.Sprintf("%s/rows/%d", where, i), "items")
		for j, cell := range row {
			l.text(fmt.Sprintf("%s/rows/%d/%d", where, i, j), cell, 3000)
			sum += utf8.RuneCountInString(cell.Text)
		}
	}
	l.atMost(sum, 10_000, where, "characters in all cells")
	for i, c := range b.Columns {
		if c.Align == "" {
			l.add("must be left, center or right [json-pointer:%s/column_settings/%d]", where, i)
		}
	}
}

// Parsed returns every text of the blocks in which Slack reads markup: names from
// outside must not appear in it.
func Parsed(blocks json.RawMessage) ([]string, error) {
	var all any
	err := json.Unmarshal(blocks, &all)
	return parsed(all), err
}

func parsed(v any) []string {
	var out []string
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			out = append(out, parsed(e)...)
		}
	case map[string]any:
		if words, _ := v["text"].(string); v["type"] == "mrkdwn" || v["type"] == "markdown" || v["emoji"] == true {
			out = append(out, words)
		}
		for _, e := range v {
			out = append(out, parsed(e)...)
		}
	}
	return out
}
