package report

import (
	"fmt"
	"time"

	"tokenaudit/jobs/audit"
)

// enum is a number of OCSF with its caption. The zero value is Unknown.
type enum struct {
	id   int
	name string
}

func (e enum) caption() string {
	if e.id == 0 {
		return "Unknown"
	}
	return e.name
}

// lifecycle is what a state of ours is in OCSF: where the finding stands and what
// happened to it in this review.
type lifecycle struct {
	enum
	activity enum
}

func ocsfStates() map[audit.FindingState]lifecycle {
	create, update, end := enum{1, "Create"}, enum{2, "Update"}, enum{3, "Close"}
	return map[audit.FindingState]lifecycle{
		audit.New:      {enum{1, "New"}, create},
		audit.Open:     {enum{2, "In Progress"}, update},
		audit.Reopened: {enum{1, "New"}, update},
		audit.Excepted: {enum{3, "Suppressed"}, update},
		audit.Resolved: {enum{4, "Resolved"}, end},
	}
}

func ocsfSeverities() map[audit.Severity]enum {
	return map[audit.Severity]enum{
		audit.Low: {2, "Low"}, audit.Medium: {3, "Medium"}, audit.High: {4, "High"}, audit.Critical: {5, "Critical"},
	}
}

// millis since 1970 as OCSF has its times; 0, which is left out, for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// trimmer makes what comes from outside safe and short, and knows whether it cut
// anything.
type trimmer struct{ cut bool }

func (t *trimmer) text(s string) string {
	line := audit.Line(s, longestText)
	t.cut = t.cut || line != audit.Visible(s, false)
	return line
}

func (t *trimmer) privileges(ps []audit.Permission) []string {
	t.cut = t.cut || len(ps) > mostPrivileges
	var out []string
	for _, p := range ps[:min(len(ps), mostPrivileges)] {
		out = append(out, t.text(p.String()))
	}
	return out
}

// user is nil if nothing is known of the owner. Whether it is a person cannot be
// told, so a type stands only where the policy says service user.
func (t *trimmer) user(policy audit.AppliedPolicy, r *row) *ocsfUser {
	u := &ocsfUser{UID: t.text(r.UserID), Name: t.text(r.owner())}
	if u.UID == "" && u.Name == "" {
		return nil
	}
	if r.isService(policy) {
		u.TypeID, u.Type = 4, "Service"
	}
	if r.OrgID != "" || r.Org != "" {
		u.Org = &ocsfEntity{UID: t.text(r.OrgID), Name: t.text(r.Org)}
	}
	return u
}

// comment is who excepted the finding, why and until when.
func (t *trimmer) comment(a *audit.Approval) string {
	if a == nil {
		return ""
	}
	text := fmt.Sprintf("Excepted until %s: %s (requested by %s, approved by %s", a.Expires.UTC().Format(time.RFC3339), a.Reason, a.Requested, a.ApprovedBy)
	if a.Ticket != "" {
		text += ", ticket " + a.Ticket
	}
	return t.text(text + ")")
}

// unmapped: a record that is no authorization has no status, owner or presence.
func (t *trimmer) unmapped(in Input, r *row) ocsfUnmapped {
	u := ocsfUnmapped{Run: in.Summary.ID, State: string(r.finding.State)}
	if r.IsServer() {
		return u
	}
	u.Status, u.Presence, u.OwnerState = t.text(string(r.Status)), string(r.Presence), string(r.Owner.State)
	u.PresenceEvidence, u.OwnerEvidence = t.text(r.Evidence), t.text(r.Owner.Evidence)
	return u
}
