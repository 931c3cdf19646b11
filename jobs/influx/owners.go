package influx

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
)

// directory answers what became of the owner of an authorization. It asks the
// server at most once about each user and each org.
type directory struct {
	client *Client
	pacer  *api.Pacer
	users  map[string]account // by ID, from the list of users; set before the first question
	// product of the server; set before the first question about an owner. OSS looks the
	// owner's name up when it lists, and leaves out authorizations of deleted users, so
	// that there a name is proof of presence, and a 404 of absence.
	product    audit.Product
	untold     bool              // it answers for users that exist as for those that do not
	serverless bool              // which tells of no user; set with product
	accepted   map[string]string // of users whose own credential was accepted, the evidence; by ID
	members    map[string]orgMembers
	owners     map[ownerOf]audit.Owner
	unlisted   map[ownerOf]bool // of the lists of authorizations, that the list of users does not have

	mu    sync.Mutex
	asked map[string]lookup // guarded by mu; users asked for one by one
}

// ownerOf is all of an authorization that its owner depends on.
type ownerOf struct{ userID, user, orgID string }

type orgMembers struct {
	accounts map[string]account
	err      error
}

type lookup struct {
	account account
	err     error
}

func newDirectory(c *Client, p *api.Pacer) *directory {
	return &directory{
		client: c, pacer: p, members: map[string]orgMembers{}, asked: map[string]lookup{},
		accepted: map[string]string{}, owners: map[ownerOf]audit.Owner{}, unlisted: map[ownerOf]bool{},
	}
}

// lookUpAll asks about the orgs and about the users that nothing else tells of, two
// questions at a time, before they are needed one after the other.
func (d *directory) lookUpAll(ctx context.Context, orgs []string) {
	for _, id := range orgs {
		d.membersOf(ctx, id)
	}
	users := map[string]bool{}
	for s := range d.unlisted {
		_, member := d.membersOf(ctx, s.orgID).accounts[s.userID]
		if !member && d.accepted[s.userID] == "" && !d.serverless {
			users[s.userID] = true
		}
	}
	var two errgroup.Group
	two.SetLimit(2)
	for id := range users {
		two.Go(func() error { return audit.Guard(func() error { d.lookUp(ctx, id); return nil }) })
	}
	rethrow(two.Wait())
}

// owner says what is known of the user of a, and from where.
func (d *directory) owner(ctx context.Context, a audit.Authorization) audit.Owner {
	if a.IsServer() {
		return audit.Owner{State: audit.OwnerPresent, MembershipKnown: true}
	}
	key := ownerOf{a.UserID, a.User, a.OrgID}
	if o, ok := d.owners[key]; ok {
		return o
	}
	o := d.existence(ctx, a)
	o.ID = a.UserID
	if o.Name == "" {
		o.Name = a.User
	}
	m := d.membersOf(ctx, a.OrgID)
	o.MembershipKnown = m.err == nil
	exists := o.State == audit.OwnerPresent || d.product == audit.ProductCloud && o.State == audit.OwnerUnknown && a.UserID != ""
	if exists && m.err == nil { // on Cloud it may have been deleted, too
		if _, in := m.accounts[a.UserID]; !in {
			o.State = audit.OwnerNotMember
			o.Evidence += "; neither a member nor an owner of the org"
		}
	}
	d.owners[key] = o
	return o
}

func (d *directory) existence(ctx context.Context, a audit.Authorization) audit.Owner {
	if a.UserID == "" {
		return audit.Owner{State: audit.OwnerUnknown, Evidence: "the authorization names no user"}
	}
	if u, ok := d.users[a.UserID]; ok {
		return found(u, "GET /api/v2/users")
	}
	if u, ok := d.membersOf(ctx, a.OrgID).accounts[a.UserID]; ok {
		return found(u, "members and owners of the org")
	}
	if evidence, ok := d.accepted[a.UserID]; ok {
		return audit.Owner{State: audit.OwnerPresent, Evidence: evidence}
	}
	if d.serverless && !d.tellsUsers(ctx) {
		return audit.Owner{State: audit.OwnerNone, Evidence: "Cloud Serverless does not show whether a user was deleted"}
	}
	l := d.lookUp(ctx, a.UserID)
	switch {
	case l.err == nil && l.account.ID == a.UserID:
		return found(l.account, "GET /api/v2/users/"+a.UserID)
	case d.product != audit.ProductOSS && api.Says(l.err, http.StatusNotFound, "user not found"):
		return audit.Owner{State: audit.OwnerUnknown, NotFound: d.tellsUsers(ctx), Evidence: l.err.Error() + ", which alone proves nothing on this product"}
	case d.untold && api.Says(l.err, http.StatusNotFound, "user not found"):
		return audit.Owner{State: audit.OwnerUnknown, Evidence: l.err.Error() + ", but the server also answers this for users that exist"}
	case api.Says(l.err, http.StatusNotFound, "user not found"):
		return audit.Owner{State: audit.OwnerDeleted, Evidence: l.err.Error()}
	case d.product == audit.ProductOSS && a.User != "":
		return audit.Owner{State: audit.OwnerPresent, Evidence: "named in the list, which leaves out deleted users"}
	}
	return audit.Owner{State: audit.OwnerUnknown, Evidence: fmt.Sprint("could not be read: ", l.err)}
}

// tellsUsers reports whether the server finds a user that is known to exist: only then
// does it mean anything that it does not find another.
func (d *directory) tellsUsers(ctx context.Context) bool {
	if len(d.accepted) == 0 {
		return false
	}
	known := slices.Min(slices.Collect(maps.Keys(d.accepted)))
	l := d.lookUp(ctx, known)
	return l.err == nil && l.account.ID == known
}

// found is the owner that an account proves. The v2 API blocks only the exact word
// "inactive" (influxdata/influxdb http/authentication_middleware.go).
func found(u account, where string) audit.Owner {
	o := audit.Owner{Name: u.Name, State: audit.OwnerPresent, Evidence: fmt.Sprintf("%s: status %s", where, cmp.Or(u.Status, "not given"))}
	if u.Status == "inactive" {
		o.State = audit.OwnerInactive
	}
	return o
}

func (d *directory) membersOf(ctx context.Context, orgID string) orgMembers {
	m, ok := d.members[orgID]
	if !ok {
		m.err = d.pacer.Ask(ctx, func() (err error) { m.accounts, err = d.client.members(ctx, orgID); return err })
		d.members[orgID] = m
	}
	return m
}

// lookUp asks for one user, once.
func (d *directory) lookUp(ctx context.Context, id string) lookup {
	d.mu.Lock()
	l, ok := d.asked[id]
	d.mu.Unlock()
	if ok {
		return l
	}
	l.err = d.pacer.Ask(ctx, func() (err error) { l.account, err = d.client.userByID(ctx, id); return err })
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[id] = l
	return l
}
