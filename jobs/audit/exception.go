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
	Target        string
	Authorization string // ID
	Check         string // ID, or AllChecks
	// Fingerprint is that of the authorization when the exception was approved. A
	// change of permissions, owner or status voids the exception.
	Fingerprint string
	Reason      string
	RequestedBy string
	ApprovedBy  string
	Ticket      string
	Expires     time.Time // the first moment at which it no longer holds
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
}

// Fingerprint stands for what an exception was approved for: permissions, owner
// and status, not names or the description.
func (a Authorization) Fingerprint() string {
	sum := sha256.Sum256([]byte(grants(a) + "\n" + a.UserID + "\n" + string(a.Status)))
	return hex.EncodeToString(sum[:8])
}

// exceptionsFor are the exceptions that name the authorization.
func (p Policy) exceptionsFor(target string, a Authorization) []Exception {
	var out []Exception
	for _, e := range p.Exceptions {
		if e.Target == target && e.Authorization == a.ID && !a.Legacy {
			out = append(out, e)
		}
	}
	return out
}

func (e Exception) covers(check string) bool { return e.Check == AllChecks || e.Check == check }

func (e Exception) valid(a Authorization, now time.Time) bool {
	return e.Fingerprint == a.Fingerprint() && now.Before(e.Expires)
}

// except marks the findings that a valid exception covers. Findings about the
// exceptions themselves cannot be excepted.
func except(fs []Finding, es []Exception, a Authorization, now time.Time) (used []Exception) {
	for i := range fs {
		at := slices.IndexFunc(es, func(e Exception) bool { return e.covers(fs[i].Check) && e.valid(a, now) })
		if at < 0 || !fs[i].Current() || strings.HasPrefix(fs[i].Check, "exception-") {
			continue
		}
		e := es[at]
		fs[i].State = Excepted
		fs[i].Approval = &Approval{e.Reason, e.RequestedBy, e.ApprovedBy, e.Ticket, e.Expires}
		used = append(used, e)
	}
	return used
}

// matchExceptions judges the exceptions that name an authorization.
func matchExceptions(s *Subject, bad func(Exception) bool) (string, Outcome) {
	var found []string
	for _, e := range s.Exceptions {
		if bad(e) {
			found = append(found, e.about())
		}
	}
	return strings.Join(found, "; "), failIf(len(found) > 0)
}

func (e Exception) about() string {
	return fmt.Sprintf("exception of %s for %s, until %s", e.Check, e.Authorization, e.Expires.Add(-time.Second).UTC().Format(time.DateOnly))
}
