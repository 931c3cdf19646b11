package bolt

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"tokenaudit/jobs/audit"
)

// all walks the stores again.
func (r *review) all(yield func(audit.Authorization, error) bool) {
	for _, store := range tokenStores() {
		for row, err := range r.file.rows(store.bucket) {
			if err != nil {
				yield(audit.Authorization{}, err)
				return
			}
			a, err := decodeStored(row, store)
			if err != nil || !r.covers(a) {
				continue
			}
			if r.name(&a); !yield(a, nil) {
				return
			}
		}
		for _, a := range r.abroad {
			if a.Legacy == store.legacy && !yield(audit.OfOtherOrg(a), nil) {
				return
			}
		}
	}
}

// owner: the file holds every user, so that one which is not there was deleted.
func (r *review) owner(_ context.Context, a audit.Authorization) audit.Owner {
	o := audit.Owner{ID: a.UserID, State: audit.OwnerUnknown, MembershipKnown: true}
	u, exists := r.users[a.UserID]
	switch {
	case a.UserID == "":
		o.Evidence = "the authorization names no user"
	case !exists:
		o.State, o.Evidence = audit.OwnerDeleted, fmt.Sprintf("no user %s in the database file", a.UserID)
	case u.Status == undecoded:
		o.Evidence = fmt.Sprintf("the record of user %s in the database file cannot be decoded", a.UserID)
	case u.Status == "inactive": // the only word that the v2 API blocks
		o.Name, o.State, o.Evidence = u.Name, audit.OwnerInactive, "the database file: status inactive"
	default:
		o.Name, o.State, o.Evidence = u.Name, audit.OwnerPresent, "the database file: status "+cmp.Or(u.Status, "not given")
	}
	if _, exists := r.orgs[a.OrgID]; !exists {
		o.Evidence += fmt.Sprintf("; no org %s in the database file", a.OrgID)
		return o
	}
	member, err := r.isMember(a.OrgID, a.UserID)
	o.MembershipKnown = err == nil
	if o.State == audit.OwnerPresent && err == nil && !member {
		o.State = audit.OwnerNotMember
		o.Evidence += "; neither a member nor an owner of the org"
	}
	return o
}

// isMember is true for owners of the org too. A mapping of another kind is none
// (getURMsByType in influxdb tenant/http_handler_urm.go).
func (r *review) isMember(orgID, userID string) (bool, error) {
	row, exists, err := r.file.get(mappingsBucket, orgID+userID)
	if err != nil || !exists {
		return false, err
	}
	var m struct{ MappingType, ResourceType string }
	if json.Unmarshal(row.value, &m) != nil {
		return false, errNotDecoded
	}
	return m.ResourceType == "orgs" && m.MappingType != "org", nil
}

// probe: what is not in the file no longer exists, unless the file is older or
// damaged.
func (r *review) probe(_ context.Context, before audit.Authorization) audit.Probe {
	if before.IsOfOtherOrg() && r.org != "" {
		return audit.Probe{Presence: audit.Gone, Evidence: "the database file no longer has it with permission to write to this org"}
	}
	if before.IsServer() {
		return audit.Probe{Presence: audit.Unseen, Evidence: "a database file does not show what the server answers"}
	}
	p := r.look(before)
	p.Request = r.request()
	return p
}

// look looks for an authorization in the file.
func (r *review) look(before audit.Authorization) audit.Probe {
	store := storeOf(before.Legacy)
	row, exists, err := r.file.get(store.bucket, before.ID)
	switch {
	case err != nil:
		return audit.Probe{Presence: audit.Unseen, Evidence: err.Error()}
	case !exists && (before.CreatedAt.After(r.file.written) || before.UpdatedAt.After(r.file.written)):
		return audit.Probe{Presence: audit.Unseen, Evidence: "the database file is older than the authorization"}
	case !exists && r.file.lost > 0:
		return audit.Probe{Presence: audit.Unseen, Evidence: "not in the database file, but parts of the file may be missing"}
	case !exists:
		return audit.Probe{Presence: audit.Gone, Evidence: fmt.Sprintf("no authorization %s in the database file", before.ID)}
	}
	a, err := decodeStored(row, store)
	if err != nil {
		return audit.Probe{Presence: audit.Unseen, Evidence: err.Error()}
	}
	r.name(&a)
	_, orgExists := r.orgs[a.OrgID]
	return audit.Probe{
		Presence: audit.Hidden, Evidence: fmt.Sprintf("in the database file, in org %s", a.OrgID),
		Authorization: &a, OrgDeleted: !orgExists,
	}
}
