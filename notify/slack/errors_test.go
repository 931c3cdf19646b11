package slack_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
)

// TestNeverTwice: a post that may have arrived is not repeated, and not said to
// have failed for sure.
func TestNeverTwice(t *testing.T) {
	doubtful := []notifytest.Failure{
		notifytest.CutOff(), notifytest.Status(500), notifytest.Status(503), notifytest.Refused("fatal_error"), notifytest.Refused("internal_error"),
	}
	for name, config := range both(t) {
		for _, failure := range doubtful {
			t.Run(name+" "+failure.String(), func(t *testing.T) {
				fake := &notifytest.Slack{}
				fake.Fail(failure)
				_, err := slack.New(config, fake.Client(), discard()).Send(t.Context(), notifytest.Quiet())
				if err == nil || errors.Is(err, notify.ErrNotPosted) || !strings.Contains(err.Error(), "may have been posted") {
					t.Errorf("error: %v", err)
				}
				if fake.Requests() != 1 {
					t.Errorf("%d requests", fake.Requests())
				}
			})
		}
	}
}

func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	listener.Close()
	configs := both(t)
	t.Setenv("TEST_SLACK_WEBHOOK", address+"/services/T0/B0/SECRETSECRET")
	for name, config := range configs {
		config.APIURL = address
		_, err := slack.New(config, notify.NewClient(), discard()).Send(t.Context(), notifytest.Quiet())
		if !errors.Is(err, notify.ErrNotPosted) || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsExplain(t *testing.T) {
	tests := []struct {
		failure notifytest.Failure
		says    []string
	}{
		{notifytest.Refused("channel_not_found"), []string{"channel_not_found", "check the channel's ID"}},
		{notifytest.Refused("not_in_channel"), []string{"C0123456789", "not_in_channel", "/invite"}},
		{notifytest.Refused("invalid_auth"), []string{"invalid_auth", "install the app again"}},
		{notifytest.Refused("is_archived"), []string{"choose another"}},
		{notifytest.MissingScope("chat:write", "users:read"), []string{"missing_scope", "needs the scope chat:write, has users:read", "OAuth & Permissions"}},
		{notifytest.Refused("invalid_arguments", "[ERROR] no such \x1b[31mthing"), []string{`no such \u001b[31mthing`}},
		{notifytest.Status(403), []string{"HTTP 403 Forbidden"}},
	}
	for _, test := range tests {
		t.Run(test.failure.String(), func(t *testing.T) {
			fake := &notifytest.Slack{}
			fake.Fail(test.failure)
			_, err := slack.New(both(t)["bot"], fake.Client(), discard()).Send(t.Context(), notifytest.Quiet())
			notifytest.ExpectNotPosted(t, err, test.says...)
		})
	}
}

func TestWebhookErrorsExplain(t *testing.T) {
	fake := &notifytest.Slack{}
	fake.Fail(notifytest.Refused("no_service"))
	config := both(t)["webhook"]
	_, err := slack.New(config, fake.Client(), discard()).Send(t.Context(), notifytest.Quiet())
	notifytest.ExpectNotPosted(t, err, "no_service", "HTTP 400 Bad Request", "create a new one")
	t.Setenv("TEST_SLACK_WEBHOOK", "hooks.slack.com/SECRETSECRET")
	_, err = slack.New(config, fake.Client(), discard()).Send(t.Context(), notifytest.Quiet())
	notifytest.ExpectNotPosted(t, err, "not a URL such as https://hooks.slack.com/services/")
	if strings.Contains(err.Error(), "SECRETSECRET") {
		t.Errorf("leaks: %v", err)
	}
}

// TestWebhookNotSlack: a page of a proxy with a 200 is no "ok" of Slack's.
func TestWebhookNotSlack(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<h1>Sign in</h1>")) })
	server := httptest.NewServer(page)
	defer server.Close()
	config := both(t)["webhook"]
	t.Setenv("TEST_SLACK_WEBHOOK", server.URL+"/services/T0/B0/SECRETSECRET")
	_, err := slack.New(config, notify.NewClient(), discard()).Send(t.Context(), notifytest.Quiet())
	if err == nil || errors.Is(err, notify.ErrNotPosted) || !strings.Contains(err.Error(), "Sign in") {
		t.Errorf("error: %v", err)
	}
}

func TestLeaksNoSecret(t *testing.T) {
	for name, config := range both(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				secrets := []string{botToken, "SECRETSECRET", "/services/T0000"}
				notifytest.LeaksNoSecret(t, secrets, func(ctx context.Context, client *http.Client, log *slog.Logger) error {
					_, err := slack.New(config, client, log).Send(ctx, notifytest.Typical())
					return err
				})
			})
		})
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, config := range both(t) {
		_, err := slack.New(config, (&notifytest.Slack{}).Client(), discard()).Send(ctx, notifytest.Quiet())
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
