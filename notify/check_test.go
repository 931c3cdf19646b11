package notify_test

import (
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
		{"works with more scopes", &notifytest.Slack{Scopes: "users:read, chat:write"}, ""},
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
