package influxdb3

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"tokenaudit/configs/remedy"
	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
)

// turnedAway reports whether an answer leaves no point in asking on, and says why in the
// coverage: that is the one thing to fix then.
func (c *collector) turnedAway(err error) bool {
	used := audit.Credential{Of: audit.TheTarget}
	var answer *api.Error
	errors.As(err, &answer)
	switch {
	case err == nil:
		return false
	case errors.As(err, new(*api.CredentialError)):
		used.Answer = "nothing was requested: " + err.Error()
	case !c.client.Connection().Answered:
		used.Answer = "no answer"
		c.cov.Gap(audit.ListWhole, audit.NotKnown, "nothing could be listed: %v", err)
	case answer == nil:
		return false
	case api.Says(err, http.StatusUnauthorized, unauthenticated):
		used.Refused = true
		used.Answer = fmt.Sprintf("the credential is not accepted (%v): it is wrong, was replaced or deleted, or it has expired. InfluxDB 3 gives the same answer to each of these", err)
	case answer.Status == http.StatusUnauthorized:
		used.Answer = fmt.Sprintf("something in front of InfluxDB does not accept the credential (%v)", err)
	case answer.Status == http.StatusBadRequest && strings.HasPrefix(answer.Message, "Authorization header was malformed"):
		used.Refused = true
		used.Answer = fmt.Sprintf("the server cannot read the credential (%v)", err)
	default:
		return false
	}
	if len(c.cov.Gaps) == 0 {
		c.cov.AddGap(audit.Gap{ID: audit.CredentialActive, Verdict: audit.NotKnown, Reason: used.Answer, Fix: remedy.Of(err)})
	}
	c.cov.Credentials = append(c.cov.Credentials, used)
	c.cov.Product, c.cov.Server = c.product(), c.serverWords()
	return true
}

// conclude draws the verdict.
func (c *collector) conclude() {
	c.concludeProduct()
	c.noteVersion()
	c.cov.AddLimits(c.product())
	for premise, why := range map[string]string{
		audit.StoredListed:     "InfluxDB 3 gives no counts: it lists every token to an admin, and none to others",
		audit.InstanceSeen:     "InfluxDB 3 has no orgs: the list is that of the whole server",
		audit.LegacyListed:     "InfluxDB 3 has no tokens of the 1.x API",
		audit.UsersPresent:     "tokens of InfluxDB 3 have no users",
		audit.OwnersConfigured: "tokens of InfluxDB 3 have no owners",
		audit.ImportCurrent:    "no list is imported",
	} {
		c.cov.NoNeed(premise, "%s", why)
	}
	c.concludeCredential()
	if c.failed != nil {
		c.concludeFailed()
		return
	}
	_, c.cov.Sources = c.source()
	c.concludeList()
	if c.open != "" {
		if err := c.list.Add(audit.Server("the server answers requests without a credential, as if started with --without-auth")); err != nil {
			c.cov.Gap(audit.TargetReviewed, audit.Partial, "the server answers without a credential, and this could not be stored: %v", err)
		}
	}
}

// concludeCredential says whether the credential was accepted, and which token it is.
func (c *collector) concludeCredential() {
	used := audit.Credential{Of: audit.TheTarget}
	var answer *api.Error
	forbidden := errors.As(c.failed, &answer) && answer.Status == http.StatusForbidden && !answer.Page && c.answered() != audit.ProductCore
	switch {
	case c.open != "":
		used.Answer = "the server accepts any credential"
		c.cov.NoNeed(audit.CredentialActive, "%s", c.open)
	case len(c.client.Connection().Cached) > 0:
		used.Answer = "no answer proves that it was accepted: a cache answered"
	case c.closed, forbidden:
		used.Accepted = true
		c.cov.Hold(audit.CredentialActive, "%s: %d", api.Request(queryPath, listTokens()), api.StatusOf(c.failed))
	default:
		used.Answer = "no answer proves that it was accepted"
	}
	if len(c.seen.own) == 1 {
		own := c.seen.own[0]
		used.ID = own.ID
		id, _ := c.source()
		for _, p := range own.Permissions {
			if len(used.Permissions) == audit.MaxPermissions {
				used.MorePermissions++
				continue
			}
			c.place(&p.Resource, id)
			used.Permissions = append(used.Permissions, audit.Line(p.String(), 100))
		}
	}
	c.cov.Credentials = append(c.cov.Credentials, used)
}

// concludeFailed is for a list that did not come.
func (c *collector) concludeFailed() {
	switch {
	case api.StatusOf(c.failed) != http.StatusForbidden:
		c.cov.Gap(audit.ListWhole, audit.NotKnown, "nothing could be listed: %v", c.failed)
	case c.answered() == audit.ProductCore:
		c.cov.Gap(audit.CredentialSeesAll, audit.NotKnown, "the list is refused (%v). InfluxDB 3 Core shows it to every token, so something in front of it refuses", c.failed)
	default:
		c.cov.Gap(audit.CredentialSeesAll, audit.NotKnown, "the credential may not read the list of tokens (%v). InfluxDB 3 Enterprise shows it to admin tokens only", c.failed)
	}
}

// concludeList judges whether the list has every token.
func (c *collector) concludeList() {
	seen, all := &c.seen, audit.Plural(c.seen.rows, "token")
	open := c.open != ""
	shown, heard := open || len(seen.own) > 0, c.client.Connection()
	heard.NoteCached(&c.cov)
	c.cov.Hold(audit.ListWhole, "%s, complete to the end of the answer", all)
	if len(c.clusters) > 1 {
		c.cov.Gap(audit.ListsAgree, audit.Partial, "the answers came from more than one cluster: %s", strings.Join(c.clusters, ", "))
	}
	switch {
	case seen.rows == 0:
		c.cov.Gap(audit.CredentialSeesAll, audit.NotKnown, "the list is empty, which proves nothing: every server with authentication has at least the token %s", operator)
	case seen.operator:
		c.cov.Hold(audit.CredentialSeesAll, "the list shows %s. InfluxDB 3 shows all tokens to those who may read them", operator)
	case !open && len(seen.own) > 0 && !isAdmin(seen.own[0]):
		c.cov.Gap(audit.CredentialSeesAll, audit.Partial, "the credential is not an admin token, and the list does not show %s: other tokens may be missing too", operator)
	}
	switch {
	case seen.rows == 0: // which is a gap already
	case !seen.operator:
		c.cov.Gap(audit.CanaryListed, audit.Partial, "the token %s is not among %s. Every server has it and it cannot be deleted, so other tokens may be missing too", operator, all)
	default:
		c.cov.Hold(audit.CanaryListed, "%s is in the list", operator)
	}
	if c.cfg.Canary != "" && c.cfg.Canary != operator && seen.rows > 0 {
		api.NoteCanary(&c.cov, c.cfg.Canary, seen.canary)
	}
	if len(c.cov.Sources) == 0 && seen.operator { // else that is the gap
		c.cov.AddGap(audit.Gap{
			ID: audit.SourceSame, Verdict: audit.Partial, Fix: "Upgrade to InfluxDB 3.7 or later, or report the format of the answer to the makers of tokenaudit.",
			Reason: "no answer shows which server this is: none has the ID of a cluster, and the date of the token " + operator + " cannot be read",
		})
	}
	switch {
	case seen.rows == 0:
	case open:
		c.cov.NoNeed(audit.OwnCredentialShown, "the server answers without a credential")
	case shown:
		c.cov.Hold(audit.OwnCredentialShown, "%s: among the %d listed, by its hash", audit.TheTarget, seen.rows)
	case seen.unhashed.n == seen.rows:
		c.cov.Gap(audit.OwnCredentialShown, audit.Partial, "the list has no hashes, so it is not known whether it shows the credential that requested it. InfluxDB 3 leaves them out when it was started with --without-auth")
	default:
		c.cov.Gap(audit.OwnCredentialShown, audit.Partial, "no token in the list has the hash of the credential that requested it, so other tokens may be missing too")
	}
	if n := seen.unnamed.n; n > 0 {
		c.cov.Gap(audit.RowsReadable, audit.Partial, "%d of %s have no name (%s)", n, all, seen.unnamed)
	}
	if n := seen.unhashed.n; n > 0 && !open {
		c.cov.Gap(audit.RowsReadable, audit.Partial, "%d of %s have no hash, so it is not known whether their secret was replaced (%s)", n, all, seen.unhashed)
	}
	if n := seen.misdated.n; n > 0 {
		c.cov.Gap(audit.RowsReadable, audit.Partial, "%d of %s have a date that is missing or cannot be read (%s)", n, all, seen.misdated)
	}
	c.whole = seen.operator && shown && len(c.cov.Sources) > 0 && len(heard.Cached) == 0 && len(c.clusters) < 2 && (c.cfg.Canary == "" || seen.canary)
}

// concludeWalk says what is known only when every token was walked.
func (c *collector) concludeWalk(cov *audit.Coverage) {
	if x := c.list.Contradictions(); x.N > 0 {
		cov.Gap(audit.ListsAgree, audit.Partial, "%s shown twice with different contents (%s)", audit.Plural(x.N, "token"), strings.Join(x.First, "; "))
	} else if c.seen.rows > 0 {
		cov.Hold(audit.ListsAgree, "no token is shown twice with different contents")
	}
}
