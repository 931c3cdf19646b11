package influx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/klauspost/readahead"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

const (
	authorizationsPath = "/api/v2/authorizations"
	// legacyPath is where OSS keeps the authorizations of the 1.x API.
	legacyPath = "/private/legacy/authorizations"
)

// Query narrows a list of authorizations. The server honours userID, user, orgID,
// org and nothing else; an empty value would mean no filter at all, so it is
// never sent.
type Query struct{ UserID, User, OrgID, Org string }

// QueryOf asks for the org by ID if that is what the configuration gives.
func QueryOf(c target.Config) Query {
	if target.IsID(c.Org) {
		return Query{OrgID: strings.ToLower(c.Org)}
	}
	return Query{Org: c.Org}
}

func (q Query) values() url.Values {
	v := url.Values{}
	for key, value := range map[string]string{"userID": q.UserID, "user": q.User, "orgID": q.OrgID, "org": q.Org} {
		if value != "" {
			v.Set(key, value)
		}
	}
	return v
}

// matches checks a row against what was asked for, as far as the row says.
// Older releases ignore a filter by name (influxdata/influxdb#22261).
func (q Query) matches(a audit.Authorization) bool {
	return equalIfAsked(q.UserID, a.UserID) && equalIfAsked(q.User, a.User) &&
		equalIfAsked(q.OrgID, a.OrgID) && equalIfAsked(q.Org, a.Org)
}

// ofThisOrg looks at the org only.
func (q Query) ofThisOrg(a audit.Authorization) bool {
	return equalIfAsked(q.OrgID, a.OrgID) && equalIfAsked(q.Org, a.Org)
}

func equalIfAsked(asked, got string) bool { return asked == "" || asked == got }

// listing is what an answer tells besides its rows.
type listing struct {
	further bool   // it says that more pages follow
	cached  string // how it shows that it comes out of a cache; "" if it does not
	sha256  string // of its body; see audit.Request
}

// fill hands each authorization to what begin returns, in the order of the server. An
// answer that was cut is asked for again from the beginning, and begin is called again:
// what the cut one gave does not count.
func (c *Client) fill(ctx context.Context, path string, q Query, begin func() (func(entry) error, error)) (listing, error) {
	const attempts = 3
	for attempt := 1; ; attempt++ {
		each, err := begin()
		if err != nil {
			return listing{}, err
		}
		l, err := c.listOnce(ctx, path, q, each)
		if attempt == attempts || !errors.Is(err, io.ErrUnexpectedEOF) || ctx.Err() != nil {
			return l, err
		}
	}
}

// How much is read, and summed up, while what came before is decoded.
const (
	buffersAhead = 4
	aheadBuffer  = 128 << 10
)

func (c *Client) listOnce(ctx context.Context, path string, q Query, each func(entry) error) (listing, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := c.Get(ctx, path, q.values())
	if err != nil {
		return listing{}, err
	}
	defer resp.Body.Close()
	body, err := readahead.NewReaderSize(guarded{resp.Body}, buffersAhead, aheadBuffer)
	if err != nil {
		return listing{}, err
	}
	defer func() { cancel(); body.Close() }() // which waits for what it reads
	rows := 0
	legacy := func(e entry) error {
		rows++
		e.Legacy = path == legacyPath
		return each(e)
	}
	further, err := decodeList(body, legacy)
	rethrow(err)
	if own := new(api.CallbackError); errors.As(err, &own) {
		return listing{}, own.Err
	}
	if err != nil {
		return listing{}, c.Advised(fmt.Errorf("%s: the answer is cut off or is not a list of authorizations: %w", api.Request(path, q.values()), err))
	}
	return listing{further || api.NextLink(resp.Header), c.CachedBy(resp.Header), api.NoteRows(resp, rows)}, nil
}

// guarded reads in a goroutine that is not ours: a panic becomes an error.
type guarded struct{ from io.Reader }

func (g guarded) Read(p []byte) (n int, err error) {
	broken := audit.Guard(func() error { n, err = g.from.Read(p); return nil })
	return n, cmp.Or(broken, err)
}

// Authorization asks for one. An *api.Error says why there is none; see Probe
// for what its message tells.
func (c *Client) Authorization(ctx context.Context, id string) (audit.Authorization, error) {
	e, _, err := c.getFrom(ctx, authorizationsPath, id)
	return e.Authorization, err
}

// getFrom also says how the answer shows that it comes out of a cache.
func (c *Client) getFrom(ctx context.Context, path, id string) (e entry, cached string, err error) {
	var w wireAuthorization
	header, err := c.Answer(ctx, path+"/"+url.PathEscape(id), nil, &w)
	if err == nil && w.ID == "" {
		err = errors.New("an authorization without an id")
	}
	if err != nil {
		return entry{}, "", err
	}
	return w.entry(), c.CachedBy(header), nil
}

// Probe asks for an authorization that an earlier review saw and the list now
// lacks. The messages of the 404 tell the cases apart
// (influxdata/influxdb authorization/http_server.go):
// "authorization not found" means that it is gone, "user not found" that it lives
// on though its user was deleted; the org is looked up before the user. That is so if
// the server is proven to be OSS: what a 404 of Cloud says of another user's token
// nobody has recorded. A 401 or 403 says nothing about it, nor does what comes out of a
// cache. The error is that of the request.
func (c *Client) Probe(ctx context.Context, before audit.Authorization, p audit.Product) (audit.Probe, error) {
	path := authorizationsPath
	if before.Legacy {
		path = legacyPath
	}
	e, cached, err := c.getFrom(ctx, path, before.ID)
	a := e.Authorization
	switch {
	case cached != "":
		return audit.Probe{Presence: audit.Unseen, Evidence: api.Request(path+"/"+before.ID, nil) + ": the answer came from a cache (" + cached + ")"}, err
	case err == nil && strings.EqualFold(a.ID, before.ID):
		a.Legacy = before.Legacy
		return audit.Probe{Presence: audit.Hidden, Evidence: api.Request(path+"/"+before.ID, nil) + ": 200", Authorization: &a}, err
	case err == nil:
		return audit.Probe{Presence: audit.Unseen, Evidence: "another authorization came back"}, err
	case p != audit.ProductOSS:
	case api.Says(err, http.StatusNotFound, "authorization not found"):
		return audit.Probe{Presence: audit.Gone, Evidence: err.Error()}, err
	case api.Says(err, http.StatusNotFound, "user not found"):
		return audit.Probe{Presence: audit.Hidden, Evidence: err.Error(), Owner: &audit.Owner{State: audit.OwnerDeleted, Evidence: err.Error()}}, err
	case api.Says(err, http.StatusNotFound, "organization not found"):
		return audit.Probe{Presence: audit.Hidden, Evidence: err.Error(), OrgDeleted: true, Owner: &audit.Owner{State: audit.OwnerUnknown, Evidence: err.Error()}}, err
	}
	return audit.Probe{Presence: audit.Unseen, Evidence: err.Error()}, err
}
