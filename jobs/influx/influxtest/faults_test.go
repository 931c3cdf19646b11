package influxtest_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/influx/influxtest/conformance"
)

func TestTooManyRequests(t *testing.T) {
	w := newFake(t)
	w.server.Fault = influxtest.TooManyRequests(2, 30*time.Second)
	for range 2 {
		w.Check(t, conformance.Failure("429", "/api/v2/me", "operator", 429, "too many requests", "exceeded rate limit"))
	}
	w.Check(t, conformance.OK("then", "/api/v2/me", "operator", "admin"))
	w.server.Fault = influxtest.TooManyRequests(1, 30*time.Second)
	if after := w.get("/api/v2/me", "operator").Header().Get("Retry-After"); after != "30" {
		t.Errorf("Retry-After: %q", after)
	}
}

func TestAnswer(t *testing.T) {
	w := newFake(t)
	w.server.Fault = influxtest.Answer("/api/v2/authorizations", 200, "{}")
	if body := w.get("/api/v2/authorizations?userID={reader}", "operator").Body.String(); body != "{}" {
		t.Errorf("got %s", body)
	}
	w.Check(t, conformance.OK("others", "/api/v2/me", "operator", "admin"))
}

func TestIgnoreUserID(t *testing.T) {
	w := newFake(t)
	w.server.Fault = influxtest.IgnoreUserID()
	w.Check(t, conformance.OK("all", "/api/v2/authorizations?userID={reader}", "operator", conformance.Everything()...))
	w.Check(t, conformance.OK("others", "/api/v2/authorizations?orgID={globex}&userID={reader}", "operator", "globexWrite", "globexAllAccess"))
}

func TestCutBody(t *testing.T) {
	w := newFake(t)
	whole := w.get("/api/v2/authorizations", "operator").Body.Len()
	w.server.Fault = w.server.CutBody("/api/v2/authorizations")
	peer := httptest.NewServer(w.server)
	defer peer.Close()
	r, _ := http.NewRequest("GET", peer.URL+"/api/v2/authorizations", nil)
	r.Header.Set("Authorization", "Token "+w.Tokens["operator"])
	answer, err := peer.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if answer.StatusCode != 200 || len(body) != whole/2 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("status %d, %d of %d bytes, error %v", answer.StatusCode, len(body), whole, err)
	}
}
