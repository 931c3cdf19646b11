package slack

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

	"github.com/slack-go/slack"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// webhook posts by itself: slack.PostWebhookContext puts the secret URL into its
// errors and drops the body, in which Slack says what is wrong.
type webhook struct {
	config Config
	client *http.Client
	log    *slog.Logger
}

// payload is the body of a post. Slack unfurls nothing in it, as the false values
// are sent.
type payload struct {
	Text        string        `json:"text"`
	Blocks      []slack.Block `json:"blocks,omitempty"`
	UnfurlLinks bool          `json:"unfurl_links"`
	UnfurlMedia bool          `json:"unfurl_media"`
}

// Deliveries is the summary.
func (w webhook) Deliveries(s audit.Summary, n audit.Highlights) []string {
	return w.config.deliveries(s, n)
}

// Send posts to the webhook, which gives no reference, and nothing to look for an
// earlier attempt in: that one may be repeated once, and says so.
func (w webhook) Send(ctx context.Context, m notify.Message) (string, error) {
	m.Repeats = m.Again
	err := w.send(ctx, m)
	switch {
	case err == nil || !m.Again:
		return "", err
	case errors.Is(err, notify.ErrNotPosted):
		return "", notify.InDoubt(err)
	}
	return "", fmt.Errorf("%w: %w", notify.ErrGiveUp, err)
}

func (w webhook) send(ctx context.Context, m notify.Message) error {
	e := explainer{where: "post to Slack webhook"}
	address, err := w.config.Webhook.Read(ctx)
	if err != nil {
		return e.asking(err)
	}
	u, err := url.Parse(address.Reveal())
	if err != nil || u.Host == "" {
		return e.asking(errors.New("the secret is not a URL such as https://hooks.slack.com/services/…"))
	}
	e.secrets = notify.Secrets{u.String(), u.RequestURI(), u.Path, path.Base(u.Path)}
	client := newClient(w.client)
	_, err = postRichest(ctx, w.log, m, w.config.forms(m, recipient{}), func(p Post) (string, error) {
		if err := client.post(ctx, u.String(), payload{Text: p.Text, Blocks: p.Blocks}); err != nil {
			return "", e.posting(err)
		}
		return "", nil
	})
	return err
}

// post: Slack says "ok" with the 200; anything else comes from something in between.
func (c client) post(ctx context.Context, address string, p payload) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := c.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if text := strings.TrimSpace(string(said)); answer.StatusCode != http.StatusOK || text != "ok" {
		return answerError{answer.StatusCode, text}
	}
	return nil
}
