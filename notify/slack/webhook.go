package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/slack-go/slack"

	"tokenaudit/notify"
)

// payload is the body of a post. Slack unfurls nothing in it, as the false values
// are sent.
type payload struct {
	Text        string        `json:"text"`
	Blocks      []slack.Block `json:"blocks,omitempty"`
	UnfurlLinks bool          `json:"unfurl_links"`
	UnfurlMedia bool          `json:"unfurl_media"`
}

// sendToWebhook posts a message. A webhook gives nothing to look for an earlier attempt in:
// that one may be repeated once. slack.PostWebhookContext will not do: it puts the
// secret URL into its errors and drops the body, in which Slack says what is wrong.
func (n notifier) sendToWebhook(ctx context.Context, d delivery) error {
	e := explainer{where: "post to Slack webhook"}
	address, err := n.config.Webhook.Read(ctx)
	if err != nil {
		return e.asking(err)
	}
	u, err := url.Parse(address.Reveal())
	if err != nil || u.Host == "" {
		return e.asking(errors.New("the secret is not a URL such as https://hooks.slack.com/services/…"))
	}
	e.secrets = notify.Secrets{u.String(), u.RequestURI(), u.Path, path.Base(u.Path)}
	client := newClient(n.client)
	_, err = n.postRichest(ctx, d, d.forms(recipient{}, d.again), func(p Post) (string, error) {
		if err := client.post(ctx, u.String(), payload{Text: p.Text, Blocks: p.Blocks}); err != nil {
			return "", e.posting(err)
		}
		return "", nil
	})
	if d.again && err != nil && !errors.Is(err, notify.ErrNotPosted) {
		err = fmt.Errorf("%w: %w", notify.ErrGiveUp, err)
	}
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
