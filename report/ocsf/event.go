package ocsf

import "tokenaudit/jobs/audit"

// event is an event of the class iam_analysis_finding, without a profile. Its
// attributes are those of https://schema.ocsf.io/1.8.0/classes/iam_analysis_finding.
type event struct {
	CategoryUID  int          `json:"category_uid"`
	CategoryName string       `json:"category_name"`
	ClassUID     int          `json:"class_uid"`
	ClassName    string       `json:"class_name"`
	ActivityID   int          `json:"activity_id"`
	ActivityName string       `json:"activity_name"`
	TypeUID      int          `json:"type_uid"`
	TypeName     string       `json:"type_name"`
	SeverityID   int          `json:"severity_id"`
	Severity     string       `json:"severity"`
	StatusID     int          `json:"status_id"`
	Status       string       `json:"status"`
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
	Product          string `json:"product,omitempty"` // of the target
	// Of a token of a product after InfluxDB 2.
	StatusNow string `json:"status_now,omitempty"`
	Expires   int64  `json:"expires,omitempty"`
	Revoked   int64  `json:"revoked,omitempty"`
}

// enum is a number of OCSF with its caption.
type enum struct {
	id      int
	caption string
}

var unknown = enum{0, "Unknown"}

// severityOf a finding; Unknown for one of a later version, as in standingOf.
func severityOf(s audit.Severity) enum {
	switch s {
	case audit.Low:
		return enum{2, "Low"}
	case audit.Info:
		return enum{1, "Informational"}
	case audit.Medium:
		return enum{3, "Medium"}
	case audit.High:
		return enum{4, "High"}
	case audit.Critical:
		return enum{5, "Critical"}
	}
	return unknown
}

// standingOf a finding: its status, and what happened to it in this review.
func standingOf(s audit.FindingState) (status, activity enum) {
	create, update, end := enum{1, "Create"}, enum{2, "Update"}, enum{3, "Close"}
	switch s {
	case audit.New:
		return enum{1, "New"}, create
	case audit.Open:
		return enum{2, "In Progress"}, update
	case audit.Reopened:
		return enum{1, "New"}, update
	case audit.Excepted:
		return enum{3, "Suppressed"}, update
	case audit.ByPolicy:
		return enum{1, "New"}, create
	case audit.Resolved:
		return enum{4, "Resolved"}, end
	case audit.NotJudged:
		return enum{3, "Suppressed"}, end
	}
	return unknown, unknown
}
