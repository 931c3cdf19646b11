package slack_test

import (
	"strings"
	"testing"

	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		name string
		fake *notifytest.Slack
		says string // empty if it works
	}{
		{"works", &notifytest.Slack{Token: botToken}, ""},
		{"works with more scopes", &notifytest.Slack{Scopes: "groups:history, chat:write"}, ""},
		{"wrong token", &notifytest.Slack{Token: "xoxb-other"}, "invalid_auth"},
		{"may not write", &notifytest.Slack{Scopes: "chat:write.public,users:read"}, "needs the scope chat:write, has chat:write.public"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			who, err := slack.Check(t.Context(), both(t)["bot"], test.fake.Client())
			if test.says != "" {
				notifytest.ExpectNotPosted(t, err, test.says)
			} else if err != nil || who != "tokenaudit in Example" {
				t.Errorf("got %q, %v", who, err)
			}
			if len(test.fake.Messages()) > 0 {
				t.Error("posted something")
			}
		})
	}
}

// TestCheckScopes: what is configured needs scopes; what is only worse without one is said.
func TestCheckScopes(t *testing.T) {
	for want, change := range map[string]func(*slack.Config){
		"im:write":         func(c *slack.Config) { c.DM = true },
		"files:write":      func(c *slack.Config) { c.Upload = true },
		"users:read.email": func(c *slack.Config) { c.Owners = map[string]string{"alice": "alice@example.com"} },
	} {
		config := both(t)["bot"]
		change(&config)
		fake := &notifytest.Slack{Scopes: "chat:write,channels:history"}
		_, err := slack.Check(t.Context(), config, fake.Client())
		notifytest.ExpectNotPosted(t, err, "needs the scope "+want)
	}
	fake := &notifytest.Slack{Scopes: "chat:write"}
	who, err := slack.Check(t.Context(), both(t)["bot"], fake.Client())
	if err != nil || !strings.Contains(who, "without the scope channels:history") {
		t.Errorf("got %q, %v", who, err)
	}
}
