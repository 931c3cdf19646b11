package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// AppliedPolicy is the policy as a run applied it, so that the evidence says what
// was judged, how, and what was not, and so that a later run can tell what of a
// difference is due to a change of policy.
type AppliedPolicy struct {
	// SHA256 is that of all the rest, as canonical has it. Summaries of earlier versions
	// have neither it nor what stands behind Checks.
	SHA256            string         `json:"sha256,omitempty"`
	ServiceUsers      []string       `json:"service_users"`
	RotateAfterDays   int            `json:"rotate_after_days"`   // 0 is never
	InactiveAfterDays int            `json:"inactive_after_days"` // 0 is never
	Checks            []AppliedCheck `json:"checks"`              // worst first, those that are off last
	RotateAfter       string         `json:"rotate_after,omitempty"`
	InactiveAfter     string         `json:"inactive_after,omitempty"`
	// MaxAdmins is not there in summaries of earlier versions, and where there is no limit.
	MaxAdmins int `json:"max_admins,omitempty"`
	// FixWithin is not there in summaries of earlier versions.
	FixWithin    map[Severity]string `json:"fix_within,omitzero"`
	Exceptions   []Exception         `json:"exceptions,omitempty"`
	AcceptedGaps []AcceptedGap       `json:"accepted_gaps,omitempty"`
	Targets      []AppliedTarget     `json:"targets,omitempty"`
}

// AppliedCheck is a check with the severity that the policy gives it.
type AppliedCheck struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"` // or off
}

// AppliedTarget is what a job was configured to review.
type AppliedTarget struct {
	Name   string   `json:"name"`
	Users  []string `json:"users,omitempty"`  // names and IDs; none is every user
	Roster string   `json:"roster,omitempty"` // a file
}

// Applied writes the policy out, check by check.
func (p Policy) Applied() AppliedPolicy {
	a := AppliedPolicy{
		ServiceUsers: append([]string{}, p.ServiceUsers...), RotateAfterDays: inDays(p.RotateAfter), InactiveAfterDays: inDays(p.InactiveAfter),
		RotateAfter: p.RotateAfter.String(), InactiveAfter: p.InactiveAfter.String(), MaxAdmins: p.MaxAdmins,
		Exceptions: p.Exceptions, AcceptedGaps: p.AcceptedGaps, Targets: p.Targets,
	}
	a.FixWithin = map[Severity]string{}
	for severity, within := range p.FixWithin {
		a.FixWithin[severity] = within.String()
	}
	for _, c := range checks {
		a.Checks = append(a.Checks, AppliedCheck{c.ID, p.severityOf(&c)})
	}
	order := append(Severities(), Off)
	slices.SortStableFunc(a.Checks, func(x, y AppliedCheck) int {
		return slices.Index(order, x.Severity) - slices.Index(order, y.Severity)
	})
	sum := sha256.Sum256(a.canonical())
	a.SHA256 = hex.EncodeToString(sum[:])
	return a
}

// canonical is the policy in JSON, where what has no order is sorted.
func (a AppliedPolicy) canonical() []byte {
	a.SHA256 = ""
	a.ServiceUsers = slices.Compact(slices.Sorted(slices.Values(a.ServiceUsers)))
	a.Checks, a.Exceptions, a.AcceptedGaps = sortedJSON(a.Checks), sortedJSON(a.Exceptions), sortedJSON(a.AcceptedGaps)
	a.Targets = slices.Clone(a.Targets)
	for i := range a.Targets {
		a.Targets[i].Users = slices.Compact(slices.Sorted(slices.Values(a.Targets[i].Users)))
	}
	a.Targets = sortedJSON(a.Targets)
	return asJSON(a)
}

func sortedJSON[T any](list []T) []T {
	list = slices.Clone(list)
	slices.SortFunc(list, func(x, y T) int { return strings.Compare(string(asJSON(x)), string(asJSON(y))) })
	return list
}

func asJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, numbers and times only
	}
	return text
}

func inDays(d time.Duration) int { return int(d / (24 * time.Hour)) }

// whole reports whether a has all that judges, and not only what earlier versions noted.
func (a AppliedPolicy) whole() bool { return a.SHA256 != "" }

// Policy is the one that was applied. A check that it does not name was not there.
func (a AppliedPolicy) Policy() Policy {
	p := Policy{
		ServiceUsers: a.ServiceUsers, Exceptions: a.Exceptions, AcceptedGaps: a.AcceptedGaps, Targets: a.Targets, Severity: map[string]Severity{}, FixWithin: map[Severity]time.Duration{},
		RotateAfter: span(a.RotateAfter, a.RotateAfterDays), InactiveAfter: span(a.InactiveAfter, a.InactiveAfterDays), MaxAdmins: a.MaxAdmins,
	}
	for severity, within := range a.FixWithin {
		p.FixWithin[severity] = span(within, 0)
	}
	for _, c := range checks {
		p.Severity[c.ID] = Off
	}
	for _, c := range a.Checks {
		p.Severity[c.Check] = c.Severity
	}
	return p
}

func span(exact string, days int) time.Duration {
	if d, err := time.ParseDuration(exact); err == nil {
		return d
	}
	return time.Duration(days) * 24 * time.Hour
}

// MostPolicyChanges is how many changes of a policy are listed.
const MostPolicyChanges = 20

// PolicyChanges say in words what differs between the policy of an earlier run and that
// of this one: first what hides more than before, at most MostPolicyChanges and how many
// more there are. Of a policy that an earlier version noted only what it has is compared.
func PolicyChanges(before, now AppliedPolicy) []string {
	if before.whole() && before.SHA256 == now.SHA256 || len(before.Checks) == 0 { // nothing is known of it
		return nil
	}
	var d policyDiff
	d.checks(before, now)
	d.limits(before, now)
	d.fixWithin(before, now)
	d.list("service user %s", before.ServiceUsers, now.ServiceUsers, true)
	if before.whole() && now.whole() {
		d.targets(before.Targets, now.Targets)
		decisions(&d, before.Exceptions, now.Exceptions, Exception.names, Exception.terms)
		decisions(&d, before.AcceptedGaps, now.AcceptedGaps, AcceptedGap.names, AcceptedGap.terms)
	}
	all := append(d.looser, d.stricter...)
	if more := len(all) - MostPolicyChanges; more > 0 {
		all = append(all[:MostPolicyChanges:MostPolicyChanges], fmt.Sprintf("and %d more", more))
	}
	return all
}

// policyDiff gathers changes: those that hide more, and those that show more or as much.
type policyDiff struct{ looser, stricter []string }

func (d *policyDiff) note(looser bool, format string, args ...any) {
	text := Line(fmt.Sprintf(format, args...), 200)
	if looser {
		d.looser = append(d.looser, text)
	} else {
		d.stricter = append(d.stricter, text)
	}
}

func (d *policyDiff) checks(before, now AppliedPolicy) {
	was, is := before.severities(), now.severities()
	for _, c := range before.Checks {
		if _, there := is[c.Check]; !there && c.Severity != Off {
			d.note(true, "check %s was removed", c.Check)
		}
	}
	for _, c := range now.Checks {
		old, there := was[c.Check]
		switch {
		case old == c.Severity, !there && c.Severity == Off:
		case !there:
			d.note(false, "check %s was added (%s)", c.Check, c.Severity)
		case c.Severity == Off:
			d.note(true, "check %s switched off (was %s)", c.Check, old)
		case old == Off:
			d.note(false, "check %s switched on (%s)", c.Check, c.Severity)
		default:
			d.note(!c.Severity.AtLeast(old), "severity of %s: %s -> %s", c.Check, old, c.Severity)
		}
	}
}

func (a AppliedPolicy) severities() map[string]Severity {
	out := map[string]Severity{}
	for _, c := range a.Checks {
		out[c.Check] = c.Severity
	}
	return out
}

func (d *policyDiff) limits(before, now AppliedPolicy) {
	for _, l := range []struct {
		key         string
		exact       [2]string
		before, now int
	}{
		{"rotate_after", [2]string{before.RotateAfter, now.RotateAfter}, before.RotateAfterDays, now.RotateAfterDays},
		{"inactive_after", [2]string{before.InactiveAfter, now.InactiveAfter}, before.InactiveAfterDays, now.InactiveAfterDays},
	} {
		was, is := span(l.exact[0], l.before), span(l.exact[1], l.now)
		if l.exact[0] == "" { // of an earlier version, which noted days
			is = time.Duration(l.now) * 24 * time.Hour
		}
		if was != is {
			d.note(is == 0 || was != 0 && is > was, "%s: %s -> %s", l.key, SpanWords(was), SpanWords(is))
		}
	}
	if was, is := before.MaxAdmins, now.MaxAdmins; was != is && was != 0 && is != 0 {
		d.note(is > was, "max_admins: %d -> %d", was, is)
	}
}

func (d *policyDiff) fixWithin(before, now AppliedPolicy) {
	if before.FixWithin == nil { // of an earlier version
		return
	}
	for _, severity := range Severities() {
		was, is := span(before.FixWithin[severity], 0), span(now.FixWithin[severity], 0)
		if was != is {
			d.note(is == 0 || was != 0 && is > was, "fix_within of %s: %s -> %s", severity, SpanWords(was), SpanWords(is))
		}
	}
}

// list compares names. More of them hide more, or less.
func (d *policyDiff) list(format string, before, now []string, moreHide bool) {
	for _, name := range now {
		if !slices.Contains(before, name) {
			d.note(moreHide, format+" added", name)
		}
	}
	for _, name := range before {
		if !slices.Contains(now, name) {
			d.note(!moreHide, format+" dropped", name)
		}
	}
}

func (d *policyDiff) targets(before, now []AppliedTarget) {
	find := func(list []AppliedTarget, name string) (AppliedTarget, bool) {
		at := slices.IndexFunc(list, func(t AppliedTarget) bool { return t.Name == name })
		if at < 0 {
			return AppliedTarget{}, false
		}
		return list[at], true
	}
	for _, was := range before {
		is, there := find(now, was.Name)
		switch {
		case !there:
			d.note(true, "target %s dropped", was.Name)
			continue
		case len(was.Users) == 0 && len(is.Users) > 0:
			d.note(true, "target %s: %s configured, where every user was reviewed", was.Name, Plural(len(is.Users), "user"))
		case len(was.Users) > 0 && len(is.Users) == 0:
			d.note(false, "target %s: every user reviewed, where %d were configured", was.Name, len(was.Users))
		default:
			name := strings.ReplaceAll(was.Name, "%", "%%")
			d.list("user %s of target "+name, was.Users, is.Users, false)
		}
		if was.Roster != is.Roster {
			d.note(is.Roster == "", "roster of target %s: %s -> %s", was.Name, orNone(was.Roster), orNone(is.Roster))
		}
	}
	for _, is := range now {
		if _, there := find(before, is.Name); !there {
			d.note(false, "target %s added", is.Name)
		}
	}
}

// decisions compares those about exceptions or gaps, by what they are about.
func decisions[T any](d *policyDiff, before, now []T, names, terms func(T) string) {
	of := func(list []T) map[string]T {
		out := map[string]T{}
		for _, v := range list {
			out[names(v)] = v
		}
		return out
	}
	was, is := of(before), of(now)
	for _, v := range now {
		old, there := was[names(v)]
		switch {
		case !there:
			d.note(true, "%s added, %s", names(v), terms(v))
		case string(asJSON(old)) != string(asJSON(v)):
			d.note(true, "%s changed, %s", names(v), terms(v))
		}
	}
	for _, v := range before {
		if _, there := is[names(v)]; !there {
			d.note(false, "%s dropped", names(v))
		}
	}
}

func (e Exception) names() string {
	return "exception of " + e.Check + " for " + e.Authorization + " in " + e.Target
}

func (e Exception) terms() string { return "until " + inWords(e.LastDay()) + " by " + e.ApprovedBy }

func (g AcceptedGap) names() string { return "acceptance of gap " + g.Gap + " of " + g.Target }

func (g AcceptedGap) terms() string { return "until " + g.Until() + " by " + g.ApprovedBy }

// Judgement is how an earlier review judged, where its policy was another one.
type Judgement struct{ policy Policy }

// JudgedUnder is how a review judges under a policy other than that of now; nil if the
// policy is the same, or nothing is known of it.
func JudgedUnder(before, now AppliedPolicy) *Judgement {
	if len(PolicyChanges(before, now)) == 0 {
		return nil
	}
	return &Judgement{before.Policy()}
}

// was gives the findings of a record of the review before, as the policy of now has them.
func (rv *Review) was(before *Record) []Finding {
	if before.Judged == nil || !before.Exists() {
		return before.Findings
	}
	r := *before
	if before.Judged.policy.hadNoRoster(rv.Target) && !r.IsServer() {
		rv.Roster.judge(&r.Owner)
	}
	return Replay(r, rv.Policy, before.LastSeen)
}

// hadNoRoster reports whether owners of a target were judged without a roster. Where an
// earlier version did not note it, that is not known.
func (p *Policy) hadNoRoster(target string) bool {
	at := slices.IndexFunc(p.Targets, func(t AppliedTarget) bool { return t.Name == target })
	return at >= 0 && p.Targets[at].Roster == ""
}

// noteBefore counts findings of the review before, as the policy of now has them.
func (rv *Review) noteBefore(findings []Finding) {
	for _, f := range findings {
		if f.Current() && rv.SeveritiesBefore != nil {
			rv.SeveritiesBefore[f.Severity]++
		}
	}
}

// foundBefore reports whether a check that finds something now would have found it at the
// previous review, too, had the policy been that of now. Where only that review could
// tell, it does so if the policy of then finds nothing in what is there now.
func (s *Subject) foundBefore(c *Check) bool {
	switch {
	case s.before == nil || s.before.Judged == nil || aboutExceptions(c.ID):
		return false
	case c.Momentary:
		return !s.failsUnderOld(c)
	}
	return slices.ContainsFunc(s.was, func(f Finding) bool { return f.Check == c.ID && f.Current() })
}

// failsUnderOld reports whether a check would find something now, or could not tell, had
// the policy stayed that of before. Findings about exceptions end with them.
func (s *Subject) failsUnderOld(c *Check) bool {
	if s.before == nil || s.before.Judged == nil || aboutExceptions(c.ID) {
		return false
	}
	then := *s
	then.Policy = s.before.Judged.policy
	if then.Policy.severityOf(c) == Off {
		return false
	}
	then.Scope.Users = then.Policy.usersOf(s.before.Target, s)
	_, outcome := c.Match(&then)
	return outcome != Pass
}

// usersOf are the users that were configured for a target, as a Scope has them, as far as
// the owner of s goes.
func (p *Policy) usersOf(target string, s *Subject) map[string]bool {
	at := slices.IndexFunc(p.Targets, func(t AppliedTarget) bool { return t.Name == target })
	switch {
	case at < 0: // an earlier version did not note them
		return s.Scope.Users
	case len(p.Targets[at].Users) == 0:
		return nil
	}
	named := func(u string) bool {
		return u != "" && (strings.EqualFold(u, s.UserID) || u == s.User || u == s.Owner.Name)
	}
	return map[string]bool{s.UserID: slices.ContainsFunc(p.Targets[at].Users, named)}
}
