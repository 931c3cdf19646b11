package ocsf

import (
	"fmt"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// event is an event of the class iam_analysis_finding, without a profile. Its
// attributes are those of https://schema.ocsf.io/1.8.0/classes/iam_analysis_finding.
type event struct {
	class
	Time         int64        `json:"time"` // milliseconds, as all times are
	Message      string       `json:"message"`
	Comment      string       `json:"comment,omitempty"` // on an exception
	Metadata     metadata     `json:"metadata"`
	FindingInfo  findingInfo  `json:"finding_info"`
	Applications []entity     `json:"applications"` // the target
	Resources    []resource   `json:"resources"`    // the authorization, the server or the exceptions
	Remediation  *remediation `json:"remediation,omitempty"`
	identity
	Unmapped unmapped `json:"unmapped"`
}

type class struct {
	CategoryUID  int    `json:"category_uid"`
	CategoryName string `json:"category_name"`
	ClassUID     int    `json:"class_uid"`
	ClassName    string `json:"class_name"`
	ActivityID   int    `json:"activity_id"`
	ActivityName string `json:"activity_name"`
	TypeUID      int    `json:"type_uid"`
	TypeName     string `json:"type_name"`
	SeverityID   int    `json:"severity_id"`
	Severity     string `json:"severity"`
	StatusID     int    `json:"status_id"`
	Status       string `json:"status"`
}

type metadata struct {
	Version     string  `json:"version"`
	Product     product `json:"product"`
	UID         string  `json:"uid"`             // of the event: run and finding
	Correlation string  `json:"correlation_uid"` // the run
	Truncated   bool    `json:"is_truncated,omitempty"`
}

type product struct {
	Name    string `json:"name"`
	Vendor  string `json:"vendor_name"`
	Version string `json:"version,omitempty"`
}

type findingInfo struct {
	UID       string   `json:"uid"` // the same in every run: target/org/authorization/check
	Title     string   `json:"title"`
	Desc      string   `json:"desc,omitempty"`
	Types     []string `json:"types"`
	Analytic  analytic `json:"analytic"`
	Tags      []tag    `json:"tags,omitempty"`
	FirstSeen int64    `json:"first_seen_time,omitempty"`
	LastSeen  int64    `json:"last_seen_time,omitempty"` // when the server last showed the authorization
	Modified  int64    `json:"modified_time,omitempty"`
}

type analytic struct {
	UID     string `json:"uid"`
	Name    string `json:"name"`
	TypeID  int    `json:"type_id"`
	Type    string `json:"type"`
	Version string `json:"version,omitempty"`
}

type tag struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// entity is an application or an organization.
type entity struct {
	UID  string `json:"uid,omitempty"`
	Name string `json:"name,omitempty"`
	Type string `json:"type,omitempty"`
}

type resource struct {
	UID       string `json:"uid"`
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace"`
	Type      string `json:"type"`
	RoleID    int    `json:"role_id"`
	Role      string `json:"role"`
	Created   int64  `json:"created_time,omitempty"`
	Modified  int64  `json:"modified_time,omitempty"`
}

type remediation struct {
	Desc string `json:"desc"`
}

// identity is what the analysis is about, if it is an authorization.
type identity struct {
	User        *user         `json:"user,omitempty"`
	Metrics     *metrics      `json:"identity_activity_metrics,omitempty"`
	Permissions []permissions `json:"permission_analysis_results,omitempty"`
}

type user struct {
	UID    string  `json:"uid,omitempty"`
	Name   string  `json:"name,omitempty"`
	TypeID int     `json:"type_id,omitempty"`
	Type   string  `json:"type,omitempty"`
	Org    *entity `json:"org,omitempty"`
}

// metrics have no times of use: InfluxDB OSS keeps none.
type metrics struct {
	Credentials []credential `json:"programmatic_credentials"`
}

type credential struct {
	UID  string `json:"uid"`
	Type string `json:"type"`
}

type permissions struct {
	Policy  policy   `json:"policy"`
	Granted []string `json:"granted_privileges,omitempty"`
	Count   int      `json:"analyzed_privileges_count"`
}

type policy struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
	Desc string `json:"desc,omitempty"`
}

// unmapped is what the class has no attribute for.
type unmapped struct {
	Run              string `json:"run"`
	State            string `json:"finding_state"`
	Status           string `json:"authorization_status,omitempty"`
	Presence         string `json:"presence,omitempty"`
	PresenceEvidence string `json:"presence_evidence,omitempty"`
	OwnerState       string `json:"owner_state,omitempty"`
	OwnerEvidence    string `json:"owner_evidence,omitempty"`
}

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

func states() map[audit.FindingState]lifecycle {
	create, update, end := enum{1, "Create"}, enum{2, "Update"}, enum{3, "Close"}
	return map[audit.FindingState]lifecycle{
		audit.New:      {enum{1, "New"}, create},
		audit.Open:     {enum{2, "In Progress"}, update},
		audit.Reopened: {enum{1, "New"}, update},
		audit.Excepted: {enum{3, "Suppressed"}, update},
		audit.Resolved: {enum{4, "Resolved"}, end},
	}
}

func severities() map[audit.Severity]enum {
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
func (t *trimmer) user(policy audit.AppliedPolicy, r *table.Row) *user {
	u := &user{UID: t.text(r.UserID), Name: t.text(r.OwnerName())}
	if u.UID == "" && u.Name == "" {
		return nil
	}
	if r.IsService(policy) {
		u.TypeID, u.Type = 4, "Service"
	}
	if r.OrgID != "" || r.Org != "" {
		u.Org = &entity{UID: t.text(r.OrgID), Name: t.text(r.Org)}
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
func (t *trimmer) unmapped(in table.Input, r *table.Row) unmapped {
	u := unmapped{Run: in.Summary.ID, State: string(r.Finding.State)}
	if r.IsServer() {
		return u
	}
	u.Status, u.Presence, u.OwnerState = t.text(string(r.Status)), string(r.Presence), string(r.Owner.State)
	u.PresenceEvidence, u.OwnerEvidence = t.text(r.Evidence), t.text(r.Owner.Evidence)
	return u
}
