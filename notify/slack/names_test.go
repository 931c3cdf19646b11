package slack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
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

// expectUnparsed demands that Slack reads markup in nothing.
func expectUnparsed(t *testing.T, blocks json.RawMessage) {
	t.Helper()
	if parsed, err := notifytest.Parsed(blocks); err != nil || len(parsed) > 0 {
		t.Errorf("Slack would parse %q (%v)", parsed, err)
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
	escapes := regexp.MustCompile("\x1b\\[(0|1|1;31)m")
	m := notifytest.Named("evil \x1b[31mred")
	plain, colored := slack.Text(slack.Config{}, m, false), slack.Text(slack.Config{}, m, true)
	if !escapes.MatchString(colored) {
		t.Fatal("no color")
	}
	if got := escapes.ReplaceAllString(colored, ""); got != plain {
		t.Errorf("color changed the text:\n%s", got)
	}
}

// TestLimits: the largest messages that a run can make are ones that Slack takes, and
// they count what they leave out.
func TestLimits(t *testing.T) {
	const owners = 500
	for _, letter := range []string{"x", "é", "日", "😀", `"`, `\`, "<", "\u202e", "\x00", "x y "} {
		t.Run(letter, func(t *testing.T) {
			t.Parallel()
			name := strings.Repeat(letter, 500)
			m := notifytest.Named(name)
			for i := range m.Highlights.New {
				m.Highlights.New[i].Record.Description = strings.Repeat(letter, 30_000/len(letter))
			}
			m.Highlights.Owners = notifytest.Crowd(m, name, owners)
			a := &m.Summary.NeedsAction
			a.Tokens, a.New, a.Overdue, m.Summary.Missed, m.Summary.Trigger = 1_000_000, owners, owners, owners, audit.CatchUp
			a.Fixed, a.Excepted, a.First, a.Server = 1_000_000, 1_000_000, 1_000_000, 1_000_000
			for _, c := range audit.Checks() {
				a.ByCheck[c.ID] = audit.CheckAction{Tokens: owners, New: owners, Overdue: owners, Oldest: m.Summary.Slot.AddDate(-1, 0, 0), Due: m.Summary.Slot}
			}
			m.Summary.Coverage.Targets[1].Gaps = nil
			for i := range 50 {
				m.Summary.Coverage.Targets[1].Gaps = append(m.Summary.Coverage.Targets[1].Gaps, audit.Gap{ID: fmt.Sprint(i), Reason: strings.Repeat(letter, 2000)})
			}
			if got := len(slack.New(slack.Config{}, nil, discard()).Deliveries(m.Summary, m.Highlights)); got != 2+owners/2+1 { // the summary, the servers, the owners, and those whom nobody claims
				t.Errorf("%d deliveries", got)
			}
			m.Highlights.MoreOwners += owners - 4
			m.Highlights.Owners = m.Highlights.Owners[:4] // the others are as long
			blocks := string(expectPostable(t, m))
			for _, left := range []string{"and 49 more reasons, see the evidence", "more tokens, see the evidence", "more owners, see the evidence"} {
				if !strings.Contains(blocks, left) {
					t.Errorf("does not say what is left out: %s", left)
				}
			}
			for line := range strings.SplitSeq(slack.Text(slack.Config{}, m, false), "\n") {
				if n := len([]rune(line)); n > 80 {
					t.Errorf("a line of %d characters: %s", n, line)
				}
			}
		})
	}
}

// TestLongRemedies: of reasons that do not fit with their remedies, some are left out and
// counted. No remedy is cut.
func TestLongRemedies(t *testing.T) {
	t.Parallel()
	m := notifytest.Quiet()
	for i := range 6 {
		m.Summary.Coverage.Targets[0].AddGap(audit.Gap{ID: fmt.Sprint(i), Verdict: audit.Partial, Reason: fmt.Sprint(i, strings.Repeat("<", 2000)), Fix: strings.Repeat("<", audit.MaxRemedy)})
	}
	m.Summary.Coverage.Accept(nil, m.Summary.Started)
	blocks := string(expectPostable(t, m))
	if !strings.Contains(blocks, `"`+strings.Repeat(`\u003c`, audit.MaxRemedy)+`"`) || !strings.Contains(blocks, "and 5 more reasons, see the evidence") {
		t.Error(blocks)
	}
}

// TestMoreOwners: owners beyond those that a review keeps are counted, also where all others are
// told.
func TestMoreOwners(t *testing.T) {
	t.Parallel()
	m := threaded()
	m.Highlights.Owners, m.Highlights.MoreOwners = m.Highlights.Owners[:1], 3
	if blocks := string(expectPostable(t, m)); !strings.Contains(blocks, "and 3 more owners, see the evidence") || strings.Contains(blocks, "0 owners") {
		t.Error(blocks)
	}
}

// TestUnclaimedFit: of many owners that nobody claims those that do not fit are counted.
func TestUnclaimedFit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		want string
	}{{"telegraf", "and 210 more owners"}, {strings.Repeat("😀", 500), "more owners"}} {
		m := notifytest.Named(test.name)
		m.Highlights.Owners, m.Highlights.MoreOwners = notifytest.Crowd(m, test.name, 500), 0
		for i := range m.Highlights.Owners {
			m.Highlights.Owners[i].Contact.Responsible = ""
		}
		m.Highlights.Owners = m.Highlights.Owners[:250]
		blocks := string(expectPostable(t, m))
		if !strings.Contains(blocks, test.want) || !strings.Contains(blocks, "250 owners with 125,000 tokens") {
			t.Error(blocks)
		}
	}
}
