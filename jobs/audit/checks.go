package audit

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Checks is the policy: every rule of the review, worst first.
func Checks() []Check { return slices.Clone(checks[:]) }

// checks are the rules, never changed. To add one, add it here and a case to its test.
var checks = [...]Check{
	{
		ID: "deleted-owner", Severity: Critical,
		Title: "Owner was deleted",
		Why:   "The token stopped working when its user was deleted, but its record lives on: if the user ID is created again, the token works again.",
		Fix:   "Delete the authorization by its ID. If something still needs it, create a new token under a service user.",
		Match: func(s *Subject) (string, Outcome) {
			return s.Owner.Evidence, s.ownerIs(OwnerDeleted)
		},
	},
	{
		ID: "deleted-org", Severity: Critical,
		Title: "Org was deleted",
		Why:   "The org is gone and the record of the token lives on, in no list: if the org's ID comes back in a restore, so does the access.",
		Fix:   "Delete the authorization by its ID.",
		Match: func(s *Subject) (string, Outcome) {
			return "404 organization not found", failIf(s.OrgDeleted)
		},
	},
	{
		ID: "operator", Severity: Critical,
		Title: "Writes to every org (operator token)",
		Why:   "A write permission without an org reaches every org of the instance. Whoever holds the value owns the instance.",
		Fix:   "Replace it by tokens of one org with the permissions they need; keep a single operator token, inactive, for emergencies.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(s.writeScope, s.active(), s.Access.EveryOrg)
		},
	},
	{
		ID: "mints-tokens", Severity: Critical,
		Title: "Can create tokens",
		Why:   "With write on authorizations the holder can make further tokens, which outlive the revocation of this one.",
		Fix:   "Revoke it. Create tokens with a person's session, or keep the one token of your provisioning tool in a vault and list its user under service_users.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(words("write on authorizations"), s.active(), s.Access.Mints)
		},
	},
	{
		ID: "permission-drift", Severity: Critical, Momentary: true,
		Title: "Permissions, owner or org changed",
		Why:   "InfluxDB cannot change them once a token exists. Somebody changed the database itself, or a backup was restored.",
		Fix:   "Find out who had access to the database file. Revoke the token; the finding stands until it is gone.",
		Match: matchDrift,
	},
	{
		ID: "token-value-readable", Severity: High, Momentary: true, Server: true,
		Title: "The server shows token values",
		Why:   "Whoever may read authorizations and users reads every token of the org in clear, the operator's too if it lives there (CVE-2024-30896).",
		Fix:   "Upgrade InfluxDB to 2.9 or later, or start it with --use-hashed-tokens; then rotate the tokens that could be read.",
		Match: func(s *Subject) (string, Outcome) {
			return s.Description, failIf(s.ID == ServerID)
		},
	},
	{
		ID: "foreign-operator", Severity: High, Momentary: true, Server: true,
		Title: "A token of another org writes here",
		Why:   "A write permission without an org reaches every org of the instance, this one too. The token is on no list of this org, and its owner need not be in it.",
		Fix:   "Have it replaced, in its own org, by tokens of one org; keep a single operator token, inactive, for emergencies.",
		Match: func(s *Subject) (string, Outcome) {
			return s.Description, failIf(s.IsOfOtherOrg())
		},
	},
	{
		ID: "credential-refused", Severity: High, Momentary: true, Server: true,
		Title: "A credential of the review is refused",
		Why:   "An earlier review was let in with it: it was revoked or set inactive, or its user was. What only it could see is out of sight.",
		Fix:   "Find out who revoked it, or what became of its user, and give the target or the user another one.",
		Match: matchRefused,
	},
	{
		ID: "auditor-can-write", Severity: High, Momentary: true,
		Title: "The audit credential can write",
		Why:   "A review needs to read authorizations, users and orgs and nothing else. What can write can be abused, and the review cannot vouch for itself.",
		Fix:   "Make a credential with influx auth create --read-authorizations --read-users --read-orgs, and revoke this one.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(s.writeScope, s.Scope.Credentials[s.ID], s.Access.Writes > 0)
		},
	},
	{
		ID: "exception-void", Severity: High,
		Title: "Exception is void",
		Why:   "The token is not what the exception was approved for: its permissions, its owner or its status changed since. The exception no longer holds.",
		Fix:   "Decide anew. If it is still right, approve it again with the fingerprint of today (tokenaudit tokens show ID).",
		Match: func(s *Subject) (string, Outcome) {
			detail, outcome := matchExceptions(s, func(e Exception) bool { return !s.IsServer() && e.Fingerprint != s.Fingerprint() })
			if outcome == Fail && (s.Access.Unreadable || !s.StatusKnown()) {
				return "", Unknown
			}
			return detail, outcome
		},
	},
	{
		ID: "back-again", Severity: High, Momentary: true,
		Title: "Back again after it was gone",
		Why:   "It was revoked, and the very ID is there again. InfluxDB draws a new ID for every token: a backup was restored, or somebody changed the database.",
		Fix:   "Find out who restored it and what else came back; revoke it again.",
		Match: func(s *Subject) (string, Outcome) {
			if _, back := s.changed("presence"); back {
				return "it was gone at an earlier review", Fail
			}
			return "", Unknown
		},
	},
	{
		ID: "administers-users", Severity: High,
		Title: "Can administer users",
		Why:   "With write on users beyond its own the holder can rename, disable or delete other users, or bring a deleted one back to life.",
		Fix:   "Revoke it, and create a token without write on users.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(words("write on users other than its own"), s.active(), s.Access.AdministersUsers)
		},
	},
	{
		ID: "all-access", Severity: High,
		Title: "All-access token",
		Why:   "Read and write on every resource type of the org: one leaked value is the whole org.",
		Fix:   "Replace it by a token limited to the buckets and the action that its user needs.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(s.writeScope, s.active() && !s.Access.EveryOrg, s.Access.AllAccess)
		},
	},
	{
		ID: "org-wide-write", Severity: High,
		Title: "Writes to all buckets of the org",
		Why:   "It reaches buckets that its user never meant to write, and every bucket created later.",
		Fix:   "Create a token for the buckets that are really written, then revoke this one.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(s.writeScope, s.active() && !s.Access.AllAccess && !s.Access.EveryOrg, s.Access.AllBuckets)
		},
	},
	{
		ID: "inactive-owner", Severity: High,
		Title: "Owner is inactive",
		Why:   "The user was switched off and the token is refused for now; it works again the moment the user is switched on.",
		Fix:   "Delete the authorization, or move the work to a service user.",
		Match: func(s *Subject) (string, Outcome) {
			return s.Owner.Evidence, s.ownerIs(OwnerInactive)
		},
	},
	{
		ID: "owner-not-in-roster", Severity: High,
		Title: "Owner is not in the roster",
		Why:   "By the word of HR or of the identity provider the user has left, or never belonged here; its token works on.",
		Fix:   "Delete the authorization, or move the work to a service user. If the user belongs here, correct the roster.",
		Match: matchRoster,
	},
	{
		ID: "active-write", Severity: Info,
		Title: "Active write token",
		Why:   "Whoever holds the value can write or delete data. Each one needs a reason to exist and a known holder.",
		Fix:   "Confirm that it is needed and narrow enough; otherwise set it inactive, and delete it when nothing breaks.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(s.writeScope, s.active(), s.Access.Writes > 0)
		},
	},
	{
		ID: "personal-write", Severity: Medium,
		Title: "Write token of a person",
		Why:   "Tokens stop working when the user that created them is deleted: a pipeline that writes with a person's token breaks when that person leaves.",
		Fix:   "Create the token under a generic (service) user, switch the writer over, revoke this one.",
		Match: func(s *Subject) (string, Outcome) {
			personal := len(s.Policy.ServiceUsers) > 0 && !s.Policy.isServiceUser(&s.Owner)
			return s.grants(words("owner is not in service_users"), personal && s.active(), s.Access.Writes > 0)
		},
	},
	{
		ID: "auditor-personal", Severity: Medium, Momentary: true,
		Title: "The audit credential belongs to a person",
		Why:   "It stops working when that person's user is deleted, and the reviews stop with it.",
		Fix:   "Create it under a service user and list that one under service_users.",
		Match: func(s *Subject) (string, Outcome) {
			personal := len(s.Policy.ServiceUsers) > 0 && !s.Policy.isServiceUser(&s.Owner)
			return "owner is not in service_users", failIf(s.Scope.Credentials[s.ID] && personal)
		},
	},
	{
		ID: "reactivated", Severity: Medium, Momentary: true,
		Title: "Active again",
		Why:   "It was inactive at an earlier review. An inactive token that comes back may have been kept for later on purpose.",
		Fix:   "Ask its owner why; set it inactive or delete it if there is no reason.",
		Match: matchReactivated,
	},
	{
		ID: "owner-not-member", Severity: Medium,
		Title: "Owner is not in the org",
		Why:   "The user is neither member nor owner of the org, yet its token is still let in: removing a member does not touch tokens.",
		Fix:   "Delete the authorization, or add the user to the org again if that was a mistake.",
		Match: func(s *Subject) (string, Outcome) {
			if s.Owner.State == OwnerInactive || s.Owner.State == OwnerPresent && !s.Owner.MembershipKnown {
				return "", Unknown
			}
			return s.Owner.Evidence, s.ownerIs(OwnerNotMember)
		},
	},
	{
		ID: "unlisted-owner", Severity: Medium, Momentary: true,
		Title: "Owner is not among the configured users",
		Why:   "The review was asked for certain users, and this token belongs to somebody else.",
		Fix:   "Add the user to the target's users, or find out why it owns a token here.",
		Match: matchUnlisted,
	},
	{
		ID: "not-rotated", Severity: Medium,
		Title: "Not rotated",
		Why:   "The longer a value lives, the more places know it. InfluxDB tokens of this kind never expire by themselves.",
		Fix:   "Create a new token with the same permissions, switch over, revoke this one.",
		Match: func(s *Subject) (string, Outcome) {
			if !s.active() || s.Policy.RotateAfter == 0 {
				return "", Pass
			}
			if s.CreatedAt.IsZero() {
				return "", Unknown
			}
			age := s.Now.Sub(s.CreatedAt)
			return failWith(func() string { return days(age) + " old" }, age > s.Policy.RotateAfter)
		},
	},
	{
		ID: "exception-expired", Severity: Medium,
		Title: "Exception has expired",
		Why:   "What it allowed counts again.",
		Fix:   "Mend what it allowed, or have it approved again; then remove the old one from the configuration.",
		Match: func(s *Subject) (string, Outcome) {
			return matchExceptions(s, func(e Exception) bool { return !s.IsServer() && !s.Now.Before(e.Expires) })
		},
	},
	{
		ID: "exception-expiring", Severity: Low,
		Title: "Exception expires within 14 days",
		Why:   "What it allows will count again.",
		Fix:   "Mend what it allows, or have it approved again in time.",
		Match: func(s *Subject) (string, Outcome) {
			return matchExceptions(s, func(e Exception) bool {
				return !s.IsServer() && s.Now.Before(e.Expires) && !s.Now.Add(expiringWithin).Before(e.Expires)
			})
		},
	},
	{
		ID: "exception-unused", Severity: Low, Server: true, Momentary: true,
		Title: "Exception that nothing used",
		Why:   "The token is gone, or the finding that it allowed is: an exception that is left lying about may allow something else one day.",
		Fix:   "Remove it from the configuration.",
		Match: func(s *Subject) (string, Outcome) {
			return matchExceptions(s, func(Exception) bool { return s.isExceptions() })
		},
	},
	{
		ID: "inactive-operator", Severity: Low,
		Title: "Inactive operator token",
		Why:   "Nobody can use it now. A user who may write authorizations can set it active, and then it writes to every org.",
		Fix:   "Keep one at most, for emergencies, with its value in a vault. Delete any other.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(s.writeScope, !s.active(), s.Access.EveryOrg)
		},
	},
	{
		ID: "inactive-leftover", Severity: Low,
		Title: "Inactive and left over",
		Why:   "It can be switched on again by whoever may write authorizations, and nobody has missed it.",
		Fix:   "Delete the authorization.",
		Match: matchLeftover,
	},
	{
		ID: "no-description", Severity: Low,
		Title: "No description",
		Why:   "Nobody can tell what it is for, so nobody dares to revoke it.",
		Fix:   "Describe what uses it and who is responsible: influx auth update, or the token's page.",
		Match: func(s *Subject) (string, Outcome) {
			return "description is empty", failIf(blank(s.Description))
		},
	},
	{
		ID: "dangling-grant", Severity: Low,
		Title: "Permission on something that no longer exists",
		Why:   "Part of what it was made for is gone. If the ID comes back in a restore, so does the access.",
		Fix:   "Create a token without the dead permission, then delete this one.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(s.Access.danglingDetail, true, len(s.Access.Dangling) > 0)
		},
	},
}

// active is true for every status but inactive, an unknown one too.
func (s *Subject) active() bool { return s.Status != Inactive }

// grants judges what the permissions add up to, of an authorization that the check
// applies to: what could not be read of them may hold what was not found.
func (s *Subject) grants(detail func() string, applies, found bool) (string, Outcome) {
	switch {
	case !applies:
		return "", Pass
	case found:
		return detail(), Fail
	case s.Access.Unreadable:
		return "", Unknown
	}
	return "", Pass
}

func words(detail string) func() string { return func() string { return detail } }

func (s *Subject) ownerIs(state OwnerState) Outcome {
	switch s.Owner.State {
	case state:
		return Fail
	case OwnerUnknown, OwnerNone:
		return Unknown
	}
	return Pass
}

// matchDrift: the alarm is not taken back when the next review sees no further
// change, so it answers unknown rather than pass.
func matchDrift(s *Subject) (string, Outcome) {
	for _, field := range []string{"permissions", "owner", "org"} {
		if c, ok := s.changed(field); ok {
			return field + ": before " + orNone(c.From) + ", now " + orNone(c.To), Fail
		}
	}
	return "", Unknown
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// matchReactivated stands until the token is inactive again.
func matchReactivated(s *Subject) (string, Outcome) {
	c, ok := s.changed("status")
	switch {
	case !s.active():
		return "", Pass
	case ok && c.From != "" && s.StatusKnown():
		return "was " + c.From, Fail
	}
	return "", Unknown
}

func matchUnlisted(s *Subject) (string, Outcome) {
	switch {
	case s.Scope.Users == nil || s.Scope.Users[s.UserID]:
		return "", Pass
	case !s.Scope.AllVisible:
		return "", Unknown
	}
	return "not among the users of this target", Fail
}

// matchLeftover counts from the last update: that is when it was set inactive,
// or later.
func matchLeftover(s *Subject) (string, Outcome) {
	since := s.UpdatedAt
	if since.IsZero() {
		since = s.CreatedAt
	}
	switch {
	case s.Status == Active || s.Policy.InactiveAfter == 0, s.Access.EveryOrg: // see inactive-operator
		return "", Pass
	case !s.StatusKnown() || since.IsZero():
		return "", Unknown
	}
	idle := s.Now.Sub(since)
	detail := func() string { return "inactive for " + days(idle) }
	return failWith(detail, idle > s.Policy.InactiveAfter)
}

func (acc *Access) danglingDetail() string {
	var parts []string
	for _, r := range acc.Dangling {
		parts = append(parts, strings.TrimSuffix(r.Type, "s")+" "+r.ID)
	}
	return strings.Join(parts, ", ")
}

func failIf(found bool) Outcome {
	if found {
		return Fail
	}
	return Pass
}

// writeScope is put into words once for all checks that say it.
func (s *Subject) writeScope() string {
	if s.scope == "" {
		s.scope = s.Access.WriteScope()
	}
	return s.scope
}

// failWith draws up the detail only of what is found: most checks pass.
func failWith(detail func() string, found bool) (string, Outcome) {
	if !found {
		return "", Pass
	}
	return detail(), Fail
}

// days puts a time into words.
func days(d time.Duration) string {
	n := int64(d.Hours() / 24)
	if n == 1 {
		return "1 day"
	}
	return strconv.FormatInt(n, 10) + " days"
}
