// Package api is how a server of any InfluxDB product is asked: by GET and nothing else,
// with one credential, again where an answer may come later, and without following a
// redirect. Every request is kept in a Journal. What a server says leaves the package
// without secrets.
//
// The products decode the answers themselves, within the bounds that are here.
package api

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/hashicorp/go-retryablehttp"

	"tokenaudit/configs/remedy"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// longestRetryAfter bounds how long a server may put a request off: the windows of
// InfluxDB Cloud are five minutes.
const longestRetryAfter = 5 * time.Minute

// Scheme is what differs from product to product in how a server is asked.
type Scheme struct {
	// Authorize sets the credential in the headers of a request.
	Authorize func(h http.Header, secret string)
	// Secret is the key in answers whose values are secret, as Blanked has it.
	Secret string
	// Remedy is what to do about an answer other than 200; "" if it does not tell by itself.
	Remedy func(*Error) string
}

// Client speaks to one server with one credential.
type Client struct {
	scheme    Scheme
	base      *url.URL
	token     secret.Ref
	anonymous bool // the credential is not sent
	http      *http.Client
	exchange  *exchange
	asker     Asker

	mu   sync.Mutex
	seen Connection // guarded by mu while questions are being asked
}

// Connection is what the answers tell of it, the newest one where they differ.
type Connection struct {
	Asked          bool // a request was sent
	Answered       bool
	Works          bool          // an answer was none of a server that fails (5xx)
	TLS            uint16        // version, 0 without
	Date           time.Time     // when it answered, by its Date header; zero without
	Skew           time.Duration // of the server's clock, by Date; whole seconds
	Build, Version string        // what the server says that it is; "" where it does not
	ClusterUUID    string        // of InfluxDB 3 since 3.7, in every answer; "" where it is none
	Cached         []string      // the first answers that came out of a cache
}

// New makes a client for the server of cfg with the credential token, which is read anew
// for every request, so that a rotated one needs no restart. The redactor of token cleans
// what the server says.
func New(scheme Scheme, cfg target.Config, token secret.Ref, log *slog.Logger) (*Client, error) {
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
	return &Client{scheme: scheme, base: base, token: token, http: client, exchange: x, asker: Asker{NewJournal(scheme.Secret), audit.TheTarget}}, nil
}

// As is a client of the same connections that asks for a, and knows nothing yet of the
// server.
func (c *Client) As(a Asker) *Client {
	return &Client{scheme: c.scheme, base: c.base, token: c.token, http: c.http, exchange: c.exchange, asker: a}
}

// Anonymous is a client of the same connections that sends no credential.
func (c *Client) Anonymous() *Client {
	out := c.As(Asker{c.asker.Journal, "nobody"})
	out.anonymous = true
	return out
}

// Through makes the client ask through rt, once and without a journal. Tests break
// connections by it.
func (c *Client) Through(rt http.RoundTripper) { c.http = &http.Client{Transport: rt} }

// Asker is whom the client asks for.
func (c *Client) Asker() Asker { return c.asker }

// Connection is what was heard of the server so far.
func (c *Client) Connection() Connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

// Remember keeps what another client of the same connections heard.
func (c *Client) Remember(seen Connection) {
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

// Error is an answer other than 200, in the server's own words.
type Error struct {
	Request string // method and path, no credential
	Status  int
	Code    string // such as "not found" or "404"; empty where the answer was not of the API's form
	Message string
	Cached  string // how it shows that it comes out of a cache; "" if it does not
	Page    bool   // the answer is a web page, of something in front of InfluxDB

	remedy func(*Error) string
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %d", e.Request, e.Status)
	if e.Message != "" {
		return text + " " + e.Message
	}
	return text + " " + http.StatusText(e.Status)
}

// Remedy is what to do about an answer, as far as it tells by itself.
func (e *Error) Remedy() string {
	if e.remedy == nil {
		return ""
	}
	return e.remedy(e)
}

// FromGateway: something in front of InfluxDB answers so when it does not reach it.
func (e *Error) FromGateway() bool {
	return e.Status == http.StatusBadGateway || e.Status == http.StatusServiceUnavailable || e.Status == http.StatusGatewayTimeout
}

// CredentialError is a credential that could not be read, so that nothing was asked.
type CredentialError struct{ err error }

func (e *CredentialError) Error() string { return "the credential could not be read: " + e.err.Error() }

func (e *CredentialError) Unwrap() error { return e.err }

// Says reports whether err is the API's answer with this status and message, and of
// this moment.
func Says(err error, status int, message string) bool {
	var answer *Error
	return errors.As(err, &answer) && answer.Status == status && answer.Message == message && answer.Cached == ""
}

// StatusOf is the HTTP status behind err: 200 without one, 0 if no answer came.
func StatusOf(err error) int {
	var answer *Error
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &answer):
		return answer.Status
	}
	return 0
}

// Request is what is said of a request in coverage and errors.
func Request(path string, q url.Values) string {
	if len(q) == 0 {
		return "GET " + path
	}
	return "GET " + path + "?" + q.Encode()
}

// Get asks for path; the caller closes the body. Any answer but 200 is an *Error.
func (c *Client) Get(ctx context.Context, path string, q url.Values) (*http.Response, error) {
	u := c.base.JoinPath(path)
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(c.asker.in(ctx), http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if !c.anonymous {
		token, err := c.token.Read(ctx)
		if err != nil {
			return nil, &CredentialError{err}
		}
		c.scheme.Authorize(req.Header, token.Reveal())
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Cache-Control", "no-cache")
	req.Header.Set("Pragma", "no-cache")
	c.mu.Lock()
	c.seen.Asked = true
	c.mu.Unlock()
	resp, err := c.http.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the URL, which is said already
		}
		return nil, c.Advised(fmt.Errorf("%s: %w", Request(path, q), err))
	}
	c.look(resp, Request(path, q))
	if resp.StatusCode != http.StatusOK {
		return nil, c.apiError(resp, Request(path, q))
	}
	if isPage(resp.Header) {
		resp.Body.Close()
		return nil, &remedy.Error{
			Err: fmt.Errorf("%s: the answer is a web page, not an answer of the API", Request(path, q)),
			Fix: "Set url to the root of InfluxDB, such as http://HOST:8086. This address is a user interface, a login page or a proxy.",
		}
	}
	return resp, nil
}

// Advised adds to the error of a connection what can be done about it.
func (c *Client) Advised(err error) error {
	at := remedy.Place{What: "InfluxDB", Address: c.base.Host, Key: "url", CAFile: "ca_file"}
	return remedy.With(err, at.Connection(err))
}

// uuid is the form of the ID of a cluster of InfluxDB 3.
var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// tokenForms are those of a token of InfluxDB 3 and of a hash of one, whoever's it is.
var tokenForms = regexp.MustCompile(`apiv[0-9]_[A-Za-z0-9_=-]{8,}|[0-9A-Fa-f]{64,}`)

// clean is a text of the server, or of a proxy before it, without secrets: either may repeat
// them anywhere.
func (c *Client) clean(text string) string {
	return WithoutTokens(c.token.Redactor().Clean(text))
}

// WithoutTokens is a text without what has the form of a token, wherever somebody may have
// written one.
func WithoutTokens(text string) string { return tokenForms.ReplaceAllString(text, audit.Redacted) }

func isPage(h http.Header) bool { return strings.HasPrefix(h.Get("Content-Type"), "text/html") }

// look keeps what the answer to a request tells besides its body.
func (c *Client) look(resp *http.Response, request string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.Answered = true
	c.seen.Works = c.seen.Works || resp.StatusCode < http.StatusInternalServerError
	if resp.TLS != nil {
		c.seen.TLS = resp.TLS.Version
	}
	cached := c.CachedBy(resp.Header)
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil && cached == "" {
		c.seen.Date, c.seen.Skew = at.UTC(), time.Until(at).Truncate(time.Second)
	}
	if build := resp.Header.Get("X-Influxdb-Build"); build != "" {
		c.seen.Build = audit.Line(c.clean(build), 60)
	}
	if id := strings.ToLower(resp.Header.Get("Cluster-Uuid")); uuid.MatchString(id) {
		c.seen.ClusterUUID = id
	}
	if version := resp.Header.Get("X-Influxdb-Version"); version != "" {
		c.seen.Version = audit.Line(c.clean(version), 60)
	}
	const named = 5
	if cached != "" && len(c.seen.Cached) < named {
		c.seen.Cached = append(c.seen.Cached, audit.Line(fmt.Sprintf("%s (%s)", request, cached), 300))
	}
}

// CachedBy is the header by which an answer shows that it comes out of a cache, "" if
// none does: Age (RFC 9111), Cache-Status (RFC 9211), and what nginx, Varnish,
// CloudFront and Cloudflare send.
func (c *Client) CachedBy(h http.Header) string {
	if age := strings.TrimSpace(h.Get("Age")); strings.Trim(age, "0") != "" {
		return "Age: " + audit.Line(c.clean(age), 60)
	}
	for _, name := range []string{"Cache-Status", "X-Cache", "X-Cache-Status", "Cf-Cache-Status", "X-Proxy-Cache"} {
		if value := h.Get(name); strings.Contains(strings.ToLower(value), "hit") {
			return name + ": " + audit.Line(c.clean(value), 60)
		}
	}
	return ""
}

// NextLink: an answer may name its next page in the header Link (RFC 8288).
func NextLink(h http.Header) bool {
	return slices.ContainsFunc(h.Values("Link"), func(link string) bool {
		plain := strings.ToLower(strings.NewReplacer(`"`, "", " ", "").Replace(link))
		return strings.Contains(plain, "rel=next")
	})
}

// apiError keeps what the server says, cut, and without secrets, as half of one is
// still too much: a proxy may repeat the header that it did not like.
func (c *Client) apiError(resp *http.Response, request string) error {
	defer resp.Body.Close()
	e := &Error{Request: request, Status: resp.StatusCode, Cached: c.CachedBy(resp.Header), Page: isPage(resp.Header), remedy: c.scheme.Remedy}
	if to := resp.Header.Get("Location"); to != "" {
		e.Message = "redirects to another address; set url to that address"
		return e
	}
	const most = 64 << 10
	body, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err == nil && len(body) < most {
		noteBody(resp, c.clean(string(body)))
	}
	var said struct {
		Code    any    `json:"code"` // a word of the v2 API, a number of the management API
		Message string `json:"message"`
		Error   string `json:"error"` // of InfluxDB 3 and 1.x
	}
	if json.Unmarshal(body, &said, Decoding()) == nil {
		switch code := said.Code.(type) {
		case string:
			e.Code = audit.Line(c.clean(code), 60)
		case float64:
			e.Code = strconv.FormatFloat(code, 'f', -1, 64)
		}
		e.Message = strings.TrimSpace(audit.Line(c.clean(cmp.Or(said.Message, said.Error)), 300))
	}
	return e
}

// GetJSON decodes an answer that is held whole, and so is Bounded, into v.
func (c *Client) GetJSON(ctx context.Context, path string, q url.Values, v any) error {
	_, err := c.Answer(ctx, path, q, v)
	return err
}

// Answer is GetJSON, and the headers.
func (c *Client) Answer(ctx context.Context, path string, q url.Values, v any) (http.Header, error) {
	resp, err := c.Get(ctx, path, q)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body := NewBounded(resp.Body, LargestAnswer)
	switch err := Malformed(json.UnmarshalRead(body, v, Decoding())); {
	case errors.As(err, new(*TooLarge)):
		return nil, fmt.Errorf("%s: the answer cannot be used: %w", Request(path, q), err)
	case err != nil:
		err = fmt.Errorf("%s: the answer is not from the API: %w", Request(path, q), err)
		return nil, c.Advised(err)
	}
	rows := 1
	if list, ok := v.(interface{ Rows() int }); ok {
		rows = list.Rows()
	}
	NoteRows(resp, rows)
	return resp.Header, nil
}
