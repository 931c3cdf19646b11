package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"tokenaudit/jobs/audit"
)

// webhook posts by itself: slack.PostWebhookContext puts the secret URL into its
// errors and drops the body, in which Slack says what is wrong.
type webhook struct {
	config Config
	client *http.Client
	log    *slog.Logger
}

// Parts is the summary.
func (w webhook) Parts(s audit.Summary, n audit.News) []string { return w.config.parts(s, n) }

// Send posts to the webhook, which gives no reference, and nothing to look for an
// earlier attempt in: that one may be repeated once, and says so.
func (w webhook) Send(ctx context.Context, m Message) (string, error) {
	m.repeats = m.Again
	err := w.send(ctx, m)
	switch {
	case err == nil || !m.Again:
		return "", err
	case errors.Is(err, ErrNotPosted):
		return "", errors.New(err.Error()) // says nothing about the earlier attempt
	}
	return "", fmt.Errorf("%w: %w", ErrLetBe, err)
}

func (w webhook) send(ctx context.Context, m Message) error {
	report := reporter{where: "post to Slack webhook"}
	address, err := w.config.Webhook.Read(ctx)
	if err != nil {
		return report.notTried(err)
	}
	u, err := url.Parse(address.Reveal())
	if err != nil || u.Host == "" {
		return report.refused("", "the secret is not a URL such as https://hooks.slack.com/services/…")
	}
	report.hide = secretsOf(u)
	_, err = deliver(ctx, w.log, m, w.config.drafts(m, addressee{}), func(p Post) (string, error) {
		return "", w.post(ctx, u.String(), payload{Text: p.Text, Blocks: p.Blocks}, report)
	})
	return err
}

func (w webhook) post(ctx context.Context, address string, p payload, report reporter) error {
	body, err := json.Marshal(p)
	if err != nil {
		return report.notTried(err)
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return report.notTried(inner(err))
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.retrying().Do(req)
	if err != nil {
		return report.broken(err)
	}
	return answered(resp, report)
}

// retrying tries again after a 429 only. It has no logger: that one prints URLs.
func (w webhook) retrying() *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: w.client, RetryMax: retries, RetryWaitMin: time.Second, RetryWaitMax: time.Minute,
		Backoff:      retryablehttp.DefaultBackoff, // honours Retry-After
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		CheckRetry: func(_ context.Context, resp *http.Response, err error) (bool, error) {
			return err == nil && resp.StatusCode == http.StatusTooManyRequests, nil
		},
	}
}

// answered: Slack says "ok" with the 200; anything else comes from something in between.
func answered(resp *http.Response, report reporter) error {
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return report.broken(err)
	}
	text := strings.TrimSpace(string(said))
	if resp.StatusCode == http.StatusOK && text == "ok" {
		return nil
	}
	return report.status(resp.StatusCode, text)
}

// secretsOf lists the parts of a webhook's URL that must not be seen, longest first.
func secretsOf(u *url.URL) []string {
	return []string{u.String(), u.RequestURI(), u.Path, path.Base(u.Path)}
}
