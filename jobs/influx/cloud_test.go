package influx_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/target"
)

// cloudWorld is a Cloud org of two users, each with a token that writes and a credential
// for the review, and the configuration that sees all of it.
type cloudWorld struct {
	*influxtest.Server
	org, admin, bob             string // IDs
	adminsCredential, bobsToken string // IDs of authorizations
	bobsCredential              string
	cfg                         target.Config
	hidden                      map[string]bool // authorizations that no list shows
	shown                       []map[string]any
	faults                      map[string]func(w http.ResponseWriter, r *http.Request) bool // by path
}

func (w *cloudWorld) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if fault := w.faults[r.URL.Path]; fault != nil && fault(rw, r) {
		return
	}
	if r.URL.Path != "/api/v2/authorizations" || len(w.hidden) == 0 && len(w.shown) == 0 {
		w.Server.ServeHTTP(rw, r)
		return
	}
	rec := httptest.NewRecorder()
	w.Server.ServeHTTP(rec, r)
	var body struct {
		Authorizations []map[string]any `json:"authorizations"`
	}
	if json.Unmarshal(rec.Body.Bytes(), &body); body.Authorizations == nil {
		rw.WriteHeader(rec.Code)
		rw.Write(rec.Body.Bytes())
		return
	}
	body.Authorizations = append(slices.DeleteFunc(body.Authorizations, func(a map[string]any) bool { return w.hidden[a["id"].(string)] }), w.shown...)
	json.NewEncoder(rw).Encode(body)
}

func (w *cloudWorld) add(user, description string, permissions []influxtest.Permission) (id, token string) {
	return w.AddAuthorization(influxtest.Authorization{OrgID: w.org, UserID: user, Status: influxtest.Active, Description: description, Permissions: permissions})
}

// reviewer has the rights that a credential of the review needs on Cloud.
func reviewer(org, user string) []influxtest.Permission {
	return []influxtest.Permission{
		{Action: "read", Resource: influxtest.Resource{Type: "authorizations", OrgID: org}},
		{Action: "read", Resource: influxtest.Resource{Type: "users", ID: user}},
		{Action: "read", Resource: influxtest.Resource{Type: "orgs", ID: org}},
	}
}

func newCloudWorld(t *testing.T, mode influxtest.Mode) *cloudWorld {
	t.Helper()
	w := &cloudWorld{Server: influxtest.New(mode), hidden: map[string]bool{}, faults: map[string]func(http.ResponseWriter, *http.Request) bool{}}
	w.org, w.admin, w.bob = w.AddOrg("acme"), w.AddUser("admin"), w.AddUser("bob")
	w.AddOwner(w.org, w.admin)
	w.AddMember(w.org, w.bob)
	var token, bobs string
	w.adminsCredential, token = w.add(w.admin, "review", reviewer(w.org, w.admin))
	w.bobsCredential, bobs = w.add(w.bob, "review of bob", reviewer(w.org, w.bob))
	w.bobsToken, _ = w.add(w.bob, "writes", influxtest.WriteBuckets(w.org, w.AddBucket(w.org, "telemetry")))
	t.Setenv("ADMINS_TOKEN", token)
	t.Setenv("BOBS_TOKEN", bobs)
	w.cfg = target.Config{Name: "prod", Org: "acme", Token: secret.Ref{Env: "ADMINS_TOKEN"}, Users: []target.User{
		{Name: "admin"}, {Name: "bob", Token: secret.Ref{Env: "BOBS_TOKEN"}},
	}}
	return w
}

func (w *cloudWorld) collect(t *testing.T) audit.Collection {
	t.Helper()
	web := httptest.NewServer(w)
	t.Cleanup(web.Close)
	w.cfg.URL = web.URL
	target, err := influx.New(w.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	col, err := target.Collect(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(col.Close)
	return col
}

func gapIDs(c audit.Coverage) (ids []string) {
	for _, g := range c.Gaps {
		ids = append(ids, g.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// TestCloudIsCompleteWithEveryCredential: each single thing that is missing is a gap, by
// its name; with all of them the review is complete.
func TestCloudIsCompleteWithEveryCredential(t *testing.T) {
	refuse := func(status int, code, message string) func(http.ResponseWriter, *http.Request) bool {
		return func(rw http.ResponseWriter, _ *http.Request) bool {
			rw.WriteHeader(status)
			json.NewEncoder(rw).Encode(map[string]string{"code": code, "message": message})
			return true
		}
	}
	tests := map[string]struct {
		change    func(t *testing.T, w *cloudWorld)
		tsm, less []string // gaps of TSM and of Serverless
	}{
		"nothing is missing": {func(*testing.T, *cloudWorld) {}, nil, nil},
		"users by ID": {func(_ *testing.T, w *cloudWorld) {
			w.cfg.Users[0], w.cfg.Users[1].Name, w.cfg.Users[1].ID = target.User{ID: w.admin}, "", w.bob
		}, nil, nil},
		"credentials by ID": {func(_ *testing.T, w *cloudWorld) {
			w.cfg.Credential, w.cfg.Users[1].Credential = w.adminsCredential, strings.ToUpper(w.bobsCredential)
		}, nil, nil},
		"no users": {func(_ *testing.T, w *cloudWorld) { w.cfg.Users = nil }, []string{"credential-sees-all"}, []string{"credential-sees-all"}},
		"a user without a credential": {func(_ *testing.T, w *cloudWorld) { w.cfg.Users[1].Token = secret.Ref{} },
			[]string{"credential-sees-all/bob"}, []string{"credential-sees-all/bob"}},
		"one whose tokens the target's credential shows, for once": {func(_ *testing.T, w *cloudWorld) {
			w.cfg.Users[1].Token = secret.Ref{}
			w.shown = []map[string]any{{"id": "0d0000000000000a", "orgID": w.org, "org": "acme", "userID": w.bob, "user": "bob", "status": "active", "permissions": []any{}}}
		}, []string{"credential-sees-all/bob"}, []string{"credential-sees-all/admin", "credential-sees-all/bob", "own-credential-shown"}},
		"the target's credential lists its user without itself": {func(_ *testing.T, w *cloudWorld) {
			w.add(w.admin, "another", influxtest.ReadBuckets(w.org))
			w.hidden[w.adminsCredential] = true
		}, []string{"own-credential-shown", "own-credential-shown/admin"}, []string{"own-credential-shown", "own-credential-shown/admin"}},
		"a user's credential is another user's": {func(_ *testing.T, w *cloudWorld) { w.cfg.Users[1].Token = w.cfg.Token },
			[]string{"own-credential-shown/bob"}, []string{"own-credential-shown/bob"}},
		"a user's list lacks its credential": {func(_ *testing.T, w *cloudWorld) { w.hidden[w.bobsCredential] = true },
			[]string{"own-credential-shown/bob"}, []string{"own-credential-shown/bob"}},
		"it has another that may list, and the credential is named": {func(_ *testing.T, w *cloudWorld) {
			w.add(w.bob, "another", reviewer(w.org, w.bob))
			w.hidden[w.bobsCredential], w.cfg.Users[1].Credential = true, w.bobsCredential
		}, []string{"own-credential-shown/bob"}, []string{"own-credential-shown/bob"}},
		"a user's list is empty": {func(_ *testing.T, w *cloudWorld) { w.hidden[w.bobsCredential], w.hidden[w.bobsToken] = true, true },
			[]string{"own-credential-shown/bob"}, []string{"own-credential-shown/bob"}},
		"a user's credential is that of another": {func(t *testing.T, w *cloudWorld) { w.cfg.Users[1].Token = w.cfg.Token },
			[]string{"own-credential-shown/bob"}, []string{"own-credential-shown/bob"}},
		"a user's credential is refused": {func(t *testing.T, w *cloudWorld) { t.Setenv("BOBS_TOKEN", "nonsense") },
			[]string{"credential-active/bob"}, []string{"credential-active/bob"}},
		"a user is misspelt": {func(_ *testing.T, w *cloudWorld) { w.cfg.Users[1].Name = "rob" },
			[]string{"owners-configured/BOB", "users-present/rob"}, []string{"users-present/rob"}},
		"a token of somebody else": {func(_ *testing.T, w *cloudWorld) {
			w.cfg.Credential = w.adminsCredential
			w.shown = []map[string]any{{"id": "0d0000000000000a", "orgID": w.org, "org": "acme", "userID": "0d000000000000ee", "user": "eve", "status": "active", "permissions": []any{}}}
			w.cfg.Users[1].Credential = w.bobsCredential
		}, []string{"lists-agree", "owners-configured/0d000000000000ee"}, []string{"lists-agree", "owners-configured/0d000000000000ee"}},
		"a member that is not configured": {func(_ *testing.T, w *cloudWorld) { w.AddMember(w.org, w.AddUser("eve")) },
			[]string{"owners-configured/EVE"}, nil},
		"members that may not be read": {func(_ *testing.T, w *cloudWorld) {
			w.faults["/api/v2/orgs/"+w.org+"/members"] = refuse(404, "not found", "404 page not found")
		}, []string{"owners-configured"}, nil},
	}
	for name, test := range tests {
		for mode, want := range map[influxtest.Mode][]string{influxtest.CloudTSM: test.tsm, influxtest.CloudServerless: test.less} {
			t.Run(name+", "+string(mode), func(t *testing.T) {
				w := newCloudWorld(t, mode)
				test.change(t, w)
				cov := w.collect(t).Coverage
				got := gapIDs(cov)
				for i := range got {
					got[i] = strings.Replace(got[i], "/"+w.bob, "/BOB", 1)
					if strings.HasPrefix(got[i], "owners-configured/1") {
						got[i] = "owners-configured/EVE"
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("gaps (-want +got):\n%s%q", diff, cov.Reasons)
				}
				if (cov.Verdict == audit.Complete) != (len(want) == 0) {
					t.Errorf("verdict %s", cov.Verdict)
				}
			})
		}
	}
}

// TestCloudOwners: a user is present if its credential is let in; that the API does not
// find it proves nothing.
func TestCloudOwners(t *testing.T) {
	notFound := func(rw http.ResponseWriter, _ *http.Request) bool {
		rw.WriteHeader(404)
		rw.Write([]byte(`{"code":"not found","message":"user not found"}`))
		return true
	}
	noUsers := func(rw http.ResponseWriter, _ *http.Request) bool {
		rw.Write([]byte(`{"users":[]}`))
		return true
	}
	const stranger = "0d000000000000ee"
	tests := map[string]struct {
		mode     influxtest.Mode
		change   func(w *cloudWorld)
		bob      audit.OwnerState
		stranger audit.OwnerState
		notFound bool // of the stranger
	}{
		"TSM":                              {influxtest.CloudTSM, func(*cloudWorld) {}, audit.OwnerPresent, audit.OwnerNotMember, false},
		"TSM, all users readable":          {influxtest.CloudTSM, func(w *cloudWorld) { w.readsUsers(t) }, audit.OwnerPresent, audit.OwnerNotMember, true},
		"TSM, where no user is found":      {influxtest.CloudTSM, func(w *cloudWorld) { w.everyUser(notFound) }, audit.OwnerPresent, audit.OwnerNotMember, false},
		"TSM, not a member":                {influxtest.CloudTSM, func(w *cloudWorld) { w.faults["/api/v2/orgs/"+w.org+"/members"] = noUsers }, audit.OwnerNotMember, audit.OwnerNotMember, false},
		"TSM, members unreadable":          {influxtest.CloudTSM, func(w *cloudWorld) { w.faults["/api/v2/orgs/"+w.org+"/members"] = notFound }, audit.OwnerPresent, audit.OwnerUnknown, false},
		"Serverless":                       {influxtest.CloudServerless, func(*cloudWorld) {}, audit.OwnerPresent, audit.OwnerNone, false},
		"Serverless, kind configured":      {influxtest.CloudServerless, func(w *cloudWorld) { w.cfg.Kind = target.KindServerless }, audit.OwnerPresent, audit.OwnerNone, false},
		"Serverless, where none is found":  {influxtest.CloudServerless, func(w *cloudWorld) { w.everyUser(notFound) }, audit.OwnerPresent, audit.OwnerNone, false},
		"Serverless, no credential of bob": {influxtest.CloudServerless, func(w *cloudWorld) { w.cfg.Users[1].Token = secret.Ref{} }, audit.OwnerNone, audit.OwnerNone, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newCloudWorld(t, test.mode)
			test.change(w)
			col := w.collect(t)
			if o := col.Owner(t.Context(), audit.Authorization{ID: "1", UserID: w.bob, User: "bob", OrgID: w.org}); o.State != test.bob {
				t.Errorf("bob: %+v, want %s", o, test.bob)
			}
			if o := col.Owner(t.Context(), audit.Authorization{ID: "2", UserID: stranger, User: "eve", OrgID: w.org}); o.State != test.stranger || o.NotFound != test.notFound {
				t.Errorf("a stranger: %+v, want %s, not found: %v", o, test.stranger, test.notFound)
			}
		})
	}
}

// everyUser lets each question for one user be answered so.
func (w *cloudWorld) everyUser(answer func(http.ResponseWriter, *http.Request) bool) {
	for _, id := range []string{w.admin, w.bob, "0d000000000000ee"} {
		w.faults["/api/v2/users/"+id] = answer
	}
}

// readsUsers lets the credential of the target read every user.
func (w *cloudWorld) readsUsers(t *testing.T) {
	_, token := w.add(w.admin, "review of all", append(reviewer(w.org, w.admin), influxtest.Permission{Action: "read", Resource: influxtest.Resource{Type: "users"}}))
	t.Setenv("ADMINS_TOKEN", token)
}

// TestCredentialsAreRemembered: the coverage says of each credential whether it was let
// in, and tells a refusal of InfluxDB from silence and from a proxy's.
func TestCredentialsAreRemembered(t *testing.T) {
	answer := func(status int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(rw http.ResponseWriter, _ *http.Request) bool {
			rw.WriteHeader(status)
			rw.Write([]byte(body))
			return true
		}
	}
	in := audit.Credential{Of: "the target", Accepted: true}
	tests := map[string]struct {
		mode   influxtest.Mode
		change func(t *testing.T, w *cloudWorld)
		want   []audit.Credential // answers are compared by their beginning
	}{
		"TSM, let in":                  {influxtest.CloudTSM, func(*testing.T, *cloudWorld) {}, []audit.Credential{in, {Of: "user bob", Accepted: true}}},
		"Serverless, let in":           {influxtest.CloudServerless, func(*testing.T, *cloudWorld) {}, []audit.Credential{in, {Of: "user bob", Accepted: true}}},
		"TSM, bob's is revoked":        {influxtest.CloudTSM, func(_ *testing.T, w *cloudWorld) { w.DeleteAuthorization(w.bobsCredential) }, []audit.Credential{in, {Of: "user bob", Refused: true, Answer: "the credential is not accepted"}}},
		"Serverless, bob's is revoked": {influxtest.CloudServerless, func(_ *testing.T, w *cloudWorld) { w.DeleteAuthorization(w.bobsCredential) }, []audit.Credential{in, {Of: "user bob", Refused: true, Answer: "the credential is not accepted"}}},
		"refused at the list only": {influxtest.CloudServerless, func(_ *testing.T, w *cloudWorld) {
			w.faults["/api/v2/authorizations"] = answer(401, `{"code":"unauthorized","message":"unauthorized access"}`)
		}, []audit.Credential{{Of: "the target", Refused: true, Answer: "the credential is not accepted"}, {Of: "user bob", Refused: true, Answer: "the credential is not accepted"}}},
		"the target's is revoked": {influxtest.CloudTSM, func(_ *testing.T, w *cloudWorld) { w.DeleteAuthorization(w.adminsCredential) }, []audit.Credential{
			{Of: "the target", Refused: true, Answer: "the credential is not accepted"}, {Of: "user bob", Answer: "not used"}}},
		"a proxy refuses": {influxtest.CloudTSM, func(_ *testing.T, w *cloudWorld) { w.faults["/api/v2/me"] = answer(403, "<html>blocked") }, []audit.Credential{
			{Of: "the target", Answer: "the credential is refused"}, {Of: "user bob", Answer: "not used"}}},
		"an empty list, and no /me": {influxtest.CloudServerless, func(_ *testing.T, w *cloudWorld) {
			w.hidden[w.bobsCredential], w.hidden[w.bobsToken] = true, true
		}, []audit.Credential{in, {Of: "user bob", Answer: "no answer proves that it was accepted"}}},
		"the secret is missing": {influxtest.CloudTSM, func(t *testing.T, w *cloudWorld) { w.cfg.Users[1].Token = secret.Ref{Env: "NOT_SET"} }, []audit.Credential{in, {Of: "user bob", Answer: "nothing was requested"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newCloudWorld(t, test.mode)
			test.change(t, w)
			got := slices.Clone(w.collect(t).Coverage.Credentials)
			for i := range got {
				if i < len(test.want) && strings.HasPrefix(got[i].Answer, test.want[i].Answer) && test.want[i].Answer != "" {
					got[i].Answer = test.want[i].Answer
				}
			}
			details := cmpopts.IgnoreFields(audit.Credential{}, "ID", "UserID", "Permissions") // see TestCredentialsAreEvidence
			if diff := cmp.Diff(test.want, got, details); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestCloudGoneNeedsAListThatIsWhole: what a user's list lacks is gone only if that list
// shows the credential that asked for it.
func TestCloudGoneNeedsAListThatIsWhole(t *testing.T) {
	for name, test := range map[string]struct {
		hide func(w *cloudWorld)
		want audit.Presence
	}{
		"whole":                      {func(*cloudWorld) {}, audit.Gone},
		"it lacks its credential":    {func(w *cloudWorld) { w.hidden[w.bobsCredential] = true }, audit.Unseen},
		"by another's credential":    {func(w *cloudWorld) { w.cfg.Users[1].Token = secret.Ref{} }, audit.Unseen},
		"by that of another, in his": {func(w *cloudWorld) { w.cfg.Users[1].Token = w.cfg.Token }, audit.Unseen},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCloudWorld(t, influxtest.CloudTSM)
			test.hide(w)
			got := w.collect(t).Probe(t.Context(), audit.Authorization{ID: "11adece381a52fff", UserID: w.bob, OrgID: w.org})
			if got.Presence != test.want {
				t.Errorf("%+v, want %s", got, test.want)
			}
		})
	}
}

// TestCloudRemedies: what to do is what this gap needs, whatever product or answer it
// came with, and nothing that nobody can do.
func TestCloudRemedies(t *testing.T) {
	for name, mode := range map[string]influxtest.Mode{"TSM": influxtest.CloudTSM, "Serverless": influxtest.CloudServerless} {
		t.Run(name, func(t *testing.T) {
			w := newCloudWorld(t, mode)
			w.cfg.Users[1].Token = secret.Ref{}
			if mode == influxtest.CloudServerless {
				w.cfg.Kind = target.KindServerless
			}
			for _, role := range []string{"members", "owners"} {
				w.faults["/api/v2/orgs/"+w.org+"/"+role] = func(rw http.ResponseWriter, r *http.Request) bool { http.NotFound(rw, r); return true }
			}
			cov, _ := judged(t, w.collect(t))
			said := map[string]string{}
			for _, g := range cov.Gaps {
				said[g.ID] = g.Remedy()
			}
			if fix := said["credential-sees-all/bob"]; fix != "Give it a credential under users" {
				t.Errorf("a user without a credential: %q", fix)
			}
			if fix := said[audit.OwnersConfigured]; (mode == influxtest.CloudTSM) != strings.Contains(fix, "set kind: cloud-serverless") || strings.Contains(fix, "Point url") {
				t.Errorf("members that cannot be read: %q", fix)
			}
			if (mode == influxtest.CloudTSM) != slices.Contains(cov.BlindSpots, audit.MembersUnread) {
				t.Errorf("blind spots %q", cov.BlindSpots)
			}
		})
	}
}

// TestRefusedServerIsNamed: a server that lets nobody in says what it is all the same.
func TestRefusedServerIsNamed(t *testing.T) {
	p := newPlant(t)
	token := p.auditor()
	p.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("X-Influxdb-Build", "OSS")
		return refuse(http.StatusUnauthorized, "unauthorized access")(w, r)
	}
	if cov, _ := p.collect(t, token); cov.Server != "InfluxDB OSS" {
		t.Errorf("server %q", cov.Server)
	}
}
