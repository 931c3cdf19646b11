package influx

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"tokenaudit/jobs/audit"
)

// reviewUsers says of each configured user what was seen of it, asking with the
// user's own credential where there is one.
func (c *collector) reviewUsers(ctx context.Context) {
	for i, u := range c.cfg.Users {
		if client := c.clients[i]; client != nil {
			c.listOwn(ctx, client, u)
		} else {
			c.findUser(ctx, u)
		}
	}
}

func (u User) label() string { return "user " + cmp.Or(u.Name, u.ID) }

// listOwn: a credential always belongs to the population that it lists, so an
// empty answer means that it may not see.
func (c *collector) listOwn(ctx context.Context, client *Client, u User) {
	q := c.org
	if q.UserID = c.userID(u); q.UserID == "" {
		q.User = u.Name
	}
	_, asked, err := c.read(ctx, client, u.label()+", with its own credential", q)
	switch {
	case err != nil:
		c.cov.Lower(audit.Partial, "%s, with its own credential: %v", u.label(), err)
	case c.rowsOf[c.userID(u)] == 0:
		asked.Verdict, asked.Reason = audit.NotKnown, "an empty answer, although the credential itself belongs to the user: it is inactive or may not read"
		c.cov.Lower(audit.Partial, "%s, with its own credential: %s", u.label(), asked.Reason)
	}
}

// findUser judges a user by the list of the whole org.
func (c *collector) findUser(ctx context.Context, u User) {
	request, err := c.lookUp(ctx, u)
	rows := c.rowsOf[c.userID(u)]
	asked := c.ask(u.label(), request, rows, 0, err)
	switch {
	case says(err, http.StatusNotFound, "user not found"):
		c.lower(asked, u, audit.NotKnown, "does not exist (404 user not found): misspelt, or deleted; tokens it may have left behind are not in the list")
	case rows > 0:
		asked.Verdict, asked.Reason = audit.Complete, ""
	case c.failed != nil:
		c.lower(asked, u, audit.NotKnown, "the list could not be read")
	case !c.seesAll:
		c.lower(asked, u, audit.NotKnown, "none of its authorizations were visible, which proves nothing: give it a credential of its own, or an audit credential that may read all users")
	case err != nil:
		c.lower(asked, u, audit.NotKnown, err.Error())
	}
}

func (c *collector) lower(a *audit.Asked, u User, v audit.Verdict, reason string) {
	a.Verdict, a.Reason = v, reason
	c.cov.Lower(audit.Partial, "%s: %s", u.label(), reason)
}

// lookUp asks whether the user exists, unless the users are known already.
func (c *collector) lookUp(ctx context.Context, u User) (request string, err error) {
	if _, ok := c.accounts[c.userID(u)]; ok {
		return "GET /api/v2/users", nil
	}
	if u.ID != "" {
		l := c.directory.lookUp(ctx, u.ID)
		return "GET /api/v2/users/" + u.ID, l.err
	}
	a, ok, err := c.client.userByName(ctx, u.Name)
	if ok {
		c.idOf[u.Name] = a.ID
	}
	return "GET /api/v2/users?" + url.Values{"name": {u.Name}}.Encode(), err
}

// conclude draws the verdict on the target as a whole.
func (c *collector) conclude() {
	seen := 0
	for _, n := range c.rowsOf {
		seen += n
	}
	switch {
	case c.failed != nil && seen == 0:
		c.cov.Lower(audit.NotKnown, "nothing could be listed: %v", c.failed)
	case c.failed != nil:
		c.cov.Lower(audit.Partial, "the list of %s failed: %v", c.orgName(), c.failed)
	case c.failed == nil && seen == 0:
		c.cov.Lower(audit.NotKnown, "the list is empty, which proves nothing: it should hold at least the credential's own authorization")
	case c.failed == nil && !c.seesAll && len(c.cfg.Users) == 0:
		c.cov.Lower(audit.Partial, "the credential may not read all users, and InfluxDB then lists only the authorizations of its own user; give it read on users, or name the users with a credential of each")
	}
}
