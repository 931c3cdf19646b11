package slack_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"tokenaudit/configs/secret"
	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
)

const (
	botToken = "xoxb-1234567890-SECRETSECRET"
	hookURL  = "https://hooks.slack.com/services/T0000/B0000/SECRETSECRET"
)

// both are the two ways to post; each test that takes them holds for both.
func both(t *testing.T) map[string]slack.Config {
	t.Helper()
	t.Setenv("TEST_SLACK_TOKEN", botToken)
	t.Setenv("TEST_SLACK_WEBHOOK", hookURL)
	return map[string]slack.Config{
		"bot":     {Channel: "C0123456789", Token: secret.Ref{Env: "TEST_SLACK_TOKEN"}},
		"webhook": {Webhook: secret.Ref{Env: "TEST_SLACK_WEBHOOK"}},
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestBotPosts(t *testing.T) {
	fake := &notifytest.Slack{Token: botToken}
	ref, err := slack.New(both(t)["bot"], fake.Client(), discard()).Send(t.Context(), notifytest.Typical())
	if err != nil || ref != "C0123456789/"+fake.Messages()[0].TS {
		t.Fatalf("got %q, %v", ref, err)
	}
	form := fake.Messages()[0].Form
	want := map[string]string{
		"channel": "C0123456789", "unfurl_links": "false", "unfurl_media": "false", "link_names": "",
		"text":     "InfluxDB token review: 3 tokens need action (better: 2 new, 3 fixed).",
		"metadata": `{"event_type":"tokenaudit_run","event_payload":{"key":"weekly-review/2026-11-23T0800Z","part":"summary"}}`,
	}
	for name, value := range want {
		if form[name] != value {
			t.Errorf("%s is %q, want %q", name, form[name], value)
		}
	}
	if !strings.Contains(form["blocks"], "grafana on edge-7") {
		t.Error(form["blocks"])
	}
}

func TestWebhookPosts(t *testing.T) {
	fake := &notifytest.Slack{}
	ref, err := slack.New(both(t)["webhook"], fake.Client(), discard()).Send(t.Context(), notifytest.Typical())
	if err != nil || ref != "" {
		t.Fatalf("got %q, %v", ref, err)
	}
	m := fake.Messages()[0]
	if !strings.HasPrefix(m.Text, "InfluxDB token review: 3 tokens need action") || !bytes.Contains(m.Blocks, []byte("grafana on edge-7")) {
		t.Errorf("posted %q, %s", m.Text, m.Blocks)
	}
}

// TestAPIURL: slack-go needs a slash at the end; people do not write one.
func TestAPIURL(t *testing.T) {
	fake := &notifytest.Slack{}
	server := httptest.NewServer(fake)
	defer server.Close()
	config := both(t)["bot"]
	for _, end := range []string{"/api", "/api/"} {
		config.APIURL = server.URL + end
		if _, err := slack.New(config, notify.NewClient(), discard()).Send(t.Context(), notifytest.Quiet()); err != nil {
			t.Errorf("%s: %v", end, err)
		}
	}
}

// TestDegrades: a message whose blocks Slack does not take goes out as plain text, and the
// log tells why. One refusal more is an error.
func TestDegrades(t *testing.T) {
	for name, config := range both(t) {
		for _, code := range []string{"invalid_blocks", "msg_blocks_too_long"} {
			t.Run(name+" "+code, func(t *testing.T) {
				var logged bytes.Buffer
				fake := &notifytest.Slack{}
				fake.Fail(notifytest.Refused(code, "[ERROR] must be less than 151 characters"))
				n := slack.New(config, fake.Client(), slog.New(slog.NewTextHandler(&logged, nil)))
				if _, err := n.Send(t.Context(), notifytest.Typical()); err != nil {
					t.Fatal(err)
				}
				if m := fake.Messages()[0]; len(m.Blocks) > 0 || !strings.Contains(m.Text, "3 tokens need action") {
					t.Errorf("posted %+v", m)
				}
				if name == "bot" && !strings.Contains(logged.String(), "less than 151") || !strings.Contains(logged.String(), code) {
					t.Errorf("logged: %s", &logged)
				}
				fake.Fail(notifytest.Refused(code), notifytest.Refused(code))
				if _, err := n.Send(t.Context(), notifytest.Typical()); !errors.Is(err, notify.ErrNotPosted) {
					t.Errorf("refused twice: %v", err)
				}
			})
		}
	}
}

// TestSecretIsReadEachTime: a rotated token needs no restart; a missing one is told.
func TestSecretIsReadEachTime(t *testing.T) {
	fake := &notifytest.Slack{Token: "xoxb-rotated"}
	n := slack.New(both(t)["bot"], fake.Client(), discard())
	t.Setenv("TEST_SLACK_TOKEN", "xoxb-rotated")
	if _, err := n.Send(t.Context(), notifytest.Quiet()); err != nil {
		t.Error(err)
	}
	t.Setenv("TEST_SLACK_TOKEN", "")
	_, err := n.Send(t.Context(), notifytest.Quiet())
	notifytest.ExpectNotPosted(t, err, "TEST_SLACK_TOKEN", "empty")
}
