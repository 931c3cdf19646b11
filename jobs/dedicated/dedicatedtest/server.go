// Package dedicatedtest is a fake of the management API of InfluxDB Cloud Dedicated and
// InfluxDB Clustered, for tests and demonstrations: database tokens and databases.
//
// # What is documented
//
// The paths, the keys of the answers, {code, message} as the body of errors, and that a
// list is an array without pages are those of InfluxData's OpenAPI documents of both
// products. Clustered has the same paths without the account and the cluster, and answers
// without their IDs.
//
// # What is not known
//
// Whether lists show revoked tokens, whether one can still be asked for by its ID, whether
// lists are cut at some size, and how soon a change is in the answers: fields of [Server]
// choose. So do they for dates that are not set, which are absent, null or zero.
//
// # What is left out
//
// Tables, the limits of databases, undeleting, and every credential but one.
package dedicatedtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Dates says how the answers show a date that is not set.
type Dates string

const (
	Absent Dates = "absent"
	Null   Dates = "null"
	Zero   Dates = "zero" // 0001-01-01T00:00:00Z, as Go writes one that is not set
)

// Server is a fake management API. Its methods may be called while it serves; its fields may
// be set before it serves and between requests.
type Server struct {
	// Account and Cluster are UUIDs; both are "" on Clustered.
	Account, Cluster string
	// Credential is the management token that is let in.
	Credential string
	// Forbids answers 403: the credential may not do it.
	Forbids func(r *http.Request) bool
	// Now is the clock. The constructors set one that stands still.
	Now func() time.Time

	// HideRevoked leaves revoked tokens out of the list, ForgetRevoked answers 404 for one.
	HideRevoked, ForgetRevoked bool
	// Most cuts lists at so many rows, without a word. Zero for no limit.
	Most int
	// Lag is how long answers show what was before a change of a token.
	Lag time.Duration
	// Unset is how dates that are not set are shown. Default: absent.
	Unset Dates
	// Change, if not nil, may change the answer to a request.
	Change func(r *http.Request, a *Answer)

	routes *http.ServeMux

	mu        sync.Mutex
	tokens    []*token
	databases []string
	issued    int
	requests  []string
}

// Answer is what the server is about to send.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// NewDedicated is a cluster of InfluxDB Cloud Dedicated, without tokens and databases.
func NewDedicated() *Server {
	s := newServer()
	s.Account, s.Cluster = uuidOf("account"), uuidOf("cluster")
	return s
}

// NewClustered is a cluster of InfluxDB Clustered, without tokens and databases.
func NewClustered() *Server { return newServer() }

func newServer() *Server {
	s := &Server{Credential: strings.Repeat("1e0f14063eb14a9e", 6), Unset: Absent, routes: http.NewServeMux(), Now: func() time.Time {
		return time.Date(2026, time.January, 5, 8, 0, 0, 0, time.UTC)
	}}
	for pattern, handle := range map[string]func(*http.Request) (int, any){
		"GET /tokens": s.getTokens, "POST /tokens": s.postToken,
		"GET /tokens/{id}": s.getToken, "PATCH /tokens/{id}": s.patchToken, "DELETE /tokens/{id}": s.deleteToken,
		"GET /databases": s.getDatabases, "POST /databases": s.postDatabase, "DELETE /databases/{name}": s.deleteDatabase,
	} {
		s.routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, handle) })
	}
	s.routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, r, func(*http.Request) (int, any) { return http.StatusNotFound, nil })
	})
	return s
}

// Root is the path that all paths begin with.
func (s *Server) Root() string {
	if s.Cluster == "" {
		return "/api/v0"
	}
	return "/api/v0/accounts/" + s.Account + "/clusters/" + s.Cluster
}

// Requests are all so far, such as "GET /api/v0/tokens". Headers are not kept.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
	s.mu.Unlock()
	under, ok := strings.CutPrefix(r.URL.Path, s.Root())
	if !ok {
		under = "/"
	}
	inner := r.Clone(r.Context())
	inner.URL.Path, inner.URL.RawPath = under, ""
	s.routes.ServeHTTP(w, inner)
}

// answer lets handle answer a request that may be made.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, handle func(*http.Request) (int, any)) {
	status, body := http.StatusUnauthorized, any(nil)
	switch {
	case r.Header.Get("Authorization") != "Bearer "+s.Credential:
	case s.Forbids != nil && s.Forbids(r):
		status = http.StatusForbidden
	default:
		status, body = handle(r)
	}
	if status >= http.StatusBadRequest {
		body = problem{status, strings.ToLower(http.StatusText(status))}
	}
	a := &Answer{Status: status, Header: http.Header{"Content-Type": {"application/json"}}}
	if body != nil {
		a.Body, _ = json.Marshal(body) // types of this package
	}
	if s.Change != nil {
		s.Change(r, a)
	}
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // a client that has gone is no concern of a fake
}

// problem is the body of an error.
type problem struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}
