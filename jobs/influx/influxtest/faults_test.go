package influxtest_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tokenaudit/jobs/influx/influxtest"
)

func TestTooManyRequests(t *testing.T) {
	w := newWorld(t)
	w.server.Fault = influxtest.TooManyRequests(2, 30*time.Second)
	for range 2 {
		w.check(t, failure("429", "/api/v2/me", "operator", 429, "too many requests", "exceeded rate limit"))
	}
	w.check(t, ok("then", "/api/v2/me", "operator", 127, "admin"))
	w.server.Fault = influxtest.TooManyRequests(1, 30*time.Second)
	if after := w.ask("/api/v2/me", "operator").Header().Get("Retry-After"); after != "30" {
		t.Errorf("Retry-After: %q", after)
	}
}

func TestAnswer(t *testing.T) {
	w := newWorld(t)
	w.server.Fault = influxtest.Answer("/api/v2/authorizations", 200, "{}")
	if body := w.ask("/api/v2/authorizations?userID={reader}", "operator").Body.String(); body != "{}" {
		t.Errorf("got %s", body)
	}
	w.check(t, ok("others", "/api/v2/me", "operator", 127, "admin"))
}

func TestIgnoreUserID(t *testing.T) {
	w := newWorld(t)
	w.server.Fault = influxtest.IgnoreUserID()
	w.check(t, ok("all", "/api/v2/authorizations?userID={reader}", "operator", 0, all()...))
	w.check(t, ok("others", "/api/v2/authorizations?orgID={globex}&userID={reader}", "operator", 0, "globexWrite", "globexAllAccess"))
}

func TestCutBody(t *testing.T) {
	w := newWorld(t)
	w.server.Fault = w.server.CutBody("/api/v2/authorizations")
	peer := httptest.NewServer(w.server)
	defer peer.Close()
	r, _ := http.NewRequest("GET", peer.URL+"/api/v2/authorizations", nil)
	r.Header.Set("Authorization", "Token "+w.tokens["operator"])
	answer, err := peer.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if answer.StatusCode != 200 || len(body) != 42666/2 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("status %d, %d bytes, error %v", answer.StatusCode, len(body), err)
	}
}
