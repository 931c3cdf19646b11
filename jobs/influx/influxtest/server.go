package influxtest

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Mode is the product that a [Server] imitates.
type Mode string

const (
	OSS             Mode = "OSS"
	CloudTSM        Mode = "Cloud TSM"
	CloudServerless Mode = "Cloud Serverless"
)

const version = "v2.9.1"

// Server is a fake InfluxDB. All methods may be called while it serves;
// its fields may be set before it serves and between requests.
type Server struct {
	// Now is the clock of createdAt and updatedAt. New sets a clock that stands still.
	Now func() time.Time

	// ClearTokens makes an OSS server show token values, as all versions before
	// 2.9 do by default. Otherwise they are hashed and read "" (X1).
	ClearTokens bool

	// Fault, if not nil, sees every request first.
	Fault Fault

	mode   Mode
	routes *http.ServeMux

	mu       sync.RWMutex
	state    state
	requests []string
}

// New returns an empty server: no organization, no user, no authorization.
func New(mode Mode) *Server {
	s := &Server{mode: mode, state: newState(), Now: func() time.Time {
		return time.Date(2026, time.January, 5, 8, 0, 0, 0, time.UTC)
	}}
	s.routes = s.newRoutes()
	return s
}

func (s *Server) newRoutes() *http.ServeMux {
	m := http.NewServeMux()
	m.Handle("/", s.authenticated(notFound))
	m.Handle("/api/v2/authorizations", s.authenticated(s.listAuthorizations))
	m.Handle("/api/v2/authorizations/{id}", s.get(s.authorization))
	m.Handle("/api/v2/orgs", s.get(s.listOrgs))
	m.Handle("/api/v2/orgs/{id}", s.get(s.organization))
	m.Handle("/api/v2/orgs/{id}/members", s.get(s.usersWithRole(member)))
	m.Handle("/api/v2/orgs/{id}/owners", s.get(s.usersWithRole(owner)))
	m.Handle("/api/v2/buckets", s.get(s.listBuckets))
	m.Handle("/api/v2/buckets/{id}", s.get(s.bucket))
	if s.mode != CloudServerless {
		m.Handle("/api/v2/users", s.get(s.listUsers))
		m.Handle("/api/v2/users/{id}", s.get(s.user))
		m.Handle("/api/v2/me", s.get(s.me))
	}
	if s.mode == OSS {
		m.Handle("/private/legacy/authorizations", s.authenticated(s.listLegacy))
		m.Handle("/private/legacy/authorizations/{id}", s.get(s.legacyAuthorization))
		m.HandleFunc("/health", health)
		m.HandleFunc("/metrics", s.metrics)
	}
	return m
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.record(r)
	if s.Fault != nil && s.Fault(w, r) {
		return
	}
	s.serve(w, r)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if s.mode == OSS {
		w.Header().Set("X-Influxdb-Build", "OSS")
		w.Header().Set("X-Influxdb-Version", version)
	}
	s.routes.ServeHTTP(w, stripSlash(r))
}

// stripSlash accepts one trailing slash, as the chi router of InfluxDB does (T22).
func stripSlash(r *http.Request) *http.Request {
	if r.URL.Path == "/" || !strings.HasSuffix(r.URL.Path, "/") {
		return r
	}
	stripped, u := *r, *r.URL
	u.Path = strings.TrimSuffix(u.Path, "/")
	u.RawPath = strings.TrimSuffix(u.RawPath, "/")
	stripped.URL = &u
	return &stripped
}

func (s *Server) record(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
}

// Requests returns all requests so far, such as "GET /api/v2/users?limit=100".
// Headers are not recorded, so no token is.
func (s *Server) Requests() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.requests)
}
