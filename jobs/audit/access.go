package audit

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

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
	acc := Access{legacy: a.Legacy, Unreadable: a.Permissions == nil}
	var reads, writes uint32 // of allAccessTypes held on the whole org, a bit each
	for i := range a.Permissions {
		p := &a.Permissions[i]
		r := &p.Resource
		acc.Unreadable = acc.Unreadable || !p.readable()
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
	case acc.EveryOrg:
		return "operator"
	case acc.AllAccess:
		return "all-access"
	case acc.AllBuckets:
		return "org-wide write"
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
	switch {
	case acc.Writes == 0:
		return ""
	case acc.EveryOrg:
		return "all orgs: " + strings.Join(acc.WriteTypes, ", ")
	case acc.AllAccess:
		return "the whole org: every resource type"
	case acc.AllBuckets:
		scope = "the whole org: all buckets"
	case len(acc.Buckets) == 1:
		scope = "one bucket: " + acc.Buckets[0]
	case len(acc.Buckets) > 1:
		scope = strconv.Itoa(len(acc.Buckets)) + " buckets: " + strings.Join(acc.Buckets, ", ")
	default:
		return "no buckets: " + strings.Join(acc.WriteTypes, ", ")
	}
	others := slices.DeleteFunc(slices.Clone(acc.WriteTypes), func(t string) bool { return t == "buckets" })
	if len(others) > 0 {
		scope += "; also " + strings.Join(others, ", ")
	}
	return scope
}
