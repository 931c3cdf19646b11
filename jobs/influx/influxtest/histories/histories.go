// Package histories lets random things happen to InfluxDB and to the configuration of a
// review, reviews after each, and holds every review against what is true: no token that
// exists is called gone or lost, nothing is resolved whose cause stands, and what is
// complete lacks nothing that is stored. The tests say which InfluxDB, and what reviews.
package histories

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/influx/influxtest/conformance"
)

// Target is what is reviewed.
type Target struct {
	Job, Name, URL, Org string
	Credential          string // path of a file
	Import              string // path of a list that is imported, "" for none
	Off                 string // ID of a check that is switched off, "" for none
}

// Reviewer is what reviews, one for each history.
type Reviewer struct {
	// Review is a review at a time, with its records.
	Review func(t *testing.T, of Target, now time.Time) (*audit.Summary, []audit.Record)
	// LoseLedger loses what is remembered beside the evidence, and makes it anew; nil if
	// there is nothing else.
	LoseLedger func(t *testing.T)
	// Retire says that a source is not followed any more.
	Retire func(t *testing.T, source string, now time.Time)
}

// Run goes through so many histories, some at a time. The environment variables HISTORIES
// and SEED are another number, and the first of them. In short mode it is a twentieth.
func Run(t *testing.T, n int, start conformance.Start, begin func(*testing.T) Reviewer) {
	seed := number(t, "SEED", 1)
	if n = number(t, "HISTORIES", n); testing.Short() {
		n = max(n/20, 1)
	}
	const together = 4
	for first := range together {
		t.Run(strconv.Itoa(seed+first), func(t *testing.T) {
			t.Parallel()
			for i := first; i < n; i += together {
				t.Run(strconv.Itoa(seed+i), func(t *testing.T) { newHistory(t, start, begin(t), uint64(seed+i)).run() })
				if t.Failed() {
					return
				}
			}
		})
	}
}

func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// history is a target and what is true of everything that ever stood behind it.
type history struct {
	*testing.T
	*rand.Rand
	start     conformance.Start
	instances []*instance
	at        int // the instance that answers
	handler   atomic.Pointer[http.Handler]
	fronts    [2]*httptest.Server
	target    Target
	as        string // whose credential it is: a key of the values of an instance
	reviewer  Reviewer
	now       time.Time
	tokens    map[string]*truth          // by ID
	reported  map[string]map[string]bool // of tokens that exist, by job and target, at the newest review
	retired   map[string]bool            // sources, until they answer again
	told      []string                   // what happened
	drawn     int                        // IDs
}

// instance is an InfluxDB that was set up once.
type instance struct {
	conformance.Server
	orgs, users map[string]string // names, by ID; of those that exist
	credentials map[string]string // values
	acme        string            // ID of the org of that name
	admin       string
}

// Credentials that reviews ask with.
const (
	operator = "operator" // sees everything
	auditor  = "auditor"  // sees the org acme
	personal = "personal" // sees the tokens of its own user alone
)

// truth of a token.
type truth struct {
	influxtest.Authorization
	on     *instance
	exists bool
	fixed  bool            // a credential of the review
	legacy bool            // of the 1.x API
	known  bool            // to some review
	seen   bool            // by some review, and not only in an imported list
	gone   map[string]bool // by the newest review that told, by job and target
}

func (k *truth) source() string { return audit.SourceOf(audit.ServerStore, k.OrgID) }

func (k *truth) ownerDeleted() bool { return k.on.users[k.UserID] == "" }

func (k *truth) orgDeleted() bool { return k.on.orgs[k.OrgID] == "" }

func (k *truth) writes() bool {
	return k.Status == influxtest.Active && slices.ContainsFunc(k.Permissions, func(p influxtest.Permission) bool { return p.Action == "write" })
}

// stands reports whether the cause of a finding is there; known is false for checks that
// this test does not follow.
func (k *truth) stands(check string) (stands, known bool) {
	switch check {
	case "active-write":
		return k.exists && k.writes(), true
	case "deleted-owner":
		return k.exists && k.ownerDeleted() && !k.orgDeleted(), true
	case "deleted-org":
		return k.exists && k.orgDeleted(), true
	}
	return false, false
}

func newHistory(t *testing.T, start conformance.Start, reviewer Reviewer, seed uint64) *history {
	t.Helper()
	h := &history{
		T: t, Rand: rand.New(rand.NewPCG(seed, 12)), start: start, reviewer: reviewer, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		tokens: map[string]*truth{}, reported: map[string]map[string]bool{}, retired: map[string]bool{},
	}
	for i := range h.fronts {
		h.fronts[i] = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*h.handler.Load()).ServeHTTP(w, r) }))
		t.Cleanup(h.fronts[i].Close)
	}
	h.target = Target{Job: "weekly", Name: "prod", URL: h.fronts[0].URL, Credential: filepath.Join(t.TempDir(), "credential")}
	if h.IntN(2) == 0 {
		h.target.Org = "acme"
	}
	h.setUp()
	h.use([]string{operator, auditor}[h.IntN(2)])
	return h
}

func (h *history) run() {
	h.review()
	for range 4 + h.IntN(8) {
		for range 1 + h.IntN(3) {
			h.step()
		}
		if h.review(); h.Failed() {
			h.Logf("org %q, the credential of the %s:\n%s", h.target.Org, h.as, strings.Join(h.told, "\n"))
			return
		}
	}
}

func (h *history) tell(format string, args ...any) {
	h.told = append(h.told, fmt.Sprintf(format, args...))
}

func (h *history) here() *instance { return h.instances[h.at] }

func (h *history) id(kind string) string {
	h.drawn++
	return fmt.Sprintf("%s%015x", kind, h.drawn)
}

// setUp makes a new instance, which answers from then on.
func (h *history) setUp() {
	in := &instance{Server: h.start(h.T, true), orgs: map[string]string{}, users: map[string]string{}, credentials: map[string]string{}}
	if _, fake := in.Server.(*influxtest.Server); fake { // whose IDs do not differ by themselves
		for range 40 * len(h.instances) {
			in.DeleteOrg(in.AddOrg("another"))
		}
	}
	h.instances = append(h.instances, in)
	h.to(len(h.instances) - 1)
	in.acme = h.addOrg("acme")
	h.addOrg("globex")
	in.admin = h.addUser("admin")
	h.addUser("alice")
	h.addUser("bob")
	in.credentials[operator] = h.addToken(in.admin, in.acme, influxtest.Operator(), true)
	h.addCredentials()
}

// addCredentials makes those that are of the org acme.
func (h *history) addCredentials() {
	in := h.here()
	in.credentials[auditor] = h.addToken(in.admin, in.acme, influxtest.AuditorPermissions(in.acme), true)
	in.credentials[personal] = h.addToken(in.admin, in.acme, influxtest.AllAccess(in.acme, in.admin), true)
}

func (h *history) to(i int) {
	h.at = i
	handler := http.Handler(h.instances[i])
	h.handler.Store(&handler)
}

func (h *history) use(as string) {
	h.as = as
	if err := os.WriteFile(h.target.Credential, []byte(h.here().credentials[as]), 0o600); err != nil {
		h.Fatal(err)
	}
}

func (h *history) addOrg(name string) string {
	id := h.here().AddOrg(name)
	h.here().orgs[id] = name
	return id
}

func (h *history) addUser(name string) string {
	id := h.id("b")
	h.here().RestoreUser(id, name)
	h.here().users[id] = name
	return id
}

func (h *history) addToken(user, org string, permissions []influxtest.Permission, fixed bool) (value string) {
	a := influxtest.Authorization{ID: h.id("a"), UserID: user, OrgID: org, Description: "a token", Permissions: permissions, Status: influxtest.Active}
	_, value = h.here().AddAuthorization(a)
	h.tokens[a.ID] = &truth{Authorization: a, on: h.here(), exists: true, fixed: fixed}
	return value
}

func (h *history) addLegacy(user, org string) {
	a := influxtest.Authorization{ID: h.id("e"), UserID: user, OrgID: org, Token: "v1-" + h.id("e"), Description: "1.x", Permissions: influxtest.WriteBuckets(org), Status: influxtest.Active}
	a.ID = h.here().AddLegacy(a)
	h.tokens[a.ID] = &truth{Authorization: a, on: h.here(), exists: true, legacy: true}
}

// pick draws one of a map's keys that pass, "" if there is none.
func pick[V any](h *history, from map[string]V, pass func(string, V) bool) string {
	var keys []string
	for _, k := range slices.Sorted(maps.Keys(from)) {
		if pass(k, from[k]) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return ""
	}
	return keys[h.IntN(len(keys))]
}
