package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/time/rate"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
)

// Traffic hears of the requests that a target is sent, for counting. Its methods
// are called by several goroutines.
type Traffic interface {
	// Request: a request was answered with this status, 0 if it was not answered.
	Request(target string, status int)
	// Retry: a request is about to be sent again.
	Retry(target string)
}

// Count makes c tell traffic of every request. Call it before c is used.
func (c *Client) Count(traffic Traffic) { c.exchange.traffic = traffic }

// exchange logs and counts each request, those that are repeated too. The log has
// them as details: what goes wrong in the end is an error that is returned.
type exchange struct {
	next    http.RoundTripper
	target  string
	log     *slog.Logger
	traffic Traffic // nil for none
}

func (e *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := e.next.RoundTrip(req)
	if a, ok := req.Context().Value(askerKey{}).(Asker); ok {
		a.note(req, began, resp, err)
	}
	line := []any{"request", audit.Line(Request(req.URL.Path, req.URL.Query()), longestRequest), "took", time.Since(began)}
	if run, ok := audit.RunOf(req.Context()); ok {
		line = append(line, "job", run.Job, "run", run.ID())
	}
	status := 0
	if err == nil {
		status = resp.StatusCode
		line = append(line, "status", status)
	} else {
		line = append(line, "error", err)
	}
	e.log.Debug("asked", line...)
	if e.traffic != nil {
		e.traffic.Request(e.target, status)
	}
	return resp, err
}

func (e *exchange) attempt(_ retryablehttp.Logger, _ *http.Request, n int) {
	if n > 0 && e.traffic != nil {
		e.traffic.Retry(e.target)
	}
}

// idleLimit is how long a server may send nothing. OSS builds the whole list before
// its first byte: measured 5 s for 100,000 authorizations, so minutes for millions.
const idleLimit = 5 * time.Minute

// idleTimeout ends a request that hears nothing for too long, in the headers or
// in the middle of the body, and says so by name. A limit on the whole request
// would break long lists that are coming in all right.
type idleTimeout struct{ next http.RoundTripper }

func (t idleTimeout) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(idleLimit, func() { cancel(fmt.Errorf("the server sent nothing for %s", idleLimit)) })
	resp, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		timer.Stop()
		err = withoutBytes(named(ctx, err))
		cancel(nil)
		return nil, err
	}
	timer.Reset(idleLimit)
	resp.Body = &timedBody{resp.Body, func(err error) error { return named(ctx, err) }, cancel, timer}
	return resp, nil
}

type timedBody struct {
	io.ReadCloser
	named  func(error) error // what an error of the request is due to
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.timer.Reset(idleLimit)
	}
	if err != nil && err != io.EOF {
		err = withoutBytes(b.named(err))
	}
	return n, err
}

func (b *timedBody) Close() error {
	b.timer.Stop()
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}

// withoutBytes is err without what it quotes of an answer that is no HTTP: a proxy may
// repeat the credential in a line that is no header, and what is left of an answer whose
// length was wrong, values of tokens and all, is read as the next one.
func withoutBytes(err error) error {
	if errors.As(err, new(*net.OpError)) || errors.As(err, new(*tls.CertificateVerificationError)) {
		return err // these quote names
	}
	if text := secret.WithoutQuotes(err.Error()); text != err.Error() {
		return &bytelessError{text, err}
	}
	return err
}

type bytelessError struct {
	text string
	err  error
}

func (e *bytelessError) Error() string { return e.text }

func (e *bytelessError) Unwrap() error { return e.err }

// named prefers the reason why a context ended to the bare fact that it did.
func named(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// How things are asked for one by one, of which there may be as many as there are
// authorizations: so many a second, and no more after so many questions in a row that
// were not answered, as each of those takes its retries.
const (
	PerSecond = 50
	GiveUp    = 3
)

// Pacer sets the pace of questions about one thing each. Its methods may be called by several
// goroutines.
type Pacer struct {
	pace       *rate.Limiter
	unanswered atomic.Int32 // in a row
}

// NewPacer makes one that has asked nothing yet.
func NewPacer() *Pacer { return &Pacer{pace: rate.NewLimiter(PerSecond, PerSecond)} }

// ErrNotAsked is what Ask gives where it did not ask, and why.
var ErrNotAsked = errors.New("not requested")

// Ask asks when it is time, and gives the error of the question; it does not ask once
// it has given up, nor when ctx would end before it is time.
func (p *Pacer) Ask(ctx context.Context, question func() error) error {
	if p.unanswered.Load() >= GiveUp {
		return fmt.Errorf("%w: the server had stopped answering", ErrNotAsked)
	}
	if err := p.pace.Wait(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrNotAsked, named(ctx, err))
	}
	err := question()
	switch StatusOf(err) {
	case 0, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		p.unanswered.Add(1)
	default:
		p.unanswered.Store(0)
	}
	return err
}
