package influx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"tokenaudit/jobs/audit"
)

const authorizationsPath = "/api/v2/authorizations"

// Query narrows a list of authorizations. The server honours userID, user, orgID,
// org and nothing else; an empty value would mean no filter at all, so it is
// never sent.
type Query struct{ UserID, User, OrgID, Org string }

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

func equalIfAsked(asked, got string) bool { return asked == "" || asked == got }

// List reads the authorizations that q asks for. There is no paging in the API.
// Progress is called for each one. The caller closes the list.
func (c *Client) List(ctx context.Context, q Query, progress func()) (*Sorted, error) {
	list := newSorted()
	add := func(a audit.Authorization) error {
		progress()
		return list.add(a)
	}
	if _, err := c.fill(ctx, q, func() func(audit.Authorization) error { return add }); err != nil {
		list.Close()
		return nil, err
	}
	return list, nil
}

// fill hands each authorization to what begin returns, in the order of the
// server, and gives the headers of the answer. An answer that was cut is asked
// for again from the beginning.
func (c *Client) fill(ctx context.Context, q Query, begin func() func(audit.Authorization) error) (http.Header, error) {
	const attempts = 3
	for attempt := 1; ; attempt++ {
		header, err := c.listOnce(ctx, q, begin())
		if attempt == attempts || !errors.Is(err, io.ErrUnexpectedEOF) || ctx.Err() != nil {
			return header, err
		}
	}
}

func (c *Client) listOnce(ctx context.Context, q Query, each func(audit.Authorization) error) (http.Header, error) {
	resp, err := c.get(ctx, authorizationsPath, q.values())
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if err := decodeList(resp.Body, each); err != nil {
		return resp.Header, fmt.Errorf("%s: the answer broke off or is not a list of authorizations: %w", request(authorizationsPath, q.values()), err)
	}
	return resp.Header, nil
}

// Get asks for one authorization. An *APIError says why there is none; see Probe
// for what its message tells.
func (c *Client) Get(ctx context.Context, id string) (audit.Authorization, error) {
	path, err := url.JoinPath(authorizationsPath, url.PathEscape(id))
	if err != nil {
		return audit.Authorization{}, err
	}
	var w wire
	if err := c.getJSON(ctx, path, nil, &w); err != nil {
		return audit.Authorization{}, err
	}
	return w.authorization()
}

// Probe asks for an authorization that an earlier review saw and the list now
// lacks. The messages of the 404 tell the cases apart
// (influxdata/influxdb authorization/http_server.go):
// "authorization not found" means that it is gone, "user not found" that it lives
// on though its user was deleted. A 401 or 403 says nothing about it.
func (c *Client) Probe(ctx context.Context, id string) audit.Probe {
	a, err := c.Get(ctx, id)
	switch {
	case err == nil && a.ID == id:
		return audit.Probe{Presence: audit.Hidden, Authorization: &a}
	case says(err, http.StatusNotFound, "authorization not found"):
		return audit.Probe{Presence: audit.Gone}
	case says(err, http.StatusNotFound, "user not found"), says(err, http.StatusNotFound, "organization not found"):
		return audit.Probe{Presence: audit.Hidden, Owner: &audit.Owner{State: audit.OwnerDeleted, Evidence: err.Error()}}
	}
	return audit.Probe{Presence: audit.Unseen}
}
