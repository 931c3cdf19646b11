package influx

import "tokenaudit/jobs/audit"

// conclude draws the verdict on the target as a whole.
func (c *collector) conclude() {
	rows := 0
	for _, f := range c.seen {
		rows += f.rows
	}
	switch {
	case c.failed != nil && rows == 0:
		c.cov.Lower(audit.NotKnown, "nothing could be listed: %v", c.failed)
	case c.failed != nil:
		c.cov.Lower(audit.Partial, "the list of %s failed: %v", c.orgName(), c.failed)
	case rows == 0:
		c.cov.Lower(audit.NotKnown, "the list is empty, which proves nothing: it should hold at least the credential's own authorization. It lacks read on authorizations or on all users: %s", c.fix())
	case !c.seesAll && len(c.cfg.Users) == 0:
		c.cov.Lower(audit.Partial, "the credential may not read all users, and InfluxDB then lists only the authorizations of its own user. %s", c.wider())
	}
	if c.cfg.Canary != "" && !c.canary {
		c.cov.Lower(audit.Partial, "the canary %s is not in the answer: it was deleted, or the list leaves out what it should show", c.cfg.Canary)
	}
	if rows > 0 && len(c.credentials.known()) == 0 {
		c.cov.Blind("which authorization the credential itself is could not be told; name it under credential, and it is reviewed too")
	}
	c.flagReadable()
	c.cov.ClockSkewSeconds = int(c.client.line.skew.Seconds())
}

// wider says how more can be seen.
func (c *collector) wider() string {
	if c.oss() && !c.cloud() {
		return "Give it one: " + c.fix()
	}
	return "Name each user under users, with a credential of its own"
}

// flagReadable adds the server itself to the population when it shows values.
func (c *collector) flagReadable() {
	if c.readable {
		if err := c.list.add(audit.Server("token values came back in clear in the list of authorizations")); err != nil {
			c.cov.Lower(audit.Partial, "token values came back in clear, and that could not be kept: %v", err)
		}
	}
}
