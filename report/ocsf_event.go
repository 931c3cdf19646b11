package report

// ocsfEvent is an event of the class iam_analysis_finding, without a profile. Its
// attributes are those of https://schema.ocsf.io/1.8.0/classes/iam_analysis_finding.
type ocsfEvent struct {
	ocsfClass
	Time         int64            `json:"time"` // milliseconds, as all times are
	Message      string           `json:"message"`
	Comment      string           `json:"comment,omitempty"` // on an exception
	Metadata     ocsfMetadata     `json:"metadata"`
	FindingInfo  ocsfFinding      `json:"finding_info"`
	Applications []ocsfEntity     `json:"applications"` // the target
	Resources    []ocsfResource   `json:"resources"`    // the authorization, the server or the exceptions
	Remediation  *ocsfRemediation `json:"remediation,omitempty"`
	ocsfIdentity
	Unmapped ocsfUnmapped `json:"unmapped"`
}

type ocsfClass struct {
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

type ocsfMetadata struct {
	Version     string      `json:"version"`
	Product     ocsfProduct `json:"product"`
	UID         string      `json:"uid"`             // of the event: run and finding
	Correlation string      `json:"correlation_uid"` // the run
	Truncated   bool        `json:"is_truncated,omitempty"`
}

type ocsfProduct struct {
	Name    string `json:"name"`
	Vendor  string `json:"vendor_name"`
	Version string `json:"version,omitempty"`
}

type ocsfFinding struct {
	UID       string       `json:"uid"` // the same in every run: target/org/authorization/check
	Title     string       `json:"title"`
	Desc      string       `json:"desc,omitempty"`
	Types     []string     `json:"types"`
	Analytic  ocsfAnalytic `json:"analytic"`
	Tags      []ocsfTag    `json:"tags,omitempty"`
	FirstSeen int64        `json:"first_seen_time,omitempty"`
	LastSeen  int64        `json:"last_seen_time,omitempty"` // when the server last showed the authorization
	Modified  int64        `json:"modified_time,omitempty"`
}

type ocsfAnalytic struct {
	UID     string `json:"uid"`
	Name    string `json:"name"`
	TypeID  int    `json:"type_id"`
	Type    string `json:"type"`
	Version string `json:"version,omitempty"`
}

type ocsfTag struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// ocsfEntity is an application or an organization.
type ocsfEntity struct {
	UID  string `json:"uid,omitempty"`
	Name string `json:"name,omitempty"`
	Type string `json:"type,omitempty"`
}

type ocsfResource struct {
	UID       string `json:"uid"`
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace"`
	Type      string `json:"type"`
	RoleID    int    `json:"role_id"`
	Role      string `json:"role"`
	Created   int64  `json:"created_time,omitempty"`
	Modified  int64  `json:"modified_time,omitempty"`
}

type ocsfRemediation struct {
	Desc string `json:"desc"`
}

// ocsfIdentity is what the analysis is about, if it is an authorization.
type ocsfIdentity struct {
	User        *ocsfUser         `json:"user,omitempty"`
	Metrics     *ocsfMetrics      `json:"identity_activity_metrics,omitempty"`
	Permissions []ocsfPermissions `json:"permission_analysis_results,omitempty"`
}

type ocsfUser struct {
	UID    string      `json:"uid,omitempty"`
	Name   string      `json:"name,omitempty"`
	TypeID int         `json:"type_id,omitempty"`
	Type   string      `json:"type,omitempty"`
	Org    *ocsfEntity `json:"org,omitempty"`
}

// ocsfMetrics have no times of use: InfluxDB OSS keeps none.
type ocsfMetrics struct {
	Credentials []ocsfCredential `json:"programmatic_credentials"`
}

type ocsfCredential struct {
	UID  string `json:"uid"`
	Type string `json:"type"`
}

type ocsfPermissions struct {
	Policy  ocsfPolicy `json:"policy"`
	Granted []string   `json:"granted_privileges,omitempty"`
	Count   int        `json:"analyzed_privileges_count"`
}

type ocsfPolicy struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
	Desc string `json:"desc,omitempty"`
}

// ocsfUnmapped is what the class has no attribute for.
type ocsfUnmapped struct {
	Run              string `json:"run"`
	State            string `json:"finding_state"`
	Status           string `json:"authorization_status,omitempty"`
	Presence         string `json:"presence,omitempty"`
	PresenceEvidence string `json:"presence_evidence,omitempty"`
	OwnerState       string `json:"owner_state,omitempty"`
	OwnerEvidence    string `json:"owner_evidence,omitempty"`
}
