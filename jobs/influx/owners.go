package influx

import (
	"context"
	"fmt"
	"net/http"

	"tokenaudit/jobs/audit"
)

// directory answers what became of the owner of an authorization. It asks the
// server at most once about each user and each org.
type directory struct {
	client *Client
	users  map[string]account // by ID, from the list of users; set before the first question
	// namesOwners: the server looks the owner's name up when it lists, and leaves
	// out authorizations of deleted users, so that a name is proof of presence.
	namesOwners bool
	members     map[string]orgMembers
	asked       map[string]lookup // users asked for one by one
	owners      map[ownerOf]audit.Owner
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

func newDirectory(c *Client) *directory {
	return &directory{client: c, members: map[string]orgMembers{}, asked: map[string]lookup{}, owners: map[ownerOf]audit.Owner{}}
}

// owner says what is known of the user of a, and from where.
func (d *directory) owner(ctx context.Context, a audit.Authorization) audit.Owner {
	key := ownerOf{a.UserID, a.User, a.OrgID}
	o, ok := d.owners[key]
	if !ok {
		o = d.findOwner(ctx, a)
		d.owners[key] = o
	}
	return o
}

func (d *directory) findOwner(ctx context.Context, a audit.Authorization) audit.Owner {
	o := d.existence(ctx, a)
	o.ID = a.UserID
	if o.Name == "" {
		o.Name = a.User
	}
	m := d.membersOf(ctx, a.OrgID)
	o.MembershipKnown = m.err == nil
	if o.State == audit.OwnerPresent && m.err == nil {
		if _, in := m.accounts[a.UserID]; !in {
			o.State = audit.OwnerNotMember
			o.Evidence += "; in neither members nor owners of the org"
		}
	}
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
	l := d.lookUp(ctx, a.UserID)
	switch {
	case l.err == nil && l.account.ID == a.UserID:
		return found(l.account, "GET /api/v2/users/"+a.UserID)
	case says(l.err, http.StatusNotFound, "user not found"):
		return audit.Owner{State: audit.OwnerDeleted, Evidence: l.err.Error()}
	case d.namesOwners && a.User != "":
		return audit.Owner{State: audit.OwnerPresent, Evidence: "named in the list, which leaves out deleted users"}
	}
	return audit.Owner{State: audit.OwnerUnknown, Evidence: fmt.Sprint("could not be seen: ", l.err)}
}

func found(u account, where string) audit.Owner {
	return audit.Owner{Name: u.Name, State: u.state(), Evidence: fmt.Sprintf("%s: status %s", where, orUnset(u.Status))}
}

func orUnset(s string) string {
	if s == "" {
		return "not given"
	}
	return s
}

func (d *directory) membersOf(ctx context.Context, orgID string) orgMembers {
	m, ok := d.members[orgID]
	if !ok {
		m.accounts, m.err = d.client.members(ctx, orgID)
		d.members[orgID] = m
	}
	return m
}

// lookUp asks for one user, once.
func (d *directory) lookUp(ctx context.Context, id string) lookup {
	if l, ok := d.asked[id]; ok {
		return l
	}
	var l lookup
	l.account, l.err = d.client.userByID(ctx, id)
	d.asked[id] = l
	return l
}
