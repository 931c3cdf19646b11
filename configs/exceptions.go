package configs

import (
	"errors"
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

var (
	authorizationID    = regexp.MustCompile(`^[0-9a-fA-F]{16}$`)
	fingerprintPattern = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

func (e Exception) validate(targets []string, longest time.Duration, problem func(key, text string)) {
	if !slices.Contains(targets, e.Target) {
		problem("target", unknown("target", e.Target, targets))
	}
	if !authorizationID.MatchString(e.Authorization) {
		problem("authorization", "needs the ID of a token: 16 hex digits")
	}
	if checks := append(checkIDs(), audit.AllChecks); !slices.Contains(checks, e.Check) {
		problem("check", unknown("check", e.Check, checks))
	}
	if !fingerprintPattern.MatchString(e.Fingerprint) {
		problem("fingerprint", `needs the fingerprint that "tokenaudit tokens show ID" prints: it binds the exception to the token as it was approved`)
	}
	for key, text := range map[string]string{"reason": e.Reason, "requested_by": e.RequestedBy, "approved_by": e.ApprovedBy} {
		if strings.TrimSpace(text) == "" {
			problem(key, "is required")
		}
	}
	if strings.EqualFold(strings.TrimSpace(e.RequestedBy), strings.TrimSpace(e.ApprovedBy)) && e.ApprovedBy != "" {
		problem("approved_by", "must be somebody else than requested_by")
	}
	switch {
	case e.Expires.IsZero():
		problem("expires", "is required: the last day on which the exception holds, such as 2027-03-31")
	case time.Until(e.end()) > longest+setting.Day:
		span, _ := setting.Duration(longest).MarshalText()
		problem("expires", "lies further ahead than policy.max_exception allows ("+string(span)+")")
	}
}

// end is the first moment at which the exception no longer holds.
func (e Exception) end() time.Time { return e.Expires.AddDate(0, 0, 1) }

func (e Exception) audit() audit.Exception {
	return audit.Exception{
		Target: e.Target, Authorization: strings.ToLower(e.Authorization), Check: e.Check, Fingerprint: e.Fingerprint, Reason: e.Reason,
		RequestedBy: e.RequestedBy, ApprovedBy: e.ApprovedBy, Ticket: e.Ticket, Expires: e.end(),
	}
}
