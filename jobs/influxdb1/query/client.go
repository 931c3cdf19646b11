package query

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// Client asks one server as one user.
type Client struct {
	cfg target.Config
	api *api.Client
}

// New makes a client for the server and the user of cfg; it sends nothing.
func New(cfg target.Config, log *slog.Logger) (*Client, error) {
	if cfg.Password.Redactor() == nil { // answers may repeat the password, whoever uses the client
		cfg.Password.Bind(secret.NewRedactor())
	}
	c := &Client{cfg: cfg}
	var err error
	c.api, err = api.New(api.Scheme{Authorize: c.authorize, Remedy: c.remedy}, cfg, cfg.Password, log)
	return c, err
}

// authorize: only the header keeps a password out of logs; InfluxDB takes it from the URL
// too. The header is a secret of its own, which a proxy may repeat: a short password is
// none that can be told from other text.
func (c *Client) authorize(h http.Header, password string) {
	both := base64.StdEncoding.EncodeToString([]byte(c.cfg.Username + ":" + password))
	c.cfg.Password.Redactor().Learn(both)
	h.Set("Authorization", "Basic "+both)
}

// Fresh is a client of the same connections that notes its requests in journal, and knows
// nothing yet of the server.
func (c *Client) Fresh(journal *api.Journal) *Client {
	return &Client{cfg: c.cfg, api: c.api.As(api.Asker{Journal: journal, Credential: audit.TheTarget})}
}

// Anonymous is a client of the same connections that sends no password.
func (c *Client) Anonymous() *Client { return &Client{cfg: c.cfg, api: c.api.Anonymous()} }

// Connection is what was heard of the server so far.
func (c *Client) Connection() api.Connection { return c.api.Connection() }

// Remember keeps what another client of the same connections heard.
func (c *Client) Remember(seen api.Connection) { c.api.Remember(seen) }

// Count makes c tell traffic of every request.
func (c *Client) Count(traffic api.Traffic) { c.api.Count(traffic) }

// Diagnose says of the server what the coverage does not.
func (c *Client) Diagnose(cov audit.Coverage) []target.Diagnosis { return c.api.Diagnose(cov) }

// NoteClock says in the coverage what the server's clock says.
func (c *Client) NoteClock(cov *audit.Coverage) { c.api.NoteClock(cov) }

// Ping asks what the server is, which its headers tell: see Connection. It gives the status
// of the answer, 0 without one.
func (c *Client) Ping(ctx context.Context) int {
	resp, err := c.api.Get(ctx, "/ping", nil)
	if err == nil {
		resp.Body.Close()
	}
	return api.StatusOf(err)
}

// User is one, as SHOW USERS shows it.
type User struct {
	Name  string
	Admin bool
	Odd   string // what stands in place of the flag that he is an admin, if that is none
}

// UsersRequest and GrantsRequest are what is said of the requests in the coverage.
const (
	UsersRequest  = "GET /query?q=SHOW USERS"
	GrantsRequest = "GET /query?q=SHOW GRANTS FOR USER"
)

// Users are all users of the server, in no order.
func (c *Client) Users(ctx context.Context) (users []User, err error) {
	nameless := false
	err = c.ask(ctx, showUsers(), func() *table {
		users = nil
		return &table{columns: [2]string{"user", "admin"}, row: func(cells [2]jsontext.Value) {
			nameless = nameless || cells[0].Kind() != '"'
			u := User{Name: text(cells[0])}
			switch cells[1].Kind() {
			case 't':
				u.Admin = true
			case 'f':
			default:
				u.Odd = string(cells[1])
			}
			users = append(users, u)
		}}
	})
	if err == nil && nameless {
		err = errors.New(UsersRequest + ": a row of the answer has no name")
	}
	return users, err
}

// Grant is a privilege on a database, as SHOW GRANTS shows it.
type Grant struct{ Database, Privilege string }

// Grants are those of a user, in no order. An admin needs none.
func (c *Client) Grants(ctx context.Context, user string) (grants []Grant, err error) {
	s, err := showGrants(user)
	if err != nil {
		return nil, err
	}
	err = c.ask(ctx, s, func() *table {
		grants = nil
		return &table{columns: [2]string{"database", "privilege"}, row: func(cells [2]jsontext.Value) {
			g := Grant{text(cells[0]), text(cells[1])}
			if cells[0].Kind() != '"' || cells[1].Kind() != '"' { // no privilege that there is
				g = Grant{Privilege: string(cells[1]) + " on " + string(cells[0])}
			}
			grants = append(grants, g)
		}}
	})
	return grants, err
}

func text(v jsontext.Value) string {
	var s string
	if v.Kind() != '"' || json.Unmarshal(v, &s, api.Decoding()) != nil {
		return string(v)
	}
	return s
}

// ask sends one statement, and nothing else in this program sends any. Begin makes the
// table that reads the answer, from the beginning where one was cut on its way.
func (c *Client) ask(ctx context.Context, s statement, begin func() *table) error {
	if s.text == "" {
		return errors.New("there is no statement to send")
	}
	const attempts = 3
	q := url.Values{"q": {s.text}}
	request := api.Request("/query", q)
	t := begin()
	err := c.api.GetJSON(ctx, "/query", q, t)
	for attempt := 1; attempt < attempts && errors.Is(err, io.ErrUnexpectedEOF) && ctx.Err() == nil; attempt++ {
		t = begin()
		err = c.api.GetJSON(ctx, "/query", q, t)
	}
	if err != nil {
		return &shortError{strings.Replace(err.Error(), request, short(request), 1), err}
	}
	err = t.err()
	if refusal := new(refusalError); errors.As(err, &refusal) {
		message := audit.Line(c.cfg.Password.Redactor().Clean(refusal.message), 300)
		return &api.Error{Request: short(request), Status: http.StatusOK, Message: strings.TrimSpace(message)}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", short(request), err)
	}
	return nil
}

// short is a request with room for an error beside it: it holds the name of a user, which
// may be of any length.
func short(request string) string { return audit.Line(request, 200) }

type shortError struct {
	words string
	err   error
}

func (e *shortError) Error() string { return e.words }

func (e *shortError) Unwrap() error { return e.err }

// remedy is what to do about an answer, as far as it tells by itself. The words are those
// of services/httpd/handler.go of InfluxDB 1.x.
func (c *Client) remedy(e *api.Error) string {
	switch {
	case e.Status >= 300 && e.Status < 400:
		return "Set url to the address of InfluxDB itself: credentials do not follow a redirect."
	case e.Status == http.StatusUnauthorized && e.Message == "authorization failed":
		return "Correct username and password: InfluxDB has no such user, or another password for it."
	case e.Status == http.StatusForbidden && strings.HasSuffix(e.Message, "create admin user first or disable authentication"):
		return "Create the audit user: CREATE USER " + c.name() + " WITH PASSWORD '...' WITH ALL PRIVILEGES. The server has no user yet."
	case e.Status == http.StatusForbidden && strings.HasSuffix(e.Message, "requires admin privilege"):
		return "Make the audit user an admin: GRANT ALL PRIVILEGES TO " + c.name() + ". InfluxDB 1.x shows its users to admins only."
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden, e.Status == http.StatusProxyAuthRequired:
		return "If this is another product than InfluxDB 1.x, correct kind (tokenaudit help products). Otherwise allow GET requests to /query from this machine in the proxy in front of InfluxDB."
	case e.Status == http.StatusNotFound:
		return "Set url to the root of InfluxDB, such as http://HOST:8086. If this is another product than InfluxDB 1.x, correct kind (tokenaudit help products)."
	case e.Status == http.StatusTooManyRequests:
		return "Review at another time, or review fewer targets at the same time (parallel_per_host)."
	case e.FromGateway():
		return "Check whether InfluxDB is running behind the gateway that sent this answer."
	case e.Status >= 500:
		return "Read the log of InfluxDB."
	}
	return ""
}

// name of the audit user as InfluxQL has it, short enough for a remedy.
func (c *Client) name() string { return audit.Line(audit.QuotedIdent(c.cfg.Username), 60) }
