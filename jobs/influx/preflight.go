package influx

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"tokenaudit/jobs/audit"
)

// askCredential tells a credential that is not let in from an org without
// tokens. It returns false when there is no point in asking on.
func (c *collector) askCredential(ctx context.Context) bool {
	me, err := c.client.me(ctx)
	c.ask("who the credential is", "GET /api/v2/me", count(err), 0, err)
	c.credentials.add(me.ID)
	if refusal := refusal(err); refusal != "" {
		c.cov.Lower(audit.NotKnown, "%s", refusal)
		return false
	}
	return true
}

// refusal says why a credential is not let in, "" if it is. InfluxDB answers an
// inactive one with 200 and empty lists everywhere but at /me.
func refusal(err error) string {
	switch {
	case errors.As(err, new(*credentialError)):
		return "nothing was asked: " + err.Error()
	case says(err, http.StatusUnauthorized, "token is inactive"):
		return "the credential is inactive, and InfluxDB answers an inactive one with empty lists; activate it or give another one"
	case says(err, http.StatusUnauthorized, "unauthorized access"):
		return "the credential is not accepted (" + err.Error() + "); check the token and the URL"
	case statusOf(err) == http.StatusForbidden:
		return "the credential is refused (" + err.Error() + "): its user is inactive or deleted"
	case err != nil && statusOf(err) == 0:
		return "no answer, or none of InfluxDB's: " + err.Error()
	}
	return ""
}

func count(err error) int {
	if err != nil {
		return 0
	}
	return 1
}

func (c *collector) askSight(ctx context.Context) {
	var err error
	c.seesAll, err = c.client.mayReadEveryUser(ctx)
	a := c.ask("whether the credential may read every user, by a user that does not exist", "GET /api/v2/users/"+nobody, 0, 0, err)
	if c.seesAll {
		a.Verdict, a.Reason = audit.Complete, "404 user not found: it may"
	}
}

func (c *collector) findOrg(ctx context.Context) (id string, err error) {
	if c.org.Org == "" {
		return "", nil
	}
	return c.client.orgID(ctx, c.org.Org)
}

// askOrg notes the ID of an org given by name. Failing is no harm: the list takes a
// name too.
func (c *collector) askOrg(id string, err error) {
	if c.org.Org == "" {
		return
	}
	c.ask("the ID of org "+c.org.Org, request("/api/v2/orgs", c.org.values()), min(len(id), 1), 0, err)
	if err == nil && id != "" {
		c.org = Query{OrgID: id}
	}
}

// askAccounts reads the users. Cloud does not list them, so there the members
// and owners of the org have to do.
func (c *collector) askAccounts(ctx context.Context) {
	users, err := c.client.users(ctx, c.seesAll)
	c.ask("users", "GET /api/v2/users", len(users), 0, err)
	c.directory.users, c.accounts = users, users
	defer c.nameAccounts()
	if err == nil && len(users) > 1 || c.org.OrgID == "" {
		return
	}
	m := c.directory.membersOf(ctx, c.org.OrgID)
	c.ask("members and owners of the org", "GET /api/v2/orgs/"+c.org.OrgID+"/members, /owners", len(m.accounts), 0, m.err)
	c.accounts = maps.Clone(users)
	maps.Copy(c.accounts, m.accounts)
}

func (c *collector) nameAccounts() {
	for id, a := range c.accounts {
		c.name(a.Name, id)
	}
}

// fix is the command that makes a credential with the rights that are missing.
func (c *collector) fix() string {
	org := c.cfg.Org
	if org == "" {
		org = "ORG"
	}
	return "influx auth create --org " + org + " --read-authorizations --read-users --read-orgs"
}
