// Package webhook tells a program what a run found: it posts signed JSON, as
// Standard Webhooks 1.0.0 has it (https://www.standardwebhooks.com). payload.go is
// what a receiver gets, and is promised. A post may arrive several times, each time
// with the same webhook-id, by which the receiver drops it.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// New returns the notifier that posts to a program of any kind.
func New(c Config, client *http.Client) notify.Notifier { return notifier{c, client} }

type notifier struct {
	config Config
	client *http.Client
}

// Deliveries is the summary.
func (notifier) Deliveries(audit.Summary, audit.Highlights) []string {
	return []string{notify.SummaryDelivery}
}

// Send posts, three times more after a 429, a 5xx or a connection that was cut, and
// returns the webhook-id. It honours Retry-After, but waits for notify.MaxWait at
// most.
func (n notifier) Send(ctx context.Context, m notify.Message) (string, error) {
	to, err := n.config.read(ctx)
	if err != nil {
		return "", notify.NotPosted(fmt.Errorf("post to the webhook: %w", err))
	}
	id := m.ID()
	body, err := json.Marshal(newPayload(m))
	if err != nil {
		return "", notify.NotPosted(fmt.Errorf("post to the webhook: %w", err))
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, to.url.String(), bytes.NewReader(body))
	if err != nil {
		return "", to.failed(false, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "tokenaudit")
	req.Header.Set("webhook-id", id)
	sign := func(r *http.Request) error { // anew for each attempt, as its time is signed too
		at := strconv.FormatInt(time.Now().Unix(), 10)
		mac := hmac.New(sha256.New, to.key)
		fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
		r.Header.Set("webhook-timestamp", at)
		r.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return nil
	}
	sign(req.Request)
	until := time.Now().Add(notify.MaxWait)
	doubt := false                  // an attempt may have arrived
	client := retryablehttp.Client{ // without a logger: that one prints URLs
		HTTPClient: n.client, RetryMax: notify.Retries, RetryWaitMin: time.Second, RetryWaitMax: notify.MaxWait,
		PrepareRetry: sign, ErrorHandler: retryablehttp.PassthroughErrorHandler,
		Backoff: func(least, most time.Duration, n int, resp *http.Response) time.Duration {
			if asksToWait(resp) {
				return notify.RetryAfter(resp)
			}
			return retryablehttp.DefaultBackoff(least, most, n, nil)
		},
		CheckRetry: func(ctx context.Context, resp *http.Response, err error) (bool, error) {
			doubt = doubt || mayHaveArrived(resp, err)
			if asksToWait(resp) && time.Now().Add(notify.RetryAfter(resp)).After(until) {
				return false, nil
			}
			return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
		},
	}
	resp, err := client.Do(req)
	if err != nil {
		return id, to.failed(doubt, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return id, nil
	}
	text := fmt.Sprintf("HTTP %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if asksToWait(resp) {
		return id, to.failed(doubt, fmt.Errorf("%s: %w", text, &notify.WaitError{Until: time.Now().Add(notify.RetryAfter(resp))}))
	}
	if advice := advice(resp.StatusCode); advice != "" {
		text += ": " + advice
	}
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // what can be had of it
	if said := strings.TrimSpace(string(said)); said != "" {
		text += ": " + to.secrets.Clean(said)
	}
	return id, to.failed(doubt, errors.New(text))
}

// mayHaveArrived: no answer came though a connection was made, or the answer does
// not tell whether the work is done.
func mayHaveArrived(resp *http.Response, err error) bool {
	if err == nil {
		return resp.StatusCode >= 500
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return !notify.NeverDialed(err) && !untrusted
}

func (e endpoint) failed(doubt bool, err error) error {
	err = fmt.Errorf("post to the webhook: %w", e.secrets.CleanError(err))
	if doubt {
		return fmt.Errorf("%w; it may have arrived, and is sent again with the same webhook-id", err)
	}
	return notify.NotPosted(err)
}

func asksToWait(resp *http.Response) bool {
	return resp != nil && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "")
}

// advice is what to do about a status.
func advice(status int) string {
	switch {
	case status >= 300 && status < 400:
		return "it redirects, which is not followed; store the URL that it leads to"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "the receiver does not accept the post; compare url and secret with what it has"
	case status == http.StatusNotFound:
		return "there is no such receiver; check the stored URL"
	case status == http.StatusGone:
		return "the receiver no longer accepts posts; remove webhook from the job"
	case status == http.StatusRequestEntityTooLarge:
		return "the receiver takes no message of this size"
	case status < 500:
		return "the receiver does not take the message"
	}
	return ""
}
