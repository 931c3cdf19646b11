package contract

import (
	"fmt"
	"log/slog"
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

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/influx/influxtest/conformance"
	"tokenaudit/jobs/runner"
)

// TestHistories lets random things happen to InfluxDB and to the configuration, and
// reviews after each. HISTORIES is how many of them, SEED the first one.
func TestHistories(t *testing.T) {
	seed, n := number(t, "SEED", 1), number(t, "HISTORIES", 0)
	for name, kind := range map[string]struct {
		start conformance.Start
		n     int
	}{"fake": {conformance.Fake, 1000}, "InfluxDB": {influxDB, 100}} {
		if n > 0 {
			kind.n = n
		}
		if testing.Short() {
			kind.n /= 20
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range kind.n {
				if ok := t.Run(strconv.Itoa(seed+i), func(t *testing.T) { newHistory(t, kind.start, uint64(seed+i)).run() }); !ok {
					return
				}
			}
		})
	}
}

func number(t *testing.T, variable string, otherwise int) int {
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
	start      conformance.Start
	instances  []*instance
	at         int // the instance that answers
	handler    atomic.Pointer[http.Handler]
	fronts     [2]*httptest.Server
	cfg        influx.Config
	credential string // a file
	operator   bool   // the credential is an operator's
	runner     *runner.Runner
	job        string
	now        time.Time
	tokens     map[string]*truth          // by ID
	reported   map[string]map[string]bool // of tokens that exist, by job and target, at the newest review
	told       []string                   // what happened
	drawn      int                        // IDs
}

// instance is an InfluxDB that was set up once.
type instance struct {
	conformance.Server
	orgs, users       map[string]string // names, by ID; of those that exist
	operator, auditor string            // values
	acme              string            // ID of the org of that name
	admin             string
}

// truth of a token.
type truth struct {
	influxtest.Authorization
	on     *instance
	exists bool
	fixed  bool // a credential of the review
}

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

func newHistory(t *testing.T, start conformance.Start, seed uint64) *history {
	t.Helper()
	h := &history{
		T: t, Rand: rand.New(rand.NewPCG(seed, 12)), start: start, job: "weekly", now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		tokens: map[string]*truth{}, reported: map[string]map[string]bool{},
	}
	for i := range h.fronts {
		h.fronts[i] = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*h.handler.Load()).ServeHTTP(w, r) }))
		t.Cleanup(h.fronts[i].Close)
	}
	h.credential = filepath.Join(t.TempDir(), "credential")
	h.cfg = influx.Config{Name: "prod", URL: h.fronts[0].URL, Token: secret.Ref{File: h.credential}}
	if h.IntN(2) == 0 {
		h.cfg.Org = "acme"
	}
	h.runner = newRunner(t, func() time.Time { return h.now })
	h.setUp()
	h.use(h.IntN(2) == 0)
	return h
}

func (h *history) run() {
	h.review()
	for range 4 + h.IntN(8) {
		for range 1 + h.IntN(3) {
			h.step()
		}
		if h.review(); h.Failed() {
			h.Logf("org %q, operator's credential %t:\n%s", h.cfg.Org, h.operator, strings.Join(h.told, "\n"))
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
	in := &instance{Server: h.start(h.T, true), orgs: map[string]string{}, users: map[string]string{}}
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
	in.operator = h.addToken(in.admin, in.acme, influxtest.Operator(), true)
	in.auditor = h.addToken(in.admin, in.acme, influxtest.AuditorPermissions(in.acme), true)
}

func (h *history) to(i int) {
	h.at = i
	handler := http.Handler(h.instances[i])
	h.handler.Store(&handler)
}

func (h *history) use(operator bool) {
	h.operator = operator
	value := h.here().auditor
	if operator {
		value = h.here().operator
	}
	if err := os.WriteFile(h.credential, []byte(value), 0o600); err != nil {
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

// step lets one thing happen.
func (h *history) step() {
	in := h.here()
	org := pick(h, in.orgs, func(string, string) bool { return true })
	user := pick(h, in.users, func(string, string) bool { return true })
	other := pick(h, in.users, func(id, _ string) bool { return id != in.admin })
	token := func(exists bool) string {
		return pick(h, h.tokens, func(_ string, k *truth) bool { return k.on == in && k.exists == exists && !k.fixed })
	}
	switch h.IntN(17) {
	case 0, 1, 2, 3:
		kinds := [][]influxtest.Permission{influxtest.WriteBuckets(org), influxtest.ReadBuckets(org), influxtest.AllAccess(org, user)}
		h.addToken(user, org, kinds[h.IntN(len(kinds))], false)
		h.tell("a token of %s in %s", in.users[user], in.orgs[org])
	case 4:
		if id := token(true); id != "" {
			in.DeleteAuthorization(id)
			h.tokens[id].exists = false
			h.tell("%s is revoked", id)
		}
	case 5:
		if id := token(false); id != "" && !h.tokens[id].ownerDeleted() && !h.tokens[id].orgDeleted() {
			in.AddAuthorization(h.tokens[id].Authorization)
			h.tokens[id].exists = true
			h.tell("%s is restored", id)
		}
	case 6:
		if id := token(true); id != "" && !h.tokens[id].ownerDeleted() && !h.tokens[id].orgDeleted() {
			k := h.tokens[id]
			k.Status = map[string]string{influxtest.Active: influxtest.Inactive, influxtest.Inactive: influxtest.Active}[k.Status]
			in.SetStatus(id, k.Status)
			h.tell("%s is %s", id, k.Status)
		}
	case 7, 8:
		if other != "" {
			h.tell("user %s is deleted", in.users[other])
			in.DeleteUser(other)
			delete(in.users, other)
		}
	case 9:
		gone := pick(h, h.tokens, func(_ string, k *truth) bool { return k.on == in && k.ownerDeleted() })
		if gone != "" {
			id := h.tokens[gone].UserID
			name := "user-" + id
			in.RestoreUser(id, name)
			in.users[id] = name
			h.tell("user %s is restored", id)
		} else {
			h.addUser("user-" + h.id("c"))
		}
	case 10:
		if org != in.acme {
			h.tell("org %s is deleted", in.orgs[org])
			in.DeleteOrg(org)
			delete(in.orgs, org)
		} else {
			h.tell("another org")
			h.addOrg("org-" + h.id("d"))
		}
	case 11: // its name may be taken by another
		h.tell("org acme is renamed, and its name is taken")
		name := "was-" + h.id("d")
		in.RenameOrg(in.acme, name)
		in.orgs[in.acme] = name
		in.acme = h.addOrg("acme")
		in.auditor = h.addToken(in.admin, in.acme, influxtest.AuditorPermissions(in.acme), true)
		h.use(h.operator)
	case 12:
		h.tell("set up anew")
		h.setUp()
		h.use(h.operator)
	case 13:
		h.to(h.IntN(len(h.instances)))
		h.use(h.operator)
		h.tell("instance %d answers", h.at)
	case 14:
		h.cfg.URL = h.fronts[h.IntN(2)].URL
		h.tell("at %s", h.cfg.URL)
	case 15:
		h.use(!h.operator)
		h.tell("the operator's credential: %t", h.operator)
	case 16:
		h.job = []string{"weekly", "daily"}[h.IntN(2)]
		h.cfg.Name = []string{"prod", "production"}[h.IntN(2)]
		h.tell("job %s, target %s", h.job, h.cfg.Name)
	}
}

// review is a review, and what must be true of it.
func (h *history) review() {
	h.Helper()
	target, err := influx.NewTarget(h.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		h.Fatal(err)
	}
	job := weekly(h.T, target)
	job.Name, job.Targets[0].Name = h.job, h.cfg.Name
	s, err := h.runner.ReviewNow(h.Context(), job, audit.Manual)
	if err != nil {
		h.Fatal(err)
	}
	h.now = h.now.AddDate(0, 0, 7)
	h.tell("review %s: %s %q", s.ID, s.Coverage.Verdict, s.Coverage.Reasons)
	rows, now := map[string]audit.Record{}, map[string]bool{}
	for rec, err := range h.runner.Rows(h.Context(), *s) {
		if err != nil {
			h.Fatal(err)
		}
		rows[rec.ID] = rec
		k := h.tokens[rec.ID]
		if k == nil {
			continue
		}
		if rec.Presence == audit.Gone && k.exists {
			h.Errorf("%s is called gone and exists: %s", rec.ID, rec.Evidence)
		}
		for _, f := range rec.Findings {
			if stands, known := k.stands(f.Check); known && stands && f.State == audit.Resolved && f.Since.Equal(s.Started) {
				h.Errorf("%s: %s is resolved, and its cause stands", rec.ID, f.Check)
			}
		}
		if rec.Exists() && k.exists {
			now[rec.ID] = true
		}
	}
	of := h.job + "/" + h.cfg.Name
	for id := range h.reported[of] {
		if k := h.tokens[id]; k.exists && !now[id] {
			h.Errorf("%s exists, was reported by the review of %s before, and is not now", id, of)
		}
	}
	h.reported[of] = now
	if s.Coverage.Verdict == audit.Complete {
		h.whole(rows)
	}
}

// whole: a review that is complete lacks nothing that is stored.
func (h *history) whole(rows map[string]audit.Record) {
	h.Helper()
	in := h.here()
	for id, k := range h.tokens {
		if k.on != in || !k.exists || h.cfg.Org != "" && k.OrgID != in.acme {
			continue
		}
		rec := rows[id]
		if !rec.Exists() || rec.ID == "" {
			h.Errorf("complete, and %s of user %s, which exists, is missing", id, k.UserID)
		}
		for _, check := range []string{"active-write", "deleted-owner", "deleted-org"} {
			found := slices.ContainsFunc(rec.Findings, func(f audit.Finding) bool { return f.Check == check && f.Current() })
			if stands, _ := k.stands(check); stands && !found {
				h.Errorf("complete, and %s is not said of %s", check, id)
			}
		}
	}
}
