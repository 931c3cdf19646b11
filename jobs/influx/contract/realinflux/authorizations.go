package realinflux

import (
	"encoding/json"

	"github.com/influxdata/influxdb/v2"
	"github.com/influxdata/influxdb/v2/kit/platform"
	"github.com/influxdata/influxdb/v2/kv"

	"tokenaudit/jobs/influx/influxtest"
)

// AddAuthorization stores an authorization under its ID, or under a new one if it
// has none. Its times are InfluxDB's.
func (s *Server) AddAuthorization(a influxtest.Authorization) (id, token string) {
	s.t.Helper()
	b := s.authorization(a)
	s.check(s.authorizations.CreateAuthorization(s.t.Context(), b))
	return b.ID.String(), b.Token
}

// AddLegacy stores a 1.x compatible authorization. Its Token is the name of the 1.x user.
func (s *Server) AddLegacy(a influxtest.Authorization) (id string) {
	s.t.Helper()
	b := s.authorization(a)
	s.check(s.legacy.CreateAuthorization(s.t.Context(), b))
	return b.ID.String()
}

// SetStatus activates or deactivates an authorization.
func (s *Server) SetStatus(authID, status string) {
	s.t.Helper()
	to := influxdb.Status(status)
	_, err := s.authorizations.UpdateAuthorization(s.t.Context(), s.id(authID), &influxdb.AuthorizationUpdate{Status: &to})
	s.check(err)
}

// DeleteAuthorization revokes an authorization.
func (s *Server) DeleteAuthorization(id string) {
	s.t.Helper()
	s.check(s.authorizations.DeleteAuthorization(s.t.Context(), s.id(id)))
}

// Poison writes a permission that InfluxDB would not accept straight into its
// store, as a restore of a newer version can leave it there.
func (s *Server) Poison(authID string) {
	s.t.Helper()
	key, err := s.id(authID).Encode()
	s.check(err)
	s.check(s.store.kv.Update(s.t.Context(), func(tx kv.Tx) error {
		records, err := tx.Bucket([]byte("authorizationsv1"))
		if err != nil {
			return err
		}
		record, err := records.Get(key)
		if err != nil {
			return err
		}
		if record, err = poisoned(record); err != nil {
			return err
		}
		return records.Put(key, record)
	}))
}

func poisoned(record []byte) ([]byte, error) {
	var a map[string]any
	if err := json.Unmarshal(record, &a); err != nil {
		return nil, err
	}
	carrots := map[string]any{"type": "carrots", "id": "00000000000000c0", "orgID": a["orgID"]}
	a["permissions"] = append(a["permissions"].([]any), map[string]any{"action": "read", "resource": carrots})
	return json.Marshal(a)
}

func (s *Server) authorization(a influxtest.Authorization) *influxdb.Authorization {
	s.t.Helper()
	b := &influxdb.Authorization{
		OrgID: s.id(a.OrgID), UserID: s.id(a.UserID), Token: a.Token,
		Status: influxdb.Status(a.Status), Description: a.Description,
	}
	if a.ID != "" {
		b.ID = s.id(a.ID)
	}
	for _, p := range a.Permissions {
		b.Permissions = append(b.Permissions, influxdb.Permission{
			Action: influxdb.Action(p.Action),
			Resource: influxdb.Resource{
				Type: influxdb.ResourceType(p.Resource.Type), ID: s.reference(p.Resource.ID), OrgID: s.reference(p.Resource.OrgID),
			},
		})
	}
	return b
}

// reference is nil for "", which in a permission means any.
func (s *Server) reference(hex string) *platform.ID {
	s.t.Helper()
	if hex == "" {
		return nil
	}
	id := s.id(hex)
	return &id
}
