package slack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
)

// threaded has something to do for five owners: a person with an e-mail address as name, a
// service user that somebody claims, one that a channel claims, one whose person has no
// address, and two that nobody claims.
func threaded() notify.Message {
	m := notifytest.Typical()
	m.Highlights.Owners = nil
	for i, o := range []audit.OwnerHighlights{
		{Key: "person/alice@example.com", Owner: audit.Owner{ID: "1", Name: "alice@example.com", State: audit.OwnerPresent}, Contact: audit.Contact{Responsible: "alice@example.com"}},
		{Key: "eu/2", Owner: audit.Owner{ID: "2", Name: "telegraf", State: audit.OwnerPresent}, Contact: audit.Contact{Slack: "UBOB0000"}},
		{Key: "eu/3", Owner: audit.Owner{ID: "3", Name: "grafana", State: audit.OwnerPresent}, Contact: audit.Contact{Slack: "C9876543210"}},
		{Key: "person/dan", Owner: audit.Owner{ID: "4", Name: "kapacitor", State: audit.OwnerPresent}, Contact: audit.Contact{Responsible: "Dan"}},
		{Key: "eu/5", Owner: audit.Owner{ID: "5", Name: "carol@example.com", State: audit.OwnerDeleted}},
		{Key: "eu/6", Owner: audit.Owner{ID: "6", Name: "ops-root", State: audit.OwnerPresent}, Contact: audit.Contact{Team: "platform"}},
	} {
		o.Target, o.Users, o.Worst = "eu/acme", 1, notifytest.NewFindings()[i%3:i%3+1]
		o.Tokens, o.New, o.Oldest = i+1, i%2, o.Worst[0].Oldest()
		m.Highlights.Owners = append(m.Highlights.Owners, o)
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
	replies := func(change map[string]posted) map[string]posted {
		out := map[string]posted{
			"summary": {channel, "", ""}, "owner:person/alice@example.com": {channel, "root", "UALICE00"}, "owner:eu/2": {channel, "root", "UBOB0000"},
			"owner:eu/3": {"C9876543210", "", ""}, "owner:person/dan": {channel, "root", ""}, "unclaimed": {channel, "root", ""},
		}
		maps.Copy(out, change)
		return out
	}
	tests := []struct {
		name   string
		change func(*slack.Config)
		want   map[string]posted
	}{
		{"a reply each", func(*slack.Config) {}, replies(nil)},
		{
			"fallback channel", func(c *slack.Config) { c.FallbackChannel = "C5555555555" },
			replies(map[string]posted{"owner:person/dan": {"C5555555555", "", ""}, "unclaimed": {"C5555555555", "", ""}}),
		},
		{
			"direct messages", func(c *slack.Config) { c.DM = true },
			replies(map[string]posted{"owner:person/alice@example.com": {"DUALICE00", "", "UALICE00"}, "owner:eu/2": {"DUBOB0000", "", "UBOB0000"}}),
		},
		{"summary only", func(c *slack.Config) { c.SummaryOnly = true }, map[string]posted{"summary": {channel, "", ""}}},
		{
			"workbook only", func(c *slack.Config) { c.SummaryOnly, c.Upload = true, true },
			map[string]posted{"summary": {channel, "", ""}, "file:review.xlsx": {channel, "root", ""}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := both(t)["bot"]
			test.change(&config)
			fake := &notifytest.Slack{Members: map[string]string{"alice@example.com": "UALICE00", "carol@example.com": "UCAROL00"}}
			if diff := cmp.Diff(test.want, sendAll(t, config, fake, threaded())); diff != "" {
				t.Errorf("posted (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReply: a new token is told in full with the command that ends it, one that its owner
// heard of in one line with the weeks that it is open.
func TestReply(t *testing.T) {
	m := threaded()
	found := notifytest.NewFindings()
	m.Highlights.Owners = m.Highlights.Owners[:1]
	o := &m.Highlights.Owners[0]
	o.Users, o.Tokens, o.New, o.Overdue, o.Worst = 3, 30, 3, 1, append(found[:2:2], found[1], found[2], found[2])
	reply := slack.Posts(slack.Config{}, m)[1]
	if reply.Text != "InfluxDB token review: 30 tokens need action (3 new, 1 overdue)" {
		t.Errorf("notification: %s", reply.Text)
	}
	data, err := json.Marshal(reply.Blocks)
	if err != nil {
		t.Fatal(err)
	}
	for want, times := range map[string]int{
		"for 3 InfluxDB users: 30 tokens need action (3 new, 1 overdue)":   1,
		"New, critical: grafana on edge-7":                                 1,
		`user not found`:                                                   1,
		"All-access token":                                                 2,
		"Why it matters":                                                   2,
		"The token stopped working when its user was deleted":              1,
		`/api/v2/authorizations/0d3f1c0a9b8e7d01\"","style":{"code":true}`: 1,
		"influx auth delete":                                               0,
		" · open for 16 weeks":                                             2,
		`"text":"overdue since 3 Nov 2026"`:                                2,
		"Create a new token":                                               1,
		"and 25 more tokens, see the evidence":                             1,
		"keep (with a reason and a ticket), or done":                       1,
	} {
		if got := strings.Count(string(data), want); got != times {
			t.Errorf("%q is there %d times, want %d:\n%s", want, got, times, data)
		}
	}
}

// TestEarlierLedger: deliveries that an earlier version left reach their owner by ID; one
// whose owner is not known ends without a post.
func TestEarlierLedger(t *testing.T) {
	m := threaded()
	m.Highlights = audit.Highlights{}
	if err := json.Unmarshal([]byte(`{"findings":[],"more_owners":0,"owners":[{"owner":{"id":"0a1b2c3d4e5f6071","name":"alice","state":"deleted"},"worst":[
		{"record":{"id":"0d3f1c0a9b8e7d01"},"findings":[{"check":"deleted-owner","severity":"critical","state":"new","since":"2026-11-23T08:00:00Z"}]}],"tokens":1}]}`), &m.Highlights); err != nil {
		t.Fatal(err)
	}
	fake := &notifytest.Slack{}
	n := slack.New(both(t)["bot"], fake.Client(), discard())
	m.Root, m.Delivery = "C0123456789/1.1", "owner:0a1b2c3d4e5f6071"
	if _, err := n.Send(t.Context(), m); err != nil || !strings.Contains(string(fake.Messages()[0].Blocks), "/api/v2/authorizations/0d3f1c0a9b8e7d01") {
		t.Errorf("%v: %+v", err, fake.Messages())
	}
	m.Delivery = "owner:ffffffffffffffff"
	if _, err := n.Send(t.Context(), m); err != nil || len(fake.Messages()) != 1 {
		t.Errorf("an owner that is not known: %v, %d posts", err, len(fake.Messages()))
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
	m.Delivery = "owner:person/alice@example.com"
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
		synctest.Test(t, func(t *testing.T) { findPosted(t, config, scopes) })
	}
}

func findPosted(t *testing.T, config slack.Config, scopes string) {
	t.Helper()
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
	config := both(t)["bot"]
	config.Quiet = true
	resolved, late := notifytest.Quiet(), notifytest.Quiet()
	resolved.Summary.Findings.ByState[audit.Resolved] = 1
	late.Summary.NeedsAction.Overdue = 1
	for name, test := range map[string]struct {
		message notify.Message
		line    bool
	}{
		"nothing changed": {notifytest.Quiet(), true}, "first review": {first(notifytest.Quiet()), false}, "incomplete": {notifytest.Incomplete(notifytest.Quiet()), false},
		"missed": {missed(notifytest.Quiet(), 1), false}, "news": {notifytest.Typical(), false}, "resolved": {resolved, false}, "became overdue": {late, false}, "a campaign waits": {open(notifytest.Campaigns(notifytest.Quiet())), false}, "a campaign is over": {over(notifytest.Campaigns(notifytest.Quiet())), true}, "retired": {notifytest.Retired(notifytest.Quiet()), false},
	} {
		posts := slack.Posts(config, test.message)
		if got := len(posts) == 1 && len(posts[0].Blocks) == 1; got != test.line {
			t.Errorf("%s: one line is %t, want %t", name, got, test.line)
		}
	}
	notifytest.Golden(t, "testdata/quiet.txt", slack.Text(config, notifytest.Quiet(), false))
}

// over leaves of the campaigns the one that is closed.
func over(m notify.Message) notify.Message {
	m.Summary.Campaigns = m.Summary.Campaigns[1:]
	return m
}

// TestServersReply: one reply, the first of all, names each server with what was found in it, the
// worst first, and how to fix that once.
func TestServersReply(t *testing.T) {
	m := threaded()
	m.Summary.NeedsAction.Server = 3
	server := func(target string, f audit.Finding) audit.Highlight {
		return audit.Highlight{Record: audit.Record{Target: target, Authorization: audit.Authorization{ID: audit.ServerID, Product: audit.ProductCore}}, Findings: []audit.Finding{f}}
	}
	m.Highlights.Server = []audit.Highlight{
		server("plant", audit.Finding{Check: "too-many-admins", Severity: audit.High, State: audit.New, Detail: "4, and at most 3 are allowed"}),
		server("edge", audit.Finding{Check: "auth-off", Severity: audit.Critical, State: audit.Open}),
		server("line <!channel>", audit.Finding{Check: "auth-off", Severity: audit.Critical, State: audit.New}),
	}
	posts := slack.Posts(slack.Config{}, m)
	if posts[1].Delivery != "servers" || posts[1].Text != "InfluxDB token review: 3 server findings" {
		t.Fatalf("%s: %s", posts[1].Delivery, posts[1].Text)
	}
	data, err := json.Marshal(posts[1].Blocks)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, want := range []string{"edge: The server asks for no credential\"", "Start InfluxDB without --without-auth", "asks for no credential (new)", "plant: More admin tokens than allowed: 4, and at most 3 are allowed (new)"} {
		i := strings.Index(string(data[at:]), want)
		if i < 0 {
			t.Fatalf("%q is not where it belongs:\n%s", want, data)
		}
		at += i
	}
	if n := strings.Count(string(data), "without-auth"); n != 1 {
		t.Errorf("how to fix it is said %d times", n)
	}
	if got := slack.New(slack.Config{SummaryOnly: true}, nil, discard()).Deliveries(m.Summary, m.Highlights); len(got) != 1 {
		t.Errorf("%q", got)
	}
}
