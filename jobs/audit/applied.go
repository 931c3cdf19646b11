package audit

import (
	"slices"
	"time"
)

// AppliedPolicy is the policy as a run applied it, so that the evidence says what
// was judged, how, and what was not.
type AppliedPolicy struct {
	ServiceUsers      []string       `json:"service_users"`
	RotateAfterDays   int            `json:"rotate_after_days"`   // 0 is never
	InactiveAfterDays int            `json:"inactive_after_days"` // 0 is never
	Checks            []AppliedCheck `json:"checks"`              // worst first, those that are off last
}

// AppliedCheck is a check with the severity that the policy gives it.
type AppliedCheck struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"` // or off
}

// Applied writes the policy out, check by check.
func (p Policy) Applied() AppliedPolicy {
	a := AppliedPolicy{ServiceUsers: append([]string{}, p.ServiceUsers...), RotateAfterDays: inDays(p.RotateAfter), InactiveAfterDays: inDays(p.InactiveAfter)}
	for _, c := range theChecks() {
		a.Checks = append(a.Checks, AppliedCheck{c.ID, p.severityOf(&c)})
	}
	order := append(Severities(), Off)
	slices.SortStableFunc(a.Checks, func(x, y AppliedCheck) int {
		return slices.Index(order, x.Severity) - slices.Index(order, y.Severity)
	})
	return a
}

func inDays(d time.Duration) int { return int(d / (24 * time.Hour)) }

// CheckOf finds a check by its ID. A stored finding may be of a check that this
// version no longer has: then the ID is its title.
func CheckOf(id string) Check {
	if at := CheckPlace(id); at >= 0 {
		return theChecks()[at]
	}
	return Check{ID: id, Title: id}
}

// CheckPlace is the place of a check among Checks, from 0; -1 for an unknown one.
func CheckPlace(id string) int {
	if at, ok := placeOf()[id]; ok {
		return at
	}
	return -1
}
