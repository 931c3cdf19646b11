package audit

import "time"

// Presence says how this review met an authorization.
type Presence string

const (
	// Listed: the list of authorizations had it.
	Listed Presence = "listed"
	// Hidden: it exists, but the list left it out. InfluxDB OSS leaves out every
	// authorization whose user or org was deleted (influxdata/influxdb#22708).
	Hidden Presence = "hidden"
	// Unseen: an earlier review had it, this one could not ask. Nothing about it
	// is known now; its findings stand.
	Unseen Presence = "unseen"
	// Gone: an earlier review had it, and the server says that it no longer exists.
	// It appears in one review, with its findings resolved, and in none after.
	Gone Presence = "gone"
)

// Record is one line of a snapshot: an authorization as a review saw it, judged.
type Record struct {
	Target string `json:"target"`
	Authorization
	Presence Presence `json:"presence"`
	// Evidence is the answer behind a presence other than listed.
	Evidence string `json:"evidence,omitempty"`
	Owner    Owner  `json:"owner"`
	// OrgDeleted: it is hidden because its org was deleted; of its owner nothing is known.
	OrgDeleted bool `json:"orgDeleted,omitempty"`
	// Changes since the previous review.
	Changes []Change `json:"changes,omitempty"`
	// FirstSeen and LastSeen are the times of the first and the newest review
	// that the server showed it to.
	FirstSeen time.Time `json:"firstSeen"`
	LastSeen  time.Time `json:"lastSeen"`
	Findings  []Finding `json:"findings,omitempty"`
}

// Exists reports whether the authorization is part of the population: all but
// those that are gone, and the record of the server.
func (r Record) Exists() bool { return r.Presence != Gone && !r.IsServer() }

// Worst is the highest severity among the current findings, "" without any.
func (r Record) Worst() Severity {
	for _, s := range Severities() {
		for _, f := range r.Findings {
			if f.Severity == s && f.Current() {
				return s
			}
		}
	}
	return ""
}
