package notify

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-retryablehttp"

	"tokenaudit/configs/secret"
)

// Ping tells a dead man's switch how a run goes, by the convention of
// healthchecks.io (https://healthchecks.io/docs/http_api/): a POST to URL/start, to
// URL for success, and to URL/fail, with a text for people as its body.
type Ping struct {
	url    secret.Ref
	client *http.Client
}

// NewPing returns a Ping to the URL that ref holds, which is read anew each time.
// Without a client it uses one that follows no redirect.
func NewPing(ref secret.Ref, client *http.Client) Ping {
	if client == nil {
		client = newClient()
	}
	return Ping{ref, client}
}

// How long a ping may take, with two more attempts after a lost connection or an
// answer such as 500. It must not hold up a review.
const (
	pingAttempt = 5 * time.Second
	pingLimit   = 15 * time.Second
)

// pingText is what healthchecks.io keeps of a body at the least, in bytes.
const pingText = 10_000

// Send says that the run starts, succeeds or fails: event is start, success or
// fail. The pings of a run share its rid, so that the switch can tell how long it
// took. Errors never hold the URL.
func (p Ping) Send(ctx context.Context, run, event, text string) error {
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	u, report, err := p.address(ctx, "ping "+event)
	if err != nil {
		return err
	}
	return p.post(ctx, pingURL(u, run, event), text, report)
}

// Check reads the URL and sends nothing: the switch would take it for a review.
func (p Ping) Check(ctx context.Context) error {
	_, _, err := p.address(ctx, "ping")
	return err
}

func (p Ping) address(ctx context.Context, where string) (*url.URL, reporter, error) {
	report := reporter{where: where, asks: true}
	held, err := p.url.Read(ctx)
	if err != nil {
		return nil, report, report.notTried(err)
	}
	u, err := url.Parse(held.Reveal())
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, report, report.notTried(errors.New("the secret is not a URL such as https://hc-ping.com/…"))
	}
	report.hide = pingSecrets(u)
	return u, report, nil
}

// pingURL keeps a query that the URL has, such as create=1.
func pingURL(u *url.URL, run, event string) string {
	out := *u
	if event != "success" {
		out = *u.JoinPath(event)
	}
	q := out.Query()
	q.Set("rid", RunID(run).String())
	out.RawQuery = q.Encode()
	return out.String()
}

// RunID is the UUID of a run, version 5: the same one in every process.
func RunID(run string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceURL, []byte("tokenaudit:"+run)) }

func (p Ping) post(ctx context.Context, address, text string, report reporter) error {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(strings.ToValidUTF8(text[:min(len(text), pingText)], "")))
	if err != nil {
		return report.notTried(inner(err))
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	resp, err := p.retrying().Do(req)
	if err != nil {
		return report.broken(err)
	}
	return accepted(resp, report)
}

// accepted: for a UUID that it does not know, or hears of too often,
// healthchecks.io says "OK (not found)" or "OK (rate limited)" with a 200.
func accepted(resp *http.Response, report reporter) error {
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return report.broken(err)
	}
	if body := strings.TrimSpace(string(said)); resp.StatusCode/100 != 2 || strings.HasPrefix(body, "OK (") {
		return report.status(resp.StatusCode, body)
	}
	return nil
}

// retrying has no logger: that one prints URLs.
func (p Ping) retrying() *retryablehttp.Client {
	client := *p.client
	client.Timeout = pingAttempt
	return &retryablehttp.Client{
		HTTPClient: &client, RetryMax: 2, RetryWaitMin: time.Second, RetryWaitMax: 2 * time.Second,
		Backoff: retryablehttp.DefaultBackoff, CheckRetry: retryablehttp.DefaultRetryPolicy, ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// pingSecrets are the parts of the URL that must not be seen, longest first: of
// https://hc-ping.com/KEY/NAME the key alone is one.
func pingSecrets(u *url.URL) []string {
	hide := append(secretsOf(u), u.EscapedPath(), u.RawQuery)
	if u.User != nil {
		hide = append(hide, u.User.String())
	}
	for _, values := range u.Query() {
		hide = append(hide, values...)
	}
	return append(hide, strings.Split(u.Path, "/")...)
}
