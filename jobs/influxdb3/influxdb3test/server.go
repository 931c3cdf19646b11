package influxdb3test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Build is what a server calls itself.
type Build string

const (
	Core       Build = "Core"
	Enterprise Build = "Enterprise"
)

// Server is a fake InfluxDB 3. All methods may be called while it serves; its fields may
// be set before it serves and between requests.
type Server struct {
	Build   Build
	Version string // such as 3.8.4
	// ClusterUUID is that of the catalog.
	ClusterUUID string
	// Now is the clock of creation and expiry. New sets a clock that stands still.
	Now func() time.Time
	// WithoutAuth: it was started with --without-auth.
	WithoutAuth bool
	// OpenPing: it was started with --disable-authz ping.
	OpenPing bool

	// Permissions is how Enterprise writes those of a token.
	Permissions Form
	// AdminInArray: those of an admin are in an array, too.
	AdminInArray bool
	// DeletedName is how it writes a database that was deleted; nil for the name that it had.
	DeletedName func(name string, deleted time.Time) string
	// InternalReadable: db:_internal:read is enough for system.tokens.
	InternalReadable bool
	// OwnRowOnly: who is no admin gets the row of its own token alone.
	OwnRowOnly bool
	// Row, if not nil, may change a row of system.tokens before it is written.
	Row func(row map[string]any)
	// Fault, if not nil, sees every request first. It answers and returns true, or returns
	// false to let the server answer.
	Fault func(w http.ResponseWriter, r *http.Request) bool

	mu        sync.RWMutex
	tokens    []*token
	databases []*database
	nextToken uint64
	made      int // token texts so far
	requests  []string
}

// New returns a server with an operator token, the text of which it gives, and no database.
func New(build Build, version string) (s *Server, operator string) {
	s = &Server{Build: build, Version: version, ClusterUUID: "7a1c6ad5-7b0e-4c5e-9c53-1e4f5c1d2b3a", Now: func() time.Time {
		return time.Date(2026, time.January, 5, 8, 0, 0, 0, time.UTC)
	}}
	_, operator = s.AddToken(Token{Name: operatorName})
	return s, operator
}

// since reports whether the version of the server is that one or newer.
func (s *Server) since(version string) bool {
	number := func(v string) (n int) {
		for _, part := range strings.SplitN(v, ".", 3) {
			i, err := strconv.Atoi(part)
			if err != nil {
				panic("no version: " + v)
			}
			n = 1000*n + i
		}
		return n
	}
	return number(s.Version) >= number(version)
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
	s.mu.Unlock()
	if s.Fault != nil && s.Fault(w, r) {
		return
	}
	s.Serve(w, r)
}

// Serve answers without a fault.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request) {
	if s.since("3.7.0") {
		w.Header().Set("cluster-uuid", s.ClusterUUID)
	}
	request := r.Method + " " + r.URL.Path
	if request == "GET /ping" && s.OpenPing {
		s.ping(w)
		return
	}
	who, refusal := s.authenticate(r.Header.Get("Authorization"))
	if refusal != nil {
		refusal(w)
		return
	}
	switch request {
	case "GET /ping":
		s.ping(w)
	case "GET /api/v3/query_sql":
		s.query(w, r, who)
	case "GET /api/v3/configure/database":
		s.listDatabases(w, r, who)
	case "DELETE /api/v3/configure/token":
		s.administer(w, who, func() (int, string) { return s.delete(r.URL.Query().Get("token_name")) })
	case "POST /api/v3/configure/token/admin/regenerate":
		s.administer(w, who, func() (int, string) {
			return http.StatusCreated, fmt.Sprintf(`{"name":%q,"token":%q}`, operatorName, s.Regenerate())
		})
	default:
		text(w, http.StatusNotFound, "Not found")
	}
}

func (s *Server) ping(w http.ResponseWriter) {
	product := ""
	if s.since("3.1.0") {
		w.Header().Set("X-Influxdb-Build", string(s.Build))
		w.Header().Set("X-Influxdb-Version", s.Version)
	}
	if s.since("3.10.0") {
		product = fmt.Sprintf(`"product_name":"InfluxDB 3 %s",`, s.Build)
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{%s"version":%q,"revision":"d7834110","process_id":"5cbd4a5e-8b6f-4a51-bb1b-0b6b5b7c6f6d"}`, product, s.Version)
}

// administer does what needs an admin, and authentication.
func (s *Server) administer(w http.ResponseWriter, who *token, do func() (status int, body string)) {
	switch {
	case who == nil:
		text(w, http.StatusMethodNotAllowed, "endpoint disabled, started without auth")
	case !s.admin(who):
		forbidden(w)
	default:
		status, body := do()
		text(w, status, body)
	}
}

func unauthenticated(w http.ResponseWriter) {
	text(w, http.StatusUnauthorized, `{"error": "the request was not authenticated"}`)
}

func malformed(w http.ResponseWriter) {
	text(w, http.StatusBadRequest, `{"error": "Authorization header was malformed, the request was not in the form of 'Authorization: <auth-scheme> <token>', supported auth-schemes are Bearer, Token and Basic"}`)
}

func forbidden(w http.ResponseWriter) {
	text(w, http.StatusForbidden, `{"error": "unauthorized to perform requested action with the token"}`)
}

// text answers without a content type, as InfluxDB 3 does for its own words.
func text(w http.ResponseWriter, status int, body string) {
	w.Header()["Content-Type"] = nil
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// Requests returns all requests so far, such as "GET /ping". Headers are not recorded, so
// no token is.
func (s *Server) Requests() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.requests)
}
