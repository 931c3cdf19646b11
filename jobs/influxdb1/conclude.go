package influxdb1

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
)

// refused says why nothing is known: the first list was not given.
func (c *collector) refused(err error) {
	used := audit.Credential{Of: audit.TheTarget, ID: c.self, UserID: c.cfg.Username}
	answer, ofInfluxDB := errors.AsType[*api.Error](err)
	ofInfluxDB = ofInfluxDB && answer.Message != "" && answer.Cached == ""
	switch status := api.StatusOf(err); {
	case errors.As(err, new(*api.CredentialError)):
		c.cov.Gap(audit.CredentialActive, audit.NotKnown, "nothing was requested: %v", err)
	case status == http.StatusUnauthorized:
		used.Refused = api.Says(err, http.StatusUnauthorized, "authorization failed")
		c.cov.Gap(audit.CredentialActive, audit.NotKnown, "the user %s is not accepted: %v", audit.Line(c.cfg.Username, 60), err)
	case status == http.StatusForbidden && ofInfluxDB:
		used.Refused = true
		c.cov.Gap(audit.CredentialSeesAll, audit.NotKnown, "the user %s may not list the users: %v", audit.Line(c.cfg.Username, 60), err)
	default:
		c.cov.Gap(audit.ListWhole, audit.NotKnown, "nothing could be listed: %v", err)
	}
	used.Answer = err.Error()
	c.cov.Credentials = append(c.cov.Credentials, used)
}

// conclude draws the verdict on users, which are those of the newest list.
func (c *collector) conclude(users []listed) {
	name := audit.Line(c.cfg.Username, 60)
	own := slices.IndexFunc(users, func(u listed) bool { return u.Name == c.cfg.Username })
	cached := len(c.client.Connection().Cached) > 0
	used := audit.Credential{Of: audit.TheTarget, ID: c.self, UserID: c.cfg.Username, Accepted: c.closed && !cached}
	switch {
	case !c.closed:
		used.Answer = "no answer proves that it was accepted: InfluxDB answers without a password, or may do so"
	case cached:
		used.Answer = "no answer proves that it was accepted: a cache answered"
	}
	if own >= 0 && users[own].Admin {
		used.Permissions = []string{"read:/instance", "write:/instance"}
	}
	c.cov.Credentials = append(c.cov.Credentials, used)
	canary := slices.ContainsFunc(users, func(u listed) bool { return u.Name == c.cfg.Canary })
	c.whole = c.whole && own >= 0 && (users[own].Admin || c.open) && (canary || c.cfg.Canary == "") && !cached
	switch {
	case len(users) == 0:
		c.cov.Gap(audit.OwnCredentialShown, audit.NotKnown, "the list of users is empty, which proves nothing: it should show at least the user %s that requested it", name)
	case own < 0:
		c.cov.AddGap(audit.Gap{
			ID: audit.OwnCredentialShown, Verdict: audit.Partial, Reason: "the list does not show the user " + name + " that requested it",
			Fix: "Correct username, or create this user. If the list has the users of another server, correct url.",
		})
	default:
		c.cov.Hold(audit.OwnCredentialShown, "SHOW USERS lists the user %s", name)
	}
	switch {
	case c.open:
		c.cov.Hold(audit.CredentialSeesAll, "authentication is off: InfluxDB shows all users to everybody")
	case own >= 0 && !users[own].Admin:
		c.cov.Gap(audit.CredentialSeesAll, audit.Partial, "the user %s is not an admin according to the list, and only an admin may request it: the answers contradict each other", name)
	default:
		c.cov.Hold(audit.CredentialSeesAll, "InfluxDB answers SHOW USERS to admins only, and shows them all users")
	}
	api.NoteCanary(&c.cov, c.cfg.Canary, canary)
	if n := len(c.ungranted.names); n > 0 {
		const shown = 5
		c.cov.Gap(audit.RowsReadable, audit.Partial, "the grants of %s are not known (%s): %v", audit.Plural(n, "user"), audit.Names(c.ungranted.names, shown), c.ungranted.err)
	}
	c.cov.Hold(audit.ListWhole, "SHOW USERS: 200, one result without an error, not cut by max-row-limit")
	for _, id := range []string{audit.StoredListed, audit.LegacyListed} {
		c.cov.NoNeed(id, "InfluxDB 1.x has one list of users, and hides none of them")
	}
	for _, id := range []string{audit.UsersPresent, audit.OwnersConfigured} {
		c.cov.NoNeed(id, "every user is reviewed")
	}
	c.cov.NoNeed(audit.InstanceSeen, "the target is the whole server")
	c.cov.NoNeed(audit.DatabasesListed, "InfluxDB 1.x removes the grants on a database together with it")
}

// concludeServer says what answered. InfluxDB Enterprise 1.x has roles, of which SHOW
// GRANTS shows nothing. A server that was not built by InfluxData calls its version
// unknown; the form of its answers shows what it is.
func (c *collector) concludeServer(answered bool) {
	seen := c.client.Connection()
	seen.NoteCached(&c.cov)
	c.client.NoteClock(&c.cov)
	if seen.Build != "" || seen.Version != "" {
		c.cov.Server = strings.TrimSpace("InfluxDB " + seen.Build + " " + seen.Version)
	}
	enterprise := strings.HasPrefix(strings.ToUpper(seen.Build), "ENT")
	switch v1 := version1.MatchString(seen.Version); {
	case seen.Version != "" && seen.Version != "unknown" && !v1:
		c.cov.AddGap(audit.Gap{
			ID: audit.ProductKnown, Verdict: audit.Partial, Reason: "the target is configured as v1, but the answers show " + c.cov.Server,
			Fix: "Correct kind or url (tokenaudit help products).",
		})
	case !answered:
	case enterprise:
		c.cov.AddGap(audit.Gap{
			ID: audit.ProductKnown, Verdict: audit.Partial, Reason: "InfluxDB Enterprise 1.x answers. It has roles, and what users may do by a role is not known",
			Fix: "Check the roles by hand (SHOW ROLES). Two people may accept the gap product-known (accepted_gaps).",
		})
	case v1 && seen.Build == "OSS":
		c.cov.Hold(audit.ProductKnown, "InfluxDB OSS 1.x (X-Influxdb-Build: OSS, X-Influxdb-Version: %s)", seen.Version)
	case seen.Version == "unknown" && seen.Build == "OSS":
		c.cov.Hold(audit.ProductKnown, "InfluxDB OSS (X-Influxdb-Build: OSS) whose version is not known; it answers SHOW USERS as 1.x does")
	default:
		c.cov.Gap(audit.ProductKnown, audit.Partial, "the answers do not show that this is InfluxDB OSS 1.x, which has no roles: X-Influxdb-Build is %s, X-Influxdb-Version is %s", orNone(seen.Build), orNone(seen.Version))
	}
}

func orNone(s string) string {
	if s == "" {
		return "missing"
	}
	return s
}
