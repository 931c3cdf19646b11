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
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Status of an authorization. InfluxDB knows these two only.
type Status string

const (
	Active   Status = "active"
	Inactive Status = "inactive"
)

// What an active authorization of products after v2 comes to, see StatusAt.
const (
	Expired Status = "expired"
	Revoked Status = "revoked"
)

// Authorization is the record of an API token, as GET /api/v2/authorizations
// gives it, or what comes next to one in another product, without the token. IDs are 16 hex
// digits; on other products they are of other forms, in printable ASCII. UpdatedAt changes when
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
	// Product is that of a token of a product after InfluxDB 2; empty for InfluxDB 2.
	Product Product `json:"product,omitempty"`
	// ExpiresAt and RevokedAt are zero where a token does not expire, or was not revoked.
	// The status stays as it was.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	RevokedAt time.Time `json:"revokedAt,omitzero"`
	// SecretSum is the beginning of the hash that the server keeps of the secret, at most
	// MaxSecretSum digits: another one means that the secret was replaced.
	SecretSum string `json:"secretSum,omitempty"`
	// UsedAgain is the time of the review that first saw its name after another user of that
	// name was gone, on InfluxDB 1.x. A list does not say it: each review takes it over.
	UsedAgain time.Time `json:"usedAgain,omitzero"`
}

// Works reports whether the token is accepted at a time, as far as its record tells.
func (a *Authorization) Works(at time.Time) bool {
	return a.Status != Inactive && !a.Expired(at) && !a.Revoked(at)
}

// Expired reports whether the token has expired by a time.
func (a *Authorization) Expired(at time.Time) bool {
	return !a.ExpiresAt.IsZero() && !a.ExpiresAt.After(at)
}

// Revoked reports whether the token was revoked by a time.
func (a *Authorization) Revoked(at time.Time) bool {
	return !a.RevokedAt.IsZero() && !a.RevokedAt.After(at)
}

// Key tells authorizations of one target apart and gives their order: by ID, the
// legacy ones last. IDs are unique per kind only.
func (a Authorization) Key() string {
	if a.Legacy {
		return "~" + a.ID
	}
	return a.ID
}

// key tells authorizations of several sources apart, in the order that Key gives those of
// one: on InfluxDB 3 and 1.x every server has the same IDs.
func (a *Authorization) key() string {
	if a.Product.idsPerServer() && a.OrgID != "" {
		return a.Key() + " " + a.OrgID
	}
	return a.Key()
}

// StatusKnown reports whether the status is one that InfluxDB knows.
func (a *Authorization) StatusKnown() bool { return a.Status == Active || a.Status == Inactive }

// StatusAt is the status with what it came to at a time: expired or revoked, where the product
// goes on calling it active.
func (a *Authorization) StatusAt(at time.Time) Status {
	switch {
	case a.Status == Inactive:
		return Inactive
	case a.Revoked(at):
		return Revoked
	case a.Expired(at):
		return Expired
	}
	return a.Status
}

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

// Access is what the permissions of one authorization add up to. It is made
// once, so that no check walks the permissions again.
type Access struct {
	Reads, Writes int
	// EveryOrg: a write permission without an org and without one resource.
	EveryOrg bool
	// AllAccess: read and write on every resource type of the org, not EveryOrg.
	AllAccess bool
	// AllBuckets: write on all buckets of an org, or of every org.
	AllBuckets bool
	// Buckets are the names (else IDs) of the single buckets it may write, in order.
	Buckets []string
	// WriteTypes are the resource types that it may write, sorted.
	WriteTypes []string
	// Mints: may create authorizations.
	Mints bool
	// AdministersUsers: may write users other than its own.
	AdministersUsers bool
	// Dangling are resources that no longer exist.
	Dangling []Resource
	// Unreadable: there may be more to it, as not all permissions could be read.
	Unreadable bool
	legacy     bool
	product    Product
}

// allAccessTypes are the resource types that belong to an org in every release
// since 2.0. Later releases and Cloud add more (notebooks, remotes, flows …); a
// token made with --all-access by an older server lacks those and is all-access
// all the same. orgs and users are left out: they go by ID, not by org.
var allAccessTypes = [...]string{
	"authorizations", "buckets", "checks", "dashboards", "dbrp", "documents",
	"labels", "notificationEndpoints", "notificationRules", "scrapers", "secrets",
	"sources", "tasks", "telegrafs", "variables", "views",
}

// AccessOf adds up the permissions of a, in time that grows with their number: a
// server may send any.
func AccessOf(a Authorization) Access {
	acc := Access{legacy: a.Legacy, product: a.Product, Unreadable: a.Permissions == nil}
	var reads, writes uint32 // of allAccessTypes held on the whole org, a bit each
	for i := range a.Permissions {
		p := &a.Permissions[i]
		r := &p.Resource
		if !p.readable() {
			acc.Unreadable = true
			if !a.Product.V2() { // it may be able to write
				acc.Writes++
				acc.WriteTypes = append(acc.WriteTypes, "unknown")
			}
		}
		whole := uint32(0)
		if at := slices.Index(allAccessTypes[:], r.Type); at >= 0 && r.ID == "" {
			whole = 1 << at
		}
		if dangles(r, a.UserID) {
			acc.Dangling = append(acc.Dangling, *r)
		}
		switch p.Action {
		case "read":
			acc.Reads++
			reads |= whole
		case "write":
			acc.addWrite(r, a.UserID)
			writes |= whole
		}
	}
	acc.Buckets = distinct(acc.Buckets, func(name string) string { return name })
	acc.Dangling = distinct(acc.Dangling, func(r Resource) [2]string { return [2]string{r.Type, r.ID} })
	slices.Sort(acc.WriteTypes)
	acc.WriteTypes = slices.Compact(acc.WriteTypes)
	acc.AllAccess = !acc.EveryOrg && reads&writes == 1<<len(allAccessTypes)-1
	return acc
}

func (acc *Access) addWrite(r *Resource, own string) {
	acc.Writes++
	if n := len(acc.WriteTypes); n == 0 || acc.WriteTypes[n-1] != r.Type {
		acc.WriteTypes = append(acc.WriteTypes, r.Type)
	}
	everything := r.Type == "instance" // matches whatever is asked (influxdb authz.go)
	acc.EveryOrg = acc.EveryOrg || everything || r.ID == "" && r.OrgID == ""
	acc.Mints = acc.Mints || everything || r.Type == "authorizations" && r.ID == ""
	acc.AdministersUsers = acc.AdministersUsers || everything || reachesOtherUsers(r, own)
	acc.AllBuckets = acc.AllBuckets || everything || r.Type == "buckets" && r.ID == ""
	if r.Type == "buckets" && r.ID != "" {
		acc.Buckets = append(acc.Buckets, cmp.Or(r.Name, r.ID))
	}
}

// distinct leaves the first value of each key, in order. Nearly all lists are too
// short to be worth a map.
func distinct[T any, K comparable](list []T, key func(T) K) []T {
	const short = 16
	var met map[K]bool
	if len(list) > short {
		met = make(map[K]bool, len(list))
	}
	out := list[:0]
	for _, v := range list {
		k := key(v)
		if met[k] || met == nil && slices.ContainsFunc(out, func(o T) bool { return key(o) == k }) {
			continue
		}
		if met != nil {
			met[k] = true
		}
		out = append(out, v)
	}
	return out
}

// reachesOtherUsers: a permission on the users of an org reaches nobody, since
// users belong to no org and the check passes none (influxdb authz.go). Every
// all-access token carries such a one beside the one on its own user.
func reachesOtherUsers(r *Resource, own string) bool {
	return r.Type == "users" && r.OrgID == "" && (r.ID == "" || r.ID != own)
}

// dangles: the server names buckets, orgs and users; one with an ID and without
// a name is gone. A token's own user may have an empty name.
func dangles(r *Resource, own string) bool {
	if r.ID == "" || r.Name != "" {
		return false
	}
	return r.Type == "buckets" || r.Type == "orgs" || r.Type == "users" && (r.ID == "" || r.ID != own)
}

// Class names the widest reach of an authorization in one word or two.
func (acc Access) Class() string {
	switch {
	case acc.legacy:
		return "legacy"
	case acc.EveryOrg && !acc.product.V2():
		return "admin"
	case acc.EveryOrg:
		return "operator"
	case acc.AllAccess:
		return "all-access"
	case acc.AllBuckets:
		return acc.product.wholeNoun() + "-wide write"
	case acc.Unreadable && !acc.product.V2(): // it counts as one that may write
		return "unknown"
	case acc.Writes > 0:
		return "write"
	case acc.Unreadable:
		return "unknown"
	case acc.Reads > 0:
		return "read"
	}
	return "no permissions"
}

// WriteScope says in words what the authorization may write and how far that
// reaches; empty when it may write nothing.
func (acc Access) WriteScope() string {
	var scope string
	store := acc.product.storeNoun()
	switch {
	case acc.Writes == 0:
		return ""
	case acc.EveryOrg && !acc.product.V2():
		return "the whole " + acc.product.wholeNoun() + ": all databases and tokens"
	case acc.EveryOrg:
		return "all orgs: " + strings.Join(acc.WriteTypes, ", ")
	case acc.AllAccess:
		return "the whole org: every resource type"
	case acc.AllBuckets:
		scope = "the whole " + acc.product.wholeNoun() + ": all " + store + "s"
	case len(acc.Buckets) == 1:
		scope = "one " + store + ": " + acc.Buckets[0]
	case len(acc.Buckets) > 1:
		scope = strconv.Itoa(len(acc.Buckets)) + " " + store + "s: " + strings.Join(acc.Buckets, ", ")
	case acc.Unreadable && !acc.product.V2():
		return "not known: not all permissions could be read"
	default:
		return "no " + store + "s: " + strings.Join(acc.WriteTypes, ", ")
	}
	others := slices.DeleteFunc(slices.Clone(acc.WriteTypes), func(t string) bool { return t == "buckets" })
	if len(others) > 0 {
		scope += "; also " + strings.Join(others, ", ")
	}
	return scope
}

// storeNoun is what the product calls that which has the data.
func (p Product) storeNoun() string {
	if p.V2() {
		return "bucket"
	}
	return "database"
}

// wholeNoun is what the product calls all that one list of tokens is of.
func (p Product) wholeNoun() string {
	switch {
	case p.V2():
		return "org"
	case p == ProductDedicated || p == ProductClustered:
		return "cluster"
	}
	return "server"
}

// AccessKey is equal for tokens of one server that may do the same in the same org.
type AccessKey [2]uint64

// AccessKeyOf is the key of a, in whatever order the server gives its permissions. The one
// that a token has on its own user is the same for all users; all-access tokens are the same,
// though releases make them of more or fewer types. It is false where nothing can be compared:
// there are no permissions, or not all of them can be read.
func AccessKeyOf(a Authorization) (AccessKey, bool) {
	if len(a.Permissions) == 0 || !a.PermissionsKnown() {
		return AccessKey{}, false
	}
	var key AccessKey
	add := func(b []byte) { // a sum, so that the order does not matter
		sum := sha256.Sum256(b)
		key[0] += binary.BigEndian.Uint64(sum[:])
		key[1] += binary.BigEndian.Uint64(sum[8:])
	}
	room := make([]byte, 0, 96)
	add(append(append(room, "org "...), a.OrgID...))
	if a.Legacy {
		add([]byte("1.x"))
	}
	allAccess := len(a.Permissions) >= 2*len(allAccessTypes) && AccessOf(a).AllAccess
	if allAccess {
		add([]byte("all-access"))
	}
	for _, p := range a.Permissions {
		own := p.Resource.Type == "users" && p.Resource.ID == a.UserID && a.UserID != ""
		if allAccess && (own || p.Resource.ID == "" && p.Resource.OrgID == a.OrgID || p.Resource.Type == "orgs" && p.Resource.ID == a.OrgID) {
			continue
		}
		if own {
			p.Resource.ID = "own"
		}
		add(p.Append(room))
	}
	return key, true
}
