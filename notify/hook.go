package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"tokenaudit/jobs/audit"
)

// hook posts signed webhooks to a program.
type hook struct {
	config HookConfig
	client *http.Client
}

// NewHook returns the notifier that posts to a program of any kind. A post may
// arrive several times, each time with the same webhook-id, by which the receiver
// drops it. Without a client it uses one that follows no redirect and waits 30 s
// for each answer.
func NewHook(c HookConfig, client *http.Client) Notifier {
	if client == nil {
		client = newClient()
	}
	return hook{c, client}
}

// Parts is the summary.
func (hook) Parts(audit.Summary, audit.News) []string { return []string{partSummary} }

// Send posts, three times more after a 429, a 5xx or a line that was cut, and
// returns the webhook-id.
func (h hook) Send(ctx context.Context, m Message) (string, error) {
	to, err := h.config.read(ctx)
	if err != nil {
		return "", failure{fmt.Errorf("%s: %w", hookWhere, err), true}
	}
	body, err := json.Marshal(payloadOf(m))
	if err != nil {
		return "", failure{fmt.Errorf("%s: %w", hookWhere, err), true}
	}
	p := &post{endpoint: to, id: messageID(m), body: body, client: h.client}
	return p.id, p.send(ctx)
}

const hookWhere = "post to the webhook"

// messageID is the same whenever a part is sent. The start of the run is in it,
// for jobs of one name in several installations. It holds no full stop, which
// separates what is signed.
func messageID(m Message) string {
	id := m.Summary.ID + "/" + m.Part + "/" + strconv.FormatInt(m.Summary.Started.UnixNano(), 36)
	return strings.ReplaceAll(id, ".", "~")
}

// failure ends a Send. Sure: nothing arrived.
type failure struct {
	error
	sure bool
}

func (f failure) Unwrap() error { return f.error }

func (f failure) Is(target error) bool { return f.sure && target == ErrNotPosted }

// hookAdvice is what to do about a status.
func hookAdvice(status int) string {
	switch {
	case status >= 300 && status < 400:
		return "it redirects, which is not followed; store the URL that it leads to"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "the receiver does not accept the post; compare url and secret with what it has"
	case status == http.StatusNotFound:
		return "there is no such receiver; check the stored URL"
	case status == http.StatusGone:
		return "the receiver wants no more; remove webhook from the job"
	case status == http.StatusRequestEntityTooLarge:
		return "the receiver takes no message of this size"
	case status == http.StatusTooManyRequests:
		return "the receiver asks to wait"
	case status < 500:
		return "the receiver does not take the message"
	}
	return ""
}
