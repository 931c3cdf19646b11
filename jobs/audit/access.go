package audit

import (
	"slices"
	"strconv"
)

// Access is what the permissions of one authorization add up to. It is folded
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
	legacy   bool
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

// AccessOf folds the permissions of a.
func AccessOf(a Authorization) Access {
	var acc Access
	acc.Fold(&a)
	return acc
}

// Fold makes acc that of a; of what acc was, only the room is used again.
func (acc *Access) Fold(a *Authorization) {
	*acc = Access{legacy: a.Legacy, Buckets: acc.Buckets[:0], WriteTypes: acc.WriteTypes[:0], Dangling: acc.Dangling[:0]}
	var reads, writes uint32 // of allAccessTypes held on the whole org, a bit each
	for i := range a.Permissions {
		p := &a.Permissions[i]
		r := &p.Resource
		if dangles(r, a.UserID) {
			acc.addDangling(r)
		}
		switch p.Action {
		case "read":
			acc.Reads++
			reads |= whole(r)
		case "write":
			acc.addWrite(r, a.UserID)
			writes |= whole(r)
		}
	}
	slices.Sort(acc.WriteTypes)
	acc.AllAccess = !acc.EveryOrg && reads&writes == 1<<len(allAccessTypes)-1
}

// whole is the bit of a resource that is all of its type, 0 for any other.
func whole(r *Resource) uint32 {
	if r.ID != "" {
		return 0
	}
	if at := slices.Index(allAccessTypes[:], r.Type); at >= 0 {
		return 1 << at
	}
	return 0
}

func (acc *Access) addWrite(r *Resource, own string) {
	acc.Writes++
	if !slices.Contains(acc.WriteTypes, r.Type) {
		acc.WriteTypes = append(acc.WriteTypes, r.Type)
	}
	everything := r.Type == "instance" // matches whatever is asked (influxdb authz.go)
	acc.EveryOrg = acc.EveryOrg || everything || r.ID == "" && r.OrgID == ""
	acc.Mints = acc.Mints || everything || r.Type == "authorizations" && r.ID == ""
	acc.AdministersUsers = acc.AdministersUsers || everything || reachesOtherUsers(r, own)
	acc.AllBuckets = acc.AllBuckets || everything || r.Type == "buckets" && r.ID == ""
	if r.Type == "buckets" && r.ID != "" {
		acc.addBucket(r)
	}
}

// reachesOtherUsers: a permission on the users of an org reaches nobody, since
// users belong to no org and the check passes none (influxdb authz.go). Every
// all-access token carries such a one beside the one on its own user.
func reachesOtherUsers(r *Resource, own string) bool {
	return r.Type == "users" && r.OrgID == "" && (r.ID == "" || r.ID != own)
}

func (acc *Access) addBucket(r *Resource) {
	name := r.Name
	if name == "" {
		name = r.ID
	}
	if acc.Buckets == nil {
		acc.Buckets = make([]string, 0, 4)
	}
	if !slices.Contains(acc.Buckets, name) {
		acc.Buckets = append(acc.Buckets, name)
	}
}

func (acc *Access) addDangling(r *Resource) {
	same := func(o Resource) bool { return o.Type == r.Type && o.ID == r.ID }
	if !slices.ContainsFunc(acc.Dangling, same) {
		acc.Dangling = append(acc.Dangling, *r)
	}
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
	case acc.EveryOrg:
		return "operator"
	case acc.AllAccess:
		return "all-access"
	case acc.AllBuckets:
		return "org-wide write"
	case acc.Writes > 0:
		return "write"
	case acc.Reads > 0:
		return "read"
	}
	return "no permissions"
}

// WriteScope says in words what the authorization may write and how far that
// reaches; empty when it may write nothing.
func (acc Access) WriteScope() string { return string(acc.AppendWriteScope(nil)) }

// AppendWriteScope appends WriteScope to b.
func (acc *Access) AppendWriteScope(b []byte) []byte {
	switch {
	case acc.Writes == 0:
		return b
	case acc.EveryOrg:
		return appendJoined(append(b, "all orgs: "...), acc.WriteTypes, "")
	case acc.AllAccess:
		return append(b, "the whole org: every resource type"...)
	case acc.AllBuckets:
		b = append(b, "the whole org: all buckets"...)
	case len(acc.Buckets) == 1:
		b = append(append(b, "one bucket: "...), acc.Buckets[0]...)
	case len(acc.Buckets) > 1:
		b = append(strconv.AppendInt(b, int64(len(acc.Buckets)), 10), " buckets: "...)
		b = appendJoined(b, acc.Buckets, "")
	default:
		return appendJoined(append(b, "no buckets: "...), acc.WriteTypes, "")
	}
	if slices.ContainsFunc(acc.WriteTypes, func(t string) bool { return t != "buckets" }) {
		b = appendJoined(append(b, "; also "...), acc.WriteTypes, "buckets")
	}
	return b
}

// appendJoined lists words, but the one that is left out.
func appendJoined(b []byte, words []string, leftOut string) []byte {
	separator := ""
	for _, w := range words {
		if w == leftOut && w != "" {
			continue
		}
		b = append(append(b, separator...), w...)
		separator = ", "
	}
	return b
}
