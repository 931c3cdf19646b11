package bolt

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/target"
)

// Buckets of influxdb tenant/storage_*.go. Keys are IDs; those of mappings are the
// ID of the resource and that of the user, one after the other.
const (
	usersBucket    = "usersv1"
	orgsBucket     = "organizationsv1"
	bucketsBucket  = "bucketsv1"
	mappingsBucket = "userresourcemappingsv1"
)

// user is a record of a user; of orgs and buckets it has the ID and the name.
type user struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

// directory is who and what exists, by ID. One whose record cannot be decoded
// goes by its ID.
type directory struct {
	users         map[string]user
	orgs, buckets map[string]string
	broken        map[string]*unreadable // by bucket
}

func readDirectory(ctx context.Context, file *database) (*directory, error) {
	d := &directory{users: map[string]user{}, orgs: map[string]string{}, buckets: map[string]string{}, broken: map[string]*unreadable{}}
	for bucket, keep := range map[string]func(user){
		usersBucket:   func(a user) { d.users[a.ID] = a },
		orgsBucket:    func(a user) { d.orgs[a.ID] = a.Name },
		bucketsBucket: func(a user) { d.buckets[a.ID] = a.Name },
	} {
		d.broken[bucket] = &unreadable{}
		for row, err := range file.rows(bucket) {
			if err := cmp.Or(context.Cause(ctx), err); err != nil {
				return nil, err
			}
			var a user
			if err := json.Unmarshal(row.value, &a); err != nil {
				d.broken[bucket].add(row)
				a = user{Name: row.key, Status: undecoded}
			}
			a.ID = row.key
			keep(a)
		}
	}
	return d, nil
}

// undecoded is the status of a user whose record cannot be decoded.
const undecoded = "cannot be decoded"

// orgID finds the org to review. The name of an org is kept as it was given, and
// found without the space around it (organizationIndexKey in influxdb
// tenant/storage_org.go). An ID may be that of a deleted org.
func (d *directory) orgID(q influx.Query) (string, error) {
	if q.Org == "" {
		return q.OrgID, nil
	}
	for id, name := range d.orgs {
		if strings.TrimSpace(name) == strings.TrimSpace(q.Org) {
			return id, nil
		}
	}
	return "", fmt.Errorf("no org %q in the database file: it is misspelt or was deleted. To find the tokens of a deleted org, use its ID", q.Org)
}

func (d *directory) userID(u target.User) (string, bool) {
	if u.ID != "" {
		_, found := d.users[u.ID]
		return u.ID, found
	}
	for id, a := range d.users {
		if a.Name == u.Name {
			return id, true
		}
	}
	return "", false
}

// name looks names up as the API does: what was deleted has none, and the org of
// a deleted resource is left out too (influxdb authorization/http_server.go). Things
// of other types have no name, whether they exist or not.
func (d *directory) name(a *audit.Authorization) {
	a.User, a.Org = d.users[a.UserID].Name, d.orgs[a.OrgID]
	for i := range a.Permissions {
		r := &a.Permissions[i].Resource
		r.Name, r.Org = "", ""
		exists := true
		switch {
		case r.ID == "":
		case r.Type == "buckets":
			r.Name, exists = d.buckets[r.ID]
		case r.Type == "orgs":
			r.Name, exists = d.orgs[r.ID]
		case r.Type == "users":
			var u user
			u, exists = d.users[r.ID]
			r.Name = u.Name
		}
		if exists {
			r.Org = d.orgs[r.OrgID]
		}
	}
}
