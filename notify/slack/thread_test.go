package slack_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
)

// threaded has news for three owners: one is a person with an e-mail address as
// name, one a service user, one is deleted.
func threaded() notify.Message {
	m := notifytest.Typical()
	m.Highlights.Owners = nil
	for i, o := range []audit.Owner{
		{ID: "1", Name: "alice@example.com", State: audit.OwnerPresent},
		{ID: "2", Name: "telegraf", State: audit.OwnerPresent},
		{ID: "3", Name: "carol@example.com", State: audit.OwnerDeleted},
	} {
		m.Highlights.Owners = append(m.Highlights.Owners, audit.OwnerHighlights{Key: o.ID, Owner: o, Tokens: i + 1, Worst: notifytest.NewFindings()[:1]})
	}
	m.Open = func(context.Context, string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("workbook")), nil
	}
	return m
}

// posted is where a message went and whom it mentions.
type posted struct{ Channel, Thread, Mentions string }

// sendAll sends every part, as the outbox does, and returns what came of it.
func sendAll(t *testing.T, c slack.Config, fake *notifytest.Slack, m notify.Message) map[string]posted {
	t.Helper()
	n := slack.New(c, fake.Client(), discard())
	got := map[string]posted{}
	for _, m.Delivery = range n.Deliveries(m.Summary, m.Highlights) {
		ref, err := n.Send(t.Context(), m)
		if err != nil {
			t.Fatalf("%s: %v", m.Delivery, err)
		}
		if m.Root == "" {
			m.Root = ref
		}
		all := fake.Messages()
		last := all[len(all)-1]
		_, mention, _ := strings.Cut(string(last.Blocks), `"user_id":"`)
		mention, _, _ = strings.Cut(mention, `"`)
		thread := ""
		if last.Form["thread_ts"] != "" {
			thread = "root"
			if !strings.HasSuffix(m.Root, "/"+last.Form["thread_ts"]) {
				t.Errorf("%s is in thread %s, want that of %s", m.Delivery, last.Form["thread_ts"], m.Root)
			}
		}
		got[m.Delivery] = posted{last.Channel, thread, mention}
	}
	return got
}

func TestThread(t *testing.T) {
	const channel = "C0123456789"
	tests := []struct {
		name   string
		change func(*slack.Config)
		want   map[string]posted
	}{
		{
			"by e-mail", func(*slack.Config) {},
			map[string]posted{"owner:1": {channel, "root", "UALICE00"}, "owner:2": {channel, "root", ""}, "owner:3": {channel, "root", ""}},
		},
		{
			"claimed", func(c *slack.Config) {
				c.Owners = map[string]string{"telegraf": "UBOB0000", "3": "C9876543210", "1": "nobody@example.com"}
			},
			map[string]posted{"owner:1": {channel, "root", ""}, "owner:2": {channel, "root", "UBOB0000"}, "owner:3": {"C9876543210", "", ""}},
		},
		{
			"fallback channel", func(c *slack.Config) { c.FallbackChannel = "C5555555555" },
			map[string]posted{"owner:1": {channel, "root", "UALICE00"}, "owner:2": {"C5555555555", "", ""}, "owner:3": {"C5555555555", "", ""}},
		},
		{
			"direct messages", func(c *slack.Config) { c.DM = true },
			map[string]posted{"owner:1": {"DUALICE00", "", "UALICE00"}, "owner:2": {channel, "root", ""}, "owner:3": {channel, "root", ""}},
		},
		{"summary only", func(c *slack.Config) { c.SummaryOnly = true }, map[string]posted{}},
		{
			"workbook only", func(c *slack.Config) { c.SummaryOnly, c.Upload = true, true },
			map[string]posted{"file:review.xlsx": {channel, "root", ""}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := both(t)["bot"]
			test.change(&config)
			test.want["summary"] = posted{channel, "", ""}
			fake := &notifytest.Slack{Members: map[string]string{"alice@example.com": "UALICE00", "carol@example.com": "UCAROL00"}}
			if diff := cmp.Diff(test.want, sendAll(t, config, fake, threaded())); diff != "" {
				t.Errorf("posted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUpload(t *testing.T) {
	config := both(t)["bot"]
	config.Upload, config.SummaryOnly = true, true
	fake := &notifytest.Slack{}
	sendAll(t, config, fake, threaded())
	want := map[string]int{"weekly-review-2026-11-23T0800Z-review.xlsx": len("workbook")}
	if diff := cmp.Diff(want, fake.Messages()[1].Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestWithoutLookUp: a bot that may not look up addresses names the owner, and says
// in the log what is missing.
func TestWithoutLookUp(t *testing.T) {
	var logged bytes.Buffer
	fake := &notifytest.Slack{Scopes: "chat:write"}
	m := threaded()
	m.Delivery = "owner:1"
	n := slack.New(both(t)["bot"], fake.Client(), slog.New(slog.NewTextHandler(&logged, nil)))
	if _, err := n.Send(t.Context(), m); err != nil || !strings.Contains(logged.String(), "users:read.email") {
		t.Errorf("%v; logged %s", err, &logged)
	}
	if blocks := string(fake.Messages()[0].Blocks); !strings.Contains(blocks, "alice@example.com") {
		t.Error(blocks)
	}
}

// TestFindPosted sends parts that an earlier attempt may have delivered: what is there
// is not sent again, among whatever else was said meanwhile.
func TestFindPosted(t *testing.T) {
	config := both(t)["bot"]
	config.Upload = true
	for _, scopes := range []string{"", "chat:write,files:write"} {
		fake := &notifytest.Slack{Scopes: scopes}
		m := threaded()
		n := slack.New(config, fake.Client(), discard())
		refs := map[string]string{}
		for _, m.Delivery = range n.Deliveries(m.Summary, m.Highlights) {
			ref, err := n.Send(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			if refs[m.Delivery] = ref; m.Root == "" {
				m.Root = ref
			}
		}
		before := len(fake.Messages())
		m.Again, m.Since = true, time.Now()
		for _, m.Delivery = range n.Deliveries(m.Summary, m.Highlights) {
			ref, err := n.Send(t.Context(), m)
			if err != nil || scopes == "" && !strings.HasPrefix(m.Delivery, "file:") && ref != refs[m.Delivery] {
				t.Errorf("%s again: %q, %v; first %q", m.Delivery, ref, err, refs[m.Delivery])
			}
		}
		again := fake.Messages()[before:]
		switch {
		case scopes == "" && len(again) > 0:
			t.Errorf("posted again: %+v", again)
		case scopes != "" && (len(again) != before || !strings.Contains(string(again[0].Blocks), "may repeat an earlier message")):
			t.Errorf("without the scope: %d of %d posted again: %+v", len(again), before, again)
		}
	}
}

// TestUncertain: a webhook is given up when it is open of a second attempt too whether
// it arrived; a bot can look.
func TestUncertain(t *testing.T) {
	for name, config := range both(t) {
		for _, failure := range []notifytest.Failure{notifytest.Status(500), notifytest.CutOff(), notifytest.Refused("invalid_auth")} {
			fake := &notifytest.Slack{}
			fake.Fail(failure, failure)
			m := notifytest.Typical()
			m.Again, m.Since = true, time.Now()
			_, err := slack.New(config, fake.Client(), discard()).Send(t.Context(), m)
			if giveUp := name == "webhook" && failure.String() != "invalid_auth"; err == nil || errors.Is(err, notify.ErrGiveUp) != giveUp {
				t.Errorf("%s, %s: giving up is not %t: %v", name, failure, giveUp, err)
			}
		}
	}
}

// TestQuiet: one line only if nothing changed and everything was seen.
func TestQuiet(t *testing.T) {
	t.Skip("the messages are about to change")
	config := both(t)["bot"]
	config.Quiet = true
	resolved := notifytest.Quiet()
	resolved.Summary.Findings.ByState[audit.Resolved] = 1
	for name, test := range map[string]struct {
		message notify.Message
		line    bool
	}{
		"nothing changed": {notifytest.Quiet(), true}, "first review": {first(notifytest.Quiet()), false}, "incomplete": {notifytest.Incomplete(notifytest.Quiet()), false},
		"missed": {missed(notifytest.Quiet(), 1), false}, "news": {notifytest.Typical(), false}, "resolved": {resolved, false},
	} {
		posts := slack.Posts(config, test.message)
		if got := len(posts) == 1 && len(posts[0].Blocks) == 1; got != test.line {
			t.Errorf("%s: one line is %t, want %t", name, got, test.line)
		}
	}
	notifytest.Golden(t, "testdata/quiet.txt", slack.Text(config, notifytest.Quiet(), false))
}
