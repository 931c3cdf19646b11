package influx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/target"
)

// strangers is a server whose list has n tokens of as many users, of whom neither the
// list of users nor the org's members tell, and a target for it.
func strangers(t *testing.T, n int) (*influxtest.Server, *Target) {
	t.Helper()
	s := influxtest.New(influxtest.OSS)
	org, admin := s.AddOrg("acme"), s.AddUser("admin")
	_, token := s.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: admin, Permissions: influxtest.Operator()})
	for i := range n {
		s.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: s.AddUser(fmt.Sprint("stranger ", i))})
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	t.Setenv("TEST_TOKEN", token)
	target, err := New(target.Config{Name: "prod", URL: web.URL, Org: "acme", Token: secret.Ref{Env: "TEST_TOKEN"}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s, target
}

// TestOwnersAreNotAskedForForEver: where users can be asked for one by one only, and
// the server no longer answers, the rest is left.
func TestOwnersAreNotAskedForForEver(t *testing.T) {
	const n = 30
	s, target := strangers(t, n)
	var asked atomic.Int32
	s.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		one := strings.HasPrefix(r.URL.Path, "/api/v2/users/") && !strings.HasSuffix(r.URL.Path, nobody)
		if r.URL.Path != "/api/v2/users" && !one {
			return false
		}
		if one {
			asked.Add(1)
		}
		io.WriteString(w, "<html>")
		return true
	}
	col, err := target.Collect(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer col.Close()
	for a, err := range col.Authorizations {
		if err != nil {
			t.Fatal(err)
		}
		if o := col.Owner(t.Context(), a); o.State == audit.OwnerDeleted {
			t.Errorf("%+v", o)
		}
	}
	if got := asked.Load(); got > api.GiveUp+2 { // two at a time, and the credential's own
		t.Errorf("asked for %d of %d users", got, n)
	}
}

func TestPacerKeepsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, began := api.NewPacer(), time.Now()
		for range 10 * api.PerSecond {
			if err := one.Ask(t.Context(), func() error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 8*time.Second || took > 10*time.Second {
			t.Errorf("%d questions in %s", 10*api.PerSecond, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		for asked := 0; ; asked++ {
			if err := one.Ask(ctx, func() error { return nil }); err == nil {
				continue
			}
			if asked > api.PerSecond+1 || time.Since(began) > time.Second {
				t.Errorf("%d asked in %s, with a second left", asked, time.Since(began))
			}
			return
		}
	})
}

func TestPacerGivesUp(t *testing.T) {
	none, some := errors.New("no answer"), &api.Error{Status: http.StatusNotFound}
	busy := &api.Error{Status: http.StatusServiceUnavailable}
	for name, test := range map[string]struct {
		answers []error
		asked   int
	}{
		"no answers":       {[]error{none, none, none, nil, nil}, api.GiveUp},
		"busy":             {[]error{busy, busy, busy, nil}, api.GiveUp},
		"not in a row":     {[]error{none, none, some, none, none, nil, none, busy}, 8},
		"only in the end":  {[]error{nil, some, none, none, none, nil}, 5},
		"refused for ever": {[]error{some, some, some, some, some}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			one, asked := api.NewPacer(), 0
			for _, answer := range test.answers {
				one.Ask(t.Context(), func() error { asked++; return answer })
			}
			if asked != test.asked {
				t.Errorf("asked %d times, want %d", asked, test.asked)
			}
		})
	}
}

// breaking panics when a request for the path is sent, or its answer is read.
type breaking struct {
	http.RoundTripper
	path    string
	reading bool
}

func (b breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, b.path) {
		return b.RoundTripper.RoundTrip(r)
	}
	if !b.reading {
		panic("broken at " + b.path)
	}
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = brokenBody{resp.Body, b.path}
	}
	return resp, err
}

type brokenBody struct {
	io.ReadCloser
	path string
}

func (b brokenBody) Read([]byte) (int, error) { panic("broken at " + b.path) }

// TestPanicsAreTheCallers: whichever goroutine panics, it is the review that ends, and
// not the process.
func TestPanicsAreTheCallers(t *testing.T) {
	for _, path := range []string{"/me", "/orgs", "/users", "/authorizations", "/metrics", "/members", "/owners"} {
		for name, reading := range map[string]bool{"asking": false, "reading": true} {
			t.Run(path+" "+name, func(t *testing.T) {
				_, target := strangers(t, 3)
				target.client.Through(breaking{http.DefaultTransport, path, reading})
				err := audit.Guard(func() error {
					col, err := target.Collect(t.Context(), func() {})
					if err == nil {
						col.Close()
					}
					return err
				})
				p, ok := errors.AsType[*audit.PanicError](err)
				if !ok || p.Value != "broken at "+path || !strings.Contains(string(p.Stack), "broken") && !strings.Contains(string(p.Stack), "breaking") {
					t.Errorf("err = %v", err)
				}
			})
		}
	}
}

// TestGatewaysAndLimits: answers that take their time to be given up.
func TestGatewaysAndLimits(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]api.Error{
		"is running behind the gateway": {Status: http.StatusServiceUnavailable},
		"at another time":               {Status: http.StatusTooManyRequests, Code: "too many requests"},
		"Allow GET requests":            {Status: http.StatusProxyAuthRequired},
	} {
		if got := remedyOf(&e); !strings.Contains(got, want) {
			t.Errorf("%d: got %q, want %q", e.Status, got, want)
		}
	}
	missing := api.Error{Status: http.StatusUnauthorized, Code: "unauthorized", Message: "read:users/0000000000000001 is unauthorized"}
	if got := remedyOf(&missing); got != "" {
		t.Errorf("a right that is missing is what the premise tells of, not %q", got)
	}
}
