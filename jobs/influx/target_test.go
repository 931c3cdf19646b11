package influx_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/target"
)

// plant is an OSS server with two orgs, three users and some tokens.
type plant struct {
	*influxtest.Server
	acme              string
	admin, iot, leave string // user IDs
}

func newPlant(t *testing.T) *plant {
	t.Helper()
	s := influxtest.New(influxtest.OSS)
	p := &plant{Server: s, acme: s.AddOrg("acme")}
	p.admin, p.iot, p.leave = s.AddUser("admin"), s.AddUser("iot_user_1"), s.AddUser("leaver")
	s.AddOwner(p.acme, p.admin)
	s.AddMember(p.acme, p.iot)
	s.AddMember(p.acme, p.leave)
	bucket := s.AddBucket(p.acme, "telemetry")
	s.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: p.iot, Description: "sensor", Permissions: influxtest.WriteBuckets(p.acme, bucket)})
	s.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: p.leave, Description: "laptop", Permissions: influxtest.WriteBuckets(p.acme, bucket)})
	return p
}

// addGlobex adds a second org with one authorization.
func (p *plant) addGlobex() (orgID, authorizationID string) {
	orgID = p.AddOrg("globex")
	authorizationID, _ = p.AddAuthorization(influxtest.Authorization{OrgID: orgID, UserID: p.admin, Description: "elsewhere", Permissions: influxtest.ReadBuckets(orgID)})
	return orgID, authorizationID
}

// credential adds a token of a user of acme and returns its value.
func (p *plant) credential(user, status string, permissions []influxtest.Permission) string {
	_, token := p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: user, Status: status, Description: "credential", Permissions: permissions})
	return token
}

func (p *plant) auditor() string {
	return p.credential(p.admin, influxtest.Active, influxtest.AuditorPermissions(p.acme))
}

// collect reviews org acme and returns the coverage and what was listed.
func (p *plant) collect(t *testing.T, token string, users ...target.User) (audit.Coverage, []string) {
	t.Helper()
	col := p.collection(t, token, users...)
	defer col.Close()
	var seen []string
	for a, err := range col.Authorizations {
		if err != nil {
			t.Fatal(err)
		}
		owner := col.Owner(t.Context(), a)
		seen = append(seen, a.Description+" of "+owner.Name+" "+string(owner.State))
	}
	return col.Coverage, seen
}

func (p *plant) collection(t *testing.T, token string, users ...target.User) audit.Collection {
	t.Helper()
	return p.configured(t, token, func(c *target.Config) { c.Users = users })
}

func (p *plant) configured(t *testing.T, token string, change func(*target.Config)) audit.Collection {
	t.Helper()
	web := httptest.NewServer(p)
	t.Cleanup(web.Close)
	t.Setenv("TEST_TOKEN", token)
	cfg := target.Config{Name: "prod", URL: web.URL, Org: "acme", Token: secret.Ref{Env: "TEST_TOKEN"}}
	change(&cfg)
	target, err := influx.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	col, err := target.Collect(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	return col
}

func scoped(org string) influxtest.Resource {
	return influxtest.Resource{Type: "users", OrgID: org}
}

func TestWhoSeesWhat(t *testing.T) {
	const auth = "authorizations"
	tests := map[string]struct {
		credential func(p *plant) string
		verdict    audit.Verdict
		rows       int
		reason     string // part of one of the reasons
	}{
		"operator":         {func(p *plant) string { return p.credential(p.admin, influxtest.Active, influxtest.Operator()) }, audit.Complete, 3, ""},
		"audit credential": {func(p *plant) string { return p.auditor() }, audit.Complete, 3, ""},
		"all-access": {func(p *plant) string {
			return p.credential(p.iot, influxtest.Active, influxtest.AllAccess(p.acme, p.iot))
		},
			audit.Partial, 2, "the authorizations of its own user only"},
		"users permission limited to the org": {func(p *plant) string {
			return p.credential(p.admin, influxtest.Active, []influxtest.Permission{
				{Action: "read", Resource: influxtest.Resource{Type: auth, OrgID: p.acme}}, {Action: "read", Resource: scoped(p.acme)}})
		}, audit.NotKnown, 0, "the list is empty, which proves nothing"},
		"no permission on authorizations": {func(p *plant) string {
			return p.credential(p.admin, influxtest.Active, influxtest.ReadBuckets(p.acme))
		}, audit.NotKnown, 0, "the list is empty"},
		"inactive operator": {func(p *plant) string { return p.credential(p.admin, influxtest.Inactive, influxtest.Operator()) },
			audit.NotKnown, 0, "the credential is inactive"},
		"operator of an inactive user": {func(p *plant) string {
			token := p.credential(p.leave, influxtest.Active, influxtest.Operator())
			p.SetUserStatus(p.leave, influxtest.Inactive)
			return token
		}, audit.NotKnown, 0, "its user is inactive or deleted"},
		"unknown token": {func(*plant) string { return "nonsense" }, audit.NotKnown, 0, "not accepted"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			cov, seen := p.collect(t, test.credential(p))
			checkCoverage(t, cov, test.verdict, test.reason)
			if len(seen) != test.rows {
				t.Errorf("listed %q, want %d", seen, test.rows)
			}
		})
	}
}

func checkCoverage(t *testing.T, cov audit.Coverage, verdict audit.Verdict, reason string) {
	t.Helper()
	if cov.Verdict != verdict {
		t.Errorf("verdict %s, want %s; reasons: %q", cov.Verdict, verdict, cov.Reasons)
	}
	if !strings.Contains(strings.Join(cov.Reasons, "\n"), reason) {
		t.Errorf("reasons %q, want one with %q", cov.Reasons, reason)
	}
	if (cov.Verdict == audit.Complete) != (len(cov.Reasons) == 0) {
		t.Errorf("verdict %s with reasons %q", cov.Verdict, cov.Reasons)
	}
}

func TestServerGoesWrong(t *testing.T) {
	const list = "/api/v2/authorizations"
	tests := map[string]struct {
		fault   func(p *plant) influxtest.Fault
		verdict audit.Verdict
		rows    int
		reason  string
	}{
		"empty object":      {func(*plant) influxtest.Fault { return influxtest.Answer(list, 200, "{}") }, audit.NotKnown, 0, `no key "authorizations"`},
		"a page of HTML":    {func(*plant) influxtest.Fault { return influxtest.Answer(list, 200, "<html>") }, audit.NotKnown, 0, "not a list of authorizations"},
		"null":              {func(*plant) influxtest.Fault { return influxtest.Answer(list, 200, `{"authorizations":null}`) }, audit.NotKnown, 0, "expected ["},
		"body cut":          {func(p *plant) influxtest.Fault { return p.CutBody(list) }, audit.NotKnown, 0, "is cut off"},
		"401 on everything": {func(*plant) influxtest.Fault { return refuse(401, "unauthorized access") }, audit.NotKnown, 0, "not accepted"},
		"500 on everything": {func(*plant) influxtest.Fault { return refuse(500, "boom") }, audit.NotKnown, 0, "boom"},
		"429, then well":    {func(*plant) influxtest.Fault { return influxtest.TooManyRequests(2, time.Second) }, audit.Complete, 3, ""},
		"500 for the whole list only": {func(p *plant) influxtest.Fault { return poisoned(p) },
			audit.Partial, 3, "read user by user"},
		"a redirect": {func(*plant) influxtest.Fault {
			return func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
				return true
			}
		}, audit.NotKnown, 0, "redirects to another address"},
		"another org comes back": {func(*plant) influxtest.Fault {
			return influxtest.Answer(list, 200, `{"authorizations":[{"id":"11adece381a52fff","orgID":"ffffffffffffffff","org":"globex","userID":"11adece381a52001","user":"x"}]}`)
		}, audit.NotKnown, 0, "were not requested"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			token := p.auditor()
			p.Fault = test.fault(p)
			cov, seen := p.collect(t, token)
			checkCoverage(t, cov, test.verdict, test.reason)
			if len(seen) != test.rows {
				t.Errorf("listed %q, want %d", seen, test.rows)
			}
		})
	}
}

func refuse(status int, message string) influxtest.Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(status)
		w.Write([]byte(`{"code":"x","message":"` + message + `"}`))
		return true
	}
}

// poisoned answers 500 to a list that is not limited to one user.
func poisoned(*plant) influxtest.Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v2/authorizations" || r.URL.Query().Has("userID") {
			return false
		}
		return refuse(500, "unknown resource type for permission")(w, r)
	}
}

func TestPoisonedRecordHidesItsUserOnly(t *testing.T) {
	p := newPlant(t)
	id, _ := p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: p.leave, Description: "restored", Permissions: influxtest.ReadBuckets(p.acme)})
	p.Poison(id)
	cov, seen := p.collect(t, p.auditor())
	checkCoverage(t, cov, audit.Partial, "authorizations of user leaver")
	if diff := cmp.Diff([]string{"sensor of iot_user_1 present", "credential of admin present"}, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConfiguredUsers(t *testing.T) {
	tests := map[string]struct {
		users   func(p *plant) []target.User
		token   func(p *plant) string
		verdict audit.Verdict
		reason  string
	}{
		"by name":        {func(*plant) []target.User { return []target.User{{Name: "iot_user_1"}} }, (*plant).auditor, audit.Complete, ""},
		"by id":          {func(p *plant) []target.User { return []target.User{{ID: p.iot}} }, (*plant).auditor, audit.Complete, ""},
		"misspelt":       {func(*plant) []target.User { return []target.User{{Name: "iot_user_2"}} }, (*plant).auditor, audit.Partial, "user iot_user_2: does not exist"},
		"deleted, by id": {func(p *plant) []target.User { p.DeleteUser(p.leave); return []target.User{{ID: p.leave}} }, (*plant).auditor, audit.Partial, "does not exist"},
		"another user's, by an all-access token": {func(*plant) []target.User { return []target.User{{Name: "leaver"}} },
			func(p *plant) string {
				return p.credential(p.iot, influxtest.Active, influxtest.AllAccess(p.acme, p.iot))
			},
			audit.Partial, "none of its authorizations were visible"},
		"its own, by an all-access token": {func(*plant) []target.User { return []target.User{{Name: "iot_user_1"}} },
			func(p *plant) string {
				return p.credential(p.iot, influxtest.Active, influxtest.AllAccess(p.acme, p.iot))
			},
			audit.Complete, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			token := test.token(p)
			cov, _ := p.collect(t, token, test.users(p)...)
			checkCoverage(t, cov, test.verdict, test.reason)
		})
	}
}

func TestCredentialPerUser(t *testing.T) {
	p := newPlant(t)
	iot := p.credential(p.iot, influxtest.Active, influxtest.AllAccess(p.acme, p.iot))
	leaver := p.credential(p.leave, influxtest.Active, influxtest.AllAccess(p.acme, p.leave))
	t.Setenv("LEAVER_TOKEN", leaver)
	users := []target.User{{Name: "iot_user_1"}, {ID: p.leave, Token: secret.Ref{Env: "LEAVER_TOKEN"}}}
	cov, seen := p.collect(t, iot, users...)
	checkCoverage(t, cov, audit.Complete, "")
	want := []string{"sensor of iot_user_1 present", "laptop of leaver present", "credential of iot_user_1 present", "credential of leaver present"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	t.Run("a server that ignores userID", func(t *testing.T) {
		p.Fault = influxtest.IgnoreUserID()
		op := p.credential(p.admin, influxtest.Active, influxtest.Operator())
		t.Setenv("LEAVER_TOKEN", op) // sees everybody, so that the filter would matter
		cov, _ := p.collect(t, iot, users...)
		checkCoverage(t, cov, audit.Partial, "were not requested")
	})
	t.Run("a list of the user that has less than that of the org", func(t *testing.T) {
		shorter := p.Rewrite(listPath, func(_ http.Header, body []byte) []byte {
			open, first := bytes.IndexByte(body, '[')+1, []byte("\n\t\t},")
			return slices.Concat(body[:open], body[bytes.Index(body, first)+len(first):])
		})
		p.Fault = func(w http.ResponseWriter, r *http.Request) bool { return r.URL.Query().Has("userID") && shorter(w, r) }
		op := p.credential(p.admin, influxtest.Active, influxtest.Operator())
		t.Setenv("LEAVER_TOKEN", leaver)
		cov, _ := p.collect(t, op, users...)
		checkCoverage(t, cov, audit.Partial, "two lists differ in the authorizations of user "+p.leave)
	})
	t.Run("an inactive credential of a user", func(t *testing.T) {
		p.Fault = nil
		t.Setenv("LEAVER_TOKEN", p.credential(p.leave, influxtest.Inactive, influxtest.AllAccess(p.acme, p.leave)))
		cov, _ := p.collect(t, iot, users...)
		checkCoverage(t, cov, audit.Partial, "the credential is inactive")
	})
}

// cloud is a Cloud org with two users and a token of each.
func cloud(mode influxtest.Mode) (p *plant, admin, iot string) {
	s := influxtest.New(mode)
	p = &plant{Server: s, acme: s.AddOrg("acme")}
	p.admin, p.iot = s.AddUser("admin"), s.AddUser("iot_user_1")
	s.AddOwner(p.acme, p.admin)
	s.AddMember(p.acme, p.iot)
	admin = p.credential(p.admin, influxtest.Active, append(influxtest.AllAccess(p.acme, p.admin), influxtest.AuditorPermissions(p.acme)...))
	iot = p.credential(p.iot, influxtest.Active, influxtest.AllAccess(p.acme, p.iot))
	return p, admin, iot
}

// TestCloudIsNeverCompleteByItself: a Cloud token lists its own user's
// authorizations, whatever it may read.
func TestCloudIsNeverCompleteByItself(t *testing.T) {
	for _, mode := range []influxtest.Mode{influxtest.CloudTSM, influxtest.CloudServerless} {
		t.Run(string(mode), func(t *testing.T) {
			p, admin, iot := cloud(mode)
			cov, _ := p.collect(t, admin)
			checkCoverage(t, cov, audit.Partial, "the authorizations of its own user only")
			cov, _ = p.collect(t, admin, target.User{Name: "admin"}, target.User{Name: "iot_user_1"})
			checkCoverage(t, cov, audit.Partial, "user iot_user_1")
			t.Setenv("IOT_TOKEN", iot)
			cov, seen := p.collect(t, admin, target.User{Name: "admin"}, target.User{Name: "iot_user_1", Token: secret.Ref{Env: "IOT_TOKEN"}})
			checkCoverage(t, cov, audit.Complete, "")
			if len(seen) != 2 {
				t.Errorf("listed %q, want 2", seen)
			}
		})
	}
}

// TestCloudGone: on Cloud only the list of the user itself proves that a token is
// gone; another credential's 404 does not.
func TestCloudGone(t *testing.T) {
	p, admin, iot := cloud(influxtest.CloudTSM)
	ofIOT := audit.Authorization{ID: "11adece381a52fff", UserID: p.iot, OrgID: p.acme}
	if got := p.collection(t, admin).Probe(t.Context(), ofIOT); got.Presence != audit.Unseen {
		t.Errorf("by another user's credential: %+v, want unseen", got)
	}
	t.Setenv("IOT_TOKEN", iot)
	users := []target.User{{Name: "admin"}, {Name: "iot_user_1", Token: secret.Ref{Env: "IOT_TOKEN"}}}
	probe := p.collection(t, admin, users...).Probe
	for name, other := range map[string]audit.Authorization{
		"1.x": {ID: ofIOT.ID, UserID: p.iot, OrgID: p.acme, Legacy: true}, "another org": {ID: ofIOT.ID, UserID: p.iot, OrgID: "00000000000000aa"},
	} {
		if got := probe(t.Context(), other); got.Presence != audit.Unseen {
			t.Errorf("%s: %+v, want unseen", name, got)
		}
	}
	if got := probe(t.Context(), ofIOT); got.Presence != audit.Gone {
		t.Errorf("by its own list: %+v, want gone", got)
	} else if got.Request != "" {
		t.Errorf("its own list is the proof, and no request %q was sent", got.Request)
	}
	if got := probe(t.Context(), audit.Authorization{ID: ofIOT.ID, UserID: p.iot, OrgID: p.acme, Legacy: true}); got.Request != "GET /private/legacy/authorizations/{id}" {
		t.Errorf("one of the 1.x API was asked for by %q", got.Request)
	}
	if got := probe(t.Context(), audit.Server("")); got.Request != "" {
		t.Errorf("the server was asked for by %q", got.Request)
	}
}

func TestProbe(t *testing.T) {
	p := newPlant(t)
	sensor, _ := p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: p.iot, Description: "probe me", Permissions: influxtest.ReadBuckets(p.acme)})
	orphan, _ := p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: p.leave, Description: "orphan", Permissions: influxtest.ReadBuckets(p.acme)})
	globex, inGlobex := p.addGlobex()
	initech := p.AddOrg("initech")
	elsewhere, _ := p.AddAuthorization(influxtest.Authorization{OrgID: initech, UserID: p.admin, Description: "imported", Permissions: influxtest.Operator()})
	p.DeleteUser(p.leave)
	p.DeleteOrg(globex)
	probe := p.collection(t, p.credential(p.admin, influxtest.Active, influxtest.Operator())).Probe
	tests := map[string]struct {
		id       string
		presence audit.Presence
		owner    audit.OwnerState
	}{
		"there all along": {sensor, audit.Hidden, ""},
		"owner deleted":   {orphan, audit.Hidden, audit.OwnerDeleted},
		"gone":            {"11adece381a52fff", audit.Gone, ""},
		"org deleted":     {inGlobex, audit.Hidden, audit.OwnerUnknown},
		"of another org":  {elsewhere, audit.Gone, ""},
		"no valid id":     {"x", audit.Unseen, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := probe(t.Context(), audit.Authorization{ID: test.id})
			var state audit.OwnerState
			if got.Owner != nil {
				state = got.Owner.State
			}
			if got.Presence != test.presence || state != test.owner {
				t.Errorf("presence %s, owner %s; want %s, %s", got.Presence, state, test.presence, test.owner)
			}
			if got.Request != "GET /api/v2/authorizations/{id}" {
				t.Errorf("it was asked for by %q", got.Request)
			}
		})
	}
}

// TestUsersThatCannotBeToldApart: a 404 for everybody proves neither that the credential
// may read all users nor that one was deleted.
func TestUsersThatCannotBeToldApart(t *testing.T) {
	missing := func(p *plant, found ...string) influxtest.Fault {
		return func(w http.ResponseWriter, r *http.Request) bool {
			id, one := strings.CutPrefix(r.URL.Path, "/api/v2/users/")
			return one && !slices.Contains(found, id) && refuse(404, "user not found")(w, r)
		}
	}
	for name, test := range map[string]struct {
		fault   func(p *plant) influxtest.Fault
		verdict audit.Verdict
		reason  string
	}{
		"they can":          {func(p *plant) influxtest.Fault { return missing(p, p.admin, p.iot, p.leave) }, audit.Complete, ""},
		"nobody is found":   {func(p *plant) influxtest.Fault { return missing(p) }, audit.Partial, "For existing users (its own user) the answer is GET /api/v2/users/"},
		"only its own user": {func(p *plant) influxtest.Fault { return missing(p, p.admin) }, audit.Partial, "For existing users (its own user and "},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			token := p.auditor()
			p.Fault = test.fault(p)
			cov, _ := judged(t, p.collection(t, token))
			checkCoverage(t, cov, test.verdict, test.reason)
			col := p.collection(t, token)
			defer col.Close()
			if o := col.Owner(t.Context(), audit.Authorization{UserID: "00000000000000bb", OrgID: p.acme}); (o.State == audit.OwnerDeleted) != (test.reason == "") {
				t.Errorf("owner %+v", o)
			}
		})
	}
}

func TestProbeWithoutTheRightSaysNothing(t *testing.T) {
	p := newPlant(t)
	orphan, _ := p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: p.leave, Description: "orphan", Permissions: influxtest.ReadBuckets(p.acme)})
	p.DeleteUser(p.leave)
	probe := p.collection(t, p.credential(p.iot, influxtest.Active, influxtest.AllAccess(p.acme, p.iot))).Probe
	if got := probe(t.Context(), audit.Authorization{ID: orphan}); got.Presence != audit.Unseen {
		t.Errorf("presence %s, want unseen: a 401 says nothing", got.Presence)
	}
}

func TestCancelledCollectIsAnError(t *testing.T) {
	p := newPlant(t)
	web := httptest.NewServer(p)
	defer web.Close()
	t.Setenv("TEST_TOKEN", p.auditor())
	target, err := influx.New(target.Config{Name: "prod", URL: web.URL, Org: "acme", Token: secret.Ref{Env: "TEST_TOKEN"}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := target.Collect(ctx, func() {}); err == nil {
		t.Error("no error")
	}
}

// TestOnlyGets: a review must not be able to change anything.
func TestOnlyGets(t *testing.T) {
	p := newPlant(t)
	p.collect(t, p.auditor(), target.User{Name: "iot_user_1"}, target.User{Name: "nobody"})
	for _, request := range p.Requests() {
		if !strings.HasPrefix(request, "GET ") {
			t.Errorf("sent %s", request)
		}
	}
}

func TestCanary(t *testing.T) {
	p := newPlant(t)
	canary, _ := p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: p.iot, Status: influxtest.Inactive, Description: "canary"})
	token := p.auditor()
	for id, verdict := range map[string]audit.Verdict{strings.ToUpper(canary): audit.Complete, "11adece381a52fff": audit.Partial} {
		col := p.configured(t, token, func(c *target.Config) { c.Canary = id })
		if col.Coverage.Verdict != verdict {
			t.Errorf("canary %s: %s, %q; want %s", id, col.Coverage.Verdict, col.Coverage.Reasons, verdict)
		}
	}
}

func TestCredentialIsFound(t *testing.T) {
	p := newPlant(t)
	auditor := p.AddUser("auditor")
	id, token := p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: auditor, Description: "credential", Permissions: influxtest.Operator()})
	if col := p.collection(t, token); !col.Scope.Credentials[id] || len(col.Scope.Credentials) != 1 {
		t.Errorf("credentials %v, want %s", col.Scope.Credentials, id)
	}
	second, _ := p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: auditor, Description: "another", Permissions: influxtest.AuditorPermissions(p.acme)})
	p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: auditor, Description: "cannot have asked", Permissions: influxtest.ReadBuckets(p.acme)})
	if col := p.collection(t, token); len(col.Scope.Credentials) != 0 || !strings.Contains(strings.Join(col.Coverage.BlindSpots, " "), "Set credential to its ID") {
		t.Errorf("of two it chose %v; blind spots %q", col.Scope.Credentials, col.Coverage.BlindSpots)
	}
	const unmet = "no active token in the list has the ID 00000000000000ff"
	if col := p.configured(t, token, func(c *target.Config) { c.Credential = "00000000000000ff" }); !strings.Contains(strings.Join(col.Coverage.BlindSpots, " "), unmet) { // as after a rotation
		t.Errorf("of one that is gone the blind spots say %q", col.Coverage.BlindSpots)
	}
	if col := p.configured(t, token, func(c *target.Config) { c.Credential = second }); !col.Scope.Credentials[second] || strings.Contains(strings.Join(col.Coverage.BlindSpots, " "), "no active token") {
		t.Errorf("credentials %v, want %s", col.Scope.Credentials, second)
	}
}

func TestReadableValues(t *testing.T) {
	p := newPlant(t)
	p.ClearTokens = true
	_, seen := p.collect(t, p.auditor())
	if last := seen[len(seen)-1]; !strings.HasPrefix(last, "the list of authorizations shows token values in plain text") {
		t.Errorf("the server itself is not flagged: %q", seen)
	}
	for _, line := range seen {
		if strings.Contains(line, "canary-token") {
			t.Errorf("a value is in %q", line)
		}
	}
}

func TestStored(t *testing.T) {
	p := newPlant(t)
	operator := p.credential(p.AddUser("auditor"), influxtest.Active, influxtest.Operator())
	acme := func(*target.Config) {}
	whole := func(c *target.Config) { c.Org = "" }
	if s := p.configured(t, operator, acme).Coverage.Stored; s == nil || *s != (audit.Stored{Authorizations: 3, Users: 4, Orgs: 1}) {
		t.Errorf("stored %+v", s)
	}
	p.addGlobex()
	for name, change := range map[string]func(*target.Config){"every org": whole, "one org of two": acme} {
		cov, _ := judged(t, p.configured(t, operator, change))
		checkCoverage(t, cov, audit.Complete, "")
		if s := cov.Stored; s == nil || *s != (audit.Stored{Authorizations: 4, Users: 4, Orgs: 2}) {
			t.Errorf("%s: stored %+v", name, s)
		}
	}
	p.Fault = influxtest.Answer("/metrics", http.StatusNotFound, "")
	for name, change := range map[string]func(*target.Config){"every org": whole, "one org of two": acme} {
		cov, _ := judged(t, p.configured(t, operator, change))
		checkCoverage(t, cov, audit.Partial, "the server may hide tokens of deleted users")
		if cov.Stored != nil || len(cov.Gaps) != 1 {
			t.Errorf("%s: stored %+v, gaps %+v", name, cov.Stored, cov.Gaps)
		}
	}
}

func TestLegacy(t *testing.T) {
	p := newPlant(t)
	p.AddLegacy(influxtest.Authorization{OrgID: p.acme, UserID: p.iot, Token: "v1-user", Description: "1.x writer", Permissions: influxtest.WriteBuckets(p.acme)})
	_, seen := p.collect(t, p.auditor())
	if last := seen[len(seen)-1]; last != "1.x writer of iot_user_1 present" {
		t.Errorf("listed %q", seen)
	}
	p.Fault = influxtest.Answer("/private/legacy/authorizations", http.StatusNotFound, "")
	cov, _ := p.collect(t, p.auditor())
	if !strings.Contains(strings.Join(cov.BlindSpots, " "), "1.x API could not be listed") {
		t.Errorf("blind spots %q", cov.BlindSpots)
	}
}

func TestUpperCaseIDs(t *testing.T) {
	p := newPlant(t)
	token := p.auditor()
	col := p.configured(t, token, func(c *target.Config) {
		c.Org = strings.ToUpper(p.acme)
		c.Users = []target.User{{ID: strings.ToUpper(p.iot)}}
	})
	if col.Coverage.Verdict != audit.Complete || !col.Scope.Users[p.iot] {
		t.Errorf("%s, %q, users %v", col.Coverage.Verdict, col.Coverage.Reasons, col.Scope.Users)
	}
}

// TestCredentialIsNotRepeated: what the server repeats does not reach the coverage.
func TestCredentialIsNotRepeated(t *testing.T) {
	p := newPlant(t)
	p.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		return refuse(400, "bad header "+r.Header.Get("Authorization"))(w, r)
	}
	cov, _ := p.collect(t, "canary-token-sent")
	if text := fmt.Sprintf("%+v", cov); strings.Contains(text, "canary-token") {
		t.Error(text)
	}
}

func TestAnswersOfNoShape(t *testing.T) {
	for _, path := range []string{"/api/v2/users", "/members", "/owners"} {
		p := newPlant(t)
		token := p.auditor()
		p.Fault = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, path) {
				return false
			}
			w.Write([]byte("{}"))
			return true
		}
		_, seen := p.collect(t, token)
		for _, line := range seen {
			if strings.Contains(line, string(audit.OwnerNotMember)) {
				t.Errorf("%s answers {}: %q", path, line)
			}
		}
	}
}

// TestSilentServerIsNotAskedForEver: after some requests without an answer the
// rest is left unseen.
func TestSilentServerIsNotAskedForEver(t *testing.T) {
	p := newPlant(t)
	col := p.collection(t, p.auditor())
	p.Fault = func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	}
	for i := range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		got := col.Probe(ctx, audit.Authorization{ID: fmt.Sprintf("%016x", i)})
		cancel()
		if got.Presence != audit.Unseen || (i >= 3) != strings.Contains(got.Evidence, "stopped answering") || (i >= 3) != (got.Request == "") {
			t.Errorf("number %d: %+v", i, got)
		}
	}
}

// TestCredentialsAreEvidence: which authorizations the review asked with, and what they
// may do, as far as the answers tell. The value of none is kept.
func TestCredentialsAreEvidence(t *testing.T) {
	for name, c := range map[string]struct {
		ask  func(p *plant) (id, token string) // the credential of the target
		name bool                              // it is configured
		more bool                              // and by others the user could ask, too
		want string
	}{
		"the only one of its user":      {(*plant).asAuditor, false, false, "ID of user ADMIN: read:orgs/ACME/authorizations, read:/users"},
		"one of several, by its ID":     {(*plant).asAuditor, true, true, "ID of user ADMIN: read:orgs/ACME/authorizations, read:/users"},
		"one of several, nobody knows":  {(*plant).asAuditor, false, true, "one of the tokens of user ADMIN, which one is not known; its permissions are not known"},
		"an operator, with many rights": {(*plant).asOperator, false, false, "ID of user ADMIN: read:/authorizations, write:/authorizations, "},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			id, token := c.ask(p)
			if c.more {
				p.credential(p.admin, influxtest.Active, influxtest.AllAccess(p.acme, p.admin))
			}
			col := p.configured(t, token, func(cfg *target.Config) {
				if c.name {
					cfg.Credential = id
				}
			})
			defer col.Close()
			got := strings.NewReplacer(id, "ID", p.admin, "ADMIN", p.acme, "ACME").Replace(col.Coverage.Credentials[0].Words())
			if !strings.HasPrefix(got, c.want) || strings.Contains(got, token) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func (p *plant) asAuditor() (id, token string) {
	return p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: p.admin, Permissions: influxtest.AuditorPermissions(p.acme)})
}

func (p *plant) asOperator() (id, token string) {
	return p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: p.admin, Permissions: influxtest.Operator()})
}

// TestClocksApart: what the server's clock says is kept, and that it is far from ours is
// said.
func TestClocksApart(t *testing.T) {
	for _, c := range []struct {
		ahead time.Duration
		want  string // in the blind spots; "" for nothing
	}{{0, ""}, {time.Minute, ""}, {20 * time.Minute, "ahead of that of the review"}, {-20 * time.Minute, "behind that of the review"}} {
		t.Run(c.ahead.String(), func(t *testing.T) {
			p := newPlant(t)
			at := time.Now().Add(c.ahead)
			p.Fault = func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Date", at.UTC().Format(http.TimeFormat))
				return false
			}
			cov := p.collection(t, p.auditor()).Coverage
			said := strings.Join(cov.BlindSpots, "\n")
			if !cov.ServerDate.Equal(at.Truncate(time.Second)) || strings.Contains(said, "clock") != (c.want != "") || !strings.Contains(said, c.want) || cov.Verdict != audit.Complete {
				t.Errorf("%s: %s, %q", cov.Verdict, cov.ServerDate, said)
			}
		})
	}
}
