package influx

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"net/http"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

// listOrg asks once for all authorizations of the org; a list by user is a full
// scan on the server each time. If a broken record makes that one list a 500, it
// goes user by user instead.
func (c *collector) listOrg(ctx context.Context) {
	header, _, err := c.read(ctx, c.client, "authorizations of "+c.orgName(), authorizationsPath, c.org)
	c.complete, c.failed = err == nil, c.withOrgs(ctx, err)
	if err == nil && len(c.seen) == 0 && c.org.OrgID != "" {
		c.elsewhere = c.otherOrg(ctx)
	}
	switch {
	case err == nil:
		c.nameServer(header)
	case statusOf(err) == http.StatusInternalServerError:
		c.listEachUser(ctx)
	default:
		c.list.reset()
		clear(c.seen)
	}
}

func (c *collector) orgName() string {
	if c.cfg.Org == "" {
		return "every org"
	}
	return "org " + c.cfg.Org
}

// read adds the answer to one list. Rows of another org are not part of this
// target and are left out; rows of another user were not asked for but exist,
// and are kept. Both are counted.
func (c *collector) read(ctx context.Context, client *Client, what, path string, q Query) (http.Header, *audit.Asked, error) {
	var t tally
	header, err := client.fill(ctx, path, q, func() func(entry) error {
		t = tally{seed: c.seed, byUser: map[string]fingerprint{}}
		return func(e entry) error {
			c.progress()
			if e.oversized != nil {
				t.leaveOut(e)
				return nil
			}
			if !t.count(e.Authorization, q) {
				return nil
			}
			c.note(e)
			return c.list.add(e.Authorization)
		}
	})
	asked := c.record(what, request(path, q.values()), t.rows, t.foreign, err)
	if err == nil {
		asked.SHA256 = client.seen.list
	}
	if t.foreign > 0 && path == authorizationsPath { // OSS does not narrow the 1.x list by the name of an org
		asked.Verdict = audit.Partial
		asked.Reason = fmt.Sprintf("%d of %d rows were not asked for: the server or a proxy ignores the filter", t.foreign, t.rows)
		c.cov.Gap(audit.ListsAgree, audit.Partial, "%s: %s", what, asked.Reason)
	}
	if t.oversized > 0 {
		c.leftOut = true
		asked.Verdict = audit.Partial
		asked.Reason = fmt.Sprintf("%d of %d authorizations were left out (%s): %v", t.oversized, t.rows, strings.Join(t.leftOut, ", "), t.bound)
		c.cov.Gap(audit.ListWhole, audit.Partial, "%s: %s", what, asked.Reason)
	}
	if err == nil && path == authorizationsPath {
		c.reconcile(what, t)
	}
	return header, asked, err
}

// note remembers what the collector needs to know of a row besides the row.
func (c *collector) note(e entry) {
	c.directory.note(e.Authorization)
	if e.Legacy {
		return
	}
	c.name(e.User, e.UserID)
	c.orgs[e.OrgID] = true
	c.credentials.note(e.Authorization)
	c.readable = c.readable || e.tokenReadable
	c.canary = c.canary || e.ID == c.cfg.Canary
}

// reconcile compares the authorizations that two lists show of the same user.
func (c *collector) reconcile(what string, t tally) {
	for id, now := range t.byUser {
		before, ok := c.seen[id]
		if ok && before != now {
			c.cov.Gap(audit.ListsAgree, audit.Partial, "two lists do not show the same authorizations of user %s: %d before, %d in %s; one of them hides some, or they changed in between", id, before.rows, now.rows, what)
		}
		if now.rows > before.rows {
			c.seen[id] = now
		}
	}
}

// tally counts the rows of one answer.
type tally struct {
	rows, foreign int
	seed          maphash.Seed // the same for all lists that are compared
	byUser        map[string]fingerprint

	oversized int      // of rows
	leftOut   []string // the first of them
	bound     error
}

// leaveOut counts a row that is over the bounds.
func (t *tally) leaveOut(e entry) {
	const named = 20
	if len(t.leftOut) < named {
		t.leftOut = append(t.leftOut, e.name(t.rows+1))
	}
	t.rows, t.oversized, t.bound = t.rows+1, t.oversized+1, e.oversized
}

// fingerprint stands for a set of authorizations, whatever their order.
type fingerprint struct {
	rows int
	sum  uint64
}

// count reports whether the row is of the org that was asked for.
func (t *tally) count(a audit.Authorization, q Query) bool {
	t.rows++
	if !q.matches(a) {
		t.foreign++
	}
	ours := q.ofThisOrg(a)
	if ours {
		f := t.byUser[a.UserID]
		t.byUser[a.UserID] = fingerprint{f.rows + 1, f.sum + maphash.String(t.seed, a.ID)}
	}
	return ours
}

// listEachUser is the way round a list that answers 500.
func (c *collector) listEachUser(ctx context.Context) {
	c.cov.Gap(audit.ListWhole, audit.Partial, "the list was read user by user; what makes the whole list fail may belong to a user that no longer exists")
	for _, id := range slices.Sorted(maps.Keys(c.accounts)) {
		q := c.org
		q.UserID = id
		header, _, err := c.read(ctx, c.client, "authorizations of user "+c.accounts[id].Name, authorizationsPath, q)
		if err != nil {
			c.cov.Gap(audit.ListWhole, audit.Partial, "authorizations of user %s (%s) could not be read: %v", c.accounts[id].Name, id, err)
			continue
		}
		c.nameServer(header)
	}
}

// askOSS asks for what only OSS has, once its list was answered, if only user by user:
// its counts, and the authorizations of the 1.x API, which it keeps apart.
func (c *collector) askOSS(ctx context.Context) {
	if !c.oss() || c.failed != nil && statusOf(c.failed) != http.StatusInternalServerError {
		return
	}
	stored := async(func() (audit.Stored, error) { return c.client.stored(ctx) })
	if _, asked, err := c.read(ctx, c.client, "1.x authorizations of "+c.orgName(), legacyPath, c.org); err != nil {
		c.cov.AddBlindSpot("authorizations of the 1.x API could not be listed: " + asked.Reason)
	}
	c.askStored(stored())
}
