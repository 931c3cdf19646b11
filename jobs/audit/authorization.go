// Package audit is the domain of tokenaudit: what an authorization is, who owns
// it, which checks it fails, what changed since the last review, and how much of
// the population was seen. It does no input or output and imports only the
// standard library.
//
// Authorizations come in as a target lists them, and the records of the review
// before; Review.Merge walks both and makes the records of this one, with findings.
// They go into Counts, Coverage and Highlights, and those into the Summary of the run.
//
// The words are those of the InfluxDB API: an authorization is the record of an
// API token. The token's value is no part of it, on purpose: it belongs in a
// vault, and what the model cannot hold it cannot leak.
package audit

import (
	"fmt"
	"time"
)

// Status of an authorization. InfluxDB knows these two only.
type Status string

const (
	Active   Status = "active"
	Inactive Status = "inactive"
)

// Authorization is the record of an API token, as GET /api/v2/authorizations
// gives it, without the token. IDs are 16 hex digits. UpdatedAt changes when
// the status or the description is patched, not when the token is used; both are zero
// where they are not known. Permissions are nil where they are not known, and an empty
// list where there are none.
type Authorization struct {
	ID          string       `json:"id"`
	OrgID       string       `json:"orgID"`
	Org         string       `json:"org,omitempty"`
	UserID      string       `json:"userID"`
	User        string       `json:"user,omitempty"`
	Description string       `json:"description"`
	Status      Status       `json:"status"`
	Permissions []Permission `json:"permissions"`
	CreatedAt   time.Time    `json:"createdAt,omitzero"`
	UpdatedAt   time.Time    `json:"updatedAt,omitzero"`
	// Legacy marks an authorization of the 1.x compatibility API: a user name and
	// a password instead of a token, in a store of its own (influxdata/influxdb#20264).
	Legacy bool `json:"legacy,omitempty"`
}

// Key tells authorizations of one target apart and gives their order: by ID, the
// legacy ones last. IDs are unique per kind only.
func (a Authorization) Key() string { return a.key() }

func (a *Authorization) key() string {
	if a.Legacy {
		return "~" + a.ID
	}
	return a.ID
}

// StatusKnown reports whether the status is one that InfluxDB knows.
func (a *Authorization) StatusKnown() bool { return a.Status == Active || a.Status == Inactive }

// PermissionsKnown reports whether all permissions can be read.
func (a *Authorization) PermissionsKnown() bool {
	for i := range a.Permissions {
		if !a.Permissions[i].readable() {
			return false
		}
	}
	return a.Permissions != nil
}

// readable: InfluxDB knows two actions, and more types with each release.
func (p *Permission) readable() bool {
	return (p.Action == "read" || p.Action == "write") && p.Resource.Type != ""
}

// Permission is an action ("read" or "write") on a resource. Permissions cannot
// be changed after the authorization was created.
type Permission struct {
	Action   string   `json:"action"`
	Resource Resource `json:"resource"`
}

// Resource is what a permission speaks of. With an ID it is one thing; without,
// every thing of its type in the org; without OrgID too, in every org. Name and
// Org are looked up by the server when it answers: a deleted bucket, org or user
// loses its name (influxdata/influxdb authorization/http_server.go).
type Resource struct {
	Type  string `json:"type"`
	ID    string `json:"id,omitempty"`
	Name  string `json:"name,omitempty"`
	OrgID string `json:"orgID,omitempty"`
	Org   string `json:"org,omitempty"`
}

// String writes a permission as the influx CLI does: write:orgs/ORG/buckets/ID.
func (p Permission) String() string { return string(p.Append(nil)) }

// Append appends what String gives.
func (p Permission) Append(b []byte) []byte {
	b = append(append(b, p.Action...), ':')
	if p.Resource.OrgID != "" {
		b = append(append(b, "orgs/"...), p.Resource.OrgID...)
	}
	if p.Resource.OrgID != "" || p.Resource.ID == "" {
		b = append(b, '/')
	}
	b = append(b, p.Resource.Type...)
	if p.Resource.ID != "" {
		b = append(append(b, '/'), p.Resource.ID...)
	}
	return b
}

// OwnerState says what is known of the user that an authorization belongs to.
type OwnerState string

const (
	OwnerPresent   OwnerState = "present"
	OwnerInactive  OwnerState = "inactive"
	OwnerDeleted   OwnerState = "deleted"    // only with proof: a 404 that says "user not found"
	OwnerNotMember OwnerState = "not_member" // exists, but is neither member nor owner of the org
	OwnerUnknown   OwnerState = "unknown"    // could not be seen; never the same as deleted
	OwnerNone      OwnerState = "none"       // the product has no owners, or does not show whether one was deleted
)

// Owner is the user of an authorization. Users are told apart by ID: a user that
// was deleted and created again under the same name is another one.
type Owner struct {
	ID    string     `json:"id"`
	Name  string     `json:"name,omitempty"`
	State OwnerState `json:"state"`
	// MembershipKnown is false where members and owners of the org could not be
	// read; OwnerPresent then does not mean that the user is a member.
	MembershipKnown bool `json:"membershipKnown,omitempty"`
	// NotFound: the API says that there is no such user, where that alone proves nothing.
	NotFound bool `json:"notFound,omitempty"`
	// Roster is what the roster says of the user; "" where none was asked.
	Roster RosterState `json:"roster,omitempty"`
	// Evidence names the answers that the state rests on.
	Evidence string `json:"evidence,omitempty"`
}

// unseen is what there is to say of the owner of an authorization that could not be seen
// now. That a user was deleted stays true for as long as nobody sees it again.
func (o Owner) unseen(before *Record) Owner {
	switch o.State {
	case OwnerPresent, OwnerInactive, OwnerNotMember:
		o.Evidence = fmt.Sprintf("not seen now; %s on %s: %s", o.State, before.LastSeen.UTC().Format(time.DateOnly), o.Evidence)
		o.State, o.MembershipKnown = OwnerUnknown, false
	}
	return o
}
