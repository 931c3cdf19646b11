package influx_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/target"
)

// heard is a server that remembers what it sent, by request.
type heard struct {
	http.Handler
	mu     sync.Mutex
	bodies map[string][]string
}

func (h *heard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := httptest.NewRecorder()
	h.Handler.ServeHTTP(rec, r)
	h.mu.Lock()
	request := "GET " + r.URL.RequestURI()
	h.bodies[request] = append(h.bodies[request], rec.Body.String())
	h.mu.Unlock()
	for key, values := range rec.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// TestEveryRequestIsEvidence: what a review asked, which credential it asked with, and
// what came back, also of questions that are put while tokens are walked.
func TestEveryRequestIsEvidence(t *testing.T) {
	p := newPlant(t)
	h := &heard{Handler: p, bodies: map[string][]string{}}
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	t.Setenv("TEST_TOKEN", p.auditor())
	t.Setenv("TEST_IOT", p.credential(p.iot, influxtest.Active, influxtest.AllAccess(p.acme, p.iot)))
	cfg := target.Config{
		Name: "prod", URL: web.URL, Org: "acme", Token: secret.Ref{Env: "TEST_TOKEN"},
		Users: []target.User{{Name: "iot_user_1", Token: secret.Ref{Env: "TEST_IOT"}}, {Name: "leaver"}},
	}
	target, err := influx.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second review tells of its own requests
		before := len(p.Requests())
		col, err := target.Collect(t.Context(), func() {})
		if err != nil {
			t.Fatal(err)
		}
		col.Probe(t.Context(), audit.Authorization{ID: "00000000000000aa"})
		requests := col.Requests()
		col.Close()
		var got []string
		byRequest := map[string]audit.Request{}
		for _, r := range requests {
			got = append(got, r.Request)
			byRequest[r.Request] = r
			if r.At.IsZero() || r.ServerDate.IsZero() || !slices.ContainsFunc(h.bodies[r.Request], func(body string) bool { return r.SHA256 == sumOf(body) }) {
				t.Errorf("%+v: want its times and the hash of one of %q", r, h.bodies[r.Request])
			}
		}
		want := p.Requests()[before:]
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-sent +kept:\n%s", diff)
		}
		for request, want := range map[string]audit.Request{
			"GET /api/v2/authorizations?orgID=" + p.acme:                      {Credential: "the target", Status: 200, Rows: 4},
			"GET /api/v2/authorizations?orgID=" + p.acme + "&userID=" + p.iot: {Credential: "user iot_user_1", Status: 200, Rows: 2},
			"GET /api/v2/users?limit=100&offset=0":                            {Credential: "the target", Status: 200, Rows: 3},
			"GET /api/v2/orgs/" + p.acme + "/members":                         {Credential: "the target", Status: 200, Rows: 2},
			"GET /api/v2/orgs?org=acme":                                       {Credential: "the target", Status: 200, Rows: 1},
			"GET /api/v2/authorizations/00000000000000aa":                     {Credential: "the target", Status: 404},
			"GET /api/v2/users/0000000000000001":                              {Credential: "the target", Status: 404},
			"GET /metrics":                                                    {Credential: "the target", Status: 200},
		} {
			r := byRequest[request]
			if r.Credential != want.Credential || r.Status != want.Status || r.Rows != want.Rows {
				t.Errorf("%s: %+v, want %+v", request, r, want)
			}
		}
	}
}

// TestRepeatedRequestsAreEvidence: one that is sent again is there with each answer, and
// one without an answer with the reason, also where the review was broken off.
func TestRepeatedRequestsAreEvidence(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	token := p.auditor()
	ctx, end := context.WithCancelCause(t.Context())
	var seen atomic.Int32
	p.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		n := seen.Add(1)
		if n == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		if n == 3 {
			end(errors.New("no more time"))
			<-r.Context().Done()
			return true
		}
		return false
	}
	web := httptest.NewServer(p)
	defer web.Close()
	target, err := influx.New(target.Config{Name: "prod", URL: web.URL, Org: "acme", Token: secret.InMemory(token)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	col, err := target.Collect(ctx, func() {})
	if err == nil {
		t.Fatal("the review went on")
	}
	requests := col.Requests()
	if len(requests) < 3 || requests[0].Status != 503 || requests[1].Status != 200 || requests[0].Request != requests[1].Request || !slices.ContainsFunc(requests[2:], func(r audit.Request) bool { return strings.Contains(r.Error, "no more time") }) { // several are on their way
		t.Errorf("%+v", requests)
	}
}

// TestHashesAreOverNoSecret: what was received is hashed as it is, but for the values of
// tokens, and for the credential where a proxy repeats it.
func TestHashesAreOverNoSecret(t *testing.T) {
	p := newPlant(t)
	p.ClearTokens = true
	h := &heard{Handler: p, bodies: map[string][]string{}}
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	token := p.auditor()
	target, err := influx.New(target.Config{Name: "prod", URL: web.URL, Org: "acme", Token: secret.InMemory(token)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	p.Fault = influxtest.Answer("/api/v2/orgs/"+p.acme+"/owners", 403, `{"code":"forbidden","message":"Token `+token+`"}`)
	col, err := target.Collect(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer col.Close()
	hashes := map[string]string{}
	for _, r := range col.Requests() {
		hashes[r.Request] = r.SHA256
	}
	list := "GET /api/v2/authorizations?orgID=" + p.acme
	owners := "GET /api/v2/orgs/" + p.acme + "/owners"
	if hashes[list] == sumOf(h.bodies[list][0]) || hashes[list] != sumOf(withoutValues(t, h.bodies[list][0])) {
		t.Error("the hash of the list is over the values of tokens, or over something else")
	}
	if hashes[owners] != sumOf(strings.ReplaceAll(h.bodies[owners][0], token, "[redacted]")) {
		t.Error("the hash of an error is over the credential that it repeats, or over something else")
	}
	for _, a := range col.Coverage.Asked {
		if a.Request == list && a.SHA256 != hashes[list] {
			t.Errorf("the coverage has another hash: %s", a.SHA256)
		}
	}
}

// withoutValues is the text of a list with "" for every token, as an auditor would make it.
func withoutValues(t *testing.T, text string) string {
	t.Helper()
	var list struct {
		Authorizations []struct{ Token string }
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	for _, a := range list.Authorizations {
		text = strings.ReplaceAll(text, `"`+a.Token+`"`, `""`)
	}
	return text
}

// TestForgetsWhatAnEarlierReviewHeard: an answer out of a cache is a gap of the review that
// had it, and of no later one of the same process.
func TestForgetsWhatAnEarlierReviewHeard(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	token := p.auditor()
	web := httptest.NewServer(p)
	defer web.Close()
	target, err := influx.New(target.Config{Name: "prod", URL: web.URL, Org: "acme", Token: secret.InMemory(token)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	cached := true
	p.Fault = func(w http.ResponseWriter, _ *http.Request) bool {
		if cached {
			w.Header().Set("Age", "600")
		}
		return false
	}
	for _, want := range []bool{true, false} {
		cached = want
		col, err := target.Collect(t.Context(), func() {})
		if err != nil {
			t.Fatal(err)
		}
		got := slices.ContainsFunc(col.Coverage.Gaps, func(g audit.Gap) bool { return strings.Contains(g.Reason, "came from a cache") })
		if col.Close(); got != want {
			t.Errorf("a gap by a cache: %v, want %v", got, want)
		}
	}
}
