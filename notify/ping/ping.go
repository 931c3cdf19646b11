// Package ping tells a dead man's switch how a run goes, by the convention of
// healthchecks.io (https://healthchecks.io/docs/http_api/): a POST to URL/start, to
// URL for success, and to URL/fail, with a text for people as its body. The switch
// tells people when it hears nothing.
package ping

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-retryablehttp"

	"tokenaudit/configs/secret"
	"tokenaudit/notify"
)

// Pinger pings one switch.
type Pinger struct {
	url    secret.Ref
	client *http.Client
}

// New returns a Pinger to the URL that ref holds, which is read anew each time.
func New(ref secret.Ref, client *http.Client) Pinger { return Pinger{ref, client} }

// How long a ping may take, with two more attempts after a lost connection or an
// answer such as 500. It must not hold up a review.
const (
	attemptTimeout = 5 * time.Second
	timeout        = 15 * time.Second
)

// maxText is what healthchecks.io keeps of a body at the least, in bytes.
const maxText = 10_000

// Send says that the run starts, succeeds or fails: event is start, success or
// fail. The pings of a run share its rid, so that the switch can tell how long it
// took. Errors never hold the URL.
func (p Pinger) Send(ctx context.Context, run, event, text string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	to, secrets, err := p.read(ctx)
	if err == nil {
		err = p.post(ctx, to, run, event, text)
	}
	if err != nil {
		return fmt.Errorf("ping %s: %w", event, secrets.CleanError(err))
	}
	return nil
}

// Check reads the URL and sends nothing: the switch would take it for a review.
func (p Pinger) Check(ctx context.Context) error {
	_, _, err := p.read(ctx)
	return err
}

// read lists as secrets all parts of the URL but its host: of
// https://hc-ping.com/KEY/NAME the key alone is one.
func (p Pinger) read(ctx context.Context) (*url.URL, notify.Secrets, error) {
	held, err := p.url.Read(ctx)
	if err != nil {
		return nil, nil, err
	}
	u, err := url.Parse(held.Reveal())
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, nil, errors.New("the secret is not a URL such as https://hc-ping.com/…")
	}
	return u, notify.SecretsOf(u), nil
}

// RunID is the UUID of a run, version 5: the same one in every process.
func RunID(run string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceURL, []byte("tokenaudit:"+run)) }

func (p Pinger) post(ctx context.Context, to *url.URL, run, event, text string) error {
	if event != "success" {
		to = to.JoinPath(event)
	}
	q := to.Query() // such as create=1
	q.Set("rid", RunID(run).String())
	to.RawQuery = q.Encode()
	body := strings.ToValidUTF8(text[:min(len(text), maxText)], "")
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	attempt := *p.client
	attempt.Timeout = attemptTimeout
	client := retryablehttp.Client{ // without a logger: that one prints URLs
		HTTPClient: &attempt, RetryMax: 2, RetryWaitMin: time.Second, RetryWaitMax: 2 * time.Second,
		Backoff: retryablehttp.DefaultBackoff, CheckRetry: retryablehttp.DefaultRetryPolicy, ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return err
	}
	// For a UUID that it does not know, or hears of too often, healthchecks.io says
	// "OK (not found)" or "OK (rate limited)" with a 200.
	if said := strings.TrimSpace(string(said)); resp.StatusCode/100 != 2 || strings.HasPrefix(said, "OK (") {
		return fmt.Errorf("HTTP %d %s: %s", resp.StatusCode, http.StatusText(resp.StatusCode), cmp.Or(said, "no reason given"))
	}
	return nil
}
