package slack_test

import (
	"strings"
	"testing"

	"tokenaudit/configs/secret"
	"tokenaudit/notify/slack"
)

func TestConfigValidate(t *testing.T) {
	ref := secret.Ref{Env: "NAME"}
	tests := []struct {
		name   string
		config slack.Config
		want   string // keys with problems
	}{
		{"bot", slack.Config{Channel: "C1", Token: ref}, ""},
		{"bot behind a proxy", slack.Config{Channel: "C1", Token: ref, APIURL: "https://proxy/api/"}, ""},
		{"webhook", slack.Config{Webhook: ref}, ""},
		{"nothing", slack.Config{}, "whole"},
		{"both", slack.Config{Channel: "C1", Token: ref, Webhook: ref}, "webhook"},
		{"no channel", slack.Config{Token: ref}, "channel"},
		{"no token", slack.Config{Channel: "C1"}, "token"},
		{"two sources", slack.Config{Webhook: secret.Ref{Env: "NAME", File: "name"}}, "webhook"},
		{"api_url without host", slack.Config{Channel: "C1", Token: ref, APIURL: "proxy"}, "api_url"},
		{"owners", slack.Config{Channel: "C1", Token: ref, Owners: map[string]string{"a": "U0123456789", "b": "b@example.com", "c": "C0123456789"}}, ""},
		{"owners that nobody is", slack.Config{Channel: "C1", Token: ref, Owners: map[string]string{"a": "@alice", "b": "Bob <b@example.com>", "c": ""}}, "owners.a owners.b owners.c"},
		{"what a webhook cannot do", slack.Config{Webhook: ref, Owners: map[string]string{"a": "U0123456789"}, DM: true, Upload: true, FallbackChannel: "C1", Quiet: true}, "owners fallback_channel dm upload"},
		{"api_url beside a webhook", slack.Config{Webhook: ref, APIURL: "https://proxy/api/"}, "api_url"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var keys []string
			test.config.Validate(func(key, text string) {
				if key == "" {
					key = "whole"
				}
				keys = append(keys, key)
			})
			if got := strings.Join(keys, " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
