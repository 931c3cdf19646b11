package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tokenaudit/configs/remedy"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/webhook"
)

const (
	webhookURL    = "https://SECRETHOST.example.com/services/SECRETSECRET?key=SECRETQUERY"
	webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

func hookConfig(t *testing.T) webhook.Config {
	t.Helper()
	t.Setenv("TEST_WEBHOOK_URL", webhookURL)
	t.Setenv("TEST_WEBHOOK_SECRET", webhookSecret)
	return webhook.Config{URL: secret.Ref{Env: "TEST_WEBHOOK_URL"}, Secret: secret.Ref{Env: "TEST_WEBHOOK_SECRET"}}
}

// TestHookPosts: the library of the standard takes the signature, of both forms of
// a secret.
func TestHookPosts(t *testing.T) {
	coded, err := standardwebhooks.NewWebhook(webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := standardwebhooks.NewWebhookRaw([]byte("correct horse battery staple"))
	if err != nil {
		t.Fatal(err)
	}
	config := hookConfig(t)
	for text, verifier := range map[string]*standardwebhooks.Webhook{webhookSecret: coded, "correct horse battery staple": plain} {
		t.Setenv("TEST_WEBHOOK_SECRET", text)
		receiver := &notifytest.Hook{}
		ref, err := webhook.New(config, receiver.Client()).Send(t.Context(), notifytest.Typical())
		if err != nil || ref != "weekly-review/2026-11-23T0800Z/summary/dn2iqvi0ao00" {
			t.Fatalf("got %q, %v", ref, err)
		}
		got := receiver.Posts()[0]
		if err := verifier.Verify(got.Body, got.Header); err != nil {
			t.Error(err)
		}
		if got.Header.Get("webhook-id") != ref || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("header: %v", got.Header)
		}
		if err := verifier.Verify(append(got.Body, ' '), got.Header); err == nil {
			t.Error("the signature holds for another body")
		}
	}
}

// TestHookPayload: what a receiver is promised; UPDATE=1 rewrites it.
func TestHookPayload(t *testing.T) {
	receiver := &notifytest.Hook{}
	m := notifytest.Retired(notifytest.Incomplete(notifytest.Typical()))
	m.Evidence = "https://evidence.example.com/weekly-review/2026-11-23T0800Z/report.html"
	m.Summary.NotJudged = []audit.Unjudged{{Check: "owner-not-in-roster", Why: "no roster is configured"}}
	if _, err := webhook.New(hookConfig(t), receiver.Client()).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(receiver.Posts()[0].Body, &got); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	notifytest.Golden(t, "testdata/webhook.json", string(text)+"\n")
}

// TestHookNotCounted: what was not counted is null, not 0.
func TestHookNotCounted(t *testing.T) {
	earlier, off := notifytest.Typical(), notifytest.Typical()
	earlier.Summary.NeedsAction, earlier.Summary.Inventory = audit.ActionCounts{}, audit.Inventory{}
	off.Summary.Policy.Checks = []audit.AppliedCheck{{Check: "active-write", Severity: audit.Off}}
	for name, tt := range map[string]struct {
		message notify.Message
		want    string
	}{
		"counted":                     {notifytest.Typical(), `{"inventory":31,"needs_action":3}`},
		"by an earlier version":       {earlier, `{"inventory":null,"needs_action":null}`},
		"with the check switched off": {off, `{"inventory":null,"needs_action":3}`},
	} {
		receiver := &notifytest.Hook{}
		if _, err := webhook.New(hookConfig(t), receiver.Client()).Send(t.Context(), tt.message); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Data struct {
				NeedsAction *struct{ Tokens int } `json:"needs_action"`
				Inventory   *audit.Inventory      `json:"inventory"`
			} `json:"data"`
		}
		if err := json.Unmarshal(receiver.Posts()[0].Body, &got); err != nil {
			t.Fatal(err)
		}
		say := map[string]any{"needs_action": nil, "inventory": nil}
		if n := got.Data.NeedsAction; n != nil {
			say["needs_action"] = n.Tokens
		}
		if n := got.Data.Inventory; n != nil {
			say["inventory"] = n.ActiveWrite
		}
		text, err := json.Marshal(say)
		if want := tt.want; err != nil || string(text) != want {
			t.Errorf("%s: %s, want %s", name, text, want)
		}
	}
}

// TestHookBounded: whatever the names are, the post is small, and shows them whole.
func TestHookBounded(t *testing.T) {
	for _, name := range append(notifytest.Hostile(), strings.Repeat("€\u202e", 100_000)) {
		receiver := &notifytest.Hook{}
		m := notifytest.Named(name)
		m.Summary.Coverage.Reasons = slices.Repeat([]string{name}, 1000)
		m.Summary.Coverage.Targets = slices.Repeat(m.Summary.Coverage.Targets, 1000)
		if _, err := webhook.New(hookConfig(t), receiver.Client()).Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		body := receiver.Posts()[0].Body
		if len(body) > 200_000 || !utf8.Valid(body) {
			t.Errorf("%.20q: %d bytes", name, len(body))
		}
		var all any
		if err := json.Unmarshal(body, &all); err != nil {
			t.Fatal(err)
		}
		everyString(all, func(s string) {
			if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '\u202e' || r == '\u200b' || r == utf8.RuneError }) {
				t.Errorf("hidden in %q", s)
			}
		})
	}
}

func everyString(v any, do func(string)) {
	switch v := v.(type) {
	case string:
		do(v)
	case []any:
		for _, e := range v {
			everyString(e, do)
		}
	case map[string]any:
		for k, e := range v {
			do(k)
			everyString(e, do)
		}
	}
}

// TestHookRetries: what may pass is tried again, with one ID and a new signature
// each time; Retry-After is honoured, a minute in all.
func TestHookRetries(t *testing.T) {
	verifier, err := standardwebhooks.NewWebhook(webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		script   []notifytest.Failure
		arrived  int // posts, of one message
		least    time.Duration
		atMost   time.Duration
		explains string // empty if it works in the end
		unsure   bool
	}{
		{"429", []notifytest.Failure{notifytest.RateLimited(30)}, 1, 30 * time.Second, 31 * time.Second, "", false},
		{"429 for a day", []notifytest.Failure{notifytest.RateLimited(86400)}, 0, 0, 0, "asks to wait until Sun 2 Jan 2000 00:00 UTC", false},
		{"503 for a day", []notifytest.Failure{notifytest.Status(503).Asking("86400")}, 0, 0, 0, "asks to wait until Sun 2 Jan 2000 00:00 UTC", true},
		{"429 for no time", []notifytest.Failure{notifytest.RetryAfter("soon")}, 1, 10 * time.Second, 10 * time.Second, "", false},
		{"429 for ever", slices.Repeat([]notifytest.Failure{notifytest.RateLimited(20)}, 4), 0, time.Minute, time.Minute, "HTTP 429", false},
		{"500", []notifytest.Failure{notifytest.Status(500), notifytest.Status(503)}, 1, time.Second, 5 * time.Second, "", false},
		{"500 for ever", slices.Repeat([]notifytest.Failure{notifytest.Status(500)}, 4), 0, time.Second, 10 * time.Second, "HTTP 500", true},
		{"cut after", []notifytest.Failure{notifytest.CutOff()}, 2, time.Second, 2 * time.Second, "", false},
		{"cut for ever", slices.Repeat([]notifytest.Failure{notifytest.CutOff()}, 4), 4, time.Second, 10 * time.Second, "unexpected EOF", true},
		{"cut, then refused", []notifytest.Failure{notifytest.CutOff(), notifytest.Status(403)}, 1, time.Second, 2 * time.Second, "HTTP 403", true},
		{"refused", []notifytest.Failure{notifytest.Status(401)}, 0, 0, 0, "compare url and secret", false},
		{"gone", []notifytest.Failure{notifytest.Status(410)}, 0, 0, 0, "remove webhook", false},
		{"redirect", []notifytest.Failure{notifytest.Status(302)}, 0, 0, 0, "not followed", false},
		{"not found", []notifytest.Failure{notifytest.Status(404)}, 0, 0, 0, "no such receiver", false},
		{"too large", []notifytest.Failure{notifytest.Status(413)}, 0, 0, 0, "of this size", false},
		{"no JSON of ours", []notifytest.Failure{notifytest.Status(422)}, 0, 0, 0, "does not take the message", false},
	}
	config := hookConfig(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				receiver := &notifytest.Hook{}
				receiver.Fail(test.script...)
				start := time.Now()
				_, err := webhook.New(config, receiver.Client()).Send(t.Context(), notifytest.Typical())
				if took := time.Since(start); took < test.least || took > test.atMost {
					t.Errorf("took %s", took)
				}
				switch {
				case test.explains == "" && err != nil, test.explains != "" && (err == nil || !strings.Contains(err.Error(), test.explains)):
					t.Errorf("error: %v", err)
				case err != nil && errors.Is(err, notify.ErrNotPosted) == test.unsure:
					t.Errorf("unsure is %t: %v", !test.unsure, err)
				}
				posts := receiver.Posts()
				if len(posts) != test.arrived {
					t.Fatalf("%d posts arrived", len(posts))
				}
				for _, p := range posts {
					if p.Header.Get("webhook-id") != posts[0].Header.Get("webhook-id") || string(p.Body) != string(posts[0].Body) {
						t.Error("a repeat differs")
					}
				}
				if n := len(posts); n > 0 && test.explains == "" {
					if at := posts[n-1].Header.Get("webhook-timestamp"); at != strconv.FormatInt(time.Now().Unix(), 10) {
						t.Errorf("signed at %s, not anew", at)
					}
					if err := verifier.Verify(posts[n-1].Body, posts[n-1].Header); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// TestHookIDs: only what is the same message has the same ID.
func TestHookIDs(t *testing.T) {
	receiver := &notifytest.Hook{}
	n := webhook.New(hookConfig(t), receiver.Client())
	other, dotted, later := notifytest.Typical(), notifytest.Typical(), notifytest.Typical()
	other.Delivery = "owner:1"
	dotted.Summary.ID = "weekly.review/2026-11-23T0800Z"
	later.Summary.Started = later.Summary.Started.Add(time.Nanosecond)
	seen := map[string]bool{}
	for _, m := range []notify.Message{notifytest.Typical(), notifytest.Typical(), other, dotted, later} {
		ref, err := n.Send(t.Context(), m)
		if err != nil || strings.Contains(ref, ".") {
			t.Errorf("%q, %v", ref, err)
		}
		seen[ref] = true
	}
	if len(seen) != 4 {
		t.Errorf("IDs: %v", seen)
	}
}

func TestHookLeaksNoSecret(t *testing.T) {
	config := hookConfig(t)
	secrets := []string{"SECRETHOST", "secrethost", "SECRETSECRET", "SECRETQUERY", "MfKQ9r8GKYqr"}
	limited, cut, broken := notifytest.RateLimited(30), notifytest.CutOff(), notifytest.Status(500)
	for _, script := range [][]notifytest.Failure{
		{notifytest.Status(404)}, {notifytest.Status(302)}, {notifytest.Echo()}, {limited, limited, limited, limited},
		{cut, cut, cut, cut}, {broken, broken, broken, broken}, {limited, cut, broken, notifytest.Echo()},
	} {
		synctest.Test(t, func(t *testing.T) {
			receiver := &notifytest.Hook{}
			receiver.Fail(script...)
			_, err := webhook.New(config, receiver.Client()).Send(t.Context(), notifytest.Typical())
			notifytest.ExpectClean(t, fmt.Sprint(script), secrets, err, "")
		})
	}
}

// TestHookEcho: what a receiver says is shown, but for what is secret in it.
func TestHookEcho(t *testing.T) {
	const plain = "SECRETHORSE battery staple"
	key := webhookSecret
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("no\x1b[31m such thing: http://" + r.Host + r.URL.String() + " " + key + strings.Repeat("x", 100_000)))
	}))
	defer server.Close()
	config := hookConfig(t)
	t.Setenv("TEST_WEBHOOK_URL", server.URL+"/services/SECRETSECRET?key=SECRETQUERY")
	for _, key = range []string{webhookSecret, plain} {
		t.Setenv("TEST_WEBHOOK_SECRET", key)
		_, err := webhook.New(config, notify.NewClient()).Send(t.Context(), notifytest.Typical())
		notifytest.ExpectNotPosted(t, err, "HTTP 400 Bad Request", `no\u001b[31m such thing`, "[redacted]")
		notifytest.ExpectClean(t, "echo", []string{"SECRETSECRET", "SECRETQUERY", "MfKQ9r8GKYqr", "SECRETHORSE", strings.TrimPrefix(server.URL, "http://")}, err, "")
		if len(err.Error()) > 800 {
			t.Errorf("%d bytes of error", len(err.Error()))
		}
	}
}

func TestHookSecrets(t *testing.T) {
	tests := map[string]struct{ url, secret, says string }{
		"no URL":         {"SECRETSECRET", webhookSecret, "not a URL such as https://"},
		"not encrypted":  {"http://SECRETHOST.example.com/SECRETSECRET", webhookSecret, "http goes to this machine only"},
		"another scheme": {"file:///SECRETSECRET", webhookSecret, "not a URL"},
		"bad base64":     {webhookURL, "whsec_SECRETSECRET!", "not base64"},
		"none":           {webhookURL, "", "TEST_WEBHOOK_SECRET"},
	}
	config := hookConfig(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TEST_WEBHOOK_URL", test.url)
			t.Setenv("TEST_WEBHOOK_SECRET", test.secret)
			receiver := &notifytest.Hook{}
			_, err := webhook.New(config, receiver.Client()).Send(t.Context(), notifytest.Typical())
			notifytest.ExpectNotPosted(t, err, test.says)
			notifytest.ExpectClean(t, name, []string{"SECRETHOST", "SECRETSECRET"}, err, "")
			if receiver.Requests() > 0 {
				t.Error("posted")
			}
		})
	}
}

// TestHookUnreachable: where no connection is made, or the server is not the right
// one, surely nothing was posted.
func TestHookUnreachable(t *testing.T) {
	config := hookConfig(t)
	t.Setenv("TEST_WEBHOOK_URL", "http://127.0.0.1:1/SECRETSECRET")
	synctest.Test(t, func(t *testing.T) { // the retries take no time
		_, err := webhook.New(config, &http.Client{Transport: &http.Transport{}}).Send(t.Context(), notifytest.Typical())
		notifytest.ExpectNotPosted(t, err, "connection refused")
		notifytest.ExpectClean(t, "refused", []string{"SECRETSECRET", "127.0.0.1:1/"}, err, "")
	})
	receiver := &notifytest.Hook{}
	stranger := httptest.NewUnstartedServer(receiver) // of an authority that nobody knows
	stranger.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	stranger.StartTLS()
	defer stranger.Close()
	t.Setenv("TEST_WEBHOOK_URL", stranger.URL+"/SECRETSECRET")
	_, err := webhook.New(config, notify.NewClient()).Send(t.Context(), notifytest.Typical())
	notifytest.ExpectNotPosted(t, err, "certificate")
	notifytest.ExpectClean(t, "stranger", []string{"SECRETSECRET", stranger.URL}, err, "")
	if receiver.Requests() > 0 {
		t.Error("posted")
	}
}

// TestHookLongAnswer: of an answer that does not end a few words are read.
func TestHookLongAnswer(t *testing.T) {
	config := hookConfig(t)
	for _, status := range []int{200, 400} {
		var sent atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			for n, err := 0, error(nil); err == nil && sent.Load() < 256<<20; sent.Add(int64(n)) {
				n, err = w.Write(make([]byte, 1<<20))
			}
		}))
		t.Setenv("TEST_WEBHOOK_URL", server.URL)
		if _, err := webhook.New(config, notify.NewClient()).Send(t.Context(), notifytest.Typical()); (err == nil) != (status == 200) {
			t.Error(err)
		}
		server.Close()
		if sent.Load() > 64<<20 {
			t.Errorf("%d: read %d MiB", status, sent.Load()>>20)
		}
	}
}

func TestHookCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := webhook.New(hookConfig(t), (&notifytest.Hook{}).Client()).Send(ctx, notifytest.Quiet())
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCheckHook(t *testing.T) {
	config := hookConfig(t)
	receiver := &notifytest.Hook{}
	receiver.Fail(notifytest.Status(404))
	if _, err := webhook.Check(t.Context(), config, receiver.Client()); err != nil {
		t.Error(err)
	}
	if len(receiver.Posts()) > 0 || receiver.Requests() != 1 {
		t.Errorf("%d posts, %d requests", len(receiver.Posts()), receiver.Requests())
	}
	t.Setenv("TEST_WEBHOOK_URL", "http://127.0.0.1:1/SECRETSECRET")
	_, err := webhook.Check(t.Context(), config, notify.NewClient())
	notifytest.ExpectClean(t, "refused", []string{"SECRETSECRET", "127.0.0.1:1/"}, err, "")
	if got := remedy.Of(err); !strings.HasPrefix(got, "Nothing listens at the address under url: start the receiver, or correct the address.") {
		t.Errorf("refused: %q", got)
	}
	t.Setenv("TEST_WEBHOOK_URL", "https://secretsecret.invalid/SECRETSECRET")
	_, err = webhook.Check(t.Context(), config, notify.NewClient())
	if got := remedy.Of(err); !strings.HasPrefix(got, "No host has the name [redacted]") {
		t.Errorf("no such host: %q", got)
	}
	t.Setenv("TEST_WEBHOOK_SECRET", "too short")
	if _, err := webhook.Check(t.Context(), config, receiver.Client()); err == nil || !strings.Contains(err.Error(), "9 bytes") {
		t.Error(err)
	}
}
