package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// NewSlack returns the notifier that c describes: a bot, or an incoming webhook.
// Without a client it uses one that follows no redirect and waits 30 s for each
// answer. Both read their secret anew for each message, honour a 429 three times
// for as long as ctx lasts, and never repeat a post that may have arrived.
func NewSlack(c Config, client *http.Client, log *slog.Logger) Notifier {
	if client == nil {
		client = newClient()
	}
	if !c.Webhook.IsZero() {
		return webhook{c, client, log}
	}
	return bot{c, client, log}
}

// newClient follows no redirect: the token stands in the body of a post.
func newClient() *http.Client {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Timeout: 30 * time.Second, CheckRedirect: stay}
}

// retries after a 429. Connection errors are not retried: Slack has no idempotency
// key, and a post whose answer was cut off would appear twice.
const retries = 3

// deliver posts a part in the first form that Slack takes: a summary that arrives
// beats a table that does not.
func deliver(ctx context.Context, log *slog.Logger, m Message, forms []Post, post func(Post) (string, error)) (string, error) {
	for _, form := range forms[:len(forms)-1] {
		ref, err := post(form)
		var no refusal
		if !errors.As(err, &no) || !no.blocks {
			return ref, err
		}
		log.WarnContext(ctx, "Slack did not take the message; posting a plainer one", "job", m.Summary.Job, "run", m.Summary.ID, "part", m.Part, "error", err)
	}
	return post(forms[len(forms)-1])
}
