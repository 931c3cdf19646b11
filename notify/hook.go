package notify

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
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

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

// post is one message on its way to a webhook.
type post struct {
	endpoint
	id     string
	body   []byte
	client *http.Client
	doubt  bool // an attempt may have arrived
}

func (p *post) send(ctx context.Context) error {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, p.url.String(), bytes.NewReader(p.body))
	if err != nil {
		return p.failed(ctx, inner(err).Error())
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "tokenaudit")
	req.Header.Set("webhook-id", p.id)
	p.sign(req.Request)
	resp, err := p.retrying().Do(req)
	if err != nil {
		return p.failed(ctx, inner(err).Error())
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // what can be had of it
	return p.failed(ctx, fmt.Sprintf("HTTP %d %s", resp.StatusCode, http.StatusText(resp.StatusCode)), hookAdvice(resp.StatusCode), string(said))
}

// sign is done anew for each attempt, as its time is signed too.
func (p *post) sign(r *http.Request) error {
	at := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, p.key)
	fmt.Fprintf(mac, "%s.%s.%s", p.id, at, p.body)
	r.Header.Set("webhook-timestamp", at)
	r.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return nil
}

// longestWait bounds what a Retry-After can ask for. The next attempt of the job
// comes later anyway.
const longestWait = time.Minute

// retrying has no logger: that one prints URLs.
func (p *post) retrying() *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: p.client, RetryMax: retries, RetryWaitMin: time.Second, RetryWaitMax: longestWait,
		PrepareRetry: p.sign,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		Backoff: func(least, most time.Duration, n int, resp *http.Response) time.Duration {
			return min(most, retryablehttp.DefaultBackoff(least, most, n, resp)) // honours Retry-After
		},
		CheckRetry: func(ctx context.Context, resp *http.Response, err error) (bool, error) {
			p.doubt = p.doubt || mayHaveArrived(resp, err)
			return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
		},
	}
}

// mayHaveArrived: no answer came though a connection was made, or the answer does
// not tell whether the work is done.
func mayHaveArrived(resp *http.Response, err error) bool {
	if err == nil {
		return resp.StatusCode >= 500
	}
	op, ok := errors.AsType[*net.OpError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return !(ok && op.Op == "dial") && !untrusted
}

func (p *post) failed(ctx context.Context, parts ...string) error {
	text, report := hookWhere, reporter{hide: p.hide}
	for _, part := range parts {
		if strings.TrimSpace(part) != "" {
			text += ": " + report.clean(part)
		}
	}
	if p.doubt {
		text += "; it may have arrived, and is sent again with the same webhook-id"
	}
	if ctx.Err() != nil {
		return failure{fmt.Errorf("%s: %w", text, ctx.Err()), !p.doubt}
	}
	return failure{errors.New(text), !p.doubt}
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
