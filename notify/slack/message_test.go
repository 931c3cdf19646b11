package slack_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
)

// TestGolden compares a typical message with testdata; UPDATE=1 rewrites it.
func TestGolden(t *testing.T) {
	data, err := json.MarshalIndent(slack.Posts(slack.Config{}, notifytest.Typical()), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	notifytest.Golden(t, "testdata/typical.json", string(data)+"\n")
	notifytest.Golden(t, "testdata/typical.txt", slack.Text(slack.Config{}, notifytest.Typical(), false))
	notifytest.Golden(t, "testdata/thread.txt", slack.Text(slack.Config{Upload: true}, threaded(), false))
	notifytest.Golden(t, "testdata/policy.txt", slack.Text(slack.Config{Quiet: true}, notifytest.PolicyChanged(notifytest.Typical()), false))
	notifytest.Golden(t, "testdata/accepted.txt", slack.Text(slack.Config{}, notifytest.Accepted(notifytest.Quiet()), false)+slack.Text(slack.Config{Quiet: true}, notifytest.Accepted(notifytest.Quiet()), false))
	notifytest.Golden(t, "testdata/campaigns.txt", slack.Text(slack.Config{SummaryOnly: true}, notifytest.Campaigns(notifytest.Typical()), false))
	notifytest.Golden(t, "testdata/incomplete.txt", slack.Text(slack.Config{}, notifytest.Incomplete(notifytest.Typical()), false))
}

func TestMessage(t *testing.T) {
	tests := []struct {
		name     string
		message  notify.Message
		has      []string
		hasNever []string
	}{
		{
			name: "complete and clean", message: notifytest.Quiet(),
			has:      []string{"InfluxDB token review: No token needs action (unchanged)\n", "312 tokens in 2 targets, coverage complete", "Active write tokens 0: 0 new, 0 gone"},
			hasNever: []string{"INCOMPLETE", "Not seen", "Decide", "New:", "Overdue", "Missed", "first review"},
		},
		{
			name: "a source retired", message: notifytest.Retired(notifytest.Quiet()),
			has: []string{"Retired: 3 tokens of server/aaaa are not followed any more since 2026-11-20: taken down"},
		},
		{
			name: "accepted gaps", message: notifytest.Accepted(notifytest.Quiet()),
			has: []string{"No token needs action (unchanged)\n", "Gaps: 2 accepted gaps until 31 Dec 2026: eu/acme instance-seen, us/acme instance-seen", "coverage complete, with 2 accepted gaps"},
		},
		{
			name: "policy changed", message: notifytest.PolicyChanged(notifytest.Typical()),
			has: []string{"Policy changed since Mon 16 Nov 2026 08:00 UTC: check no-description", "severity of operator: high -> critical"},
		},
		{
			name: "campaigns", message: notifytest.Campaigns(notifytest.Typical()),
			has: []string{
				"3 fixed)\nRevocation overdue: telegraf on line 4 (eu/acme, 0d3f1c0a9b8e7d04): revoke, overdue since 5 Nov 2026 (18 days), still there; decided by ben@example.com, owner telegraf-writer (anna@example.com)",
				"Campaign quarterly: 31 of 243 undecided (2 in conflict), due 30 Nov 2026; 2 revocations overdue",
				"Campaign privileged: closed on 17 Nov 2026; 2 revocations done",
				"Proven: grafana on edge-3 (eu/acme, 0d3f1c0a9b8e7d06): deleted within 12 days after ben@example.com decided to revoke it; proven by: GET /api/v2/authorizations/0d3f1c0a9b8e7d06: 404",
			},
		},
		{
			name: "a campaign in which nothing is overdue", message: open(notifytest.Campaigns(notifytest.Quiet())),
			has: []string{"(unchanged)\nCampaign quarterly: 31 of 243 undecided"}, hasNever: []string{"Overdue"},
		},
		{
			name: "complete with findings", message: notifytest.Typical(),
			has: []string{
				"InfluxDB token review: 3 tokens need action (better: 2 new, 3 fixed)\n", "Missed: 2 earlier reviews", "caught up, 2 hours late",
				"Decide: critical, Owner was deleted: 1 token, 1 new, due 26 Nov 2026 • high, All-access token: 2 tokens, 1 new, oldest 5 weeks, 1 overdue since 2 Nov 2026",
				"Overdue: 1 token, the oldest since 2 Nov 2026: 0a1b2c3d4e5f6073", "New: 2 tokens newly need action: critical, of alice (deleted) in eu/acme: grafana on edge-7; high, of ops-root in us/acme: token 0d3f1c0a9b8e7d02",
				"Active write tokens 31: 2 new, 1 gone. New: token 0d3f1c0a9b8e7d02 · token 0d3f1c0a9b8e7d03",
			},
			hasNever: []string{"INCOMPLETE", "Not seen"},
		},
		{
			name: "partial with findings", message: notifytest.Incomplete(notifytest.Typical()),
			has: []string{"InfluxDB token review: INCOMPLETE: 3 tokens need action", "Not seen: us/acme: GET /api/v2/authorizations: 401 unauthorized access. How to fix it: Give the target", "1 of 2 targets seen completely"},
		},
		{
			name: "partial and clean", message: notifytest.Incomplete(notifytest.Quiet()),
			has:      []string{"INCOMPLETE: No token needs action", "1 of 2 targets seen completely"},
			hasNever: []string{"review: No token", "coverage complete"},
		},
		{
			name: "unknown: every target failed", message: unknown(notifytest.Quiet()),
			has:      []string{"INCOMPLETE: Nothing could be read. This is not a pass", "0 of 1 target seen completely"},
			hasNever: []string{"No token needs action"},
		},
		{
			name: "unknown with findings of earlier reviews", message: unknown(notifytest.Typical()),
			has: []string{"INCOMPLETE: 3 tokens need action"},
		},
		{
			name: "no targets and no reasons", message: notify.Message{Summary: audit.Summary{Job: "j", Previous: &audit.Previous{}}},
			has:      []string{"INCOMPLETE: ", "Not seen: no target was reviewed", "0 of 0 targets"},
			hasNever: []string{"Evidence", "No token needs action"},
		},
		{
			name: "first review", message: first(notifytest.Typical()),
			has:      []string{"first review: nothing to compare with", "Worst: critical, of alice (deleted) in eu/acme: grafana", "critical, Owner was deleted: 1 token, due"},
			hasNever: []string{"New:", "1 new", "better"},
		},
		{name: "one missed", message: missed(notifytest.Quiet(), 1), has: []string{"Missed: 1 earlier review"}},
		{name: "run by hand", message: triggered(notifytest.Quiet(), audit.Manual, 0), has: []string{"run by hand", "weekly-review · of Mon 23 Nov"}},
		{name: "a minute late", message: triggered(notifytest.Quiet(), audit.CatchUp, time.Minute), has: []string{"caught up, 1 minute late"}},
		{name: "days late", message: triggered(notifytest.Quiet(), audit.CatchUp, 73*time.Hour), has: []string{"caught up, 3 days late"}},
		{name: "one token in one target", message: single(notifytest.Quiet()), has: []string{"1 token in 1 target", "1 token needs action"}},
		{name: "more new ones than are named", message: many(40), has: []string{"New: 40 tokens newly need action: critical, of alice (deleted) in eu/acme: grafana on edge-7 · grafana on edge-7", "and 35 more"}},
		{name: "in the time zone of the job", message: zoned(notifytest.Typical()), has: []string{"due Mon 23 Nov 2026 17:00 JST"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := slack.Text(slack.Config{}, test.message, false)
			for _, want := range test.has {
				if !strings.Contains(unwrapped(text), want) {
					t.Errorf("misses %q:\n%s", want, text)
				}
			}
			for _, bad := range test.hasNever {
				if strings.Contains(unwrapped(text), bad) {
					t.Errorf("has %q:\n%s", bad, text)
				}
			}
			expectPostable(t, test.message)
		})
	}
}

// TestLines: the summary has at most eight lines, as a reader counts them, whatever there is
// to say; what there is no line for is joined or counted.
func TestLines(t *testing.T) {
	worst := notifytest.Campaigns(notifytest.Retired(notifytest.PolicyChanged(notifytest.Accepted(notifytest.Incomplete(notifytest.Typical())))))
	worst.Summary.Coverage.Targets[1].Gap(audit.OwnersKnown, audit.Partial, "the owner of some authorizations could not be seen")
	worst.Repeats, worst.Highlights.MoreReplaced = true, 4
	for i, c := range audit.Checks() {
		worst.Summary.NeedsAction.ByCheck[c.ID] = audit.CheckAction{Tokens: i + 1}
	}
	for name, test := range map[string]struct {
		message notify.Message
		want    int
		has     []string
	}{
		"quiet":     {notifytest.Quiet(), 3, nil},
		"typical":   {notifytest.Typical(), 8, nil},
		"campaigns": {notifytest.Campaigns(notifytest.Typical()), 8, nil},
		"all that there can be": {worst, 8, []string{
			"Not seen", "and 1 more reason, see the evidence", "Policy changed", "Retired: ", "Gaps: ", "Missed: ", "Note: ", "Decide", "more checks, see the evidence", "Overdue", "Campaign quarterly: 31", "Campaign privileged: closed", "Proven: grafana", "New", "Inventory: Active write tokens 31", "Replaced: 4 tokens", "weekly-review", "Evidence",
		}},
		"long names": {notifytest.Named(strings.Repeat("x", 500)), 8, nil},
	} {
		post := slack.Posts(slack.Config{}, test.message)[0]
		data, err := json.Marshal(post.Blocks)
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(t, post.Blocks); got != test.want {
			t.Errorf("%s: %d lines, want %d: %s", name, got, test.want, data)
		}
		for _, want := range test.has {
			if !strings.Contains(string(data), want) {
				t.Errorf("%s misses %q: %s", name, want, data)
			}
		}
	}
}

// lines counts what begins on a line of its own.
func lines(t *testing.T, blocks []slackgo.Block) int {
	t.Helper()
	n := 0
	for _, b := range blocks {
		switch b := b.(type) {
		case *slackgo.HeaderBlock:
			n++
		case *slackgo.RichTextBlock:
			for _, e := range b.Elements {
				section, ok := e.(*slackgo.RichTextSection)
				if !ok {
					t.Errorf("%T in a summary", e)
					continue
				}
				n++
				for _, part := range section.Elements {
					if text, ok := part.(*slackgo.RichTextSectionTextElement); ok {
						n += strings.Count(text.Text, "\n")
					}
				}
			}
		default:
			t.Errorf("%T in a summary", b)
		}
	}
	return n
}

// TestNotification: what a notification shows says the headline, and what it is not
// compared under.
func TestNotification(t *testing.T) {
	for want, m := range map[string]notify.Message{
		"InfluxDB token review: 3 tokens need action (better: 2 new, 3 fixed).":                     notifytest.Typical(),
		"InfluxDB token review: 3 tokens need action (better: 2 new, 3 fixed). The policy changed.": notifytest.PolicyChanged(notifytest.Typical()),
		"InfluxDB token review: No token needs action (unchanged). Retired: 1 source.":              notifytest.Retired(notifytest.Quiet()),
		"InfluxDB token review: No token needs action (unchanged). Overdue: 2 revocations.":         notifytest.Campaigns(notifytest.Quiet()),
		"TEST of InfluxDB token review: 1 token needs action.":                                      notify.Sample("j", time.Now()),
		"InfluxDB token review: INCOMPLETE: Nothing could be read. This is not a pass.":             unknown(notifytest.Quiet()),
	} {
		if got := slack.Posts(slack.Config{}, m)[0].Text; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// unwrapped puts all but the title on one line, with single spaces.
func unwrapped(text string) string {
	title, rest, _ := strings.Cut(text, "\n")
	return title + "\n" + strings.Join(strings.Fields(rest), " ")
}

// expectPostable demands that Slack takes every part, and returns the blocks of all.
func expectPostable(t *testing.T, m notify.Message) json.RawMessage {
	t.Helper()
	var all []slackgo.Block
	for _, post := range slack.Posts(slack.Config{}, m) {
		blocks, err := json.Marshal(post.Blocks)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range notifytest.Problems(blocks) {
			t.Errorf("%s: %s", post.Delivery, problem)
		}
		all = append(all, post.Blocks...)
	}
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// unknown has one target only, which could not be seen.
func unknown(m notify.Message) notify.Message {
	m = notifytest.Incomplete(m)
	m.Summary.Coverage.Targets = m.Summary.Coverage.Targets[1:]
	m.Summary.Coverage.Verdict = audit.VerdictOf(m.Summary.Coverage.Targets)
	return m
}

// open leaves of the campaigns what is to be decided.
func open(m notify.Message) notify.Message {
	c := &m.Summary.Campaigns[0]
	c.Revocations, c.Overdue, c.Proven = audit.RevocationCounts{}, nil, nil
	return m
}

func first(m notify.Message) notify.Message { m.Summary.Previous = nil; return m }

func missed(m notify.Message, n int) notify.Message { m.Summary.Missed = n; return m }

func triggered(m notify.Message, by audit.Trigger, late time.Duration) notify.Message {
	m.Summary.Trigger, m.Summary.Started = by, m.Summary.Slot.Add(late)
	return m
}

func single(m notify.Message) notify.Message {
	m.Summary.Authorizations.Total, m.Summary.Coverage.Targets = 1, m.Summary.Coverage.Targets[:1]
	m.Summary.NeedsAction.Tokens = 1
	return m
}

func many(n int) notify.Message {
	m := notifytest.Quiet()
	m.Summary.NeedsAction.Tokens, m.Summary.NeedsAction.New = n, n
	for range min(n, audit.MaxWorst) {
		m.Highlights.New = append(m.Highlights.New, notifytest.NewFindings()[0])
	}
	return m
}

func zoned(m notify.Message) notify.Message {
	m.Zone = time.FixedZone("JST", 9*60*60)
	return m
}
