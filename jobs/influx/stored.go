package influx

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/sorted"
)

// counted begins to ask for the server's own counts. OSS counts the keys of its store at
// each scrape (influxdata/influxdb bolt/metrics.go), whoever may see them, so the
// difference to the list is what the list hides.
func (c *collector) counted(ctx context.Context) func() (audit.Stored, error) {
	if c.product() == audit.ProductCloud && len(c.signs[audit.ProductCloud]) > 0 {
		return func() (audit.Stored, error) { return audit.Stored{}, errors.New("InfluxDB Cloud does not give counts") }
	}
	count := async(func() (audit.Stored, error) { return c.client.stored(ctx) })
	return func() (audit.Stored, error) {
		stored, err := count()
		if err == nil {
			c.shows(audit.ProductOSS, "counts under /metrics")
		}
		return stored, err
	}
}

// listAll takes the lists between two counts. Where these differ, the lists may be of
// before or after, so they are taken again.
func (c *collector) listAll(ctx context.Context, before audit.Stored, errBefore error) {
	const attempts = 3
	for attempt := 1; ; attempt++ {
		start := c.cov.Clone()
		c.askAccounts(ctx)
		c.listOrg(ctx, errBefore == nil && before.Orgs == 1)
		count := c.counted(ctx)
		c.listLegacy(ctx)
		after, err := count()
		switch settled := errBefore != nil || err != nil || before == after; {
		case settled || ctx.Err() != nil:
			c.compare(after, cmp.Or(err, errBefore))
			return
		case attempt == attempts:
			c.counts = &after
			c.record("the number of stored authorizations, users and orgs", "GET /metrics", after.Authorizations, 0, nil)
			c.cov.Gap(audit.StoredListed, audit.Partial, "the stored records changed during the list, %d times in a row. The list cannot be compared with the counts. The last change was from %d tokens, %d users and %d orgs to %d, %d and %d",
				attempts, before.Authorizations, before.Users, before.Orgs, after.Authorizations, after.Users, after.Orgs)
			return
		}
		c.cov, before = start, after
		c.forget()
	}
}

// forget drops what the lists gave, which are taken again.
func (c *collector) forget() {
	if err := c.list.Rollback(sorted.Mark{}); err != nil {
		c.cov.Gap(audit.ListWhole, audit.NotKnown, "the lists could not be read again: %v", err)
	}
	clear(c.seen)
	clear(c.orgs)
	clear(c.directory.unlisted)
	for name := range c.idOf {
		c.idOf[name] = ""
	}
	c.credentials = c.credentials.fork()
	c.complete, c.failed, c.leftOut, c.inClear, c.canary = false, nil, false, false, false
	c.instance, c.abroad = false, newAbroad()
}

// compare notes the counts. They are of the whole instance: they compare with a list of
// the whole instance only, as concludeInstance says.
func (c *collector) compare(stored audit.Stored, err error) {
	if c.product() == audit.ProductCloud {
		c.cov.NoNeed(audit.StoredListed, "InfluxDB Cloud does not give counts")
		return
	}
	asked := c.record("the number of stored authorizations, users and orgs", "GET /metrics", stored.Authorizations, 0, err)
	switch {
	case c.product() == audit.ProductUnknown: // which is said
	case err != nil: // see concludeInstance
		c.uncounted = asked.Reason
	default:
		c.counts, c.cov.Stored, c.cov.Elsewhere = &stored, &stored, c.abroad.rows
		if listed := len(c.directory.users); c.seesAll && stored.Users != listed {
			c.cov.Gap(audit.StoredListed, audit.Partial, "%s stored, and %d listed", audit.Plural(stored.Users, "user"), listed)
		}
	}
}

// unproven: OSS leaves the tokens of deleted users out of every list, and nothing
// tells whether there are any. A list of recovery makes up for it: from then on
// each token is known before its user can be deleted.
func (c *collector) unproven(cov *audit.Coverage) {
	why := "the counts of the server could not be read (" + c.uncounted + ")"
	if c.cfg.Import != "" {
		cov.AddBlindSpot("only the imported list shows whether the server hides tokens: " + why)
		cov.NoNeed(audit.StoredListed, "there are no counts, and each imported token was looked up")
		return
	}
	cov.Gap(audit.StoredListed, audit.Partial, "the server may hide tokens of deleted users: %s. Review the whole instance with an operator token and no org. Or set import to the output of \"influxd recovery auth list\", or review a copy of the database file (bolt)", why)
}

func (c *Client) stored(ctx context.Context) (audit.Stored, error) {
	resp, err := c.Get(ctx, "/metrics", nil)
	if err != nil {
		return audit.Stored{}, err
	}
	defer resp.Body.Close()
	if cached := c.CachedBy(resp.Header); cached != "" {
		return audit.Stored{}, fmt.Errorf("GET /metrics: the answer came from a cache (%s)", cached)
	}
	return readStored(resp.Body)
}

// readStored picks three figures out of the Prometheus text format; large ones
// are written as 1e+06.
func readStored(r io.Reader) (audit.Stored, error) {
	var s audit.Stored
	want := map[string]*int{"influxdb_tokens_total": &s.Authorizations, "influxdb_users_total": &s.Users, "influxdb_organizations_total": &s.Orgs}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if into, ok := want[name]; ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || f < 0 {
				return audit.Stored{}, errors.New("GET /metrics: " + name + " is not a count")
			}
			*into = int(f)
			delete(want, name)
		}
	}
	switch err := lines.Err(); {
	case err == bufio.ErrTooLong:
		return audit.Stored{}, errors.New("GET /metrics: a line is larger than the limit of 1 MiB")
	case err != nil:
		return audit.Stored{}, err
	}
	if len(want) > 0 {
		return audit.Stored{}, errors.New("GET /metrics: the counts of tokens, users and organizations are missing")
	}
	return s, nil
}
