package influx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"tokenaudit/configs/remedy"
	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// gapOf is the ID of a gap in a premise about the user.
func gapOf(u target.User, premise string) string { return premise + "/" + cmp.Or(u.ID, u.Name) }

// askUsers asks about every configured user: with its own credential, or, on OSS, by
// the list of the whole org. On Cloud each credential lists the tokens of its own user
// and of nobody else.
func (c *collector) askUsers(ctx context.Context) {
	if len(c.cfg.Users) == 0 {
		c.cov.NoNeed(audit.UsersPresent, "no users are configured: every user is reviewed")
	}
	for i, u := range c.cfg.Users {
		switch client := c.clients[i]; {
		case client != nil:
			c.listOwn(ctx, client, u)
		case c.product() == audit.ProductOSS:
			c.findUser(ctx, u)
		default:
			c.findByTarget(u)
		}
	}
}

// listOwn: a credential always belongs to the population that it lists, so an answer
// without it leaves something out.
func (c *collector) listOwn(ctx context.Context, client *Client, u target.User) {
	me, errMe := client.me(ctx)
	if refusal(errMe) != "" {
		c.letIn(u.Label(), gapOf(u, audit.CredentialActive), audit.Partial, errMe, nil, 0)
		c.record(u.Label()+", its own credential", "GET /api/v2/me", 0, 0, errMe).Reason = refusal(errMe)
		return
	}
	c.name(me.Name, me.ID)
	c.credentials.asks(me.ID)
	q := c.org
	if q.UserID = c.userID(u); q.UserID == "" {
		q.User = u.Name
	}
	_, asked, err := c.read(ctx, client, u.Label()+", with its own credential", authorizationsPath, q)
	rows := asked.Rows - asked.Foreign
	accepted := c.letIn(u.Label(), gapOf(u, audit.CredentialActive), audit.Partial, errMe, err, rows)
	id, list := c.userID(u), c.credentials.list
	c.credentials.use(u.Label(), u.Credential, cmp.Or(me.ID, id))
	switch {
	case denied(err):
		asked.Verdict, asked.Reason = audit.NotKnown, refusal(err)
	case api.Says(err, http.StatusNotFound, "user not found"):
		c.lower(asked, u, audit.UsersPresent, "does not exist (404 user not found): it is misspelt or was deleted")
	case err != nil:
		c.lower(asked, u, audit.ListWhole, err)
	case rows == 0:
		c.lower(asked, u, audit.OwnCredentialShown, "the answer is empty, although the credential belongs to this user: it may not read authorizations and its own user")
	case me.ID != "" && me.ID != id && c.product() != audit.ProductOSS:
		c.lower(asked, u, audit.OwnCredentialShown, "its credential belongs to another user, "+me.ID+", and InfluxDB Cloud shows the tokens of that user only")
	case me.ID != "" && me.ID != id: // that of somebody who may read the user
		c.cov.Hold(audit.UsersPresent, "%s: %d listed", u.Label(), rows)
	default:
		c.prove(asked, u, u.Credential, list, accepted)
	}
}

// findByTarget: on Cloud the target's own credential shows its own user, and no other.
func (c *collector) findByTarget(u target.User) {
	id := c.userID(u)
	asked := c.record(u.Label()+", with the credential of the target", api.Request(authorizationsPath, c.org.values()), c.seen[id].rows, 0, c.failed)
	asked.Credential = audit.TheTarget
	if id != "" {
		asked.Kept = url.Values{"userID": {id}}.Encode()
	}
	switch {
	case c.failed != nil:
		c.lower(asked, u, audit.ListWhole, "the list could not be read")
	case c.self == "":
		c.lower(asked, u, audit.CredentialSeesAll, c.advised("it has no credential of its own, and the user of the target's credential is not known: %s. InfluxDB Cloud shows a credential the tokens of its own user only", "set credential to the ID of the target's, or give the user its own credential under users"))
	case c.self != id:
		c.lower(asked, u, audit.CredentialSeesAll, c.advised("it has no credential of its own, and the target's credential shows the tokens of another user only. What is listed for this user proves nothing. %s", "Give it a credential under users"))
	default:
		c.prove(asked, u, c.cfg.Credential, c.shown, true)
	}
}

// advised is a reason with what to do in it. Where it is not known that it is Cloud that
// answers, the premise says what to do with either.
func (c *collector) advised(format string, fix advice) error {
	text := fmt.Sprintf(format, fix)
	if c.product() != audit.ProductCloud {
		return errors.New(text)
	}
	return &remedy.Error{Err: errors.New(text), Fix: string(fix)}
}

// prove concludes from the list of a user by its own credential: the list is whole if it
// shows that credential, and the user is there if that was let in.
func (c *collector) prove(asked *audit.Asked, u target.User, named string, list shown, accepted bool) {
	id := c.userID(u)
	switch {
	case list.shows(named, id):
		c.cov.Hold(audit.OwnCredentialShown, "%s: among the %d listed", u.Label(), asked.Rows)
	case list.canary:
		c.cov.Hold(audit.OwnCredentialShown, "%s: the canary is among the %d listed", u.Label(), asked.Rows)
	case named != "":
		c.lower(asked, u, audit.OwnCredentialShown, "its list does not show the credential "+named+" that requested it, so other tokens may be missing too")
		return
	default:
		c.lower(asked, u, audit.OwnCredentialShown, "no token in its list is active and may read authorizations. The list does not show the credential that requested it, so others may be missing too")
		return
	}
	c.proven[id] = true
	if accepted {
		c.directory.accepted[id] = fmt.Sprintf("its own credential is accepted: %s: 200", asked.Request)
		c.cov.Hold(audit.UsersPresent, "%s: its own credential is accepted", u.Label())
	}
}

// findUser judges a user by the list of the whole org.
func (c *collector) findUser(ctx context.Context, u target.User) {
	request, err := c.lookUp(ctx, u)
	rows := c.seen[c.userID(u)].rows
	asked := c.record(u.Label(), request, rows, 0, err)
	switch {
	case api.Says(err, http.StatusNotFound, "user not found"):
		c.lower(asked, u, audit.UsersPresent, "does not exist (404 user not found): it is misspelt or was deleted. If it was deleted, its remaining tokens are not in the list")
	case rows > 0:
		asked.Verdict, asked.Reason = audit.Complete, ""
		c.cov.Hold(audit.UsersPresent, "%s: %d listed", u.Label(), rows)
	case c.failed != nil:
		c.lower(asked, u, audit.ListWhole, "the list could not be read")
	case !c.seesAll:
		c.lower(asked, u, audit.CredentialSeesAll, "none of its authorizations were visible, which proves nothing. Give the user its own credential, or use an audit credential that may read all users")
	case err != nil:
		c.lower(asked, u, audit.UsersPresent, err)
	default:
		c.cov.Hold(audit.UsersPresent, "%s: %s", u.Label(), request)
	}
}

func (c *collector) lower(a *audit.Asked, u target.User, premise string, reason any) {
	a.Verdict, a.Reason = audit.NotKnown, fmt.Sprint(reason)
	c.cov.Gap(gapOf(u, premise), audit.Partial, "%s: %v", u.Label(), reason)
}

// name notes the ID of a user whose name is configured.
func (c *collector) name(user, id string) {
	if _, ok := c.idOf[user]; ok && id != "" {
		c.idOf[user] = id
	}
}

// lookUp asks whether the user exists, unless the users are known already.
func (c *collector) lookUp(ctx context.Context, u target.User) (request string, err error) {
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

// isConfigured reports whether a user is among those of the configuration.
func (c *collector) isConfigured(id, name string) bool {
	return slices.ContainsFunc(c.cfg.Users, func(u target.User) bool {
		return c.userID(u) == id || u.Name != "" && u.Name == name
	})
}
