package dedicatedtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Permission is what a token may do with a database, or with all: "*".
type Permission struct {
	Action   string `json:"action"`
	Resource string `json:"resource"`
}

// token is a database token, as it was after each of its changes.
type token struct {
	id, value string
	createdAt time.Time
	versions  []version
}

type version struct {
	since                time.Time
	description          string
	permissions          []Permission
	expiresAt, revokedAt time.Time
}

// asOf is the token as the answers show it at a moment; false if they do not yet.
func (t *token) asOf(at time.Time) (version, bool) {
	for _, v := range slices.Backward(t.versions) {
		if !v.since.After(at) {
			return v, true
		}
	}
	return version{}, false
}

// uuidOf is the same in every run for the same text.
func uuidOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80 // version 4
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// Create makes a token that never expires, and returns its ID and its value, which no
// other answer has.
func (s *Server) Create(description string, permissions ...Permission) (id, value string) {
	return s.CreateUntil(time.Time{}, description, permissions...)
}

// CreateUntil makes a token that expires.
func (s *Server) CreateUntil(expires time.Time, description string, permissions ...Permission) (id, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.create(version{description: description, permissions: permissions, expiresAt: expires})
	return t.id, t.value
}

func (s *Server) create(first version) *token {
	s.issued++
	id := uuidOf(fmt.Sprintf("token %d of %s", s.issued, s.Cluster))
	sum := sha256.Sum256([]byte("value of " + id))
	t := &token{id: id, value: "apiv1_" + hex.EncodeToString(sum[:]), createdAt: s.Now().UTC()}
	first.since = t.createdAt
	t.versions = []version{first}
	s.tokens = append(s.tokens, t)
	return t
}

// Update gives a token another description and other permissions.
func (s *Server) Update(id, description string, permissions ...Permission) {
	s.edit(id, func(v *version) { v.description, v.permissions = description, permissions })
}

// Revoke ends a token for good.
func (s *Server) Revoke(id string) {
	s.edit(id, func(v *version) { v.revokedAt = v.since })
}

func (s *Server) edit(id string, change func(*version)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tokenOf(id); t != nil {
		t.change(s.Now().UTC(), change)
	}
}

func (t *token) change(at time.Time, change func(*version)) {
	v := t.versions[len(t.versions)-1]
	v.since = at
	change(&v)
	t.versions = append(t.versions, v)
}

// Remove takes a token away without a trace, as no call of the API does.
func (s *Server) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = slices.DeleteFunc(s.tokens, func(t *token) bool { return t.id == id })
}

// AddDatabase makes a database. One of the same name is given to those who had access to an
// earlier one: grants go by name.
func (s *Server) AddDatabase(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.databases = append(s.databases, names...)
}

// DropDatabase deletes a database. The grants on it stay.
func (s *Server) DropDatabase(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.databases = slices.DeleteFunc(s.databases, func(d string) bool { return d == name })
}

func (s *Server) tokenOf(id string) *token {
	at := slices.IndexFunc(s.tokens, func(t *token) bool { return t.id == id })
	if at < 0 {
		return nil
	}
	return s.tokens[at]
}

// shown is a token as an answer shows it.
func (s *Server) shown(t *token, v version) map[string]any {
	out := s.ofCluster()
	out["id"], out["description"], out["createdAt"] = t.id, v.description, stamp(t.createdAt)
	out["permissions"] = append([]Permission{}, v.permissions...)
	for key, at := range map[string]time.Time{"expiresAt": v.expiresAt, "revokedAt": v.revokedAt} {
		switch {
		case !at.IsZero():
			out[key] = stamp(at)
		case s.Unset == Null:
			out[key] = nil
		case s.Unset == Zero:
			out[key] = time.Time{}
		}
	}
	return out
}

func (s *Server) ofCluster() map[string]any {
	if s.Cluster == "" {
		return map[string]any{}
	}
	return map[string]any{"accountId": s.Account, "clusterId": s.Cluster}
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

func (s *Server) getTokens(*http.Request) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []map[string]any{}
	for _, t := range s.tokens {
		v, ok := t.asOf(s.Now().Add(-s.Lag))
		if ok && (v.revokedAt.IsZero() || !s.HideRevoked) && (s.Most == 0 || len(list) < s.Most) {
			list = append(list, s.shown(t, v))
		}
	}
	return http.StatusOK, list
}

func (s *Server) getToken(r *http.Request) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokenOf(r.PathValue("id"))
	if t == nil {
		return http.StatusNotFound, nil
	}
	v, ok := t.asOf(s.Now().Add(-s.Lag))
	if !ok || s.ForgetRevoked && !v.revokedAt.IsZero() {
		return http.StatusNotFound, nil
	}
	return http.StatusOK, s.shown(t, v)
}

// change is the body of a request that makes or changes a token.
type change struct {
	Description *string       `json:"description"`
	Permissions *[]Permission `json:"permissions"`
	ExpiresAt   time.Time     `json:"expiresAt"`
}

func (s *Server) postToken(r *http.Request) (int, any) {
	var c change
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil || c.Description == nil {
		return http.StatusBadRequest, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := version{description: *c.Description, expiresAt: c.ExpiresAt}
	if c.Permissions != nil {
		v.permissions = *c.Permissions
	}
	t := s.create(v)
	out := s.shown(t, t.versions[0])
	out["accessToken"] = t.value
	return http.StatusOK, out
}

func (s *Server) patchToken(r *http.Request) (int, any) {
	var c change
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		return http.StatusBadRequest, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokenOf(r.PathValue("id"))
	if t == nil {
		return http.StatusNotFound, nil
	}
	t.change(s.Now().UTC(), func(v *version) {
		if c.Description != nil {
			v.description = *c.Description
		}
		if c.Permissions != nil {
			v.permissions = *c.Permissions
		}
	})
	return http.StatusOK, s.shown(t, t.versions[len(t.versions)-1])
}

func (s *Server) deleteToken(r *http.Request) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokenOf(r.PathValue("id"))
	if t == nil {
		return http.StatusNotFound, nil
	}
	t.change(s.Now().UTC(), func(v *version) { v.revokedAt = v.since })
	return http.StatusNoContent, nil
}

// database is one as the answers show it. Limits and retention are the defaults.
func (s *Server) database(name string) map[string]any {
	out := s.ofCluster()
	out["name"], out["maxTables"], out["maxColumnsPerTable"], out["retentionPeriod"] = name, 500, 200, 0
	return out
}

func (s *Server) getDatabases(*http.Request) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []map[string]any{}
	for _, name := range s.databases {
		list = append(list, s.database(name))
	}
	return http.StatusOK, list
}

func (s *Server) postDatabase(r *http.Request) (int, any) {
	var body struct {
		Name string `json:"name"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Name == "" {
		return http.StatusBadRequest, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.databases, body.Name) {
		return http.StatusConflict, nil
	}
	s.databases = append(s.databases, body.Name)
	return http.StatusOK, s.database(body.Name)
}

func (s *Server) deleteDatabase(r *http.Request) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.databases, r.PathValue("name"))
	if at < 0 {
		return http.StatusNotFound, nil
	}
	s.databases = slices.Delete(s.databases, at, at+1)
	return http.StatusNoContent, nil
}
