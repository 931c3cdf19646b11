package influxtest

import "time"

// AddOrg adds an organization with its two system buckets.
func (s *Server) AddOrg(name string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	o := &org{ID: scrambledID("org", &s.state.lastOrg), Name: name, Storage: s.storage(), CreatedAt: now, UpdatedAt: now}
	s.state.orgs[o.ID] = o
	s.state.roles[o.ID] = map[string]string{}
	s.addBucket(o.ID, "_tasks").asSystem("System bucket for task logs", 72*time.Hour)
	s.addBucket(o.ID, "_monitoring").asSystem("System bucket for monitoring logs", 168*time.Hour)
	return o.ID
}

func (s *Server) storage() string {
	switch s.mode {
	case CloudTSM:
		return "tsm"
	case CloudServerless:
		return "iox"
	}
	return ""
}

// AddUser adds an active user. It panics if the name is taken, which InfluxDB
// refuses too.
func (s *Server) AddUser(name string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id = next(&s.state.lastUser)
	s.putUser(id, name)
	return id
}

// RestoreUser brings a deleted user back under the same id, and all its tokens to
// life (T108 to T111).
func (s *Server) RestoreUser(id, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putUser(id, name)
}

func (s *Server) putUser(id, name string) {
	if _, err := s.state.userByName(name); err == nil {
		panic("influxtest: user with name " + name + " already exists")
	}
	s.state.users[id] = &user{ID: id, Name: name, Status: Active}
	s.state.userIDs[name] = id
}

// AddMember makes the user a member of the organization.
func (s *Server) AddMember(orgID, userID string) { s.addRole(orgID, userID, member) }

// AddOwner makes the user an owner of the organization.
func (s *Server) AddOwner(orgID, userID string) { s.addRole(orgID, userID, owner) }

func (s *Server) addRole(orgID, userID, role string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.roles[orgID][userID] = role
}

// AddBucket adds a bucket to the organization.
func (s *Server) AddBucket(orgID, name string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addBucket(orgID, name).ID
}

func (s *Server) addBucket(orgID, name string) *bucket {
	b := newBucket(scrambledID("bucket", &s.state.lastBucket), orgID, name)
	b.CreatedAt = s.Now()
	b.UpdatedAt = b.CreatedAt
	s.state.buckets[b.ID] = b
	return b
}

// SetUserStatus sets any status; InfluxDB does not validate it either.
func (s *Server) SetUserStatus(id, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.users[id] = &user{ID: id, Name: s.state.users[id].Name, Status: status}
}

// DeleteUser deletes the user and its memberships. Its authorizations stay, hidden
// from lists and unusable (InfluxDB issue 22708).
func (s *Server) DeleteUser(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.state.userIDs, s.state.users[id].Name)
	delete(s.state.users, id)
	for _, users := range s.state.roles {
		delete(users, id)
	}
}

// RenameOrg renames an organization.
func (s *Server) RenameOrg(id, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	renamed := *s.state.orgs[id]
	renamed.Name, renamed.UpdatedAt = name, s.Now()
	s.state.orgs[id] = &renamed
}

// DeleteOrg deletes the organization and its buckets. Its authorizations stay.
func (s *Server) DeleteOrg(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.state.orgs, id)
	delete(s.state.roles, id)
	for bucketID, b := range s.state.buckets {
		if b.OrgID == id {
			delete(s.state.buckets, bucketID)
		}
	}
}

// DeleteBucket deletes the bucket. Permissions on it stay, without a name (T44).
func (s *Server) DeleteBucket(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.state.buckets, id)
}
