package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tokenaudit/jobs/runner"
)

// Health answers who asks whether the process is well.
type Health struct {
	Collector *Collector
	Since     time.Time // when the process began, by the clock of the collector
	ready     atomic.Bool
}

// SetReady says whether the jobs run on their schedules.
func (h *Health) SetReady(is bool) { h.ready.Store(is) }

// Handler serves /healthz, /readyz and /metrics. They need no credential and show
// none: names of jobs and targets, and counts.
func (h *Health) Handler(metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", h.healthz)
	mux.HandleFunc("GET /readyz", h.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	return mux
}

// healthz is 503 while a slot is overdue, and while the ledger does not tell. A
// process has the deadline of a job from its own start: killing it sooner would
// never let it catch up.
func (h *Health) healthz(w http.ResponseWriter, r *http.Request) {
	overdue, err := h.overdue(r.Context())
	switch {
	case err != nil:
		answer(w, http.StatusServiceUnavailable, "the ledger cannot be read")
	case len(overdue) > 0:
		answer(w, http.StatusServiceUnavailable, "overdue: "+strings.Join(overdue, ", "))
	default:
		answer(w, http.StatusOK, "ok")
	}
}

// readyz is 503 until the jobs run on their schedules, and from when they end.
func (h *Health) readyz(w http.ResponseWriter, r *http.Request) {
	if !h.ready.Load() {
		answer(w, http.StatusServiceUnavailable, "not running")
		return
	}
	if _, err := h.overdue(r.Context()); err != nil {
		answer(w, http.StatusServiceUnavailable, "the ledger cannot be read")
		return
	}
	answer(w, http.StatusOK, "ok")
}

func (h *Health) overdue(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	now, err := h.Collector.Now(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, j := range h.Collector.Jobs {
		_, schedule, err := h.Collector.look(ctx, j)
		if err != nil {
			return nil, err
		}
		if schedule.Overdue && now.Sub(h.Since) > j.Deadline+runner.Grace {
			names = append(names, j.Name)
		}
	}
	return names, nil
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
		return fmt.Errorf("answering on %s: %w", l.Addr(), err)
	}
	if err := <-ended; err != nil {
		server.Close()
	}
	return nil
}
