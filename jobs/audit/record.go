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
	Owner    Owner    `json:"owner"`
	// FirstSeen and LastSeen are the times of the first and the newest review
	// that the server showed it to.
	FirstSeen time.Time `json:"firstSeen"`
	LastSeen  time.Time `json:"lastSeen"`
	Findings  []Finding `json:"findings,omitempty"`
}

// Exists reports whether the authorization is part of the population: all but
// those that are gone.
func (r Record) Exists() bool { return r.Presence != Gone }

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
