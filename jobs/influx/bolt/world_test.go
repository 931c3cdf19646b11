package bolt_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/bolt"
	"tokenaudit/jobs/target"
)

// secretValue stands where InfluxDB keeps tokens, their hashes and passwords.
const secretValue = "CANARY-c0ffee"

// database writes a file in the format of InfluxDB 2.9.1: the buckets and keys of
// tenant/storage_*.go, authorization/storage.go and v1/authorization/storage*.go,
// the JSON of auth.go, user.go, organization.go, bucket.go, user_resource_mapping.go.
type database struct {
	t  testing.TB
	db *bbolt.DB
}

type fields map[string]any

func newDatabase(t testing.TB) *database {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "influxd.bolt"), 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	d := &database{t, db}
	d.update(func(tx *bbolt.Tx) error {
		for _, name := range []string{
			"usersv1", "userindexv1", "userspasswordv1", "organizationsv1", "organizationindexv1",
			"bucketsv1", "bucketindexv1", "userresourcemappingsv1", "userresourcemappingsbyuserindexv1",
			"authorizationsv1", "authorizationindexv1", "authorizationhashedindexv1",
			"legacy/authorizationsv1", "legacy/authorizationindexv1", "legacy/authorizationPasswordv1",
		} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	return d
}

func (d *database) update(f func(*bbolt.Tx) error) {
	d.t.Helper()
	if err := d.db.Update(f); err != nil {
		d.t.Fatal(err)
	}
}

func (d *database) put(bucket, key string, value []byte) {
	d.t.Helper()
	d.update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(key), value) })
}

func (d *database) record(bucket, key string, f fields) {
	d.t.Helper()
	value, err := json.Marshal(f)
	if err != nil {
		d.t.Fatal(err)
	}
	d.put(bucket, key, value)
}

func (d *database) org(id, name string) {
	d.record("organizationsv1", id, fields{"id": id, "name": name, "description": ""})
	d.put("organizationindexv1", name, []byte(id))
}

func (d *database) user(id, name, status string) {
	d.record("usersv1", id, fields{"id": id, "name": name, "status": status})
	d.put("userindexv1", name, []byte(id))
	d.put("userspasswordv1", id, []byte(secretValue))
}

func (d *database) bucket(id, orgID, name string) {
	d.record("bucketsv1", id, fields{"id": id, "orgID": orgID, "type": 0, "name": name, "retentionPeriod": 0})
}

// maps makes a user member or owner of a resource.
func (d *database) maps(resourceType, resourceID, userID, role string) {
	d.record("userresourcemappingsv1", resourceID+userID, fields{
		"userID": userID, "userType": role, "mappingType": "user", "resourceType": resourceType, "resourceID": resourceID,
	})
}

// token is an authorization with its value in clear, as before 2.9; more overrides.
func (d *database) token(id, orgID, userID string, more fields) {
	f := stored(id, orgID, userID, more)
	f["token"] = secretValue + id
	d.record("authorizationsv1", id, f)
	d.put("authorizationindexv1", secretValue+id, []byte(id))
}

// hashed is one as 2.9 stores it.
func (d *database) hashed(id, orgID, userID string, more fields) {
	f := stored(id, orgID, userID, more)
	f["hashedToken"] = "$influxdb2-sha256$" + secretValue
	d.record("authorizationsv1", id, f)
	d.put("authorizationhashedindexv1", "$influxdb2-sha256$"+secretValue+id, []byte(id))
}

// legacy is a 1.x authorization: a user name for a token, and a password.
func (d *database) legacy(id, orgID, userID string, more fields) {
	f := stored(id, orgID, userID, more)
	f["token"] = secretValue + "-name"
	d.record("legacy/authorizationsv1", id, f)
	d.put("legacy/authorizationPasswordv1", id, []byte(secretValue))
}

func stored(id, orgID, userID string, more fields) fields {
	f := fields{
		"id": id, "orgID": orgID, "userID": userID, "status": "active", "description": "",
		"permissions": []fields{}, "createdAt": "2026-03-04T05:06:07.89Z", "updatedAt": "0001-01-01T00:00:00Z",
	}
	for key, value := range more {
		f[key] = value
	}
	return f
}

func grant(action, kind, id, orgID string) fields {
	resource := fields{"type": kind}
	if id != "" {
		resource["id"] = id
	}
	if orgID != "" {
		resource["orgID"] = orgID
	}
	return fields{"action": action, "resource": resource}
}

// file ends writing and gives the path.
func (d *database) file() string {
	d.t.Helper()
	path := d.db.Path()
	if err := d.db.Close(); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// review is what a file showed, with nothing in it that must not be.
type review struct {
	audit.Collection
	list []audit.Authorization
	err  error // at the end of the walk
}

func reviewed(t testing.TB, cfg target.Config) review {
	t.Helper()
	cfg.Name = "prod"
	b, err := bolt.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	col, err := b.Collect(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(col.Close)
	r := review{Collection: col}
	for a, err := range col.Authorizations {
		if r.err = err; err == nil {
			r.list = append(r.list, a)
		}
	}
	r.leaks(t)
	return r
}

// leaks ends the test if a secret came out of the file.
func (r review) leaks(t testing.TB) {
	t.Helper()
	var out bytes.Buffer
	fmt.Fprintf(&out, "%+v\n%+v\n%+v\n%v\n", r.list, r.Coverage, r.Scope, r.err)
	for _, a := range r.list {
		fmt.Fprintf(&out, "%+v\n", r.Owner(t.Context(), a))
	}
	if bytes.Contains(out.Bytes(), []byte(secretValue)) {
		t.Fatalf("a secret of the file came out:\n%s", out.Bytes())
	}
}
