package influx

import (
	"context"
	"net/http"

	"tokenaudit/jobs/audit"
)

// askCredential tells a credential that is not let in from an org without
// tokens: InfluxDB answers an inactive one with 200 and empty lists everywhere
// but here. It returns false when there is no point in asking on.
func (c *collector) askCredential(ctx context.Context) bool {
	_, err := c.client.me(ctx)
	c.ask("who the credential is", "GET /api/v2/me", count(err), 0, err)
	switch {
	case says(err, http.StatusUnauthorized, "token is inactive"):
		c.cov.Lower(audit.NotKnown, "the credential is inactive, and InfluxDB answers an inactive one with empty lists; activate it or give another one")
	case says(err, http.StatusUnauthorized, "unauthorized access"):
		c.cov.Lower(audit.NotKnown, "the credential is not accepted (%v); check the token and the URL", err)
	case statusOf(err) == http.StatusForbidden:
		c.cov.Lower(audit.NotKnown, "the credential is refused (%v): its user is inactive or deleted", err)
	case err != nil && statusOf(err) == 0:
		c.cov.Lower(audit.NotKnown, "the server did not answer: %v", err)
	}
	return c.cov.Verdict == audit.Complete
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
	a := c.ask("whether the credential may read every user (a user that does not exist)", "GET /api/v2/users/"+nobody, 0, 0, err)
	if c.seesAll {
		a.Verdict, a.Reason = audit.Complete, "404 user not found: it may"
	}
}

// askOrg finds the ID of an org given by name. Failing is no harm: the list
// takes a name too.
func (c *collector) askOrg(ctx context.Context) {
	if c.org.Org == "" {
		return
	}
	id, err := c.client.orgID(ctx, c.org.Org)
	c.ask("the ID of org "+c.org.Org, "GET /api/v2/orgs?org=…", count(err), 0, err)
	if err == nil && id != "" {
		c.org = Query{OrgID: id}
	}
}

func (c *collector) askAccounts(ctx context.Context) {
	var err error
	c.accounts, err = c.client.users(ctx, c.seesAll)
	c.ask("users", "GET /api/v2/users", len(c.accounts), 0, err)
	for id, a := range c.accounts {
		c.idOf[a.Name] = id
	}
}
