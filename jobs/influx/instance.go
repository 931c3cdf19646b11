package influx

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

// abroad is what lists show of other orgs than that of the target. Their tokens are no
// part of the review; but the server's counts are of all orgs, and some may write here.
type abroad struct {
	rows    int
	orgs    map[string]bool
	writers map[string]audit.Authorization // by key
	further int                            // writers beyond mostWriters
	unread  some                           // whose permissions cannot be read
}

// mostWriters bounds the tokens of other orgs that are reported one by one.
const mostWriters = 1000

func newAbroad() abroad {
	return abroad{orgs: map[string]bool{}, writers: map[string]audit.Authorization{}}
}

// add takes a token of another org than that of the target.
func (b *abroad) add(e entry, row int, org string) {
	a := e.Authorization
	if !a.Legacy {
		b.rows++
	}
	b.orgs[a.OrgID] = true
	if !a.PermissionsKnown() && a.Status != audit.Inactive {
		b.unread.add(e, row)
	}
	switch {
	case !a.WritesIn(org):
	case len(b.writers) == mostWriters:
		b.further++
	default:
		a.Permissions = slices.Clone(a.Permissions) // which are valid for the moment
		b.writers[a.Key()] = a
	}
}

func (b *abroad) merge(o abroad) {
	b.rows += o.rows
	b.further += o.further
	b.unread.n += o.unread.n
	b.unread.first = append(b.unread.first, o.unread.first...)
	maps.Copy(b.orgs, o.orgs)
	maps.Copy(b.writers, o.writers)
}

// named is the first of the writers, in words.
func (b *abroad) named() string {
	const shown = 10
	var out []string
	for _, key := range slices.Sorted(maps.Keys(b.writers)) {
		if len(out) < shown {
			out = append(out, audit.OfOtherOrg(b.writers[key]).Description)
		}
	}
	if n := len(b.writers) + b.further - len(out); n > 0 {
		out = append(out, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(out, "; ")
}

// mayReadEveryOrg: the credential's own permissions say so, or it sees tokens of as many
// orgs as there are. It is not needed for what is listed to be everything; it tells a
// token that is hidden from one that the credential may not see.
func (c *collector) mayReadEveryOrg() bool {
	for id := range c.credentials.known() {
		if c.credentials.everyOrg[id] {
			return true
		}
	}
	if c.cfg.Credential == "" && c.credentials.wide[c.self] && !c.credentials.narrow[c.self] {
		return true
	}
	return c.counts != nil && len(c.abroad.orgs)+len(c.orgs) >= c.counts.Orgs
}

// readsEveryOrg: it may read authorizations and users without an org being named.
func readsEveryOrg(a audit.Authorization) bool {
	on := func(kind string) bool {
		return slices.ContainsFunc(a.Permissions, func(p audit.Permission) bool {
			r := p.Resource
			return p.Action == "read" && (r.Type == kind && r.ID == "" && r.OrgID == "" || r.Type == "instance")
		})
	}
	return on("authorizations") && on("users")
}

// noteWriters makes the tokens of other orgs that may write here part of the review.
func (c *collector) noteWriters() {
	for _, key := range slices.Sorted(maps.Keys(c.abroad.writers)) {
		if err := c.list.Add(audit.OfOtherOrg(c.abroad.writers[key])); err != nil {
			c.cov.Gap(audit.InstanceSeen, audit.Partial, "a token of another org that may write to this org could not be stored: %v", err)
			return
		}
	}
	if n := c.abroad.unread.n; n > 0 {
		c.cov.Gap(audit.RowsReadable, audit.Partial, "the permissions of %s of other orgs cannot be read, so they may allow writing to this org (%s)", audit.Plural(n, "token"), c.abroad.unread.names())
	}
	if c.abroad.further > 0 {
		c.cov.Gap(audit.InstanceSeen, audit.Partial, "%s of other orgs may write to this org, in addition to the %d that are reported", audit.Plural(c.abroad.further, "more token"), mostWriters)
	}
}

// concludeInstance says whether the review knows of all tokens that may write here. Of
// an instance of several orgs, what a credential of one org cannot see has one gap: the
// tokens of the others, and with them how many are hidden.
func (c *collector) concludeInstance(cov *audit.Coverage) {
	switch {
	case len(c.seen) == 0: // which is said
		return
	case c.product() == audit.ProductCloud:
		cov.NoNeed(audit.InstanceSeen, "a credential of InfluxDB Cloud belongs to one org")
		return
	case c.product() == audit.ProductUnknown: // which is said
		return
	case c.cfg.Org == "" && cov.Unaccounted() > 0 && c.counts.Orgs > 1 && !c.mayReadEveryOrg():
		cov.Gap(audit.InstanceSeen, audit.Partial, "the target is the whole instance of %d orgs, and the credential sees the tokens of %d. %d of %d stored tokens belong to the other orgs or to deleted users. %s",
			c.counts.Orgs, len(c.orgs), cov.Unaccounted(), cov.Stored.Authorizations, c.operator())
	case c.cfg.Org == "":
		cov.NoNeed(audit.InstanceSeen, "the target is the whole instance")
		switch {
		case c.counts == nil:
			c.unproven(cov)
		case c.counts.Orgs > 1 && c.legacy && cov.Unaccounted() <= 0 && !c.mayReadEveryOrg():
			cov.Gap(audit.LegacyListed, audit.Partial, "the instance has %d orgs, and the credential is only known to see the 1.x API tokens of %d. No count shows how many there are. Set credential to its ID if it may read every org, or use an operator token", c.counts.Orgs, len(c.orgs))
		}
		return
	case c.counts != nil && c.counts.Orgs == 1:
		cov.NoNeed(audit.InstanceSeen, "the instance has one org")
		return
	default:
		if c.concludeOthers(cov) {
			return
		}
	}
	cov.NoNeed(audit.StoredListed, "hidden tokens are covered by %s", audit.InstanceSeen)
	cov.Stored, cov.Elsewhere = nil, 0
}

// operator says how every org of the instance can be seen.
func (c *collector) operator() advice {
	return "Give the target an operator token, which may read every org. If its own may, set credential to its ID (tokenaudit help credential)"
}

// concludeOthers says what was seen of the orgs that the target is not, and whether that
// is enough.
func (c *collector) concludeOthers(cov *audit.Coverage) bool {
	seen := fmt.Sprintf("%s of %s checked", audit.Plural(c.abroad.rows, "token"), audit.Plural(len(c.abroad.orgs), "other org"))
	if n := len(c.abroad.writers); n > 0 {
		seen += fmt.Sprintf(", of which %d may write to this org: %s", n, c.abroad.named())
		cov.AddBlindSpot(audit.Plural(n, "token") + " of other orgs may write to this org (foreign-operator). Their owners are checked by the reviews of those orgs")
	}
	switch {
	case c.instance && c.mayReadEveryOrg():
		cov.Hold(audit.InstanceSeen, "the credential may read every org; %s", seen)
		if c.counts == nil {
			c.unproven(cov)
		}
		return true
	case c.instance && cov.Stored != nil && cov.Unaccounted() <= 0:
		cov.Hold(audit.InstanceSeen, "all %d stored tokens are listed or known; %s", cov.Stored.Authorizations, seen)
		return true
	case !c.instance && c.counts != nil:
		cov.Gap(audit.InstanceSeen, audit.Partial, "the instance has %d orgs, and no complete list of its tokens was received. Tokens of other orgs that may write to this org, and hidden tokens of deleted users, are not known", c.counts.Orgs)
	case c.counts != nil:
		cov.Gap(audit.InstanceSeen, audit.Partial, "the instance has %d orgs, and the credential sees the tokens of %d. Tokens of other orgs that may write to this org, and hidden tokens of deleted users, are not known", c.counts.Orgs, len(c.abroad.orgs)+len(c.orgs))
	default:
		cov.Gap(audit.InstanceSeen, audit.Partial, "the counts of the instance could not be read, and the credential sees the tokens of %s. Tokens of other orgs that may write to this org, and hidden tokens of deleted users, are not known", audit.Plural(len(c.abroad.orgs)+len(c.orgs), "org"))
	}
	return false
}
