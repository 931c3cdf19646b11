package influx

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"

	"tokenaudit/jobs/audit"
)

// Label names the user in the coverage.
func (u User) Label() string { return "user " + cmp.Or(u.Name, u.ID) }

// listOwn: a credential always belongs to the population that it lists, so an
// empty answer means that it may not see.
func (c *collector) listOwn(ctx context.Context, client *Client, u User) {
	me, err := client.me(ctx)
	if why := refusal(err); why != "" {
		c.lower(c.record(u.Label()+", its own credential", "GET /api/v2/me", 0, 0, err), u, audit.CredentialActive, why)
		return
	}
	c.credentials.add(me.ID)
	q := c.org
	if q.UserID = c.userID(u); q.UserID == "" {
		q.User = u.Name
	}
	_, asked, err := c.read(ctx, client, u.Label()+", with its own credential", authorizationsPath, q)
	switch {
	case err != nil:
		c.lower(asked, u, audit.ListWhole, err.Error())
	case asked.Rows == asked.Foreign:
		c.lower(asked, u, audit.OwnCredentialShown, "an empty answer, although the credential itself belongs to the user: it may not read authorizations and its user")
	}
}

// findUser judges a user by the list of the whole org.
func (c *collector) findUser(ctx context.Context, u User) {
	request, err := c.lookUp(ctx, u)
	rows := c.seen[c.userID(u)].rows
	asked := c.record(u.Label(), request, rows, 0, err)
	switch {
	case says(err, http.StatusNotFound, "user not found"):
		c.lower(asked, u, audit.UsersPresent, "does not exist (404 user not found): misspelt, or deleted; tokens it may have left behind are not in the list")
	case rows > 0:
		asked.Verdict, asked.Reason = audit.Complete, ""
	case c.failed != nil:
		c.lower(asked, u, audit.ListWhole, "the list could not be read")
	case !c.seesAll:
		c.lower(asked, u, audit.CredentialSeesAll, "none of its authorizations were visible, which proves nothing: give it a credential of its own, or an audit credential that may read all users")
	case err != nil:
		c.lower(asked, u, audit.UsersPresent, err.Error())
	}
}

func (c *collector) lower(a *audit.Asked, u User, premise, reason string) {
	a.Verdict, a.Reason = audit.NotKnown, reason
	c.cov.Gap(premise, audit.Partial, "%s: %s", u.Label(), reason)
}

// name notes the ID of a user whose name is configured.
func (c *collector) name(user, id string) {
	if _, ok := c.idOf[user]; ok {
		c.idOf[user] = id
	}
}

// lookUp asks whether the user exists, unless the users are known already.
func (c *collector) lookUp(ctx context.Context, u User) (request string, err error) {
	if _, ok := c.accounts[c.userID(u)]; ok {
		return "users, members and owners", nil
	}
	if u.ID != "" {
		l := c.directory.lookUp(ctx, u.ID)
		return "GET /api/v2/users/" + u.ID, l.err
	}
	a, ok, err := c.client.userByName(ctx, u.Name)
	switch {
	case ok:
		c.idOf[u.Name] = a.ID
	case err == nil:
		err = errors.New("the user is not in the answer: it may not be read")
	}
	return "GET /api/v2/users?" + url.Values{"name": {u.Name}}.Encode(), err
}
