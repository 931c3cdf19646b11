package audit

import (
	"slices"
	"strconv"
	"strings"
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
	acc := Access{legacy: a.Legacy}
	var whole held
	for _, p := range a.Permissions {
		r := p.Resource
		if r.ID == "" {
			whole.add(p.Action, r.Type)
		}
		if dangles(r, a.UserID) {
			acc.addDangling(r)
		}
		switch p.Action {
		case "read":
			acc.Reads++
		case "write":
			acc.addWrite(r, a.UserID)
		}
	}
	slices.Sort(acc.WriteTypes)
	acc.AllAccess = !acc.EveryOrg && whole.all()
	return acc
}

func (acc *Access) addWrite(r Resource, own string) {
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
func reachesOtherUsers(r Resource, own string) bool {
	return r.Type == "users" && r.OrgID == "" && (r.ID == "" || r.ID != own)
}

func (acc *Access) addBucket(r Resource) {
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

func (acc *Access) addDangling(r Resource) {
	same := func(o Resource) bool { return o.Type == r.Type && o.ID == r.ID }
	if !slices.ContainsFunc(acc.Dangling, same) {
		acc.Dangling = append(acc.Dangling, r)
	}
}

// dangles: the server names buckets, orgs and users; one with an ID and without
// a name is gone. A token's own user may have an empty name.
func dangles(r Resource, own string) bool {
	if r.ID == "" || r.Name != "" {
		return false
	}
	return r.Type == "buckets" || r.Type == "orgs" || r.Type == "users" && (r.ID == "" || r.ID != own)
}

// held are the types of allAccessTypes that are held on the whole org, a bit each.
type held struct{ read, write uint32 }

func (h *held) add(action, typ string) {
	bit := uint32(1) << len(allAccessTypes) // of no type that counts
	if at := slices.Index(allAccessTypes[:], typ); at >= 0 {
		bit = 1 << at
	}
	switch action {
	case "read":
		h.read |= bit
	case "write":
		h.write |= bit
	}
}

func (h held) all() bool {
	const every = 1<<len(allAccessTypes) - 1
	return h.read&h.write&every == every
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
func (acc Access) WriteScope() string {
	switch {
	case acc.Writes == 0:
		return ""
	case acc.EveryOrg:
		return "all orgs: " + strings.Join(acc.WriteTypes, ", ")
	case acc.AllAccess:
		return "the whole org: every resource type"
	case acc.AllBuckets:
		return "the whole org: all buckets" + acc.otherTypes()
	case len(acc.Buckets) == 1:
		return "one bucket: " + acc.Buckets[0] + acc.otherTypes()
	case len(acc.Buckets) > 1:
		return strconv.Itoa(len(acc.Buckets)) + " buckets: " + strings.Join(acc.Buckets, ", ") + acc.otherTypes()
	}
	return "no buckets: " + strings.Join(acc.WriteTypes, ", ")
}

func (acc Access) otherTypes() string {
	var others []string
	for _, t := range acc.WriteTypes {
		if t != "buckets" {
			others = append(others, t)
		}
	}
	if len(others) == 0 {
		return ""
	}
	return "; also " + strings.Join(others, ", ")
}
