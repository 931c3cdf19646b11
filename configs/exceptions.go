package configs

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
)

// Exception lets the findings of one check on one token stand for a while, by the
// decision of two people. They stay in every report and count. It is void as soon
// as permissions, owner or status of the token change.
type Exception struct {
	// Target that the token is in.
	Target string `yaml:"target"`
	// Authorization is the ID of the token.
	Authorization string `yaml:"authorization"`
	// Check that it is for, or all.
	Check string `yaml:"check"`
	// Fingerprint of the token as it was approved: "tokenaudit tokens show ID" prints it.
	Fingerprint string `yaml:"fingerprint"`
	// Reason in words.
	Reason string `yaml:"reason"`
	// RequestedBy is who asked for it.
	RequestedBy string `yaml:"requested_by"`
	// ApprovedBy is who allowed it: somebody else.
	ApprovedBy string `yaml:"approved_by"`
	// Ticket where it was discussed.
	Ticket string `yaml:"ticket,omitempty"`
	// Granted is the day on which it was approved, such as 2026-11-28. secret-replaced needs
	// it. Default: not noted.
	Granted Date `yaml:"granted,omitzero"`
	// CompensatingControl is what protects in the meantime, for auditors. Default: none.
	CompensatingControl string `yaml:"compensating_control,omitempty"`
	// Expires is the last day on which it holds, such as 2027-03-31 (UTC).
	Expires Date `yaml:"expires"`
}

// Date is a day, such as 2027-03-31.
type Date struct{ time.Time }

// UnmarshalText reads a day. Its errors do not repeat the text.
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return errors.New("needs a day such as 2027-03-31")
	}
	d.Time = t
	return nil
}

// MarshalText writes the day.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.Format(time.DateOnly)), nil }

var fingerprintPattern = regexp.MustCompile(`^[0-9a-f]{16}$`)

func (e Exception) validate(targets []string, longest time.Duration, problem func(key, text string)) {
	if !slices.Contains(targets, e.Target) {
		problem("target", setting.Unknown("target", e.Target, targets))
	}
	if _, ok := audit.TokenIDOf(e.Authorization); !ok {
		problem("authorization", "needs the ID of a token, as tokens list shows it: 16 hex digits, a UUID or user/NAME")
	}
	if checks := append(checkIDs(), audit.AllChecks); !slices.Contains(checks, e.Check) {
		problem("check", setting.Unknown("check", e.Check, checks))
	}
	if !fingerprintPattern.MatchString(e.Fingerprint) {
		problem("fingerprint", `needs the fingerprint that "tokenaudit tokens show ID" prints: it ties the exception to the token as it was approved`)
	}
	if e.Check == audit.SecretReplaced && e.Granted.IsZero() {
		problem("granted", "is required for "+e.Check+": it is for the first replacement on that day or later")
	}
	decision{e.Reason, e.RequestedBy, e.ApprovedBy, e.Granted, e.Expires}.validate("exception", longest, problem)
}

// decision is what two people answer for, until a date.
type decision struct {
	reason, requestedBy, approvedBy string
	granted, expires                Date
}

func (d decision) validate(of string, longest time.Duration, problem func(key, text string)) {
	for key, text := range map[string]string{"reason": d.reason, "requested_by": d.requestedBy, "approved_by": d.approvedBy} {
		if strings.TrimSpace(text) == "" {
			problem(key, "is required")
		}
	}
	if strings.EqualFold(strings.TrimSpace(d.requestedBy), strings.TrimSpace(d.approvedBy)) && d.approvedBy != "" {
		problem("approved_by", "must be a different person than requested_by")
	}
	if d.granted.After(d.expires.Time) && !d.expires.IsZero() {
		problem("granted", "must not be after expires")
	}
	switch {
	case d.expires.IsZero():
		problem("expires", "is required: the last day on which the "+of+" holds, such as 2027-03-31")
	case time.Until(d.expires.end()) > longest+setting.Day:
		span, _ := setting.Duration(longest).MarshalText()
		problem("expires", "is later than policy.max_exception allows ("+string(span)+")")
	}
}

// end is the first moment after the day.
func (d Date) end() time.Time { return d.AddDate(0, 0, 1) }

func (e Exception) audit() audit.Exception {
	id, _ := audit.TokenIDOf(e.Authorization)
	return audit.Exception{
		Target: e.Target, Authorization: id, Check: e.Check, Fingerprint: e.Fingerprint, Reason: e.Reason,
		RequestedBy: e.RequestedBy, ApprovedBy: e.ApprovedBy, Ticket: e.Ticket, Expires: e.Expires.end(),
		Granted: e.Granted.Time, CompensatingControl: e.CompensatingControl,
	}
}

// AcceptedGap lets a review of a target be complete although something of it cannot be
// seen, by the decision of two people. Every report and message says so.
type AcceptedGap struct {
	// Target that has the gap.
	Target string `yaml:"target"`
	// Gap is its ID, as the sheet Coverage has it; "tokenaudit help coverage" lists those that can be accepted. The part after a "/" may be left out.
	Gap string `yaml:"gap"`
	// Reason in words.
	Reason string `yaml:"reason"`
	// RequestedBy is who asked for it.
	RequestedBy string `yaml:"requested_by"`
	// ApprovedBy is who allowed it: somebody else.
	ApprovedBy string `yaml:"approved_by"`
	// Ticket where it was discussed.
	Ticket string `yaml:"ticket,omitempty"`
	// Granted is the day on which it was approved, such as 2026-11-28. Default: not noted.
	Granted Date `yaml:"granted,omitzero"`
	// CompensatingControl is what protects in the meantime, for auditors. Default: none.
	CompensatingControl string `yaml:"compensating_control,omitempty"`
	// Expires is the last day on which it holds, such as 2027-03-31 (UTC), at most policy.max_exception ahead.
	Expires Date `yaml:"expires"`
}

func (g AcceptedGap) validate(targets []string, longest time.Duration, problem func(key, text string)) {
	var can []string
	for _, p := range audit.Premises() {
		if p.Acceptable {
			can = append(can, p.ID)
		}
	}
	premise, known := audit.PremiseOf(g.Gap)
	_, subject, about := strings.Cut(g.Gap, "/")
	switch {
	case !known:
		problem("gap", setting.Unknown("gap", g.Gap, can))
	case !premise.Acceptable:
		problem("gap", fmt.Sprintf("%s cannot be accepted: nobody could tell what they accept. Gaps that can be accepted: %s", premise.ID, strings.Join(can, ", ")))
	case about && strings.TrimSpace(subject) == "":
		problem("gap", `has nothing after the "/"; remove it, or copy the full ID from the sheet Coverage`)
	}
	// Of a target that is no longer configured, this very fact may be accepted.
	if premise.ID != audit.TargetsConfigured && !slices.Contains(targets, g.Target) {
		problem("target", setting.Unknown("target", g.Target, targets))
	}
	decision{g.Reason, g.RequestedBy, g.ApprovedBy, g.Granted, g.Expires}.validate("acceptance", longest, problem)
}

func (g AcceptedGap) audit() audit.AcceptedGap {
	return audit.AcceptedGap{
		Target: g.Target, Gap: g.Gap, Reason: g.Reason,
		RequestedBy: g.RequestedBy, ApprovedBy: g.ApprovedBy, Ticket: g.Ticket, Expires: g.Expires.end(),
		Granted: g.Granted.Time, CompensatingControl: g.CompensatingControl,
	}
}
