package influx

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"net/http"
	"slices"
	"strings"

	"tokenaudit/configs/remedy"
	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
)

// listOrg asks once for all authorizations of the org; a list by user is a full
// scan on the server each time. Where there may be others, it asks for those of every
// org that the credential may see. If a broken record makes that one list a 500, it
// goes user by user instead.
func (c *collector) listOrg(ctx context.Context, alone bool) {
	if c.product() == audit.ProductOSS && c.cfg.Org != "" && !alone {
		whole, _, err := c.read(ctx, c.client, "authorizations of all orgs, to review "+c.orgName(), authorizationsPath, Query{})
		c.instance, c.complete, c.failed = err == nil && whole, whole, err
		if err == nil && len(c.seen) > 0 || api.StatusOf(err) == 0 {
			return
		}
	}
	whole, _, err := c.read(ctx, c.client, "authorizations of "+c.orgName(), authorizationsPath, c.org)
	c.complete, c.failed = whole, c.withOrgs(ctx, err)
	if err == nil && len(c.seen) == 0 && c.org.OrgID != "" {
		c.elsewhere = c.otherOrg(ctx)
	}
	if api.StatusOf(err) == http.StatusInternalServerError {
		c.listEachUser(ctx)
	}
}

func (c *collector) orgName() string {
	if c.cfg.Org == "" {
		return "every org"
	}
	return "org " + c.cfg.Org
}

// read adds the answer to one list; one that fails, or is repeated because it was cut,
// leaves nothing behind. Rows of another org are not part of this target and are left
// out; rows of another user were not asked for but exist, and are kept. Both are
// counted. A list is whole if what it lacks is not there.
func (c *collector) read(ctx context.Context, client *Client, what, path string, q Query) (whole bool, asked *audit.Asked, err error) {
	var t *tally
	start := c.list.Mark()
	answer, err := client.fill(ctx, path, q, func() (func(entry) error, error) {
		t = c.newTally()
		return func(e entry) error {
			c.progress()
			if e.oversized != nil {
				t.leaveOut(e)
				return nil
			}
			if !t.count(e, q, c) {
				return nil
			}
			t.sight(e, c)
			return c.list.Add(e.Authorization)
		}, c.list.Rollback(start)
	})
	asked = c.record(what, api.Request(path, q.values()), t.rows, t.foreign, err)
	asked.Credential = client.Asker().Credential
	if kept := c.org.values(); q.OrgID == "" && q.Org == "" && len(kept) > 0 {
		maps.Copy(kept, q.values())
		asked.Kept = kept.Encode()
	}
	if err != nil {
		if broken := c.list.Rollback(start); broken != nil {
			c.cov.Gap(audit.ListWhole, audit.NotKnown, "%s: %v", what, broken)
		}
		return false, asked, err
	}
	asked.SHA256 = answer.sha256
	lacks := func(premise, format string, args ...any) {
		asked.Verdict, asked.Reason = audit.Partial, fmt.Sprintf(format, args...)
		c.cov.Gap(premise, audit.Partial, "%s: %s", what, asked.Reason)
	}
	if t.foreign > 0 && path == authorizationsPath { // OSS does not narrow the 1.x list by the name of an org
		lacks(audit.ListsAgree, "%d of %d rows were not requested: the server or a proxy ignores the filter", t.foreign, t.rows)
	}
	if t.oversized.n > 0 {
		c.leftOut = true
		lacks(audit.ListWhole, "%d of %d authorizations were left out (%s): %v", t.oversized.n, t.rows, t.oversized.names(), t.bound)
	}
	if t.misdated.n > 0 {
		lacks(audit.RowsReadable, "%d of %d authorizations have no readable date, so their age is not known (%s)", t.misdated.n, t.rows, t.misdated.names())
	}
	if t.homeless.n > 0 {
		lacks(audit.RowsReadable, "%d of %d authorizations name no org and are treated as part of this one (%s)", t.homeless.n, t.rows, t.homeless.names())
	}
	if answer.further {
		lacks(audit.ListWhole, "the answer names a further page, which the API cannot return. Tokens on that page are not known")
	}
	if answer.cached != "" {
		lacks(audit.ListWhole, "the answer came from a cache (%s): later changes are not in it", answer.cached)
	}
	whole = !answer.further && answer.cached == "" && t.oversized.n == 0
	c.take(t)
	if path == authorizationsPath {
		c.credentials.list = t.credentials.list
		c.reconcile(what, t, whole)
	}
	if whole {
		c.cov.Hold(audit.ListWhole, "%s: %s, complete to the end of the answer", what, audit.Plural(t.rows, "row"))
	}
	return whole, asked, nil
}

// take keeps what a list told besides its rows.
func (c *collector) take(t *tally) {
	maps.Copy(c.orgs, t.orgs)
	maps.Copy(c.directory.unlisted, t.unlisted)
	for name, id := range t.ids {
		c.name(name, id)
	}
	c.credentials.merge(t.credentials)
	c.abroad.merge(t.abroad)
	c.inClear, c.canary = c.inClear || t.inClear, c.canary || t.canary
	if t.redacted {
		c.shows(audit.ProductCloud, "the list shows the value of a token as \"redacted\"")
	}
}

// reconcile compares the authorizations that two lists show of the same user. Only a
// whole list proves by what it lacks, and none if another one differs.
func (c *collector) reconcile(what string, t *tally, whole bool) {
	for id, now := range t.byUser {
		now.whole = whole
		before, ok := c.seen[id]
		differ := ok && (before.rows != now.rows || before.sum != now.sum)
		if differ {
			c.cov.Gap(audit.ListsAgree, audit.Partial, "two lists differ in the authorizations of user %s: %d before, %d in %s. One of them hides some, or they changed in between", id, before.rows, now.rows, what)
		}
		if ok {
			now.whole = (now.whole || before.whole) && !differ
		}
		if ok && before.rows >= now.rows {
			now.rows, now.sum = before.rows, before.sum
		}
		c.seen[id] = now
	}
}

// tally counts the rows of one answer, and keeps what it tells besides them.
type tally struct {
	rows, foreign int
	seed          maphash.Seed // the same for all lists that are compared
	byUser        map[string]fingerprint

	oversized, misdated, homeless some
	bound                         error // of what is oversized

	abroad      abroad            // what it shows of other orgs
	orgs        map[string]bool   // of the authorizations, by ID
	ids         map[string]string // of users by the names that are configured
	unlisted    map[ownerOf]bool  // owners that the list of users does not have
	credentials *credentials
	redacted    bool // a token value came as Cloud sends them
	inClear     bool // or to be read
	canary      bool // the canary is among them
}

func (c *collector) newTally() *tally {
	return &tally{
		seed: c.seed, byUser: map[string]fingerprint{}, abroad: newAbroad(), orgs: map[string]bool{}, ids: map[string]string{},
		unlisted: map[ownerOf]bool{}, credentials: c.credentials.fork(),
	}
}

// some is a number of rows, and the first of them by ID or place.
type some struct {
	n     int
	first []string
}

func (s *some) add(e entry, row int) {
	const named = 20
	if s.n++; len(s.first) < named {
		s.first = append(s.first, e.name(row))
	}
}

func (s *some) names() string { return strings.Join(s.first, ", ") }

// leaveOut counts a row that is over the bounds.
func (t *tally) leaveOut(e entry) {
	t.rows++
	t.oversized.add(e, t.rows)
	t.bound = e.oversized
}

// fingerprint stands for a set of authorizations, whatever their order.
type fingerprint struct {
	rows  int
	sum   uint64
	whole bool // what is not among them is not there, by a list that came whole
}

// count reports whether the row is of the org of the target.
func (t *tally) count(e entry, q Query, c *collector) bool {
	t.rows++
	if e.misdated {
		t.misdated.add(e, t.rows)
	}
	org := c.org
	if e.OrgID == "" && e.Org == "" {
		t.homeless.add(e, t.rows)
		q.OrgID, q.Org, org = "", "", Query{}
	}
	if !q.matches(e.Authorization) {
		t.foreign++
	}
	if !e.Legacy {
		t.credentials.note(e.Authorization)
	}
	ours := org.ofThisOrg(e.Authorization)
	if !ours {
		t.abroad.add(e, t.rows, c.org.OrgID)
	} else {
		f := t.byUser[e.UserID]
		f.rows, f.sum = f.rows+1, f.sum+maphash.String(t.seed, e.ID)
		t.byUser[e.UserID] = f
	}
	return ours
}

// sight keeps what the collector needs to know of a row besides the row.
func (t *tally) sight(e entry, c *collector) {
	if _, listed := c.directory.users[e.UserID]; !listed && e.UserID != "" {
		t.unlisted[ownerOf{userID: e.UserID, orgID: e.OrgID}] = true
	}
	if e.Legacy {
		return
	}
	if _, configured := c.idOf[e.User]; configured {
		t.ids[e.User] = e.UserID
	}
	if e.OrgID != "" {
		t.orgs[e.OrgID] = true
	}
	t.redacted = t.redacted || e.token == tokenRedacted
	t.inClear = t.inClear || e.token == tokenInClear
	t.canary = t.canary || e.ID == c.cfg.Canary
}

// listEachUser is the way round a list that answers 500.
func (c *collector) listEachUser(ctx context.Context) {
	if len(c.accounts) == 0 { // none is known, and that the list failed is said
		return
	}
	c.cov.AddGap(audit.Gap{ID: audit.ListWhole, Verdict: audit.Partial, Fix: remedy.Of(c.failed),
		Reason: "the full list failed and was read user by user. The cause may be a token of a user that no longer exists"})
	for _, id := range slices.Sorted(maps.Keys(c.accounts)) {
		q := c.org
		q.UserID = id
		if _, _, err := c.read(ctx, c.client, "authorizations of user "+c.accounts[id].Name, authorizationsPath, q); err != nil {
			c.cov.Gap(audit.ListWhole, audit.Partial, "authorizations of user %s (%s) could not be read: %v", c.accounts[id].Name, id, err)
		}
	}
}

// listLegacy asks for the authorizations of the 1.x API, which OSS keeps apart, once
// its list was answered, if only user by user.
func (c *collector) listLegacy(ctx context.Context) {
	if c.product() == audit.ProductCloud || c.failed != nil && api.StatusOf(c.failed) != http.StatusInternalServerError {
		return
	}
	q, of := c.org, c.orgName()
	if c.instance {
		q, of = Query{}, "all orgs, to review "+of
	}
	whole, asked, err := c.read(ctx, c.client, "1.x authorizations of "+of, legacyPath, q)
	if err == nil {
		c.shows(audit.ProductOSS, "a list of the 1.x API")
	}
	c.legacy = whole
	var answer *api.Error
	switch {
	case whole:
		c.cov.Hold(audit.LegacyListed, "GET %s: %s", legacyPath, audit.Plural(asked.Rows, "row"))
	case err == nil:
		c.cov.Gap(audit.LegacyListed, audit.Partial, "the list of the 1.x API is incomplete: %s", asked.Reason)
	case c.product() != audit.ProductOSS: // which is said
	case errors.As(err, &answer) && answer.Status == http.StatusNotFound && (answer.Message == "" || answer.Message == "path not found"):
		c.cov.NoNeed(audit.LegacyListed, "the server has no such list: %s", asked.Reason)
		c.cov.AddBlindSpot("authorizations of the 1.x API could not be listed: the server has no such list, or a proxy blocks it: " + asked.Reason)
	case api.StatusOf(err) >= http.StatusInternalServerError: // which is no missing right
		c.cov.Gap(audit.LegacyListed, audit.Partial, "authorizations of the 1.x API could not be listed: %v", err)
	default:
		c.cov.Gap(audit.LegacyListed, audit.Partial, "authorizations of the 1.x API could not be listed: %s", asked.Reason)
	}
}
