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
	data, err := slack.JSON(slack.Config{}, notifytest.Typical())
	if err != nil {
		t.Fatal(err)
	}
	notifytest.Golden(t, "testdata/typical.json", string(data))
	notifytest.Golden(t, "testdata/typical.txt", slack.Text(slack.Config{}, notifytest.Typical(), false))
	notifytest.Golden(t, "testdata/thread.txt", slack.Text(slack.Config{Owners: map[string]string{"telegraf": "U0123456789"}, Upload: true}, threaded(), false))
	notifytest.Golden(t, "testdata/policy.txt", slack.Text(slack.Config{Quiet: true}, notifytest.PolicyChanged(notifytest.Typical()), false))
	notifytest.Golden(t, "testdata/accepted.txt", slack.Text(slack.Config{}, notifytest.Accepted(notifytest.Quiet()), false)+slack.Text(slack.Config{Quiet: true}, notifytest.Accepted(notifytest.Quiet()), false))
	notifytest.Golden(t, "testdata/incomplete.txt", slack.Text(slack.Config{}, notifytest.Incomplete(notifytest.Typical()), false))
}

func TestMessage(t *testing.T) {
	t.Skip("the messages are about to change")
	tests := []struct {
		name     string
		message  notify.Message
		has      []string
		hasNever []string
	}{
		{
			name: "complete and clean", message: notifytest.Quiet(),
			has:      []string{"InfluxDB token review: nothing urgent\n", "312 tokens in 2 targets", "Critical 0 (no change)", "New findings: none.", "0 new, 0 still open, 0 resolved"},
			hasNever: []string{"INCOMPLETE", "Not seen", "What to do", "│", "missed"},
		},
		{
			name: "a source retired", message: notifytest.Retired(notifytest.Quiet()),
			has: []string{"retired: 3 tokens of server/aaaa are not followed any more since 2026-11-20: taken down weekly-review"},
		},
		{
			name: "complete with findings", message: notifytest.Typical(),
			has: []string{
				"InfluxDB token review: 3 to act on\n", "Critical 1 (+1)", "High 2 (-2)", "Medium 31 (no change)", "4 resolved",
				"3 to act on: the findings that stand now and are rated critical or high", "2 earlier reviews were missed", "caught up, 2 hours late",
				"Owner was deleted (1 token): Delete the authorization", "All-access token (2 tokens)", "and 1 more check with findings", "3 on 3 tokens.",
				"alice", "(reopened)", "(state",
			},
			hasNever: []string{"INCOMPLETE", "Not seen"},
		},
		{
			name: "partial with findings", message: notifytest.Incomplete(notifytest.Typical()),
			has: []string{"InfluxDB token review INCOMPLETE: 3 to act on\n", "Not seen, so not covered by this evidence", "us/acme: GET /api/v2/authorizations: 401", "1 of 2 targets seen completely"},
		},
		{
			name: "partial and clean", message: notifytest.Incomplete(notifytest.Quiet()),
			has:      []string{"INCOMPLETE: nothing urgent in what was seen\n", "as far as the review could see", "New findings: none in what was seen."},
			hasNever: []string{"review: nothing urgent", "Nothing to act on"},
		},
		{
			name: "unknown: every target failed", message: unknown(notifytest.Quiet()),
			has:      []string{"INCOMPLETE: nothing can be said\n", "0 of 1 target seen completely", "a zero below proves nothing"},
			hasNever: []string{"nothing urgent", "Nothing to act on"},
		},
		{
			name: "unknown with findings of earlier reviews", message: unknown(notifytest.Typical()),
			has: []string{"INCOMPLETE: 3 to act on\n"},
		},
		{
			name: "no targets and no reasons", message: notify.Message{Summary: audit.Summary{Job: "j", Previous: &audit.Previous{}}},
			has:      []string{"INCOMPLETE: nothing can be said\n", "no target was reviewed", "0 of 0 targets"},
			hasNever: []string{"Evidence"},
		},
		{
			name: "first review", message: first(notifytest.Typical()),
			has:      []string{"First review of this job: there is nothing to compare with.", "Critical 1 High 2"},
			hasNever: []string{"Since the review", "(+"},
		},
		{name: "one missed", message: missed(notifytest.Quiet(), 1), has: []string{"1 earlier review was missed"}},
		{name: "run by hand", message: triggered(notifytest.Quiet(), audit.Manual, 0), has: []string{"run by hand", "weekly-review · of Mon 23 Nov", "Since the review due Mon 16 Nov"}},
		{name: "a minute late", message: triggered(notifytest.Quiet(), audit.CatchUp, time.Minute), has: []string{"caught up, 1 minute late"}},
		{name: "days late", message: triggered(notifytest.Quiet(), audit.CatchUp, 73*time.Hour), has: []string{"caught up, 3 days late"}},
		{name: "one token in one target", message: single(notifytest.Quiet()), has: []string{"1 token in 1 target", "1 to act on: the finding that stands now and is rated"}},
		{name: "more than the table shows", message: many(40), has: []string{"40 on 40 tokens; the table shows the worst 15, the rest is in the evidence."}},
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

func first(m notify.Message) notify.Message { m.Summary.Previous = nil; return m }

func missed(m notify.Message, n int) notify.Message { m.Summary.Missed = n; return m }

func triggered(m notify.Message, by audit.Trigger, late time.Duration) notify.Message {
	m.Summary.Trigger, m.Summary.Started = by, m.Summary.Slot.Add(late)
	return m
}

func single(m notify.Message) notify.Message {
	m.Summary.Authorizations.Total, m.Summary.Coverage.Targets = 1, m.Summary.Coverage.Targets[:1]
	m.Summary.Findings.BySeverity[audit.High] = 1
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
