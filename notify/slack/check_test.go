package slack_test

import (
	"strings"
	"testing"

	"tokenaudit/configs/remedy"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
)

// TestCheck: it says what was tried and what was not, and, where something is wrong,
// what to do about that and nothing else. It posts nothing.
func TestCheck(t *testing.T) {
	type channels = map[string]notifytest.Channel
	const id = "C0123456789"
	tests := []struct {
		name   string
		fake   *notifytest.Slack
		change func(*slack.Config)
		owners audit.Contacts
		says   string // the result, or the error
		fix    string // empty if it works
	}{
		{name: "works", fake: &notifytest.Slack{Token: botToken}, says: "tokenaudit in Example; tokenaudit is in channel C0123456789; posting was not tried"},
		{name: "may not look at channels", fake: &notifytest.Slack{Scopes: "chat:write"}, says: "whether tokenaudit is in channel C0123456789 was not tried"},
		{name: "a channel by name", fake: &notifytest.Slack{}, change: func(c *slack.Config) { c.Channel = "#security" }, says: "is a name, so whether tokenaudit is in it was not tried"},
		{name: "may post to public channels", fake: &notifytest.Slack{Scopes: "chat:write,chat:write.public,channels:read", Channels: channels{id: {Outside: true}}}, says: "is public, and tokenaudit may post there"},
		{name: "wrong token", fake: &notifytest.Slack{Token: "xoxb-other"}, says: "invalid_auth", fix: "Slack does not accept the token"},
		{name: "not set", fake: &notifytest.Slack{}, change: func(c *slack.Config) { c.Token = secret.Ref{Env: "TOKENAUDIT_TEST_NOT_SET"} }, says: "not set", fix: "Set the environment variable TOKENAUDIT_TEST_NOT_SET"},
		{name: "may not write", fake: &notifytest.Slack{Scopes: "chat:write.public,users:read"}, says: "needs the scope chat:write, has chat:write.public", fix: "Add the scope under OAuth & Permissions"},
		{name: "not in the channel", fake: &notifytest.Slack{Channels: channels{id: {Outside: true}}}, says: "channel C0123456789: not_in_channel: tokenaudit is not in it", fix: "Invite the app"},
		{name: "no such channel", fake: &notifytest.Slack{Channels: channels{}}, says: "channel C0123456789: channel_not_found", fix: "Check the channel's ID"},
		{name: "a private channel of others", fake: &notifytest.Slack{Scopes: "chat:write,chat:write.public,channels:read", Channels: channels{id: {Outside: true, Private: true}}}, says: "channel_not_found", fix: "the app must be invited"},
		{name: "archived", fake: &notifytest.Slack{Channels: channels{id: {Archived: true}}}, says: "is_archived", fix: "choose another one"},
		{name: "not in the other channel", fake: &notifytest.Slack{Channels: channels{id: {}, "C0FALLBACK0": {Outside: true}}}, change: func(c *slack.Config) { c.FallbackChannel = "C0FALLBACK0" }, says: "channel C0FALLBACK0: not_in_channel", fix: "Invite the app"},
		{name: "not in the channel of an owner", fake: &notifytest.Slack{Channels: channels{id: {}}}, owners: audit.Contacts{"bob": {Slack: "C0BOBSTEAM"}}, says: "channel C0BOBSTEAM: channel_not_found", fix: "Check the channel's ID"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := both(t)["bot"]
			if test.change != nil {
				test.change(&config)
			}
			who, err := slack.Check(t.Context(), config, test.owners, test.fake.Client())
			if err != nil {
				who = err.Error()
			}
			if (err != nil) != (test.fix != "") || !strings.Contains(who, test.says) {
				t.Errorf("got %q, %v, want %q", who, err, test.says)
			}
			if got := remedy.Of(err); !strings.Contains(got, test.fix) || strings.Contains(who, got) && got != "" {
				t.Errorf("remedy %q, want %q apart from %q", got, test.fix, who)
			}
			if len(test.fake.Messages()) > 0 {
				t.Error("posted something")
			}
		})
	}
}

// TestCheckRefused: a proxy that is not there.
func TestCheckRefused(t *testing.T) {
	config := both(t)["bot"]
	config.APIURL = "http://127.0.0.1:1/api/"
	_, err := slack.Check(t.Context(), config, nil, notify.NewClient())
	if got := remedy.Of(err); got != "Nothing listens at 127.0.0.1:1: start the proxy to Slack, or correct host and port under api_url." {
		t.Errorf("remedy %q of %v", got, err)
	}
}

// TestCheckScopes: what is configured needs scopes; what is only worse without one is said.
func TestCheckScopes(t *testing.T) {
	for want, change := range map[string]func(*slack.Config, audit.Contacts){
		"im:write":         func(c *slack.Config, _ audit.Contacts) { c.DM = true },
		"files:write":      func(c *slack.Config, _ audit.Contacts) { c.Upload = true },
		"users:read.email": func(_ *slack.Config, o audit.Contacts) { o["alice"] = audit.Contact{Responsible: "alice@example.com"} },
	} {
		config, owners := both(t)["bot"], audit.Contacts{}
		change(&config, owners)
		fake := &notifytest.Slack{Scopes: "chat:write,channels:history"}
		_, err := slack.Check(t.Context(), config, owners, fake.Client())
		notifytest.ExpectNotPosted(t, err, "needs the scope "+want)
	}
	fake := &notifytest.Slack{Scopes: "chat:write"}
	who, err := slack.Check(t.Context(), both(t)["bot"], nil, fake.Client())
	if err != nil || !strings.Contains(who, "without the scope channels:history") {
		t.Errorf("got %q, %v", who, err)
	}
}
