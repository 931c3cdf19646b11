package influxtest_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/influx/influxtest/conformance"
)

func TestConformance(t *testing.T) { conformance.Run(t, conformance.Fake) }

// fake is a fake that is filled as the recorded server was.
type fake struct {
	*conformance.World
	server *influxtest.Server
}

func newFake(t *testing.T) fake {
	t.Helper()
	w := conformance.New(t, true, conformance.Fake)[0]
	return fake{w, w.Server.(*influxtest.Server)}
}

func (f fake) get(path, as string) *httptest.ResponseRecorder {
	return f.Send(conformance.Exchange{Path: path, As: as})
}

// What InfluxDB does with these is not the fake's business: no body, nothing changed.
func TestOnlyGET(t *testing.T) {
	f := newFake(t)
	for _, method := range []string{"HEAD", "POST", "PATCH", "PUT", "DELETE"} {
		answer := f.Send(conformance.Exchange{Method: method, Path: conformance.AuthorizationsPath + "/{activeWrite}", As: "operator"})
		if answer.Code != http.StatusMethodNotAllowed || answer.Body.Len() != 0 {
			t.Errorf("%s: %d %q, want 405 and no body", method, answer.Code, answer.Body)
		}
	}
	f.Check(t, conformance.OK("T39", conformance.AuthorizationsPath+"/{activeWrite}", "operator", "activeWrite"))
}

func TestRequestsAreRecordedWithoutHeaders(t *testing.T) {
	f := newFake(t)
	f.get("/api/v2/users?limit=100", "operator")
	f.get("/api/v2/me", "operator")
	want := []string{"GET /api/v2/users?limit=100", "GET /api/v2/me"}
	if got := f.server.Requests(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// T127
func TestHealth(t *testing.T) {
	if body := newFake(t).get("/health", "").Body.String(); !strings.Contains(body, `"status":"pass"`) {
		t.Errorf("health: %s", body)
	}
}

// Tests look for this prefix in everything that the product writes.
func TestTokensAreCanaries(t *testing.T) {
	for name, token := range newFake(t).Tokens {
		if name != "unknown" && !strings.HasPrefix(token, "canary-token-") {
			t.Errorf("the token of %s: %q", name, token)
		}
	}
}

// A client that reads slowly must not keep others waiting, nor block changes.
func TestChangesWhileAListIsWritten(t *testing.T) {
	f := newFake(t)
	r := httptest.NewRequest("GET", conformance.AuthorizationsPath, nil)
	r.Header.Set("Authorization", "Token "+f.Tokens["operator"])
	writes := 0
	f.server.Generate(f.IDs["acme"], 500)
	f.server.ServeHTTP(&interruptingWriter{httptest.NewRecorder(), func() {
		writes++
		f.AddUser(strings.Repeat("x", writes))
	}}, r)
	if writes < 2 {
		t.Errorf("the list came in %d pieces", writes)
	}
}

type interruptingWriter struct {
	*httptest.ResponseRecorder
	interrupt func()
}

func (w *interruptingWriter) Write(b []byte) (int, error) {
	w.interrupt()
	return w.ResponseRecorder.Write(b)
}
