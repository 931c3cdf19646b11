package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tokenaudit/jobs/runner"
)

// Health answers who asks how the process is: whether it lives, and whether it is
// ready. The zero value is of a process that has just begun.
type Health struct {
	beat   atomic.Pointer[time.Time] // of the loop of the scheduler, nil before the first
	source atomic.Pointer[source]    // nil until the process has a ledger, and when it ends
}

// source is what readiness and metrics are read from.
type source struct {
	*Collector
	metrics http.Handler
}

// Beat notes that the loop of the scheduler is alive.
func (h *Health) Beat() {
	now := time.Now()
	h.beat.Store(&now)
}

// Attach gives what readiness and metrics are read from.
func (h *Health) Attach(c *Collector, metrics prometheus.Gatherer) {
	h.source.Store(&source{c, promhttp.HandlerFor(metrics, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError})})
}

// Detach says that the process ends.
func (h *Health) Detach() { h.source.Store(nil) }

// Handler serves /healthz, /readyz and /metrics. They need no credential and show
// none: names of jobs and targets, and counts.
func (h *Health) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", h.healthz)
	mux.HandleFunc("GET /readyz", h.readyz)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if s := h.source.Load(); s != nil {
			s.metrics.ServeHTTP(w, r)
			return
		}
		answer(w, http.StatusServiceUnavailable, "not running")
	})
	return mux
}

// still is for how long the loop of the scheduler may show no sign of life.
const still = 8 * runner.Heartbeat

// healthz is about this process alone, since its answer decides whether it is killed:
// 503 if the loop of the scheduler stands still. A restart would not bring back a
// ledger, nor make a review faster; what is overdue is in the metrics.
func (h *Health) healthz(w http.ResponseWriter, _ *http.Request) {
	if beat := h.beat.Load(); beat != nil && time.Since(*beat) > still {
		answer(w, http.StatusServiceUnavailable, "the scheduler has stopped")
		return
	}
	answer(w, http.StatusOK, "ok")
}

// readyz is 503 until the jobs run on their schedules and from when they end, and
// while the ledger cannot be read.
func (h *Health) readyz(w http.ResponseWriter, r *http.Request) {
	s := h.source.Load()
	if s == nil || h.beat.Load() == nil {
		answer(w, http.StatusServiceUnavailable, "not running")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), ledgerTimeout)
	defer cancel()
	for _, j := range s.Jobs {
		if _, _, err := s.look(ctx, j); err != nil {
			answer(w, http.StatusServiceUnavailable, "the ledger cannot be read")
			return
		}
	}
	answer(w, http.StatusOK, "ok")
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// Serve answers on l until ctx ends, and lets what is being answered finish.
func Serve(ctx context.Context, l net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: handler, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), MaxHeaderBytes: 16 << 10,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
	}
	ended := make(chan error, 1)
	go func() {
		<-ctx.Done()
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		ended <- server.Shutdown(closing)
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("listening on %s: %w", l.Addr(), err)
	}
	if err := <-ended; err != nil {
		server.Close()
	}
	return nil
}
