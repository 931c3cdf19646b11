package influx

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// noteTarget concludes from the list of the target's own credential whether that was let
// in, whose it is, and whether the list shows it.
func (c *collector) noteTarget(me account, errMe error) {
	rows := c.rows()
	c.letIn(audit.TheTarget, audit.CredentialActive, audit.NotKnown, errMe, c.failed, rows)
	c.shown, c.self = c.credentials.list, cmp.Or(me.ID, c.credentials.list.named[c.cfg.Credential])
	if len(c.seen) == 1 && c.product() != audit.ProductOSS { // Serverless has no /me
		for id := range c.seen {
			c.self = cmp.Or(c.self, id)
		}
	}
	c.credentials.use(audit.TheTarget, c.cfg.Credential, c.self)
	shows := c.shown.shows(c.cfg.Credential, c.self)
	c.proven[c.self] = c.failed == nil && c.self != "" && (shows || c.shown.canary)
	switch {
	case c.failed != nil || rows == 0: // which is a gap of its own
	case shows:
		c.cov.Hold(audit.OwnCredentialShown, "%s: among the %d listed", audit.TheTarget, rows)
	case c.shown.canary:
		c.cov.Hold(audit.OwnCredentialShown, "%s: the canary is among the %d listed", audit.TheTarget, rows)
	case c.product() == audit.ProductOSS && (c.cfg.Org != "" || c.self == ""):
		c.cov.NoNeed(audit.OwnCredentialShown, "the credential may belong to an org other than the listed one")
	case c.cfg.Credential != "":
		c.cov.Gap(audit.OwnCredentialShown, audit.Partial, "the list does not show the credential %s that requested it, so other tokens may be missing too", c.cfg.Credential)
	case c.self == "":
		c.cov.Gap(audit.OwnCredentialShown, audit.Partial, "it is not known which user the credential of the target belongs to, or whether the list shows it. Set credential to its ID")
	default:
		c.cov.Gap(audit.OwnCredentialShown, audit.Partial, "user %s made the request, but none of its listed tokens is active and may read authorizations. The list does not show the requesting token, so others may be missing too", c.self)
	}
}

func (c *collector) rows() (n int) {
	for _, f := range c.seen {
		n += f.rows
	}
	return n
}

// askCloud settles what only Cloud leaves open: whether it is one that tells of its
// users, and who has tokens and is not among the configured users.
func (c *collector) askCloud(ctx context.Context) {
	d := c.directory
	if d.product = c.product(); d.product == audit.ProductOSS {
		c.cov.NoNeed(audit.OwnersConfigured, "InfluxDB OSS lists the tokens of every user. Tokens of users that are not configured are findings (unlisted-owner)")
		return
	}
	d.serverless = d.product == audit.ProductCloud && (c.cfg.Kind == target.KindServerless || c.cfg.Kind != target.KindTSM && c.askStorage(ctx) == "iox")
	if d.serverless {
		c.cov.AddBlindSpot("Cloud Serverless lists neither users nor members, so owner-not-member is not checked. Users that are not configured cannot be seen. A user is known to exist only while its own credential is accepted")
	}
	if len(c.cfg.Users) == 0 || c.rows() == 0 { // which is a gap of its own
		return
	}
	outside := map[string]string{} // what is known of them, by ID
	for id, f := range c.seen {
		if name := c.accounts[id].Name; !c.isConfigured(id, name) {
			outside[id] = fmt.Sprintf("user %s owns %d of the listed tokens", cmp.Or(name, id), f.rows)
		}
	}
	members := 0
	for _, org := range slices.Sorted(maps.Keys(c.orgs)) {
		m := d.membersOf(ctx, org)
		if m.err != nil && !d.serverless {
			c.cov.Gap(audit.OwnersConfigured, audit.Partial, "members and owners of the org could not be read, so users that are not configured are not known: %s (%v)", readMembers, m.err)
		}
		members += len(m.accounts)
		for id, a := range m.accounts {
			if _, known := outside[id]; !known && !c.isConfigured(id, a.Name) {
				outside[id] = fmt.Sprintf("user %s is a member or owner of the org", cmp.Or(a.Name, id))
			}
		}
	}
	c.noteOutside(outside)
	c.cov.Hold(audit.OwnersConfigured, "all owners of the %d listed tokens and all %d readable members and owners of the org are configured", c.rows(), members)
	if !slices.ContainsFunc(c.cfg.Users, func(u target.User) bool { return !c.proven[c.userID(u)] }) {
		c.cov.Hold(audit.CredentialSeesAll, "each of the %d configured users was listed with its own credential", len(c.cfg.Users))
	}
}

// readMembers is what to do where members cannot be read, whatever the answer was.
const readMembers = advice("allow the credential to read orgs. On Cloud Serverless, which has no members, set kind: cloud-serverless")

func (c *collector) noteOutside(outside map[string]string) {
	const named = 50
	for i, id := range slices.Sorted(maps.Keys(outside)) {
		if i == named {
			c.cov.Gap(audit.OwnersConfigured, audit.Partial, "%s not configured", audit.Plural(len(outside)-named, "more user"))
			return
		}
		c.cov.Gap(audit.OwnersConfigured+"/"+id, audit.Partial, "%s and is not a configured user. Add it under users, with its own credential unless the credential of the target belongs to it", outside[id])
	}
}

// askStorage asks what kind of Cloud it is, unless that is known: tsm or iox, "" if it
// does not say.
func (c *collector) askStorage(ctx context.Context) string {
	if c.storage != "" {
		return c.storage
	}
	q := c.org.values()
	var page orgPage
	err := c.client.GetJSON(ctx, "/api/v2/orgs", q, &page)
	c.record("the kind of Cloud, from the storage of the org", api.Request("/api/v2/orgs", q), len(page.Orgs), 0, err)
	if len(page.Orgs) > 0 {
		c.storage = page.Orgs[0].Storage
	}
	return c.storage
}
