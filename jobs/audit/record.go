package audit

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// Presence says how this review met an authorization.
type Presence string

const (
	// Listed: the list of authorizations had it.
	Listed Presence = "listed"
	// Hidden: it exists, but the list left it out. InfluxDB OSS leaves out every
	// authorization whose user or org was deleted (influxdata/influxdb#22708).
	Hidden Presence = "hidden"
	// Unseen: an earlier review had it, this one could not ask. Nothing about it
	// is known now; its findings stand.
	Unseen Presence = "unseen"
	// Gone: an earlier review had it, and the server says that it no longer exists.
	// It appears in one review, with its findings resolved.
	Gone Presence = "gone"
	// Remembered was gone at an earlier review. It is in the snapshot alone, so that its
	// ID is known should it come back, and in no report; see Population.
	Remembered Presence = "remembered"
)

// Record is one line of a snapshot: an authorization as a review saw it, judged.
type Record struct {
	Target string `json:"target"`
	Authorization
	Presence Presence `json:"presence"`
	// Evidence is the answer behind a presence other than listed.
	Evidence string `json:"evidence,omitempty"`
	Owner    Owner  `json:"owner"`
	// OrgDeleted: it is hidden because its org was deleted; of its owner nothing is known.
	OrgDeleted bool `json:"orgDeleted,omitempty"`
	// DeletedDatabases are those of its grants that did not exist at a review, where a grant
	// holds for whatever has the name. They stay as long as the grant does.
	DeletedDatabases []string `json:"deletedDatabases,omitempty"`
	// DatabasesUnknown: which databases exist was not known, so that nothing is known of its
	// grants on deleted ones.
	DatabasesUnknown bool `json:"databasesUnknown,omitempty"`
	// OfReview: the review itself asked with it. Earlier versions do not say.
	OfReview bool `json:"ofReview,omitempty"`
	// Elsewhere is what showed it, where something else answers now: its source, or, where
	// that has the same org ID and none of its authorizations, the address of the server.
	Elsewhere string `json:"elsewhere,omitempty"`
	// Changes since the previous review.
	Changes []Change `json:"changes,omitempty"`
	// FirstSeen and LastSeen are the times of the first and the newest review
	// that the server showed it to.
	FirstSeen time.Time `json:"firstSeen"`
	LastSeen  time.Time `json:"lastSeen"`
	Findings  []Finding `json:"findings,omitempty"`
	// JudgedIn is the run whose policy the findings are of, where this one could not ask.
	JudgedIn string `json:"judgedIn,omitempty"`
	// NeededAction: it needed action at the review before, under the policy of this one.
	NeededAction bool `json:"neededAction,omitempty"`
	// Judged is there in a record of an earlier review that judged under another policy.
	Judged *Judgement `json:"-"`
	// Unreported is there in a record of an earlier review of another job: no review of this
	// job had it, so that what was found is new to its readers.
	Unreported bool `json:"-"`
}

// Exists reports whether the authorization is part of the population: all but
// those that are gone, and the record of the server.
func (r Record) Exists() bool { return !r.wasGone() && !r.IsServer() }

// isKnown reports whether the record is of a list that is imported now, and of no review.
func (r *Record) isKnown() bool { return r.LastSeen.IsZero() && r.JudgedIn == "" }

func (r Record) wasGone() bool { return r.Presence == Gone || r.Presence == Remembered }

// Population leaves out what is only remembered.
func Population(records iter.Seq2[Record, error]) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for r, err := range records {
			if (err != nil || r.Presence != Remembered) && !yield(r, err) {
				return
			}
		}
	}
}

// Worst is the highest severity among the current findings, "" without any.
func (r Record) Worst() Severity {
	for _, s := range Severities() {
		for _, f := range r.Findings {
			if f.Severity == s && f.Current() {
				return s
			}
		}
	}
	return ""
}

// NeedsAction reports whether it is a token that somebody has to act on, at the time of a
// review.
func (r *Record) NeedsAction(at time.Time) bool {
	return r.Exists() && slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.NeedsAction(at) })
}

// Change is one field of an authorization that differs from the previous review.
type Change struct {
	Field string `json:"field"` // permissions, owner, org, status, description, presence, touched, expiry, revoked, secret, created
	From  string `json:"from"`
	To    string `json:"to"`
}

// changes compares what is stored, not the names that the server looks up, as far as
// it could be read both times.
func changes(before, now Authorization) []Change {
	var out []Change
	note := func(field, from, to string) {
		if from != to {
			out = append(out, Change{field, from, to})
		}
	}
	if !slices.EqualFunc(before.Permissions, now.Permissions, sameGrant) && before.PermissionsKnown() && now.PermissionsKnown() &&
		!(now.Product.V3() && samePrinted(before, now)) {
		note("permissions", grants(before), grants(now))
	}
	note("owner", before.UserID, now.UserID)
	if before.OrgID != "" && now.Product.V2() { // an imported list need not say; elsewhere it is the server's
		note("org", before.OrgID, now.OrgID)
	}
	if before.Status != "" {
		note("status", string(before.Status), string(now.Status))
	}
	note("description", before.Description, now.Description)
	note("expiry", timeWords(before.ExpiresAt), timeWords(now.ExpiresAt))
	note("revoked", timeWords(before.RevokedAt), timeWords(now.RevokedAt))
	if secretDiffers(&before, &now) {
		out = append(out, Change{"secret", before.SecretSum, now.SecretSum})
	}
	if known := !before.UpdatedAt.IsZero() && !now.UpdatedAt.IsZero(); known && len(out) == 0 && !before.UpdatedAt.Equal(now.UpdatedAt) {
		note(Touched, before.UpdatedAt.UTC().Format(time.RFC3339Nano), now.UpdatedAt.UTC().Format(time.RFC3339Nano))
	}
	return out
}

// secretDiffers reports whether the secret was replaced in between: on InfluxDB 3 nothing else
// moves the time of the last update.
func secretDiffers(before, now *Authorization) bool {
	if before.SecretSum != "" && now.SecretSum != "" {
		return before.SecretSum != now.SecretSum
	}
	return now.Product.V3() && now.UpdatedAt.After(before.UpdatedAt)
}

func timeWords(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// another reports whether now is another token than before, under an ID that is used again:
// those of InfluxDB 3 are counted for each server, and a restored one counts again; on 1.x
// they are names.
func another(before *Record, now *Authorization) bool {
	switch {
	case now.Product.V3():
		return !before.CreatedAt.IsZero() && !now.CreatedAt.IsZero() && !before.CreatedAt.Equal(now.CreatedAt)
	case now.Product == ProductV1:
		return before.wasGone()
	}
	return false
}

// deletedDatabases are those of the grants of a that do not exist, or did not at an earlier
// review; see Record.DeletedDatabases.
func deletedDatabases(a Authorization, earlier []string, unknown bool) []string {
	switch {
	case !a.Product.bindsByName():
		return nil
	case a.Permissions == nil: // and which of them there are is not known
		return earlier
	}
	var out []string
	unread := 0 // each may be one of the earlier ones
	for i := range a.Permissions {
		p := &a.Permissions[i]
		r := &p.Resource
		if !p.readable() {
			unread++
		} else if r.Type == "buckets" && r.ID != "" && (r.Name == "" && !unknown || contains(earlier, r.ID)) {
			out = append(out, r.ID)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	met := out
	for _, id := range earlier {
		if unread > 0 && !contains(met, id) {
			out = append(out, id)
			unread--
		}
	}
	slices.Sort(out)
	return out
}

// contains looks in a sorted list: a token may have very many grants.
func contains(sorted []string, s string) bool {
	_, found := slices.BinarySearch(sorted, s)
	return found
}

// Touched is the field of a change that only the time of the last update shows: somebody
// set something to what it was, or to something else and back.
const Touched = "touched"

// Touched reports whether the time of the last update moved without a visible change.
func (r Record) Touched() bool {
	return slices.ContainsFunc(r.Changes, func(c Change) bool { return c.Field == Touched })
}

// sameGrant leaves the names aside, as grants does.
func sameGrant(a, b Permission) bool {
	return a.Action == b.Action && a.Resource.Type == b.Resource.Type && a.Resource.ID == b.Resource.ID && a.Resource.OrgID == b.Resource.OrgID
}

// SamePermissions reports whether both have the same ones, in whatever order.
func SamePermissions(a, b Authorization) bool {
	return slices.EqualFunc(a.Permissions, b.Permissions, sameGrant) || grants(a) == grants(b)
}

// grants is the permissions in one order, whatever the order of the server. Where there are
// no orgs, what stands in their place is of the server, and not of the grant.
func grants(a Authorization) string {
	var out []string
	for _, p := range a.Permissions {
		if !a.Product.V2() {
			p.Resource.OrgID = ""
		}
		out = append(out, p.String())
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// changed finds the change of a field.
func (s *Subject) changed(field string) (Change, bool) {
	at := slices.IndexFunc(s.Changes, func(c Change) bool { return c.Field == field })
	if at < 0 {
		return Change{}, false
	}
	return s.Changes[at], true
}

// ServerID is the ID of the record that stands for the server itself, for
// findings that are about no single authorization. It is not part of the
// population.
const ServerID = "server"

// Server is that record, as a list would give it.
func Server(description string) Authorization {
	return Authorization{ID: ServerID, Description: description, Status: Inactive}
}

// IsServer reports whether the record stands for the server, for a token of another org,
// for exceptions, for a credential of the review or for all admins, and not for an authorization.
func (a Authorization) IsServer() bool {
	return a.ID == ServerID || a.IsExceptions() || a.IsCredential() || a.IsAdmins() || a.IsOfOtherOrg()
}

// exceptionsID is the ID of the record that stands for exceptions that nothing
// used. Its key is the last of all, as it is known when all others were met.
const exceptionsID = "unused-exceptions"

// IsExceptions reports whether the record stands for exceptions that nothing used.
func (a Authorization) IsExceptions() bool { return a.ID == exceptionsID }

func exceptionsRecord(target string) Record {
	return Record{
		Target: target, Presence: Listed, Owner: Owner{State: OwnerPresent, MembershipKnown: true},
		Authorization: Authorization{ID: exceptionsID, Description: "exceptions that nothing used", Status: Inactive, Legacy: true},
	}
}

// otherOrgID begins the ID of a record that stands for a token of another org that
// writes to the one under review. It is no part of the population.
const otherOrgID = "other-org/"

// OfOtherOrg is that record, as a list would give it. It keeps what an exception goes by,
// and says the rest in words: the org and the owner are not those of this review.
func OfOtherOrg(a Authorization) Authorization {
	scope := AccessOf(a).WriteScope()
	return Authorization{
		ID: otherOrgID + a.ID, UserID: a.UserID, Status: a.Status, Permissions: a.Permissions, Legacy: a.Legacy, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
		Description: fmt.Sprintf("%s (\"%s\") of user %s (%s) in org %s (%s): %s", a.ID, Line(a.Description, 60), Line(a.User, 60), Line(a.UserID, 40), Line(a.Org, 60), Line(a.OrgID, 40), scope),
	}
}

// IsOfOtherOrg reports whether the record stands for a token of another org.
func (a *Authorization) IsOfOtherOrg() bool { return strings.HasPrefix(a.ID, otherOrgID) }

// TokenID is the ID of the token that the record is about.
func (a *Authorization) TokenID() string { return strings.TrimPrefix(a.ID, otherOrgID) }

// WritesIn reports whether a, of another org, may write in this one: by a permission on
// every org, on this one, or on one resource whose org it does not say.
func (a *Authorization) WritesIn(orgID string) bool {
	if a.Status == Inactive {
		return false
	}
	for i := range a.Permissions {
		p := &a.Permissions[i]
		r := &p.Resource
		switch {
		case p.Action != "write":
		case r.Type == "instance", r.OrgID == orgID && orgID != "":
			return true
		case r.OrgID != "":
		case r.ID == "":
			return true
		case r.Type == "orgs" && r.ID != orgID, r.Type == "users" && r.ID == a.UserID:
		default:
			return true
		}
	}
	return false
}

// TheTarget is whom the credential of a target as a whole is of, in Credential.Of.
const TheTarget = "the target"

// RememberCredentials carries over from the review before when each credential was last
// accepted. A review that asked with none keeps those of the review before.
func RememberCredentials(now, before []Credential, at time.Time) []Credential {
	var out []Credential
	if len(now) == 0 {
		for _, c := range before {
			out = append(out, Credential{Of: c.Of, Answer: "not used", LastAccepted: c.LastAccepted})
		}
		return out
	}
	for _, c := range now {
		if c.Accepted {
			c.LastAccepted = at
		} else if i := slices.IndexFunc(before, func(b Credential) bool { return b.Of == c.Of }); i >= 0 {
			c.LastAccepted = before[i].LastAccepted
		}
		out = append(out, c)
	}
	return out
}

// credentialID begins the ID of a record that stands for a credential of the review,
// which is of the kind that the exceptions have: behind every authorization.
const credentialID = "refused-credential/"

// IsCredential reports whether the record stands for a credential of the review.
func (a Authorization) IsCredential() bool { return strings.HasPrefix(a.ID, credentialID) }

// refused are the records of the credentials that an earlier review was let in with and
// that are refused now, ascending, and of those that are let in again. Before are the
// records of the review before, by ID; of a credential that is no longer configured
// there is nothing to say.
func (rv *Review) refused(before map[string]Record) []Record {
	now := RememberCredentials(rv.Coverage.Credentials, rv.Before, rv.Now)
	if len(now) == 0 { // nothing was asked, and the review before is not known
		for id := range before {
			now = append(now, Credential{Of: strings.TrimPrefix(id, credentialID)})
		}
	}
	var out []Record
	for _, c := range now {
		r := Record{
			Target: rv.Target, Presence: Listed, Owner: Owner{State: OwnerPresent, MembershipKnown: true}, FirstSeen: rv.Now, LastSeen: rv.Now,
			Authorization: Authorization{ID: credentialID + c.Of, Description: "credential of " + c.Of, Status: Inactive, Legacy: true},
		}
		prior, stood := before[r.ID]
		if !stood && c.LastAccepted.IsZero() { // refused from the first: a gap, and no news
			continue
		}
		if stood {
			r.FirstSeen = prior.FirstSeen
		}
		s := Subject{Authorization: r.Authorization, Owner: r.Owner, Credential: &c, Policy: rv.Policy, Scope: rv.Scope, Now: rv.Now}
		r.Findings = s.judge(prior.Findings)
		if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Reported(rv.Now) }) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Record) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// matchRefused: what was not asked, or not answered, proves nothing either way.
func matchRefused(s *Subject) (string, Outcome) {
	switch c := s.Credential; {
	case c == nil:
		return "", Pass
	case c.Refused:
		detail := c.Answer
		if !c.LastAccepted.IsZero() {
			detail += "; accepted at the review of " + c.LastAccepted.UTC().Format(time.DateOnly)
		}
		return detail, Fail
	case c.Accepted:
		return "", Pass
	}
	return "", Unknown
}

// adminsID is the ID of the record that stands for more admins than are allowed, which is of
// the kind that the exceptions have: behind every authorization.
const adminsID = "over-max-admins"

// IsAdmins reports whether the record stands for more admins than are allowed.
func (a Authorization) IsAdmins() bool { return a.ID == adminsID }

// admins counts the admins of a target that work, whoever may see them.
type admins struct {
	review Review
	names  []string   // of those that work
	more   int        // that may be admins and work, as far as is known
	before *Record    // the record that said so in the previous review
	judged *Judgement // of that review, see Record
}

func (n *admins) met(r *Record) {
	if _, judged := r.Product.Judges(tooManyAdmins); !judged || !r.Exists() || !r.Works(n.review.Now) {
		return
	}
	switch access := AccessOf(r.Authorization); {
	case r.Presence == Unseen && access.EveryOrg, access.Unreadable && !access.EveryOrg:
		n.more++
	case access.EveryOrg:
		n.names = append(n.names, Line(cmp.Or(r.Description, r.User, r.ID), 40))
	}
}

// record says how many there are, if there are or were too many. A review of nothing does not
// know the product: it is that of the review before.
func (n *admins) record() (Record, bool) {
	rv := &n.review
	r := Record{
		Target: rv.Target, Presence: Listed, Owner: Owner{State: OwnerPresent, MembershipKnown: true}, FirstSeen: rv.Now, LastSeen: rv.Now,
		Authorization: Authorization{ID: adminsID, Description: "all admins", Status: Inactive, Legacy: true, Product: rv.Coverage.Product},
	}
	var old []Finding
	before := &Record{Target: rv.Target, Judged: n.judged}
	if n.before != nil {
		r.FirstSeen, old, before = n.before.FirstSeen, n.before.Findings, n.before
		if _, judged := r.Product.Judges(tooManyAdmins); !judged {
			r.Product = n.before.Product
		}
	}
	s := Subject{Authorization: r.Authorization, Owner: r.Owner, Admins: n.names, MoreAdmins: n.more, Policy: rv.Policy, Scope: rv.Scope, Now: rv.Now, before: before}
	r.Findings = s.judge(old)
	return r, slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Reported(rv.Now) })
}

// tooManyAdmins is the check that looks at all admins together.
const tooManyAdmins = "too-many-admins"

// mostNamed is how many admins a finding names.
const mostNamed = 10

// matchAdmins: those that could not be seen or read may be admins still.
func matchAdmins(s *Subject) (string, Outcome) {
	most := s.Policy.MaxAdmins
	switch {
	case !s.IsAdmins() || most == 0:
		return "", Pass
	case len(s.Admins) > most:
		return fmt.Sprintf("%d, and at most %d are allowed: %s", len(s.Admins), most, Names(s.Admins, mostNamed)), Fail
	case len(s.Admins)+s.MoreAdmins > most:
		return "", Unknown
	}
	return "", Pass
}
