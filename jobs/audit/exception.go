package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Exception lets the findings of one check on one authorization stand for a
// while, by the decision of two people. They stay in every report and count.
type Exception struct {
	Target        string `json:"target"`
	Authorization string `json:"authorization"` // ID
	Check         string `json:"check"`         // ID, or AllChecks
	// Fingerprint is that of the authorization when the exception was approved. A
	// change of permissions, owner or status voids the exception.
	Fingerprint string    `json:"fingerprint"`
	Reason      string    `json:"reason"`
	RequestedBy string    `json:"requested_by"`
	ApprovedBy  string    `json:"approved_by"`
	Ticket      string    `json:"ticket,omitempty"`
	Expires     time.Time `json:"expires"` // the first moment at which it no longer holds
	// Granted is the day on which it was approved, zero where nobody noted it, and
	// CompensatingControl what protects in the meantime. A policy without them hashes as
	// it did before there were any.
	Granted             time.Time `json:"granted,omitzero"`
	CompensatingControl string    `json:"compensating_control,omitempty"`
}

// LastDay is the last day on which it holds, in UTC.
func (e Exception) LastDay() time.Time { return lastDay(e.Expires) }

// ExceptionState is what a review made of an exception.
type ExceptionState string

const (
	ExceptionUsed    ExceptionState = "used"    // a finding stands by it
	ExceptionUnused  ExceptionState = "unused"  // nothing needs it
	ExceptionExpired ExceptionState = "expired" // its last day has passed
	ExceptionVoid    ExceptionState = "void"    // the token is not as it was approved
	// ExceptionPlanned approves something in advance, which has not come yet, or has.
	ExceptionPlanned ExceptionState = "planned"
	// ExceptionUnknown: its token could not be seen or read well enough to tell.
	ExceptionUnknown ExceptionState = "unknown"
)

// StateOn is what the record of its token makes of the exception at the time of a
// review; "" if the record is of another token.
func (e Exception) StateOn(r *Record, at time.Time) ExceptionState {
	used := func(f Finding) bool { return f.State == Excepted && e.covers(f.Check) }
	switch {
	case r.Target != e.Target || r.TokenID() != e.Authorization || r.Legacy:
		return ""
	case !at.Before(e.Expires):
		return ExceptionExpired
	case r.Presence == Gone:
		return ExceptionUnused
	case slices.ContainsFunc(r.Findings, used):
		return ExceptionUsed
	case r.Presence == Unseen:
		return ExceptionUnknown
	case e.Fingerprint == r.Fingerprint() && e.Check == SecretReplaced:
		return ExceptionPlanned
	case e.Fingerprint == r.Fingerprint():
		return ExceptionUnused
	case AccessOf(r.Authorization).Unreadable || !r.StatusKnown():
		return ExceptionUnknown
	}
	return ExceptionVoid
}

// AllChecks makes an exception hold for every check.
const AllChecks = "all"

// expiringWithin is how long before its end an exception is pointed out.
const expiringWithin = 14 * 24 * time.Hour

// Approval is what a report says of the exception behind a finding.
type Approval struct {
	Reason     string    `json:"reason"`
	Requested  string    `json:"requested_by"`
	ApprovedBy string    `json:"approved_by"`
	Ticket     string    `json:"ticket,omitempty"`
	Expires    time.Time `json:"expires"`

	Granted             time.Time `json:"granted,omitzero"`
	CompensatingControl string    `json:"compensating_control,omitempty"`
}

// LastDay is that of the exception.
func (a Approval) LastDay() time.Time { return lastDay(a.Expires) }

// Fingerprint stands for what an exception was approved for: permissions, owner
// and status, not names or the description. Where another token may get the ID, it stands
// for the creation, too, or else for what tells one user of a name from the next.
func (a Authorization) Fingerprint() string {
	of := grants(a) + "\n" + a.UserID + "\n" + string(a.Status)
	switch {
	case a.Product == ProductV1:
		of += "\n" + a.OrgID + "\n" + timeWords(a.UsedAgain)
	case a.Product.V3():
		of = grants(a.bared(unmarked)) + "\n" + a.UserID + "\n" + string(a.Status) + "\n" + timeWords(a.CreatedAt)
	}
	sum := sha256.Sum256([]byte(of))
	return hex.EncodeToString(sum[:8])
}

// exceptionsFor are the exceptions that name the authorization.
func (p Policy) exceptionsFor(target string, a Authorization) []Exception {
	var out []Exception
	for _, e := range p.Exceptions {
		if e.Target == target && e.Authorization == a.TokenID() && !a.Legacy {
			out = append(out, e)
		}
	}
	return out
}

func (e Exception) covers(check string) bool { return e.Check == AllChecks || e.Check == check }

func (e Exception) valid(a Authorization, now time.Time) bool {
	return e.Fingerprint == a.Fingerprint() && now.Before(e.Expires)
}

// except marks the findings of s that a valid exception covers, given those of the review
// before. Findings about the exceptions themselves cannot be excepted.
func (s *Subject) except(fs, before []Finding) {
	for i := range fs {
		f := &fs[i]
		at := slices.IndexFunc(s.Exceptions, func(e Exception) bool {
			return e.covers(f.Check) && e.valid(s.Authorization, s.Now) && (f.Check != SecretReplaced || s.meant(e, f, before))
		})
		if at >= 0 && f.Current() && !aboutExceptions(f.Check) {
			e := s.Exceptions[at]
			f.State, f.Approval = Excepted, &Approval{
				Reason: e.Reason, Requested: e.RequestedBy, ApprovedBy: e.ApprovedBy, Ticket: e.Ticket, Expires: e.Expires,
				Granted: e.Granted, CompensatingControl: e.CompensatingControl,
			}
		}
	}
}

// meant reports whether e is for the replacement of the secret that f is about, and not for
// another one: the first after it was approved, or one that was there when it was approved.
func (s *Subject) meant(e Exception, f *Finding, before []Finding) bool {
	if s.replaced() {
		known := s.UpdatedAt.After(s.before.UpdatedAt)
		return known && (s.isFirstSince(e.Granted) || s.UpdatedAt.Before(e.Granted))
	}
	held := slices.ContainsFunc(before, func(b Finding) bool {
		return b.Check == f.Check && b.State == Excepted && b.Approval != nil && b.Approval.Granted.Equal(e.Granted)
	})
	return held || e.Granted.AddDate(0, 0, 1).After(f.Since)
}

// exceptions counts those that hold a finding of the record.
func (r *Record) exceptions() int {
	held := map[Approval]bool{}
	for _, f := range r.Findings {
		if f.State == Excepted && f.Approval != nil {
			held[*f.Approval] = true
		}
	}
	return len(held)
}

// aboutExceptions: a check of the exceptions themselves.
func aboutExceptions(check string) bool { return strings.HasPrefix(check, "exception-") }

// matchExceptions judges the exceptions that name an authorization.
func matchExceptions(s *Subject, bad func(Exception) bool) (string, Outcome) {
	var found []string
	for _, e := range s.Exceptions {
		if bad(e) {
			found = append(found, fmt.Sprintf("exception of %s for %s, until %s", e.Check, e.Authorization, e.LastDay().Format(time.DateOnly)))
		}
	}
	return strings.Join(found, "; "), failIf(len(found) > 0)
}

// unused finds the exceptions of a target that no finding used. An exception for
// an authorization that could not be asked for now is not called unused.
type unused struct {
	review Review
	open   map[int]bool // by position in the policy
	before *Record      // the record that said so in the previous review
}

func newUnused(rv Review) *unused {
	u := &unused{review: rv, open: map[int]bool{}}
	for i, e := range rv.Policy.Exceptions {
		if e.Target == rv.Target {
			u.open[i] = true
		}
	}
	return u
}

// met strikes off what a record used, and what is said of it elsewhere: expired
// and void exceptions have findings of their own.
func (u *unused) met(r *Record) {
	if len(u.open) == 0 || r.Legacy {
		return
	}
	for i, e := range u.review.Policy.Exceptions {
		if !u.open[i] || e.Authorization != r.TokenID() {
			continue
		}
		used := e.Check == SecretReplaced || slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.State == Excepted && e.covers(f.Check) })
		if r.Presence == Unseen || (r.Exists() || r.IsOfOtherOrg()) && (used || !e.valid(r.Authorization, u.review.Now)) {
			delete(u.open, i)
		}
	}
}

// record says which are left, if any are or were.
func (u *unused) record() (Record, bool) {
	switch {
	case u.review.Probe == nil && u.before != nil: // nothing could be asked: what was said stands
		u.before.Findings = each(u.before.Findings, u.review.stand)
		u.before.JudgedIn, u.before.Judged = "", nil
		return *u.before, true
	case u.review.Probe == nil, len(u.open) == 0 && u.before == nil:
		return Record{}, false
	}
	r := exceptionsRecord(u.review.Target)
	r.FirstSeen, r.LastSeen = u.review.Now, u.review.Now
	s := Subject{Authorization: r.Authorization, Owner: r.Owner, Policy: u.review.Policy, Scope: u.review.Scope, Now: u.review.Now}
	for i, e := range u.review.Policy.Exceptions {
		if u.open[i] {
			s.Exceptions = append(s.Exceptions, e)
		}
	}
	var old []Finding
	if u.before != nil {
		old, r.FirstSeen = u.before.Findings, u.before.FirstSeen
	}
	r.Findings = s.judge(old)
	reported := func(f Finding) bool { return f.Reported(u.review.Now) }
	return r, slices.ContainsFunc(r.Findings, reported)
}
