package audit

import (
	"slices"
	"strings"
	"time"
)

// Checks is the policy: every rule of the review, worst first.
func Checks() []Check { return slices.Clone(checks[:]) }

// checks are the rules, never changed. To add one, add it here and a case to its test.
var checks = [...]Check{
	{
		ID: "deleted-owner", Severity: Critical, Deletes: true,
		Title: "Owner was deleted",
		Why:   "The token stopped working when its user was deleted, but its record still exists. If a user with this ID is created again, the token works again.",
		Fix:   "Delete the authorization by its ID. If something still needs the access, create a new token under a service user.",
		Match: func(s *Subject) (string, Outcome) {
			return s.Owner.Evidence, s.ownerIs(OwnerDeleted)
		},
	},
	{
		ID: "deleted-org", Severity: Critical, Deletes: true,
		Title: "Org was deleted",
		Why:   "The org was deleted, but the record of the token still exists and is in no list. If a restore brings back the org ID, the token works again.",
		Fix:   "Delete the authorization by its ID.",
		Match: func(s *Subject) (string, Outcome) {
			return "404 organization not found", failIf(s.OrgDeleted)
		},
	},
	{
		ID: "operator", Severity: Critical,
		Title: "Writes to every org (operator token)",
		Why:   "A write permission without an org applies to every org of the instance. Anyone who has the token value controls the instance.",
		Fix:   "Replace it with tokens for one org that have only the permissions they need. Keep at most one operator token, inactive, for emergencies.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(s.writeScope, s.active() && !s.isNeeded(), s.Access.EveryOrg)
		},
	},
	{
		ID: "mints-tokens", Severity: Critical,
		Title: "Can create tokens",
		Why:   "With write permission on authorizations, the holder can create more tokens. They keep working after this one is revoked.",
		Fix:   "Revoke it, and create tokens in a personal session. If a provisioning tool needs one, keep it in a vault and list its user under service_users.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(words("write on authorizations"), s.active(), s.Access.Mints)
		},
	},
	{
		ID: "permission-drift", Severity: Critical, Momentary: true, Event: true,
		Title: "Permissions, owner or org changed",
		Why:   "InfluxDB cannot change them after a token is created. Someone changed the database directly, or a backup was restored.",
		Fix:   "Find out who had access to the database file. Revoke the token; the finding stays open until the token is gone.",
		Match: matchDrift,
	},
	{
		ID: "auth-off", Severity: Critical, Momentary: true, Server: true,
		Title: "The server asks for no credential",
		Why:   "Authentication is off. Anyone who can reach the server can read, write and delete everything, and the tokens on it protect nothing.",
		Fix:   "Start InfluxDB 3 without --without-auth, or set auth-enabled = true for InfluxDB 1.x. Until then, allow only the hosts that need it to connect.",
		Match: func(s *Subject) (string, Outcome) {
			return s.Description, failIf(s.ID == ServerID)
		},
	},
	{
		ID: "token-value-readable", Severity: High, Momentary: true, Server: true,
		Title: "The server shows token values",
		Why:   "Anyone who may read authorizations and users can read every token of the org in plain text, including its operator token (CVE-2024-30896).",
		Fix:   "Upgrade InfluxDB to 2.9 or later, or start it with --use-hashed-tokens. Then rotate the tokens that could be read.",
		Match: func(s *Subject) (string, Outcome) {
			return s.Description, failIf(s.ID == ServerID)
		},
	},
	{
		ID: "foreign-operator", Severity: High, Momentary: true, Server: true,
		Title: "Token of another org can write to this org",
		Why:   "A write permission without an org also applies to this org. The token is in no list of this org, and its owner may not belong to it.",
		Fix:   "Ask the other org to replace it with tokens for one org. Keep at most one operator token, inactive, for emergencies.",
		Match: func(s *Subject) (string, Outcome) {
			return s.Description, failIf(s.IsOfOtherOrg())
		},
	},
	{
		ID: "credential-refused", Severity: High, Momentary: true, Server: true,
		Title: "Credential of the review was refused",
		Why:   "It worked in an earlier review. The credential or its user was deleted or set inactive. Tokens that only this credential could read are not visible.",
		Fix:   "Find out who revoked it, or what happened to its user. Give the target or the user a new credential.",
		Match: matchRefused,
	},
	{
		ID: "auditor-can-write", Severity: High, Momentary: true,
		Title: "The audit credential can write",
		Why:   "A review only needs to read authorizations, users and orgs. A credential that can write can be misused, and the review cannot prove its own integrity.",
		Fix:   "Create a credential with influx auth create --read-authorizations --read-users --read-orgs, and revoke this one.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(s.writeScope, s.Scope.Credentials[s.ID], s.Access.Writes > 0)
		},
	},
	{
		ID: tooManyAdmins, Severity: High, Momentary: true, Server: true,
		Title: "More admin tokens than allowed",
		Why:   "Each of them can do everything on the server and create more tokens. With each one, a leak is more likely.",
		Fix:   "Delete the admins that nobody needs. Replace others by tokens or users for single databases, which Core does not have. Or raise policy.max_admins.",
		Match: matchAdmins,
	},
	{
		ID: SecretReplaced, Severity: High, Momentary: true, Event: true,
		Expected: (*Subject).replacedByPlan,
		Title:    "Secret was replaced",
		Why:      "The token has a new value. If nobody planned that, somebody may have it who should not have it.",
		Fix:      "Find out who replaced it. Unless that was right, replace it again by plan: first get an exception for secret-replaced approved (tokenaudit help exceptions).",
		Match:    matchReplaced,
	},
	{
		ID: "revived-grant", Severity: High,
		Title: "Permission on a database that was created again",
		Why:   "Tokens name databases. This one was for a database that was deleted, and may now use a new database of the same name.",
		Fix:   "Ask the owner of the new database whether the token may use it. If not, remove the permission. If so, replace the token.",
		Match: matchRevived,
	},
	{
		ID: "expired-on-creation", Severity: High, Deletes: true,
		Title: "Expired when it was created",
		Why:   "Its expiry is not after its creation, so it never worked (influxdata/influxdb#27620). Whatever needed it may use a token with more access.",
		Fix:   "Delete it. If something needs it, create it again, with an expiry.",
		Match: func(s *Subject) (string, Outcome) {
			return "expiry " + s.ExpiresAt.UTC().Format(time.DateTime), failIf(s.neverWorked() && !s.Revoked(s.Now))
		},
	},
	{
		ID: "auditor-expires", Severity: High, Momentary: true,
		Title: "The audit credential expires soon",
		Why:   "After its expiry the server refuses it, and the reviews of this target see nothing.",
		Fix:   "Create a new token for the review, and give it to the target before the old one expires.",
		Match: func(s *Subject) (string, Outcome) {
			if !s.Scope.Credentials[s.ID] {
				return "", Pass
			}
			return matchExpiresSoon(s)
		},
	},
	{
		ID: "exception-void", Severity: High,
		Title: "Exception is void",
		Why:   "The permissions, owner or status of the token changed after the exception was approved. The exception is no longer valid.",
		Fix:   "Decide again. If the exception is still right, approve it with the new fingerprint (tokenaudit tokens show ID).",
		Match: func(s *Subject) (string, Outcome) {
			detail, outcome := matchExceptions(s, func(e Exception) bool { return !s.IsServer() && e.Fingerprint != s.Fingerprint() })
			if outcome == Fail && (s.Access.Unreadable || !s.StatusKnown()) {
				return "", Unknown
			}
			return detail, outcome
		},
	},
	{
		ID: "back-again", Severity: High, Deletes: true, Momentary: true,
		Title: "Deleted token exists again",
		Why:   "It was revoked, and a token with the same ID exists again. InfluxDB gives each new token a new ID: a backup was restored, or someone changed the database.",
		Fix:   "Find out who restored it and what else was restored. Revoke it again.",
		Match: func(s *Subject) (string, Outcome) {
			switch _, back := s.changed("presence"); {
			case s.isFinal():
				return "", Pass
			case back:
				return "it was gone at an earlier review", Fail
			}
			return "", Unknown
		},
	},
	{
		ID: "administers-users", Severity: High,
		Title: "Can administer users",
		Why:   "With write permission on other users, the holder can rename, disable or delete them, or create a deleted user again.",
		Fix:   "Revoke it, and create a token without write on users.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(words("write on users other than its own"), s.active(), s.Access.AdministersUsers)
		},
	},
	{
		ID: "all-access", Severity: High,
		Title: "All-access token",
		Why:   "It can read and write every resource type of the org. A leaked value exposes the whole org.",
		Fix:   "Replace it with a token limited to the buckets and the action that its user needs.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(s.writeScope, s.active() && !s.Access.EveryOrg, s.Access.AllAccess)
		},
	},
	{
		ID: "org-wide-write", Severity: High,
		Title: "Writes to all buckets of the org",
		Why:   "It can write to buckets that its user does not need, and to every bucket created later.",
		Fix:   "Create a token for the buckets that are in use, then revoke this one.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(s.writeScope, s.active() && !s.Access.AllAccess && !s.Access.EveryOrg, s.Access.AllBuckets)
		},
	},
	{
		ID: "inactive-owner", Severity: High, Deletes: true,
		Title: "Owner is inactive",
		Why:   "The user is inactive, so the token is refused. It works again when the user is set active.",
		Fix:   "Delete the authorization, or move the work to a service user.",
		Match: func(s *Subject) (string, Outcome) {
			return s.Owner.Evidence, s.ownerIs(OwnerInactive)
		},
	},
	{
		ID: "owner-not-in-roster", Severity: High, Deletes: true,
		Title: "Owner is not in the roster",
		Why:   "According to HR or the identity provider, the user has left or never belonged to the organization. The token still works.",
		Fix:   "Delete the authorization, or move the work to a service user. If the user belongs to the organization, correct the roster.",
		Match: matchRoster,
	},
	{
		ID: "active-write", Severity: Info,
		Title: "Active write token",
		Why:   "Anyone who has the token value can write or delete data. Every write token needs a purpose and a known owner.",
		Fix:   "Confirm that it is needed and has only the permissions it needs. Otherwise set it inactive, and delete it if nothing breaks.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(s.writeScope, s.active(), s.Access.Writes > 0)
		},
	},
	{
		ID: "personal-write", Severity: Medium,
		Title: "Write token of a person",
		Why:   "A token stops working when the user that created it is deleted. A pipeline with a person's token breaks when that person leaves.",
		Fix:   "Create a token under a generic (service) user, switch the writer to it, and revoke this one.",
		Match: func(s *Subject) (string, Outcome) {
			personal := len(s.Policy.ServiceUsers) > 0 && !s.Policy.IsServiceUser(&s.Owner)
			return s.grants(words("owner is not in service_users"), personal && s.active(), s.Access.Writes > 0)
		},
	},
	{
		ID: "auditor-personal", Severity: Medium, Momentary: true,
		Title: "The audit credential belongs to a person",
		Why:   "It stops working when that person's user is deleted. Then the reviews stop too.",
		Fix:   "Create a credential under a service user, and list that user under service_users.",
		Match: func(s *Subject) (string, Outcome) {
			personal := len(s.Policy.ServiceUsers) > 0 && !s.Policy.IsServiceUser(&s.Owner)
			return "owner is not in service_users", failIf(s.Scope.Credentials[s.ID] && personal)
		},
	},
	{
		ID: "reactivated", Severity: Medium, Momentary: true,
		Title: "Active again",
		Why:   "It was inactive in an earlier review. Someone may have kept an inactive token to use it later.",
		Fix:   "Ask its owner for the reason. If there is none, set it inactive or delete it.",
		Match: matchReactivated,
	},
	{
		ID: "owner-not-member", Severity: Medium, Deletes: true,
		Title: "Owner is not in the org",
		Why:   "The user is neither a member nor an owner of the org, but its token still works. Removing a member does not revoke tokens.",
		Fix:   "Delete the authorization. If the user was removed by mistake, add it to the org again.",
		Match: func(s *Subject) (string, Outcome) {
			if s.Owner.State == OwnerInactive || s.Owner.State == OwnerPresent && !s.Owner.MembershipKnown {
				return "", Unknown
			}
			return s.Owner.Evidence, s.ownerIs(OwnerNotMember)
		},
	},
	{
		ID: "unlisted-owner", Severity: Medium, Momentary: true,
		Title: "Owner is not a configured user",
		Why:   "The review is configured for certain users, and this token belongs to another user.",
		Fix:   "Add the user to the users of the target, or find out why it has a token in this org.",
		Match: matchUnlisted,
	},
	{
		ID: "not-rotated", Severity: Medium,
		Title: "Not rotated",
		Why:   "The longer a token value is used, the more places have a copy of it. InfluxDB tokens of this kind never expire.",
		Fix:   "Create a new token with the same permissions, switch to it, and revoke this one.",
		Match: func(s *Subject) (string, Outcome) {
			if !s.active() || s.Policy.RotateAfter == 0 {
				return "", Pass
			}
			since := s.secretSince()
			if since.IsZero() {
				return "", Unknown
			}
			age := s.Now.Sub(since)
			return failWith(func() string { return Plural(inDays(age), "day") + " old" }, age > s.Policy.RotateAfter)
		},
	},
	{
		ID: "never-expires", Severity: Medium,
		Expected: func(s *Subject) bool { return s.IsOperator() },
		Title:    "Never expires",
		Why:      "Anyone who gets the token value can use it until somebody deletes the token. With an expiry, that ends by itself.",
		Fix:      "Create a token with the same permissions and an expiry, switch to it, and delete or revoke this one.",
		Match: func(s *Subject) (string, Outcome) {
			if !s.active() || !s.ExpiresAt.IsZero() {
				return "", Pass
			}
			return s.grants(words("no expiry"), true, s.Access.Reads+s.Access.Writes > 0) // a canary may live for ever
		},
	},
	{
		ID: "expires-soon", Severity: Medium, Momentary: true,
		Title: "Expires soon",
		Why:   "Whatever uses it stops working at its expiry.",
		Fix:   "Create a new token, switch to it, and delete this one. If nothing uses it, delete it.",
		Match: func(s *Subject) (string, Outcome) {
			if s.Scope.Credentials[s.ID] { // see auditor-expires
				return "", Pass
			}
			return matchExpiresSoon(s)
		},
	},
	{
		ID: "exception-expired", Severity: Medium,
		Title: "Exception has expired",
		Why:   "The excepted finding counts again.",
		Fix:   "Fix the finding, or have a new exception approved. Then remove the old one from the configuration.",
		Match: func(s *Subject) (string, Outcome) {
			return matchExceptions(s, func(e Exception) bool { return !s.IsServer() && !s.Now.Before(e.Expires) })
		},
	},
	{
		ID: "exception-expiring", Severity: Low,
		Title: "Exception expires within 14 days",
		Why:   "The excepted finding will count again.",
		Fix:   "Fix the finding, or have a new exception approved in time.",
		Match: func(s *Subject) (string, Outcome) {
			return matchExceptions(s, func(e Exception) bool {
				return !s.IsServer() && s.Now.Before(e.Expires) && !s.Now.Add(expiringWithin).Before(e.Expires)
			})
		},
	},
	{
		ID: "exception-unused", Severity: Low, Server: true, Momentary: true,
		Title: "Unused exception",
		Why:   "The token or the finding no longer exists. An unused exception may later cover something that nobody approved.",
		Fix:   "Remove it from the configuration.",
		Match: func(s *Subject) (string, Outcome) {
			return matchExceptions(s, func(Exception) bool { return s.IsExceptions() })
		},
	},
	{
		ID: "inactive-operator", Severity: Low, Deletes: true,
		Title: "Inactive operator token",
		Why:   "Nobody can use it now. A user who may write authorizations can set it active, and then it writes to every org.",
		Fix:   "Keep one at most, for emergencies, with its value in a vault. Delete any other.",
		Match: func(s *Subject) (string, Outcome) {
			return s.grants(s.writeScope, !s.active(), s.Access.EveryOrg)
		},
	},
	{
		ID: "inactive-leftover", Severity: Low, Deletes: true,
		Title: "Inactive longer than allowed",
		Why:   "Anyone with write permission on authorizations can set it active again, and nobody seems to need it.",
		Fix:   "Delete the authorization.",
		Match: matchLeftover,
	},
	{
		ID: "expired-leftover", Severity: Low, Deletes: true,
		Title: "Expired and not deleted",
		Why:   "It does not work any more. It works again if the clock of the server is set back.",
		Fix:   "Delete or revoke it.",
		Match: func(s *Subject) (string, Outcome) {
			over := s.Expired(s.Now) && !s.Revoked(s.Now) && !s.neverWorked()
			return "since " + inWords(s.ExpiresAt), failIf(over)
		},
	},
	{
		ID: "no-description", Severity: Low,
		Title: "No description",
		Why:   "Its purpose is not known, so nobody can decide whether to revoke it.",
		Fix:   "Describe what uses it and who is responsible: on the token's page in the UI, or with PATCH /api/v2/authorizations/ID.",
		Match: func(s *Subject) (string, Outcome) {
			return "description is empty", failIf(blank(s.Description) && !s.isFinal())
		},
	},
	{
		ID: "dangling-grant", Severity: Low,
		Title: "Permission on a deleted resource",
		Why:   "A resource of this token was deleted. If a restore brings back its ID, the access works again.",
		Fix:   "Create a token without this permission, then delete this one.",
		Match: func(s *Subject) (string, Outcome) {
			if s.Scope.DatabasesUnknown && !s.isFinal() {
				return "", Unknown
			}
			return s.grants(s.Access.danglingDetail, !s.isFinal(), len(s.Access.Dangling) > 0)
		},
	},
}

// active is true for every status but inactive, an unknown one too, until it expires or is
// revoked.
func (s *Subject) active() bool { return s.Works(s.Now) }

// isFinal: it was revoked where that cannot be undone and a token cannot be deleted, so that
// there is nothing left to do.
func (s *Subject) isFinal() bool { return s.Revoked(s.Now) }

// isNeeded: the product leaves no choice but to have this admin, so that a limit says what it
// may do and no finding does.
func (s *Subject) isNeeded() bool {
	_, choice := s.Product.Judges("auditor-can-write")
	return s.IsOperator() || !choice && s.Scope.Credentials[s.ID]
}

// secretSince is when the token got its present value. InfluxDB 3 sets the time of the update
// when that is replaced, and only then.
func (s *Subject) secretSince() time.Time {
	if s.Product.V3() && s.UpdatedAt.After(s.CreatedAt) {
		return s.UpdatedAt
	}
	return s.CreatedAt
}

// neverWorked: its expiry is there and not after its creation.
func (s *Subject) neverWorked() bool {
	return !s.ExpiresAt.IsZero() && !s.ExpiresAt.After(s.CreatedAt)
}

// soonWithin is how far ahead an expiry is pointed out where there is no schedule.
const soonWithin = 14 * 24 * time.Hour

func matchExpiresSoon(s *Subject) (string, Outcome) {
	soon := s.Soon
	if soon.IsZero() {
		soon = s.Now.Add(soonWithin)
	}
	found := s.active() && !s.ExpiresAt.IsZero() && s.ExpiresAt.Before(soon)
	return failWith(func() string { return s.ExpiresAt.UTC().Format("Mon 2 Jan 2006 15:04") + " UTC" }, found)
}

// SecretReplaced is the check of which an exception is approved in advance: it says that the
// secret of a token is to be replaced.
const SecretReplaced = "secret-replaced"

// replaced reports whether the token has another value than at the review before.
func (s *Subject) replaced() bool {
	return s.before != nil && secretDiffers(&s.before.Authorization, &s.Authorization)
}

// matchReplaced: one that nobody planned stands until the secret is replaced by plan.
func matchReplaced(s *Subject) (string, Outcome) {
	if s.replaced() {
		detail := "the server does not say when"
		if s.UpdatedAt.After(s.before.UpdatedAt) {
			detail = "on " + s.UpdatedAt.UTC().Format("Mon 2 Jan 2006 15:04") + " UTC"
		}
		return detail, Fail
	}
	if b := s.before; b != nil && slices.ContainsFunc(b.Findings, func(f Finding) bool { return f.Check == SecretReplaced && f.Severity == Info }) {
		return "", Pass
	}
	return "", Unknown
}

// replacedByPlan: it was overdue at the review before, or two people had approved it by the
// day on which the server says it was done.
func (s *Subject) replacedByPlan() bool {
	overdue := slices.ContainsFunc(s.before.Findings, func(f Finding) bool { return f.Check == "not-rotated" && f.Current() })
	approved := slices.ContainsFunc(s.Exceptions, func(e Exception) bool {
		return e.Check == SecretReplaced && e.valid(s.Authorization, s.Now) && s.isFirstSince(e.Granted)
	})
	return s.UpdatedAt.After(s.before.UpdatedAt) && (overdue || approved)
}

// isFirstSince reports whether the secret, which was replaced, had not been replaced before
// since a day.
func (s *Subject) isFirstSince(day time.Time) bool {
	return s.before.UpdatedAt.Before(day) && !s.UpdatedAt.Before(day)
}

// matchRevived finds what a database of the same name gives the token that the one that it
// was for does not have any more.
func matchRevived(s *Subject) (string, Outcome) {
	switch {
	case !s.active() || len(s.DeletedDatabases) == 0:
		return "", Pass
	case s.Scope.DatabasesUnknown:
		return "", Unknown
	}
	var found []string
	for i := range s.Permissions {
		r := &s.Permissions[i].Resource
		if r.Type == "buckets" && r.Name != "" && contains(s.DeletedDatabases, r.ID) {
			found = append(found, r.Name)
		}
	}
	found = distinct(found, func(name string) string { return name })
	return s.grants(func() string { return Names(found, mostNamed) }, true, len(found) > 0)
}

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
	if s.IsOperator() && s.Access.EveryOrg { // as it always was, and it cannot be deleted
		return "", Pass
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
	detail := func() string { return "inactive for " + Plural(inDays(idle), "day") }
	return failWith(detail, idle > s.Policy.InactiveAfter)
}

func (acc *Access) danglingDetail() string {
	var parts []string
	for _, r := range acc.Dangling {
		noun := strings.TrimSuffix(r.Type, "s")
		if r.Type == "buckets" {
			noun = acc.product.storeNoun()
		}
		parts = append(parts, noun+" "+r.ID)
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
