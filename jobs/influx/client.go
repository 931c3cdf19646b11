// Package influx reads authorizations, users and orgs from the API of InfluxDB
// OSS 2.x and InfluxDB Cloud. It only ever sends GET.
//
// The server's answers are not trusted to be what was asked for: a 200 with an
// empty list is the normal answer to a credential that may not see, filters are
// ignored by some releases, and OSS leaves out the authorizations of deleted
// users (influxdata/influxdb#15304, #22261, #22708). So every answer is checked,
// and what could not be seen is said in the coverage.
//
// Target.Collect asks, question by question. Lists are decoded one authorization at a
// time, within bounds and without the token, into a Sorted, which keeps them on disk
// in ascending order; directory says what became of their owners.
package influx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/hashicorp/go-retryablehttp"

	"tokenaudit/configs/remedy"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
)

// longestRetryAfter bounds how long a server may put a request off: the windows of
// InfluxDB Cloud are five minutes.
const longestRetryAfter = 5 * time.Minute

// Client speaks to one server with one credential.
type Client struct {
	base     *url.URL
	token    secret.Ref
	http     *http.Client
	exchange *exchange
	asker    asker

	mu   sync.Mutex
	seen connection // guarded by mu while questions are being asked
}

// connection is what the answers tell of it, the newest one where they differ.
type connection struct {
	asked          bool // a request was sent
	answered       bool
	works          bool          // an answer was none of a server that fails (5xx)
	tls            uint16        // version, 0 without
	date           time.Time     // when it answered, by its Date header; zero without
	skew           time.Duration // of the server's clock, by date; whole seconds
	build, version string        // what the server says that it is; "" where it does not
	cached         []string      // the first answers that came out of a cache
}

// NewClient makes a client for the server of cfg with the credential token,
// which is read anew for every request, so that a rotated one needs no restart. The
// redactor of token cleans what the server says.
func NewClient(cfg Config, token secret.Ref, log *slog.Logger) (*Client, error) {
	base, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if cfg.CAFile != "" {
		pool, err := cfg.CAFile.Authorities()
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	x := &exchange{next: idleTimeout{transport}, target: cfg.Name, log: log.With("target", cfg.Name, "host", base.Host)}
	retry := retryablehttp.NewClient()
	retry.HTTPClient = &http.Client{Transport: x, CheckRedirect: refuseRedirect}
	retry.Logger = nil
	retry.RequestLogHook = x.attempt
	retry.RetryMax = 4
	retry.CheckRetry = worthRetrying
	retry.Backoff = func(least, most time.Duration, attempt int, resp *http.Response) time.Duration {
		return min(retryablehttp.DefaultBackoff(least, most, attempt, resp), longestRetryAfter)
	}
	retry.ErrorHandler = retryablehttp.PassthroughErrorHandler
	client := retry.StandardClient()
	client.CheckRedirect = refuseRedirect
	if token.Redactor() == nil { // answers may repeat the credential, whoever uses the client
		token.Bind(secret.NewRedactor())
	}
	return &Client{base: base, token: token, http: client, exchange: x, asker: asker{newJournal(), audit.TheTarget}}, nil
}

// as is a client of the same connections that knows nothing yet of the server.
func (c *Client) as(a asker) *Client {
	return &Client{base: c.base, token: c.token, http: c.http, exchange: c.exchange, asker: a}
}

func (c *Client) connection() connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

// remember keeps what another client of the same connections heard.
func (c *Client) remember(seen connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = seen
}

// refuseRedirect keeps the credential from following a redirect, which could
// lead to another host or from https to http.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// worthRetrying: too many requests, a gateway that lost its server, a cut
// connection. A 500 is not: OSS answers it for ever when one stored record is
// broken.
func worthRetrying(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	name, isName := errors.AsType[*net.DNSError](err)
	switch {
	case isName && name.IsNotFound, errors.Is(err, http.ErrSchemeMismatch): // as wrong in a moment
		return false, err
	case err != nil:
		return retryablehttp.ErrorPropagatedRetryPolicy(ctx, resp, err)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true, nil
	}
	return false, nil
}

// APIError is an answer other than 200, in the server's own words.
type APIError struct {
	Request string // method and path, no credential
	Status  int
	Code    string // such as "not found"; empty where the answer was not of the API's form
	Message string
	Cached  string // how it shows that it comes out of a cache; "" if it does not

	page bool // the answer is a web page, of something in front of InfluxDB
}

func (e *APIError) Error() string {
	text := fmt.Sprintf("%s: %d", e.Request, e.Status)
	if e.Message != "" {
		return text + " " + e.Message
	}
	return text + " " + http.StatusText(e.Status)
}

// credentialError is a credential that could not be read, so that nothing was asked.
type credentialError struct{ err error }

func (e *credentialError) Error() string { return "the credential could not be read: " + e.err.Error() }

func (e *credentialError) Unwrap() error { return e.err }

// says reports whether err is the API's answer with this status and message, and of
// this moment.
func says(err error, status int, message string) bool {
	var api *APIError
	return errors.As(err, &api) && api.Status == status && api.Message == message && api.Cached == ""
}

// statusOf is the HTTP status behind err: 200 without one, 0 if no answer came.
func statusOf(err error) int {
	var api *APIError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &api):
		return api.Status
	}
	return 0
}

// request is what is said of a request in coverage and errors.
func request(path string, q url.Values) string {
	if len(q) == 0 {
		return "GET " + path
	}
	return "GET " + path + "?" + q.Encode()
}

// get asks for path; the caller closes the body. Any answer but 200 is an *APIError.
func (c *Client) get(ctx context.Context, path string, q url.Values) (*http.Response, error) {
	token, err := c.token.Read(ctx)
	if err != nil {
		return nil, &credentialError{err}
	}
	u := c.base.JoinPath(path)
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(c.asker.in(ctx), http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Token "+token.Reveal())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Cache-Control", "no-cache")
	req.Header.Set("Pragma", "no-cache")
	c.mu.Lock()
	c.seen.asked = true
	c.mu.Unlock()
	resp, err := c.http.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the URL, which is said already
		}
		return nil, c.advised(fmt.Errorf("%s: %w", request(path, q), err))
	}
	c.look(resp, request(path, q))
	if resp.StatusCode != http.StatusOK {
		return nil, c.apiError(resp, request(path, q))
	}
	if isPage(resp.Header) {
		resp.Body.Close()
		return nil, &remedy.Error{
			Err: fmt.Errorf("%s: the answer is a web page, not an answer of the API", request(path, q)),
			Fix: "Set url to the root of InfluxDB, such as http://HOST:8086. This address is a user interface, a login page or a proxy.",
		}
	}
	return resp, nil
}

// advised adds to the error of a connection what can be done about it.
func (c *Client) advised(err error) error {
	at := remedy.Place{What: "InfluxDB", Address: c.base.Host, Key: "url", CAFile: "ca_file"}
	return remedy.With(err, at.Connection(err))
}

func isPage(h http.Header) bool { return strings.HasPrefix(h.Get("Content-Type"), "text/html") }

// look keeps what the answer to a request tells besides its body.
func (c *Client) look(resp *http.Response, request string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.answered = true
	c.seen.works = c.seen.works || resp.StatusCode < http.StatusInternalServerError
	if resp.TLS != nil {
		c.seen.tls = resp.TLS.Version
	}
	cached := c.cachedBy(resp.Header)
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil && cached == "" {
		c.seen.date, c.seen.skew = at.UTC(), time.Until(at).Truncate(time.Second)
	}
	secrets := c.token.Redactor() // which a proxy may repeat anywhere
	if build := resp.Header.Get("X-Influxdb-Build"); build != "" {
		c.seen.build = audit.Line(secrets.Clean(build), 60)
	}
	if version := resp.Header.Get("X-Influxdb-Version"); version != "" {
		c.seen.version = audit.Line(secrets.Clean(version), 60)
	}
	const named = 5
	if cached != "" && len(c.seen.cached) < named {
		c.seen.cached = append(c.seen.cached, fmt.Sprintf("%s (%s)", request, cached))
	}
}

// cachedBy is the header by which an answer shows that it comes out of a cache, "" if
// none does: Age (RFC 9111), Cache-Status (RFC 9211), and what nginx, Varnish,
// CloudFront and Cloudflare send.
func (c *Client) cachedBy(h http.Header) string {
	secrets := c.token.Redactor()
	if age := strings.TrimSpace(h.Get("Age")); strings.Trim(age, "0") != "" {
		return "Age: " + audit.Line(secrets.Clean(age), 60)
	}
	for _, name := range []string{"Cache-Status", "X-Cache", "X-Cache-Status", "Cf-Cache-Status", "X-Proxy-Cache"} {
		if value := h.Get(name); strings.Contains(strings.ToLower(value), "hit") {
			return name + ": " + audit.Line(secrets.Clean(value), 60)
		}
	}
	return ""
}

// apiError keeps what the server says, cut, and without secrets, as half of one is
// still too much: a proxy may repeat the header that it did not like.
func (c *Client) apiError(resp *http.Response, request string) error {
	defer resp.Body.Close()
	secrets := c.token.Redactor()
	e := &APIError{Request: request, Status: resp.StatusCode, Cached: c.cachedBy(resp.Header), page: isPage(resp.Header)}
	if to := resp.Header.Get("Location"); to != "" {
		e.Message = "redirects to another address; set url to that address"
		return e
	}
	const most = 64 << 10
	body, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err == nil && len(body) < most {
		noteBody(resp, secrets.Clean(string(body)))
	}
	var said struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &said, decoding()) == nil {
		e.Code, e.Message = audit.Line(secrets.Clean(said.Code), 60), strings.TrimSpace(audit.Line(secrets.Clean(said.Message), 300))
	}
	return e
}

// getJSON decodes an answer that is held whole, and so is bounded, into v.
func (c *Client) getJSON(ctx context.Context, path string, q url.Values, v any) error {
	_, err := c.answer(ctx, path, q, v)
	return err
}

// answer is getJSON, and the headers.
func (c *Client) answer(ctx context.Context, path string, q url.Values, v any) (http.Header, error) {
	resp, err := c.get(ctx, path, q)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body := newBounded(resp.Body, largestAnswer)
	switch err := malformed(json.UnmarshalRead(body, v, decoding())); {
	case errors.As(err, new(*tooLarge)):
		return nil, fmt.Errorf("%s: the answer cannot be used: %w", request(path, q), err)
	case err != nil:
		err = fmt.Errorf("%s: the answer is not from the API: %w", request(path, q), err)
		return nil, c.advised(err)
	}
	rows := 1
	if list, ok := v.(interface{ rows() int }); ok {
		rows = list.rows()
	}
	noteRows(resp, rows)
	return resp.Header, nil
}
