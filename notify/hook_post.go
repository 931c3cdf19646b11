package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

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
