package slack_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
)

// endless answers with one long JSON string, and counts what it got rid of.
func endless(t *testing.T, sent *atomic.Int64, compressed bool) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var out io.Writer = w
		mebibytes := 256
		if compressed {
			mebibytes = 32
			w.Header().Set("Content-Encoding", "gzip")
			zip := gzip.NewWriter(w)
			defer zip.Close()
			out = zip
		}
		chunk := strings.Repeat("x", 1<<20)
		_, err := io.WriteString(out, `{"ok":true,"text":"`)
		for i := 0; i < mebibytes && err == nil; i++ {
			var n int
			n, err = io.WriteString(out, chunk)
			sent.Add(int64(n))
		}
		io.WriteString(out, `"}`)
	}))
	t.Cleanup(server.Close)
	return server
}

// TestLongAnswers: what Slack answers is bounded, compressed or not, for a bot and
// a webhook, and the error says so.
func TestLongAnswers(t *testing.T) {
	for name, config := range both(t) {
		for _, compressed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, compressed %t", name, compressed), func(t *testing.T) {
				var sent atomic.Int64
				server := endless(t, &sent, compressed)
				config.APIURL = server.URL
				t.Setenv("TEST_SLACK_WEBHOOK", server.URL+"/services/T0/B0/SECRETSECRET")
				_, err := slack.New(config, notify.NewClient(), discard()).Send(t.Context(), notifytest.Quiet())
				if err == nil || errors.Is(err, notify.ErrNotPosted) || !strings.Contains(err.Error(), "longer than 8 MiB") {
					t.Errorf("error: %v", err)
				}
				if got := sent.Load(); got > 64<<20 && !compressed {
					t.Errorf("read on for %d MiB", got>>20)
				}
			})
		}
	}
}

// TestLongWaits: Slack may ask to wait in any form. What it names beyond a minute
// is left to a later try, and not before that time.
func TestLongWaits(t *testing.T) {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of the bubble
	for _, test := range []struct {
		header string
		until  time.Duration // 0: within the call
	}{
		{"1", 0}, {"60", 0}, {"61", 61 * time.Second}, {"86400", 24 * time.Hour}, {"9223372036854775807", 24 * time.Hour}, {"99999999999999999999", 24 * time.Hour},
		{"-5", 0}, {"0", 0}, {"", 0}, {"soon", 0},
		{start.Add(30 * time.Second).Format(http.TimeFormat), 0}, {start.Add(-time.Hour).Format(http.TimeFormat), 0},
		{start.Add(2 * time.Hour).Format(http.TimeFormat), 2 * time.Hour}, {start.AddDate(90, 0, 0).Format(http.TimeFormat), 24 * time.Hour},
	} {
		for name, config := range both(t) {
			t.Run(name+" "+test.header, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					fake := &notifytest.Slack{}
					fake.Fail(notifytest.RetryAfter(test.header))
					_, err := slack.New(config, fake.Client(), discard()).Send(t.Context(), notifytest.Quiet())
					if took := time.Since(start); took > time.Minute {
						t.Errorf("took %s", took)
					}
					wait, later := errors.AsType[*notify.WaitError](err)
					switch {
					case test.until == 0 && (err != nil || len(fake.Messages()) != 1):
						t.Errorf("%d messages, %v", len(fake.Messages()), err)
					case test.until > 0 && (!later || !errors.Is(err, notify.ErrNotPosted)):
						t.Errorf("error: %v", err)
					case later && !wait.Until.Equal(start.Add(test.until)):
						t.Errorf("until %s, want %s", wait.Until.Sub(start), test.until)
					}
				})
			})
		}
	}
}

// TestRateLimit: all waits of one call are a minute at most.
func TestRateLimit(t *testing.T) {
	for name, config := range both(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limited := notifytest.RateLimited(20)
				fake := &notifytest.Slack{}
				fake.Fail(limited, limited, limited)
				n := slack.New(config, fake.Client(), discard())
				start := time.Now() // the bubble's clock
				if _, err := n.Send(t.Context(), notifytest.Quiet()); err != nil || time.Since(start) != time.Minute {
					t.Errorf("after %s: %v", time.Since(start), err)
				}
				start = time.Now()
				fake.Fail(limited, limited, limited, limited)
				_, err := n.Send(t.Context(), notifytest.Quiet())
				if !errors.Is(err, notify.ErrNotPosted) || !errors.As(err, new(*notify.WaitError)) || time.Since(start) > time.Minute {
					t.Errorf("limited four times: %v", err)
				}
				short := notifytest.RateLimited(1)
				fake.Fail(short, short, short, short)
				if _, err := n.Send(t.Context(), notifytest.Quiet()); !errors.As(err, new(*notify.WaitError)) {
					t.Errorf("limited four times, shortly: %v", err)
				}
				if len(fake.Messages()) != 1 || fake.Requests() != 12 {
					t.Errorf("%d messages, %d requests", len(fake.Messages()), fake.Requests())
				}
			})
		})
	}
}

// TestRateLimitInDoubt: after a 429 a delivery in doubt is not given up.
func TestRateLimitInDoubt(t *testing.T) {
	for name, config := range both(t) {
		fake := &notifytest.Slack{}
		fake.Fail(notifytest.RateLimited(600))
		m := notifytest.Quiet()
		m.Again, m.Since = true, time.Now()
		_, err := slack.New(config, fake.Client(), discard()).Send(t.Context(), m)
		if errors.Is(err, notify.ErrGiveUp) || !errors.As(err, new(*notify.WaitError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUploadIsLimited: a file is not sent twice in one call, as it cannot be wound
// back.
func TestUploadIsLimited(t *testing.T) {
	fake := &notifytest.Slack{}
	uploads := 0
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, "/upload/") {
			uploads++
			fake.Fail(notifytest.RateLimited(1))
		}
		return fake.Client().Transport.RoundTrip(r)
	})}
	m := threaded()
	m.Delivery, m.Root = "file:review.xlsx", "C0123456789/1.0"
	_, err := slack.New(both(t)["bot"], client, discard()).Send(t.Context(), m)
	if !errors.As(err, new(*notify.WaitError)) || !errors.Is(err, notify.ErrNotPosted) || uploads != 1 {
		t.Errorf("%d uploads, %v", uploads, err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestWaitEnds: a wait ends with the context.
func TestWaitEnds(t *testing.T) {
	for _, config := range both(t) {
		synctest.Test(t, func(t *testing.T) {
			fake := &notifytest.Slack{}
			fake.Fail(notifytest.RateLimited(50))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := slack.New(config, fake.Client(), discard()).Send(ctx, notifytest.Quiet()); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
}
