package audit

import (
	"slices"
	"strings"
	"time"
)

// Severity of a finding. It is a string so that stored values survive a change
// of the order.
type Severity string

const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	// Info is inventory: what there is, and no problem by itself.
	Info Severity = "info"
	// Off disables a check; no finding carries it.
	Off Severity = "off"
)

// Severities lists the severities of findings, worst first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low, Info} }

// AtLeast reports whether s is as bad as floor or worse.
func (s Severity) AtLeast(floor Severity) bool {
	at := slices.Index(Severities(), s)
	return at >= 0 && at <= slices.Index(Severities(), floor)
}

// Outcome of a check. Unknown means that what the check needs could not be seen;
// a finding of an earlier review then stands.
type Outcome int

const (
	Pass Outcome = iota
	Fail
	Unknown
)

// Subject is what a check looks at.
type Subject struct {
	Authorization
	Access  Access
	Owner   Owner
	Changes []Change // since the previous review
	// OrgDeleted: it lives on though its org was deleted.
	OrgDeleted bool
	// DeletedDatabases are those of the record.
	DeletedDatabases []string
	// Exceptions that name the authorization; for the record that stands for the
	// exceptions, those that nothing used.
	Exceptions []Exception
	// Credential is the one that a record of the review's credentials stands for.
	Credential *Credential
	// Admins are the names of the tokens that the record of too many admins stands for, and
	// MoreAdmins how many there may be besides.
	Admins     []string
	MoreAdmins int
	Policy     Policy
	Scope      Scope
	Now        time.Time // the time of the review
	Soon       time.Time // see Review
	scope      string    // see writeScope
	before     *Record   // of the previous review, nil if that did not have it
	was        []Finding // of that, as the policy of now has them
	replayed   bool      // by Replay, from a record
}

// Scope is what the review of a target was asked for and could see.
type Scope struct {
	// Users that were configured, by ID; nil when every user was asked for.
	Users map[string]bool
	// Instance: every org that the credential can see was asked for, not one.
	Instance bool
	// AllVisible: the credential sees the authorizations of every user.
	AllVisible bool
	// Credentials are the authorizations that the review itself uses, by ID, as
	// far as they are known.
	Credentials map[string]bool
	// DatabasesUnknown: the databases could not be listed, so that nothing is known of grants
	// on deleted ones.
	DatabasesUnknown bool
}

// Policy adjusts the checks. Its zero value runs them with their own severity
// and without those that need a setting.
type Policy struct {
	// ServiceUsers are the names or IDs of generic users that may own write tokens.
	ServiceUsers []string
	// RotateAfter is the age at which an active token counts as not rotated; 0 is never.
	RotateAfter time.Duration
	// InactiveAfter is how long a token may stay inactive; 0 is for ever.
	InactiveAfter time.Duration
	// MaxAdmins is how many admin tokens a server may have that work; 0 is any number.
	MaxAdmins int
	// FixWithin is how long a finding of a severity may stand before it is overdue. A
	// severity that is not there has no due date.
	FixWithin map[Severity]time.Duration
	// Severity overrides the severity of checks by ID; Off disables one.
	Severity map[string]Severity
	// Exceptions let findings stand for a while, and AcceptedGaps gaps.
	Exceptions   []Exception
	AcceptedGaps []AcceptedGap
	// Targets are those of the job, as they are configured.
	Targets []AppliedTarget
}

// Check is one rule: a documented value, not an interface.
type Check struct {
	ID       string
	Severity Severity
	// Expected tells of what was found whether it cannot be otherwise, or was planned: that is
	// Info, whatever the policy makes of the rest. Nil where nothing is.
	Expected func(*Subject) bool
	Title    string // what is wrong, in a few words
	Why      string // what can happen
	Fix      string // what to do
	// Server marks a check of the server itself, not of an authorization.
	Server bool
	// Deletes marks a check whose tokens have no use: their record is deleted. The tokens
	// of the others work, or may: they are set inactive, and deleted when nothing breaks.
	Deletes bool
	// Event marks a check that finds what happened since the review before: where it happens
	// again, that is news, though the first one still stands.
	Event bool
	// Momentary marks a check that needs more than the authorization, its owner and
	// the policy: what was asked, or what was before. It cannot be replayed.
	Momentary bool
	// Match judges one authorization; detail says what was found in it, and may be
	// empty where nothing was.
	Match func(*Subject) (detail string, outcome Outcome)
}

// severityOf is the severity of c under the policy, Off if it does not run.
func (p *Policy) severityOf(c *Check) Severity {
	if s, ok := p.Severity[c.ID]; ok {
		return s
	}
	return c.Severity
}

// severityKept is the severity under the policy of a finding of c that was not judged again.
func (p *Policy) severityKept(c *Check, f Finding) Severity {
	severity := p.severityOf(c)
	if c.Expected != nil && f.Severity == Info && severity != Off {
		return Info
	}
	return severity
}

// IsServiceUser reports whether a user is among the service users, by name or by ID.
func (p *Policy) IsServiceUser(o *Owner) bool {
	return slices.Contains(p.ServiceUsers, o.ID) || o.Name != "" && slices.Contains(p.ServiceUsers, o.Name)
}

// CheckOf finds a check by its ID. A stored finding may be of a check that this
// version no longer has: then the ID is its title.
func CheckOf(id string) Check {
	if at := CheckPlace(id); at >= 0 {
		return checks[at]
	}
	return Check{ID: id, Title: id}
}

// CheckPlace is the place of a check among Checks, from 0; -1 for an unknown one.
func CheckPlace(id string) int {
	for i := range checks {
		if checks[i].ID == id {
			return i
		}
	}
	return -1
}

// Control is a requirement of a framework that a check relates to. A finding is
// evidence that bears on it; it is no statement that it is met or not.
type Control struct {
	Framework string `json:"framework"` // "PCI DSS"
	Version   string `json:"version"`   // "4.0.1"
	ID        string `json:"id"`        // "7.2.5.1"
	Title     string `json:"title"`     // in our own words
	Strength  string `json:"strength"`  // direct, supporting
	Source    string `json:"source"`    // where the framework can be read
}

// Controls are the controls by the ID of the check that relates to them.
type Controls map[string][]Control

// Unjudged is a check that a review could judge by nothing, on any of its targets: that it
// found nothing says nothing. Findings of earlier reviews stand.
type Unjudged struct {
	Check string `json:"check"`
	Why   string `json:"why"`
}

// unjudged are those of a policy on targets, in the order of the policy. A check that is
// off is not among them, nor is one that applies to none of the targets.
func unjudged(applied AppliedPolicy, targets []Coverage) []Unjudged {
	policy, out := applied.Policy(), []Unjudged(nil)
	for _, c := range applied.Checks {
		var why []string
		all := c.Severity != Off
		for _, t := range targets {
			if t.Dropped || !all {
				continue
			}
			if _, applies := t.Product.Judges(c.Check); !applies {
				continue
			}
			reason := t.cannotJudge(c.Check, policy)
			all = reason != ""
			if !slices.Contains(why, reason) {
				why = append(why, reason)
			}
		}
		if all && len(why) > 0 {
			out = append(out, Unjudged{c.Check, strings.Join(why, "; ")})
		}
	}
	return out
}

// cannotJudge says why a check has nothing to go by on a target; "" if it has.
func (c Coverage) cannotJudge(check string, policy Policy) string {
	if c.Verdict == NotKnown && c.Listed+c.Hidden+c.Legacy == 0 {
		return "a target could not be read"
	}
	switch check {
	case "owner-not-in-roster":
		if c.RosterUnusable {
			return "gap " + RosterFresh
		}
		return c.without(RosterFresh, NotNeeded)
	case "personal-write", "auditor-personal":
		if len(policy.ServiceUsers) == 0 {
			return "no service_users are configured"
		}
	case "not-rotated":
		if policy.RotateAfter == 0 {
			return "rotate_after is not set"
		}
	case "inactive-leftover":
		if policy.InactiveAfter == 0 {
			return "inactive_after is not set"
		}
	case tooManyAdmins:
		if policy.MaxAdmins == 0 {
			return "max_admins is not set"
		}
	case "dangling-grant", "revived-grant":
		return c.without(DatabasesListed, Fails)
	case "foreign-operator":
		return c.without(InstanceSeen, Fails)
	case "permission-drift", "back-again", "reactivated", SecretReplaced:
		return c.without(BaselineRead, NotNeeded, Fails)
	case "owner-not-member":
		if slices.Contains(c.BlindSpots, MembersUnread) {
			return "members and owners of the org could not be read"
		}
	}
	switch check {
	case "auditor-can-write", "auditor-personal":
		return c.without(OwnCredentialShown, NotNeeded, Fails)
	case "deleted-owner", "inactive-owner", "owner-not-member":
		return c.without(OwnersKnown, NotNeeded)
	}
	return ""
}

// Comparable reports whether there was an earlier review of the target to compare with.
func (c Coverage) Comparable() bool { return c.without(BaselineRead, NotNeeded, Fails) == "" }

// without says why a check lacks a premise that is in one of the states; "" if it does not.
func (c Coverage) without(id string, states ...PremiseState) string {
	at := slices.IndexFunc(c.Premises, func(p Premise) bool { return p.ID == id })
	switch {
	case at < 0 || !slices.Contains(states, c.Premises[at].State):
		return ""
	case c.Premises[at].State == NotNeeded && len(c.Premises[at].Evidence) > 0:
		return c.Premises[at].Evidence[0]
	}
	return "gap " + id
}

// Applies reports whether a check applies to any of the targets.
func (s Summary) Applies(check string) bool {
	return len(s.Coverage.Targets) == 0 || slices.ContainsFunc(s.Coverage.Targets, func(t Coverage) bool {
		_, applies := t.Product.Judges(check)
		return applies
	})
}

// WhyNotJudged says why a check could not be judged; "" if it could, or if an earlier
// version reviewed.
func (s Summary) WhyNotJudged(check string) string {
	at := slices.IndexFunc(s.NotJudged, func(u Unjudged) bool { return u.Check == check })
	if at < 0 {
		return ""
	}
	return s.NotJudged[at].Why
}

// NotJudgedWords name the checks that could not be judged, those with one reason together.
func (s Summary) NotJudgedWords() []string {
	var reasons []string
	checks := map[string][]string{}
	for _, u := range s.NotJudged {
		if checks[u.Why] == nil {
			reasons = append(reasons, u.Why)
		}
		checks[u.Why] = append(checks[u.Why], u.Check)
	}
	var out []string
	for _, why := range reasons {
		out = append(out, strings.Join(checks[why], ", ")+": "+why)
	}
	return out
}
