package influx

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"tokenaudit/jobs/audit"
)

// Traffic hears of the requests that a target is sent, for counting. Its methods
// are called by several goroutines.
type Traffic interface {
	// Request: a request was answered with this status, 0 if it was not answered.
	Request(target string, status int)
	// Retry: a request is about to be sent again.
	Retry(target string)
}

// Count makes t tell traffic of every request. Call it before t is used.
func (t *Target) Count(traffic Traffic) {
	for _, c := range append(t.clients, t.client) {
		if c != nil {
			c.exchange.traffic = traffic
		}
	}
}

// exchange logs and counts each request, those that are repeated too. The log has
// them as details: what goes wrong in the end is an error that is returned.
type exchange struct {
	next    http.RoundTripper
	target  string
	log     *slog.Logger
	traffic Traffic // nil for none
}

func (e *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := e.next.RoundTrip(req)
	line := []any{"request", request(req.URL.Path, req.URL.Query()), "took", time.Since(began)}
	if run, ok := audit.RunOf(req.Context()); ok {
		line = append(line, "job", run.Job, "run", run.ID())
	}
	status := 0
	if err == nil {
		status = resp.StatusCode
		line = append(line, "status", status)
	} else {
		line = append(line, "error", err)
	}
	e.log.Debug("asked", line...)
	if e.traffic != nil {
		e.traffic.Request(e.target, status)
	}
	return resp, err
}

func (e *exchange) attempt(_ retryablehttp.Logger, _ *http.Request, n int) {
	if n > 0 && e.traffic != nil {
		e.traffic.Retry(e.target)
	}
}
