package influx

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"tokenaudit/jobs/audit"
)

// listOrg asks once for all authorizations of the org; a list by user is a full
// scan on the server each time. If a broken record makes that one list a 500, it
// goes user by user instead.
func (c *collector) listOrg(ctx context.Context) {
	header, _, err := c.read(ctx, c.client, "authorizations of "+c.orgName(), c.org)
	c.complete, c.failed = err == nil, err
	switch {
	case err == nil:
		c.nameServer(header)
	case statusOf(err) == http.StatusInternalServerError:
		c.listEachUser(ctx)
	default:
		c.list.reset()
		clear(c.rowsOf)
	}
}

func (c *collector) orgName() string {
	if c.cfg.Org == "" {
		return "every org"
	}
	return "org " + c.cfg.Org
}

func (c *collector) nameServer(h http.Header) {
	build, version := h.Get("X-Influxdb-Build"), h.Get("X-Influxdb-Version")
	if build != "" || version != "" {
		c.cov.Server = fmt.Sprintf("InfluxDB %s %s", build, version)
	}
	c.directory.namesOwners = build == "OSS"
}

// read adds the answer to one list. Rows of another org are not part of this
// target and are left out; rows of another user were not asked for but exist,
// and are kept. Both are counted.
func (c *collector) read(ctx context.Context, client *Client, what string, q Query) (http.Header, *audit.Asked, error) {
	var t tally
	header, err := client.fill(ctx, q, func() func(audit.Authorization) error {
		t = tally{byUser: map[string]int{}}
		return func(a audit.Authorization) error {
			c.progress()
			if !t.count(a, q) {
				return nil
			}
			c.idOf[a.User] = a.UserID
			return c.list.add(a)
		}
	})
	for id, n := range t.byUser {
		c.rowsOf[id] = max(c.rowsOf[id], n)
	}
	asked := c.ask(what, request(authorizationsPath, q.values()), t.rows, t.foreign, err)
	if t.foreign > 0 {
		asked.Verdict = audit.Partial
		asked.Reason = fmt.Sprintf("%d of %d rows were not asked for: the server or a proxy ignores the filter", t.foreign, t.rows)
		c.cov.Lower(audit.Partial, "%s: %s", what, asked.Reason)
	}
	return header, asked, err
}

// tally counts the rows of one answer.
type tally struct {
	rows, foreign int
	byUser        map[string]int
}

// count reports whether the row is of the org that was asked for.
func (t *tally) count(a audit.Authorization, q Query) bool {
	t.rows++
	if !q.matches(a) {
		t.foreign++
	}
	ours := Query{OrgID: q.OrgID, Org: q.Org}.matches(a)
	if ours {
		t.byUser[a.UserID]++
	}
	return ours
}

// listEachUser is the way round a list that answers 500.
func (c *collector) listEachUser(ctx context.Context) {
	c.cov.Lower(audit.Partial, "the list was read user by user; what makes the whole list fail may belong to a user that no longer exists")
	for _, id := range slices.Sorted(maps.Keys(c.accounts)) {
		q := c.org
		q.UserID = id
		if _, _, err := c.read(ctx, c.client, "authorizations of user "+c.accounts[id].Name, q); err != nil {
			c.cov.Lower(audit.Partial, "authorizations of user %s (%s) could not be read: %v", c.accounts[id].Name, id, err)
		}
	}
}
