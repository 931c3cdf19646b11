package audit

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// TheTarget is whom the credential of a target as a whole is of, in Credential.Of.
const TheTarget = "the target"

// RememberCredentials carries over from the review before when each credential was last
// accepted. A review that asked with none keeps those of the review before.
func RememberCredentials(now, before []Credential, at time.Time) []Credential {
	var out []Credential
	if len(now) == 0 {
		for _, c := range before {
			out = append(out, Credential{Of: c.Of, Answer: "not asked with", LastAccepted: c.LastAccepted})
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
