package realinflux

import (
	"github.com/influxdata/influxdb/v2"
	"github.com/influxdata/influxdb/v2/kit/platform"
)

// AddOrg adds an organization; InfluxDB gives it two system buckets.
func (s *Server) AddOrg(name string) (id string) {
	s.t.Helper()
	o := influxdb.Organization{Name: name}
	s.check(s.tenants.CreateOrganization(s.t.Context(), &o))
	return o.ID.String()
}

// AddUser adds an active user.
func (s *Server) AddUser(name string) (id string) {
	s.t.Helper()
	return s.createUser(influxdb.User{Name: name, Status: influxdb.Active})
}

// RestoreUser creates a user under the id of a deleted one.
func (s *Server) RestoreUser(id, name string) {
	s.t.Helper()
	s.createUser(influxdb.User{ID: s.id(id), Name: name, Status: influxdb.Active})
}

func (s *Server) createUser(u influxdb.User) (id string) {
	s.t.Helper()
	s.check(s.tenants.CreateUser(s.t.Context(), &u))
	return u.ID.String()
}

// AddMember makes the user a member of the organization.
func (s *Server) AddMember(orgID, userID string) {
	s.t.Helper()
	s.addRole(orgID, userID, influxdb.Member)
}

// AddOwner makes the user an owner of the organization.
func (s *Server) AddOwner(orgID, userID string) {
	s.t.Helper()
	s.addRole(orgID, userID, influxdb.Owner)
}

func (s *Server) addRole(orgID, userID string, role influxdb.UserType) {
	s.t.Helper()
	s.check(s.tenants.CreateUserResourceMapping(s.t.Context(), &influxdb.UserResourceMapping{
		UserID: s.id(userID), UserType: role, MappingType: influxdb.UserMappingType,
		ResourceType: influxdb.OrgsResourceType, ResourceID: s.id(orgID),
	}))
}

// AddBucket adds a bucket to the organization.
func (s *Server) AddBucket(orgID, name string) (id string) {
	s.t.Helper()
	b := influxdb.Bucket{OrgID: s.id(orgID), Name: name}
	s.check(s.tenants.CreateBucket(s.t.Context(), &b))
	return b.ID.String()
}

// SetUserStatus activates or deactivates a user.
func (s *Server) SetUserStatus(id, status string) {
	s.t.Helper()
	to := influxdb.Status(status)
	_, err := s.tenants.UpdateUser(s.t.Context(), s.id(id), influxdb.UserUpdate{Status: &to})
	s.check(err)
}

// DeleteUser deletes the user.
func (s *Server) DeleteUser(id string) {
	s.t.Helper()
	s.check(s.tenants.DeleteUser(s.t.Context(), s.id(id)))
}

// RenameOrg renames an organization.
func (s *Server) RenameOrg(id, name string) {
	s.t.Helper()
	_, err := s.tenants.UpdateOrganization(s.t.Context(), s.id(id), influxdb.OrganizationUpdate{Name: &name})
	s.check(err)
}

// DeleteOrg deletes the organization.
func (s *Server) DeleteOrg(id string) {
	s.t.Helper()
	s.check(s.tenants.DeleteOrganization(s.t.Context(), s.id(id)))
}

// DeleteBucket deletes the bucket.
func (s *Server) DeleteBucket(id string) {
	s.t.Helper()
	s.check(s.tenants.DeleteBucket(s.t.Context(), s.id(id)))
}

func (s *Server) id(hex string) platform.ID {
	s.t.Helper()
	id, err := platform.IDFromString(hex)
	s.check(err)
	return *id
}
