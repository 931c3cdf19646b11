package runner_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"testing"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/dedicated"
	"tokenaudit/jobs/dedicated/dedicatedtest"
	"tokenaudit/jobs/influxdb1"
	"tokenaudit/jobs/influxdb1/influxdb1test"
	"tokenaudit/jobs/influxdb3"
	"tokenaudit/jobs/influxdb3/influxdb3test"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/target"
)

// oneByOne are the requests by which a review asked for what the list lacks.
func oneByOne(s *audit.Summary) []string {
	out := []string{}
	for _, q := range s.Coverage.Targets[0].Asked {
		if q.What == "authorizations of the previous review that are not in the list, one by one" {
			out = append(out, fmt.Sprint(q.Request, ": ", q.Rows, " ", q.Verdict, ", ", q.Reason))
		}
	}
	return out
}

// TestMissingAskedFor: the coverage claims the requests that were sent, and none for what
// something else proves.
func TestMissingAskedFor(t *testing.T) {
	t.Parallel()
	w := newSources(t)
	w.prod.tokens = tokens("a1", "b2", "c3", "d4", "e5")
	w.review()
	w.prod.tokens = w.prod.tokens[:1]
	answers := map[string]audit.Probe{
		"b2": {Presence: audit.Gone, Request: "GET /tokens/{id}"}, "c3": {Presence: audit.Unseen, Request: "GET /tokens/{id}"},
		"d4": {Presence: audit.Hidden, Request: "GET /legacy/{id}"}, "e5": {Presence: audit.Gone, Evidence: "the list no longer shows it"},
	}
	w.prod.probe = func(_ context.Context, a audit.Authorization) audit.Probe { return answers[a.ID] }
	want := []string{
		"GET /legacy/{id}: 1 complete, 0 no longer exist, 1 exist and are hidden, 0 could not be read",
		"GET /tokens/{id}: 2 partial, 1 no longer exist, 0 exist and are hidden, 1 could not be read",
	}
	if got := oneByOne(w.review()); !slices.Equal(got, want) {
		t.Errorf("asked for were %q, want %q", got, want)
	}
}

// TestMissingOfProducts: of the products after InfluxDB 2, one can be asked for a token.
func TestMissingOfProducts(t *testing.T) {
	t.Setenv("REVIEW_PASSWORD", "correct-horse-battery")
	ref, log := secret.Ref{Env: "REVIEW_PASSWORD"}, slog.New(slog.DiscardHandler)
	db, operator := influxdb3test.New(influxdb3test.Core, "3.8.4")
	db.AddToken(influxdb3test.Token{Name: "x"})
	t.Setenv("REVIEW_OPERATOR", operator)
	old := &influxdb1test.Fake{Username: "root", Password: "correct-horse-battery", Users: []influxdb1test.User{{Name: "root", Admin: true}, {Name: "x", Admin: true}}}
	cluster := dedicatedtest.NewClustered()
	canary, _ := cluster.Create("canary")
	x, _ := cluster.Create("x")
	t.Setenv("REVIEW_CLUSTER", cluster.Credential)
	managed := httptest.NewServer(cluster)
	t.Cleanup(managed.Close)
	servers := map[string]string{}
	for name, s := range map[string]*httptest.Server{"core": httptest.NewServer(db), "v1": httptest.NewServer(old)} {
		t.Cleanup(s.Close)
		servers[name] = s.URL
	}
	for name, test := range map[string]struct {
		source func() (runner.Source, error)
		remove func()
		want   []string
	}{
		"InfluxDB 3": {func() (runner.Source, error) {
			return influxdb3.New(target.Config{Name: "prod", Kind: target.KindCore, URL: servers["core"], Token: secret.Ref{Env: "REVIEW_OPERATOR"}}, log)
		}, func() { db.DeleteToken("x") }, []string{}},
		"InfluxDB 1.x": {func() (runner.Source, error) {
			return influxdb1.New(target.Config{Name: "prod", Kind: target.KindV1, URL: servers["v1"], Username: "root", Password: ref}, log)
		}, func() { old.Users = old.Users[:1] }, []string{}},
		"Clustered": {func() (runner.Source, error) {
			return dedicated.New(target.Config{Name: "prod", Kind: target.KindClustered, URL: managed.URL, Canary: canary, Token: secret.Ref{Env: "REVIEW_CLUSTER"}}, log)
		}, func() { cluster.Remove(x) }, []string{"GET /api/v0/tokens/{id}: 1 complete, 1 no longer exist, 0 exist and are hidden, 0 could not be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSources(t)
			source, err := test.source()
			if err != nil {
				t.Fatal(err)
			}
			w.job.Targets[0].Source = source
			w.review()
			test.remove()
			s := w.review()
			if got := oneByOne(s); !slices.Equal(got, test.want) || s.Authorizations.Gone != 1 {
				t.Errorf("asked for were %q, want %q; %+v", got, test.want, s.Authorizations)
			}
		})
	}
}
