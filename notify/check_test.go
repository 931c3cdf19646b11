package notify_test

import (
	"strings"
	"testing"

	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		name  string
		slack *notifytest.Slack
		says  string // empty if it works
	}{
		{"works", &notifytest.Slack{Token: botToken}, ""},
		{"works with more scopes", &notifytest.Slack{Scopes: "groups:history, chat:write"}, ""},
		{"wrong token", &notifytest.Slack{Token: "xoxb-other"}, "invalid_auth"},
		{"may not write", &notifytest.Slack{Scopes: "chat:write.public,users:read"}, "needs the scope chat:write, has chat:write.public"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			who, err := notify.Check(t.Context(), both(t)["bot"], test.slack.Client())
			if test.says != "" {
				expectError(t, err, test.says)
			} else if err != nil || who != "tokenaudit in Example" {
				t.Errorf("got %q, %v", who, err)
			}
			if len(test.slack.Messages()) > 0 {
				t.Error("posted something")
			}
		})
	}
}

// TestCheckScopes: what is configured needs scopes; what is only worse without one is said.
func TestCheckScopes(t *testing.T) {
	for want, change := range map[string]func(*notify.Config){
		"im:write":         func(c *notify.Config) { c.DM = true },
		"files:write":      func(c *notify.Config) { c.Upload = true },
		"users:read.email": func(c *notify.Config) { c.Owners = map[string]string{"alice": "alice@example.com"} },
	} {
		config := both(t)["bot"]
		change(&config)
		slack := &notifytest.Slack{Scopes: "chat:write,channels:history"}
		_, err := notify.Check(t.Context(), config, slack.Client())
		expectError(t, err, "needs the scope "+want)
	}
	slack := &notifytest.Slack{Scopes: "chat:write"}
	who, err := notify.Check(t.Context(), both(t)["bot"], slack.Client())
	if err != nil || !strings.Contains(who, "without the scope channels:history") {
		t.Errorf("got %q, %v", who, err)
	}
}
