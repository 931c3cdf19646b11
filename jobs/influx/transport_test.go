package influx_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/target"
)

// traffic counts as the metrics do.
type traffic struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *traffic) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[what]++
}

func (c *traffic) Request(target string, status int) { c.add(fmt.Sprint(target, " ", status)) }
func (c *traffic) Retry(target string)               { c.add(target + " again") }

func TestTrafficIsCountedAndLogged(t *testing.T) {
	p := newPlant(t)
	t.Setenv("TEST_TOKEN", p.auditor())
	p.Fault = influxtest.TooManyRequests(2, time.Second)
	web := httptest.NewServer(p)
	defer web.Close()
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	target, err := influx.New(target.Config{Name: "prod", URL: web.URL, Org: "acme", Token: secret.Ref{Env: "TEST_TOKEN"}}, log)
	if err != nil {
		t.Fatal(err)
	}
	counts := &traffic{counts: map[string]int{}}
	target.Count(counts)
	run := audit.Run{Job: "weekly", Slot: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	col, err := target.Collect(audit.WithRun(t.Context(), run), func() {})
	if err != nil {
		t.Fatal(err)
	}
	col.Close()
	if c := counts.counts; c["prod 429"] != 2 || c["prod again"] != 2 || c["prod 200"] == 0 {
		t.Errorf("counted %v, want two answers 429, each tried again", c)
	}
	for line := range strings.Lines(logged.String()) {
		for _, want := range []string{"target=prod", "job=weekly", "run=weekly/2026-11-23T0900Z", `request="GET /`} {
			if !strings.Contains(line, want) {
				t.Errorf("a line without %s: %s", want, line)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := target.Collect(ctx, func() {}); err == nil || counts.counts["prod 0"] == 0 {
		t.Errorf("without an answer: error %v, counted %v", err, counts.counts)
	}
}

// TestNothingIsQuoted: a line that is no header may hold the value of a token, which no
// redactor knows.
func TestNothingIsQuoted(t *testing.T) {
	const value = "zq7Wd0-another-token-of-this-server=="
	p, broken := newPlant(t), false
	t.Setenv("TEST_TOKEN", p.auditor())
	p.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		if broken || r.URL.Path != "/api/v2/me" {
			return false
		}
		broken = true
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nAuthorization %s\r\n\r\n", value)
		return true
	}
	web := httptest.NewServer(p)
	defer web.Close()
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	target, err := influx.New(target.Config{Name: "prod", URL: web.URL, Org: "acme", Token: secret.Ref{Env: "TEST_TOKEN"}}, log)
	if err != nil {
		t.Fatal(err)
	}
	col, err := target.Collect(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer col.Close()
	if said := logged.String() + fmt.Sprintf("%+v", col.Coverage); !strings.Contains(said, "malformed MIME header") || strings.Contains(said, value) {
		t.Error(said)
	}
}
