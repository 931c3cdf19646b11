package influxdb1_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influxdb1"
	"tokenaudit/jobs/influxdb1/influxdb1test"
	"tokenaudit/jobs/target"
)

const password = "Pa55 wort: of the-auditor"

// world is a fake server with some users, and the target that reviews it.
type world struct {
	influxdb1test.Fake
	cfg target.Config
}

func newWorld(t *testing.T, change func(*world)) *world {
	t.Helper()
	w := &world{Fake: influxdb1test.Fake{Username: influxdb1test.Admin, Password: password, Users: []influxdb1test.User{
		{Name: influxdb1test.Admin, Admin: true}, {Name: "canary"}, {Name: "alice", Grants: map[string]string{"db": "WRITE"}}, {Name: "bob", Grants: map[string]string{"db": "READ"}},
	}}}
	web := httptest.NewServer(w)
	t.Cleanup(web.Close)
	w.cfg = configured(web.URL, password)
	w.cfg.Canary = "canary"
	change(w)
	return w
}

// answering answers one statement in this way.
func answering(statement string, status int, text string) func(*world) {
	return func(w *world) {
		w.Fault = func(rw http.ResponseWriter, r *http.Request, asked string) bool {
			if _, _, given := r.BasicAuth(); asked != statement || !given {
				return false
			}
			rw.WriteHeader(status)
			_, _ = rw.Write([]byte(text))
			return true
		}
	}
}

// instead answers one statement with this text, and 200.
func instead(statement, text string) func(*world) { return answering(statement, http.StatusOK, text) }

// anonymously answers requests without a password in this way.
func anonymously(status int, text string) func(*world) {
	return func(w *world) {
		w.Fault = func(rw http.ResponseWriter, r *http.Request, asked string) bool {
			if _, _, given := r.BasicAuth(); given || asked == "" {
				return false
			}
			rw.WriteHeader(status)
			_, _ = rw.Write([]byte(text))
			return true
		}
	}
}

// changing has another user in every list.
func changing(most int) func(*world) {
	return func(w *world) {
		lists := 0
		w.Fault = func(rw http.ResponseWriter, r *http.Request, asked string) bool {
			if _, _, given := r.BasicAuth(); asked == "SHOW USERS" && given && lists < most {
				lists++
				w.Users = append(w.Users[:4:4], influxdb1test.User{Name: fmt.Sprintf("user %d", lists)})
			}
			return false
		}
	}
}

const (
	users       = "SHOW USERS"
	aliceGrants = `SHOW GRANTS FOR "alice"`
)

// TestPremises lets each premise of the product fail, in each way in which it may: the
// verdict, and the gap that says so.
func TestPremises(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(*world)
		verdict audit.Verdict
		gap     string // empty for none
		reason  string // a part of it
	}{
		{"all is well", func(*world) {}, audit.Complete, "", ""},
		{"authentication is off", func(w *world) { w.NoAuth = true }, audit.Complete, "", ""},
		{"authentication is off, and the user is no admin", func(w *world) { w.NoAuth, w.Users[0].Admin = true, false }, audit.Complete, "", ""},
		{"grants that failed while a user came", func(w *world) {
			changing(2)(w)
			came := w.Fault
			failed := false
			w.Fault = func(rw http.ResponseWriter, r *http.Request, asked string) bool {
				if asked == aliceGrants && !failed {
					failed = true
					influxdb1test.Answer(rw, http.StatusInternalServerError, nil)
					return true
				}
				return came(rw, r, asked)
			}
		}, audit.Complete, "", ""},
		{"no canary is configured", func(w *world) { w.cfg.Canary = "" }, audit.Complete, "", ""},
		{"a user came while grants were read", changing(2), audit.Complete, "", ""},
		{"a version that is not known", func(w *world) { w.Version = "unknown" }, audit.Complete, "", ""},

		{"answers that are cut twice", func(w *world) {
			cuts := map[string]int{}
			w.Fault = func(rw http.ResponseWriter, r *http.Request, asked string) bool {
				if _, _, given := r.BasicAuth(); asked != users && asked != aliceGrants || !given {
					return false
				}
				if cuts[asked]++; cuts[asked] < 3 {
					_, _ = rw.Write([]byte(`{"results":[{"series":[{"columns":["user","admin"],"values":[["nobody",true]`))
				}
				return cuts[asked] < 3
			}
		}, audit.Complete, "", ""},

		{"the secret is missing", func(w *world) { w.cfg.Password = secret.Ref{Env: "TOKENAUDIT_NOT_SET"} }, audit.NotKnown, audit.CredentialActive, "nothing was requested"},
		{"the password is wrong", func(w *world) { w.Password = "another" }, audit.NotKnown, audit.CredentialActive, "authorization failed"},
		{"the user is no admin", answering(users, http.StatusForbidden, `{"error":"error authorizing query: auditor not authorized to execute statement 'SHOW USERS', requires admin privilege"}`), audit.NotKnown, audit.CredentialSeesAll, "requires admin privilege"},
		{"a proxy wants a password of its own", answering(users, http.StatusProxyAuthRequired, `<html>`), audit.NotKnown, audit.ListWhole, "407"},
		{"a proxy forbids it", answering(users, http.StatusForbidden, `<html>`), audit.NotKnown, audit.ListWhole, "403"},
		{"a proxy refuses requests without a password", anonymously(http.StatusForbidden, "no"), audit.Partial, audit.CredentialActive, "403"},
		{"a proxy wants a password, whatever InfluxDB does", anonymously(http.StatusUnauthorized, `{"error":"who are you"}`), audit.Partial, audit.CredentialActive, "401 who are you"},
		{"without a password the server fails", anonymously(http.StatusInternalServerError, ``), audit.Partial, audit.CredentialActive, "500"},
		{"the user is not an admin in its own list", func(w *world) { w.Users[0].Admin = false }, audit.Partial, audit.CredentialSeesAll, "contradict"},
		{"the user is not in its own list", func(w *world) { w.Users = w.Users[1:] }, audit.Partial, audit.OwnCredentialShown, "does not show the user auditor"},
		{"authentication is off, and the user does not exist", func(w *world) { w.NoAuth, w.Users = true, w.Users[1:] }, audit.Partial, audit.OwnCredentialShown, "does not show the user auditor"},
		{"authentication is off, and there is no user", func(w *world) { w.NoAuth, w.Users, w.cfg.Canary = true, nil, "" }, audit.NotKnown, audit.OwnCredentialShown, "proves nothing"},
		{"the canary was dropped", func(w *world) { w.Users = slices.Delete(w.Users, 1, 2) }, audit.Partial, audit.CanaryListed, "the canary canary is not in the list"},
		{"the list is cut by the server", instead(users, `{"results":[{"series":[{"columns":["user","admin"],"values":[["auditor",true]],"partial":true}]}]}`), audit.NotKnown, audit.ListWhole, "left rows out"},
		{"the list is cut on its way", instead(users, `{"results":[{"series":[{"columns":["user","admin"],"values":[["auditor",true],`), audit.NotKnown, audit.ListWhole, "unexpected EOF"},
		{"an error in a 200", instead(users, `{"results":[{"statement_id":0,"error":"timeout"}]}`), audit.NotKnown, audit.ListWhole, "200 timeout"},
		{"a column is missing", instead(users, `{"results":[{"series":[{"columns":["user"],"values":[["auditor"]]}]}]}`), audit.NotKnown, audit.ListWhole, `no column "admin"`},
		{"a row has no name", instead(users, `{"results":[{"series":[{"columns":["user","admin"],"values":[["auditor",true],[7,false]]}]}]}`), audit.NotKnown, audit.ListWhole, "has no name"},
		{"the list of another product", instead(users, `{"authorizations":[]}`), audit.NotKnown, audit.ListWhole, "0 results"},
		{"a page of a proxy", func(w *world) {
			w.Fault = func(rw http.ResponseWriter, _ *http.Request, _ string) bool {
				rw.Header().Set("Content-Type", "text/html")
				_, _ = rw.Write([]byte("<html>"))
				return true
			}
		}, audit.NotKnown, audit.ListWhole, "web page"},
		{"the list is not there", answering(users, http.StatusNotFound, "404 page not found"), audit.NotKnown, audit.ListWhole, "404"},
		{"the server fails", answering(users, http.StatusInternalServerError, ""), audit.NotKnown, audit.ListWhole, "500"},
		{"the list comes from a cache", func(w *world) {
			w.Fault = func(rw http.ResponseWriter, r *http.Request, _ string) bool {
				if _, _, given := r.BasicAuth(); given {
					rw.Header().Set("Age", "7")
				}
				return false
			}
		}, audit.Partial, audit.ListWhole, "Age: 7"},
		{"a cache gives the list to everybody", func(w *world) {
			w.Fault = func(rw http.ResponseWriter, r *http.Request, _ string) bool {
				if _, _, given := r.BasicAuth(); given {
					return false
				}
				rw.Header().Set("X-Cache", "HIT")
				influxdb1test.Table(rw, []string{"user", "admin"}, [][]any{{"auditor", true}})
				return true
			}
		}, audit.Partial, audit.CredentialActive, "from a cache"},
		{"users change all the time", changing(100), audit.Partial, audit.ListsAgree, "3 times in a row"},
		{"the list cannot be had again", func(w *world) {
			lists := 0
			w.Fault = func(rw http.ResponseWriter, r *http.Request, asked string) bool {
				if _, _, given := r.BasicAuth(); asked == users && given {
					lists++
				}
				if lists == 2 {
					influxdb1test.Answer(rw, http.StatusInternalServerError, map[string]any{"error": "too late"})
				}
				return lists == 2
			}
		}, audit.Partial, audit.ListsAgree, "too late"},
		{"a user is there twice", func(w *world) { w.Users = append(w.Users, influxdb1test.User{Name: "alice", Admin: true}) }, audit.Partial, audit.ListsAgree, "the user alice twice"},
		{"the flag of an admin is a text", instead(users, `{"results":[{"series":[{"columns":["user","admin"],"values":[["auditor",true],["canary","false"]]}]}]}`), audit.Partial, audit.RowsReadable, "user/canary"},
		{"the flag of an admin is a number", instead(users, `{"results":[{"series":[{"columns":["user","admin"],"values":[["auditor",true],["canary",0]]}]}]}`), audit.Partial, audit.RowsReadable, "user/canary"},
		{"a privilege that nobody knows", func(w *world) { w.Users[2].Grants = map[string]string{"db": "DELETE"} }, audit.Partial, audit.RowsReadable, "user/alice"},
		{"a privilege in small letters", func(w *world) { w.Users[2].Grants = map[string]string{"db": "read"} }, audit.Partial, audit.RowsReadable, "user/alice"},
		{"a privilege that is a number", instead(aliceGrants, `{"results":[{"series":[{"columns":["database","privilege"],"values":[["db",1]]}]}]}`), audit.Partial, audit.RowsReadable, "user/alice"},
		{"a database that is a number", instead(aliceGrants, `{"results":[{"series":[{"columns":["database","privilege"],"values":[[1,"READ"]]}]}]}`), audit.Partial, audit.RowsReadable, "user/alice"},
		{"the grants of a user are refused", answering(aliceGrants, http.StatusForbidden, `{"error":"no"}`), audit.Partial, audit.RowsReadable, "403 no"},
		{"the grants of a user are an error in a 200", instead(aliceGrants, `{"results":[{"statement_id":0,"error":"user not found"}]}`), audit.Partial, audit.RowsReadable, "user not found"},
		{"the grants of a user are cut", instead(aliceGrants, `{"results":[{"series":[{"columns":["database","privilege"],"values":[["db","READ"]`), audit.Partial, audit.RowsReadable, "unexpected EOF"},
		{"a name that InfluxDB cannot have", func(w *world) { w.Users = append(w.Users, influxdb1test.User{Name: "a\x00\rb"}) }, audit.Partial, audit.RowsReadable, "cannot have a user"},
		{"a name that is too long for a request", func(w *world) { w.Users = append(w.Users, influxdb1test.User{Name: strings.Repeat("日", 200_000)}) }, audit.Partial, audit.RowsReadable, "431"},
		{"another product", func(w *world) { w.Version = "v2.7.1" }, audit.Partial, audit.ProductKnown, "InfluxDB OSS v2.7.1"},
		{"InfluxDB Enterprise 1.x", func(w *world) { w.Build, w.Version = "ENT", "1.11.8-c1.11.8" }, audit.Partial, audit.ProductKnown, "It has roles"},
		{"a build that nobody knows", func(w *world) { w.Build = "other" }, audit.Partial, audit.ProductKnown, "X-Influxdb-Build is other"},
		{"a proxy leaves the headers out", func(w *world) { w.Build, w.Version = "-", "-" }, audit.Partial, audit.ProductKnown, "X-Influxdb-Version is missing"},
	}
	failed := map[string]bool{audit.TargetReviewed: true, audit.OwnersKnown: true} // see the runner, and audit.Coverage
	for _, test := range tests {
		failed[test.gap] = true
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cov, got := collect(t, newWorld(t, test.change).cfg)
			if cov.Verdict != test.verdict {
				t.Errorf("the verdict is %s, not %s: %+v", cov.Verdict, test.verdict, cov.Gaps)
			}
			if (cov.Verdict == audit.NotKnown && test.gap != audit.OwnCredentialShown) != (len(got) == 0) {
				t.Errorf("%d records", len(got))
			}
			if test.gap == "" {
				return
			}
			at := slices.IndexFunc(cov.Gaps, func(g audit.Gap) bool { return g.ID == test.gap && strings.Contains(g.Reason, test.reason) })
			if at < 0 {
				t.Fatalf("no gap %s with %q: %+v", test.gap, test.reason, cov.Gaps)
			}
			for _, g := range cov.Gaps {
				if g.ID != test.gap && test.gap != audit.OwnCredentialShown {
					t.Errorf("a gap for another premise: %+v", g)
				}
				if len(g.Reason) > 1000 || g.Remedy() == "" {
					t.Errorf("the reason is too long, or without a remedy: %d bytes, %q", len(g.Reason), g.Remedy())
				}
			}
		})
	}
	cov, _ := collect(t, newWorld(t, func(*world) {}).cfg)
	for _, p := range cov.Premises {
		switch {
		case p.State == audit.Holds && !failed[p.ID]:
			t.Errorf("premise %s holds, and in no test it does not", p.ID)
		case p.State == audit.Fails:
			t.Errorf("premise %s does not hold", p.ID)
		}
	}
	for id := range failed {
		if id != "" && !slices.ContainsFunc(cov.Premises, func(p audit.Premise) bool { return p.ID == id }) && id != audit.TargetReviewed && id != audit.OwnersKnown {
			t.Errorf("premise %s is not among those of a complete review", id)
		}
	}
}

// TestWhatIsNotListedIsGone only where the list is proven to be whole.
func TestWhatIsNotListedIsGone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*world)
		want   audit.Presence
	}{
		"the list is whole":               {func(w *world) { w.Users = slices.Delete(w.Users, 2, 3) }, audit.Gone},
		"authentication is off":           {func(w *world) { w.NoAuth, w.Users = true, slices.Delete(w.Users, 2, 3) }, audit.Gone},
		"the user that asks is not in it": {func(w *world) { w.Users = w.Users[1:2] }, audit.Unseen},
		"it is empty":                     {func(w *world) { w.NoAuth, w.Users = true, nil }, audit.Unseen},
		"it cannot be read":               {instead(users, `{"results":[]}`), audit.Unseen},
		"it changes": {func(w *world) {
			w.Users = slices.Delete(w.Users, 2, 3)
			w.Users = append(w.Users, influxdb1test.User{Name: "z"})
			changing(100)(w)
		}, audit.Unseen},
		"it comes from a cache": {func(w *world) {
			w.Users = slices.Delete(w.Users, 2, 3)
			w.Fault = func(rw http.ResponseWriter, r *http.Request, _ string) bool {
				if _, _, given := r.BasicAuth(); given {
					rw.Header().Set("Age", "800000")
				}
				return false
			}
		}, audit.Unseen},
		"the canary is not in it": {func(w *world) { w.Users = slices.Delete(w.Users, 1, 3) }, audit.Unseen},
		"the user that asks is no admin in it": {func(w *world) {
			w.Users = slices.Delete(w.Users, 2, 3)
			w.Users[0].Admin = false
		}, audit.Unseen},
		"its grants cannot be read":    {instead(aliceGrants, `{"results":[]}`), audit.Listed},
		"the password is not accepted": {func(w *world) { w.Password = "another" }, audit.Unseen},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(*world) {})
			_, before := review(t, w.cfg, nil, time.Now())
			test.change(w)
			_, after := review(t, w.cfg, before, time.Now())
			for _, r := range after {
				if r.User == "alice" && r.Presence != test.want {
					t.Errorf("alice is %s (%s), not %s", r.Presence, r.Evidence, test.want)
				}
			}
		})
	}
}

// TestUsersThatWent while grants were read are no part of the review, as little as their
// grants are.
func TestUsersThatWent(t *testing.T) {
	t.Parallel()
	_, got := collect(t, newWorld(t, changing(2)).cfg)
	if slices.Contains(got, "user/user%201: ") || !slices.Contains(got, "user/user%202: ") {
		t.Errorf("%q", got)
	}
}

// TestServerFindingStands until InfluxDB itself refuses a request without a password.
func TestServerFindingStands(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*world)
		want   audit.Presence
	}{
		"authentication is on":        {func(*world) {}, audit.Gone},
		"it is off":                   {func(w *world) { w.NoAuth = true }, audit.Listed},
		"a proxy refuses the request": {anonymously(http.StatusForbidden, "no"), audit.Unseen},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, before := review(t, newWorld(t, func(w *world) { w.NoAuth = true }).cfg, nil, time.Now())
			_, after := review(t, newWorld(t, test.change).cfg, before, time.Now())
			if r := after[0]; r.ID != audit.ServerID || r.Presence != test.want {
				t.Errorf("%s is %s, not %s", r.ID, r.Presence, test.want)
			}
		})
	}
}

// TestWhoRefusesTheCredential: only InfluxDB itself can, no proxy.
func TestWhoRefusesTheCredential(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change  func(*world)
		refused bool
	}{
		"InfluxDB":                  {func(w *world) { w.Password = "another" }, true},
		"a proxy, in its own words": {answering(users, http.StatusUnauthorized, `{"error":"who are you"}`), false},
		"a cache": {func(w *world) {
			w.Fault = func(rw http.ResponseWriter, r *http.Request, _ string) bool {
				if _, _, given := r.BasicAuth(); !given {
					return false
				}
				rw.Header().Set("Age", "60")
				influxdb1test.Answer(rw, http.StatusUnauthorized, map[string]any{"error": "authorization failed"})
				return true
			}
		}, false},
		"a cache lets it in": {func(w *world) {
			w.Fault = func(rw http.ResponseWriter, r *http.Request, _ string) bool {
				if _, _, given := r.BasicAuth(); given {
					rw.Header().Set("Age", "60")
				}
				return false
			}
		}, false},
		"a proxy, by 401": {answering(users, http.StatusUnauthorized, "<html>"), false},
		"a proxy, by 403": {answering(users, http.StatusForbidden, "<html>"), false},
		"nobody":          {answering(users, http.StatusInternalServerError, ""), false},
	} {
		cov, _ := collect(t, newWorld(t, test.change).cfg)
		if c := cov.Credentials[0]; c.Accepted || c.Refused != test.refused || c.Answer == "" {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// TestNothingCanBeAskedAbout where no list was given.
func TestNothingCanBeAskedAbout(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*world)
		want   bool
	}{
		"the list is whole":     {func(*world) {}, true},
		"there is no list":      {answering(users, http.StatusInternalServerError, ""), false},
		"an empty list is none": {func(w *world) { w.NoAuth, w.Users = true, nil }, false},
	} {
		reviewed, err := influxdb1.New(newWorld(t, test.change).cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		col, err := reviewed.Collect(t.Context(), func() {})
		if err != nil {
			t.Fatal(err)
		}
		col.Close()
		if got := col.Probe != nil; got != test.want || col.Scope.AllVisible != test.want {
			t.Errorf("%s: may be asked: %t, all is visible: %t", name, got, col.Scope.AllVisible)
		}
	}
}

// TestWhatIsSaidTwice counts where it gives more.
func TestWhatIsSaidTwice(t *testing.T) {
	t.Parallel()
	for _, order := range [][]influxdb1test.User{{{Name: "bob", Admin: true}, {Name: "bob"}}, {{Name: "bob"}, {Name: "bob", Admin: true}}} {
		_, got := collect(t, newWorld(t, func(w *world) { w.Users = append(w.Users[:1], order...) }).cfg)
		if want := "user/bob: read:/instance write:/instance"; !slices.Contains(got, want) {
			t.Errorf("%v: %q, without %q", order, got, want)
		}
	}
}

// TestAdminsCountWithoutGrants: that a user is an admin is known, whatever becomes of its
// grants.
func TestAdminsCountWithoutGrants(t *testing.T) {
	t.Parallel()
	_, got := collect(t, newWorld(t, instead(`SHOW GRANTS FOR "auditor"`, `{"results":[]}`)).cfg)
	if want := "user/auditor: read:/instance write:/instance grants not known:/"; !slices.Contains(got, want) {
		t.Errorf("%q, without %q", got, want)
	}
}

func TestRecognise(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*world)
		want   bool
	}{
		"InfluxDB 1.8":                 {func(*world) {}, true},
		"InfluxDB 1.6 of Debian":       {func(w *world) { w.Version = "1.6.7~rc0" }, true},
		"InfluxDB Enterprise 1.x":      {func(w *world) { w.Build, w.Version = "ENT", "1.11.8-c1.11.8" }, true},
		"with a v":                     {func(w *world) { w.Version = "v1.11.8" }, true},
		"InfluxDB 2":                   {func(w *world) { w.Version = "v2.7.1" }, false},
		"InfluxDB 3":                   {func(w *world) { w.Build, w.Version = "Core", "3.1.0" }, false},
		"a version that begins alike":  {func(w *world) { w.Version = "10.1" }, false},
		"a version that is not known":  {func(w *world) { w.Version = "unknown" }, false},
		"no version":                   {func(w *world) { w.Version = "-" }, false},
		"/ping wants a password":       {ping(http.StatusUnauthorized), true},
		"/ping is not there":           {ping(http.StatusNotFound), false},
		"/ping answers in another way": {ping(http.StatusOK), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.change)
			fault := w.Fault
			w.Fault = func(rw http.ResponseWriter, r *http.Request, asked string) bool {
				if r.URL.Path != "/ping" || r.Header.Get("Authorization") != "" {
					t.Errorf("asked for %s with %q", r.URL, r.Header.Get("Authorization"))
				}
				return fault != nil && fault(rw, r, asked)
			}
			reviewed, err := influxdb1.New(w.cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			if got := reviewed.Recognise(t.Context()); got != test.want {
				t.Errorf("recognised: %t", got)
			}
		})
	}
}

func ping(status int) func(*world) {
	return func(w *world) {
		w.Fault = func(rw http.ResponseWriter, r *http.Request, _ string) bool {
			rw.WriteHeader(status)
			return true
		}
	}
}

func TestSourceIsTheURL(t *testing.T) {
	t.Parallel()
	cov, _ := collect(t, newWorld(t, func(*world) {}).cfg)
	if len(cov.Sources) != 1 || !strings.HasPrefix(cov.Sources[0], "server/url-") || len(cov.Sources[0]) != len("server/url-0123456789abcdef") {
		t.Errorf("sources %q", cov.Sources)
	}
	if cov.Product != audit.ProductV1 {
		t.Errorf("the product is %q", cov.Product)
	}
	if cov.ServerDate.IsZero() {
		t.Error("the clock of the server is not known")
	}
	other, _ := collect(t, newWorld(t, func(w *world) { w.cfg.URL += "/" }).cfg)
	same := newWorld(t, func(*world) {})
	plain, _ := collect(t, same.cfg)
	same.cfg.URL += "/"
	slash, _ := collect(t, same.cfg)
	if plain.Sources[0] != slash.Sources[0] || plain.Sources[0] == other.Sources[0] {
		t.Errorf("sources %q, with a slash %q, of another server %q", plain.Sources, slash.Sources, other.Sources)
	}
}
