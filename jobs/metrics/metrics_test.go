package metrics_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/metrics"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
)

// ledger says what a test sets.
type ledger struct {
	status audit.JobStatus
	err    error
}

func (l *ledger) Status(context.Context, string) (audit.JobStatus, error) { return l.status, l.err }

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// reviewed is the status of a job whose newest review was that of monday.
func reviewed() audit.JobStatus {
	counts := audit.NewCounts()
	counts.Findings.ByCheck["active-write"] = 3
	a := &counts.NeedsAction
	a.Tokens, a.New, a.Fixed, a.Overdue, a.Server = 5, 2, 4, 1, 1
	a.BySeverity[audit.Critical], a.BySeverity[audit.Medium] = 4, 1
	last := &audit.Summary{
		Started: monday,
		Coverage: audit.TotalCoverage{Targets: []audit.Coverage{
			{Target: "prod", Verdict: audit.Partial},
			{Target: "away", Verdict: audit.NotKnown, LastSeen: monday.AddDate(0, 0, -14)},
			{Target: "never seen", Verdict: audit.NotKnown},
		}}, Findings: counts.Findings, NeedsAction: counts.NeedsAction,
		Inventory: audit.Inventory{ActiveWrite: 3, New: 1},
		Campaigns: []audit.CampaignStatus{
			{ID: "quarterly/2026-10-01T0900Z", Due: monday, Items: 243, Undecided: 31, Conflicts: 2, Revocations: audit.RevocationCounts{Decided: 9, Done: 4, Outstanding: 5, Overdue: 2, Unproven: 1}},
			{ID: "quarterly/2026-07-01T0900Z", Problem: "items.jsonl is damaged"},
		},
		Authorizations: audit.AuthorizationCounts{Active: 4, Inactive: 1},
		Policy: audit.AppliedPolicy{Checks: []audit.AppliedCheck{
			{Check: "operator", Severity: audit.Critical}, {Check: "active-write", Severity: audit.Medium}, {Check: "no-description", Severity: audit.Off},
		}},
	}
	return audit.JobStatus{
		Schedule: "0 9 * * 1 UTC", Reached: monday, LastSlot: monday, LastSuccess: monday.Add(90 * time.Second), Missed: 2,
		Runs: map[audit.Verdict]int{audit.Partial: 7}, Deliveries: map[audit.DeliveryState]int{audit.DeliverySent: 6, audit.DeliveryNew: 1}, Last: last,
	}
}

// newCollector is of one weekly job, at a time after monday.
func newCollector(t *testing.T, l *ledger, after time.Duration) *metrics.Collector {
	t.Helper()
	schedule, err := schedule.Parse("0 9 * * 1", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	job := runner.Job{Name: "weekly", Schedule: schedule, CatchUp: 6 * 24 * time.Hour, Deadline: time.Hour}
	now := func(context.Context) (time.Time, error) { return monday.Add(after), nil }
	return &metrics.Collector{Ledger: l, Now: now, Jobs: []runner.Job{job}, Version: "1.2.3", Go: "go1.26"}
}

func registry(t *testing.T, cs ...prometheus.Collector) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	for _, c := range cs {
		if err := r.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// text is what node_exporter reads, without the help.
func text(t *testing.T, r *prometheus.Registry) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokenaudit.prom")
	if err := metrics.WriteTextfile(path, r); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestMetrics(t *testing.T) {
	traffic := metrics.NewTraffic()
	traffic.Expect("prod")
	traffic.Request("prod", 200)
	traffic.Request("prod", 0)
	traffic.Retry("prod")
	got := text(t, registry(t, newCollector(t, &ledger{status: reviewed()}, 7*24*time.Hour+2*time.Hour), traffic))
	const want = `tokenaudit_active_write_tokens{job_name="weekly"} 3
tokenaudit_authorizations{job_name="weekly",status="active"} 4
tokenaudit_authorizations{job_name="weekly",status="expired"} 0
tokenaudit_authorizations{job_name="weekly",status="inactive"} 1
tokenaudit_authorizations{job_name="weekly",status="revoked"} 0
tokenaudit_build_info{goversion="go1.26",version="1.2.3"} 1
tokenaudit_campaign_due_timestamp_seconds{campaign="quarterly/2026-10-01T0900Z",job_name="weekly"} 1.7954244e+09
tokenaudit_campaign_items{campaign="quarterly/2026-10-01T0900Z",job_name="weekly",state="conflict"} 2
tokenaudit_campaign_items{campaign="quarterly/2026-10-01T0900Z",job_name="weekly",state="decided"} 212
tokenaudit_campaign_items{campaign="quarterly/2026-10-01T0900Z",job_name="weekly",state="undecided"} 29
tokenaudit_campaign_revocations{campaign="quarterly/2026-10-01T0900Z",job_name="weekly",state="done"} 4
tokenaudit_campaign_revocations{campaign="quarterly/2026-10-01T0900Z",job_name="weekly",state="outstanding"} 5
tokenaudit_campaign_revocations{campaign="quarterly/2026-10-01T0900Z",job_name="weekly",state="overdue"} 2
tokenaudit_campaign_revocations{campaign="quarterly/2026-10-01T0900Z",job_name="weekly",state="unproven"} 1
tokenaudit_coverage{job_name="weekly",target="away",verdict="complete"} 0
tokenaudit_coverage{job_name="weekly",target="away",verdict="partial"} 0
tokenaudit_coverage{job_name="weekly",target="away",verdict="unknown"} 1
tokenaudit_coverage{job_name="weekly",target="never seen",verdict="complete"} 0
tokenaudit_coverage{job_name="weekly",target="never seen",verdict="partial"} 0
tokenaudit_coverage{job_name="weekly",target="never seen",verdict="unknown"} 1
tokenaudit_coverage{job_name="weekly",target="prod",verdict="complete"} 0
tokenaudit_coverage{job_name="weekly",target="prod",verdict="partial"} 1
tokenaudit_coverage{job_name="weekly",target="prod",verdict="unknown"} 0
tokenaudit_findings{check="active-write",job_name="weekly",severity="medium"} 3
tokenaudit_findings{check="operator",job_name="weekly",severity="critical"} 0
tokenaudit_influx_requests_total{code="0",target="prod"} 1
tokenaudit_influx_requests_total{code="200",target="prod"} 1
tokenaudit_influx_retries_total{target="prod"} 1
tokenaudit_job_last_slot_timestamp_seconds{job_name="weekly"} 1.7954244e+09
tokenaudit_job_last_success_timestamp_seconds{job_name="weekly"} 1.79542449e+09
tokenaudit_job_lateness_seconds{job_name="weekly"} 7200
tokenaudit_job_missed_slots_total{job_name="weekly"} 2
tokenaudit_job_next_slot_timestamp_seconds{job_name="weekly"} 1.796634e+09
tokenaudit_job_overdue{job_name="weekly"} 1
tokenaudit_outbox_parts{job_name="weekly",state="expired"} 0
tokenaudit_outbox_parts{job_name="weekly",state="new"} 1
tokenaudit_outbox_parts{job_name="weekly",state="sending"} 0
tokenaudit_outbox_parts{job_name="weekly",state="sent"} 6
tokenaudit_outbox_parts{job_name="weekly",state="uncertain"} 0
tokenaudit_outbox_parts{job_name="weekly",state="withdrawn"} 0
tokenaudit_runs_total{job_name="weekly",verdict="complete"} 0
tokenaudit_runs_total{job_name="weekly",verdict="partial"} 7
tokenaudit_runs_total{job_name="weekly",verdict="unknown"} 0
tokenaudit_server_findings_need_action{job_name="weekly"} 1
tokenaudit_target_last_seen_timestamp_seconds{job_name="weekly",target="away"} 1.7942148e+09
tokenaudit_target_last_seen_timestamp_seconds{job_name="weekly",target="prod"} 1.7954244e+09
tokenaudit_tokens_need_action{job_name="weekly",severity="critical"} 4
tokenaudit_tokens_need_action{job_name="weekly",severity="high"} 0
tokenaudit_tokens_need_action{job_name="weekly",severity="medium"} 1
tokenaudit_tokens_need_action_fixed{job_name="weekly"} 4
tokenaudit_tokens_need_action_new{job_name="weekly"} 2
tokenaudit_tokens_need_action_overdue{job_name="weekly"} 1
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestMetricsNotCounted: what an earlier version, or a policy without the check, did not
// count is absent, not 0.
func TestMetricsNotCounted(t *testing.T) {
	earlier, off := reviewed(), reviewed()
	earlier.Last.NeedsAction, earlier.Last.Inventory = audit.ActionCounts{}, audit.Inventory{}
	off.Last.Policy.Checks[1].Severity = audit.Off
	for name, tt := range map[string]struct {
		status audit.JobStatus
		absent string
	}{"an earlier version": {earlier, "need_action"}, "and its inventory": {earlier, "active_write_tokens"}, "the check is off": {off, "active_write_tokens"}} {
		if got := text(t, registry(t, newCollector(t, &ledger{status: tt.status}, 0))); strings.Contains(got, tt.absent) {
			t.Errorf("%s: %s is there:\n%s", name, tt.absent, got)
		}
	}
}

// TestMetricsBeforeTheFirstReview: what is not known is absent, not 0.
func TestMetricsBeforeTheFirstReview(t *testing.T) {
	got := text(t, registry(t, newCollector(t, &ledger{}, 0)))
	for _, name := range []string{"last_success", "last_slot", "findings", "need_action", "active_write", "authorizations", "coverage"} {
		if strings.Contains(got, name) {
			t.Errorf("%s is there:\n%s", name, got)
		}
	}
	for _, line := range []string{`tokenaudit_job_overdue{job_name="weekly"} 0`, `tokenaudit_runs_total{job_name="weekly",verdict="complete"} 0`} {
		if !strings.Contains(got, line) {
			t.Errorf("%s is missing:\n%s", line, got)
		}
	}
}

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

// TestHealth: liveness is about the loop of the scheduler, readiness about the ledger;
// what is overdue is neither, and in the metrics.
func TestHealth(t *testing.T) {
	const week, never = 7 * 24 * time.Hour, time.Duration(-1)
	for _, tc := range []struct {
		name      string
		after     time.Duration // monday, by the clock of the ledger
		beat      time.Duration // ago
		broken    bool
		attached  bool
		healthz   int
		readyz    int
		metrics   int
		isOverdue string
	}{
		{"nothing due", time.Hour, 0, false, true, 200, 200, 200, "0"},
		{"overdue", week + 48*time.Hour, 0, false, true, 200, 200, 200, "1"},
		{"no ledger", time.Hour, 0, true, true, 200, 503, 500, ""},
		{"waits for the ledger at the start", time.Hour, never, false, false, 200, 503, 503, ""},
		{"before the first beat", time.Hour, never, false, true, 200, 503, 200, "0"},
		{"the loop stands still", time.Hour, time.Hour, false, true, 503, 200, 200, "0"},
		{"ends", time.Hour, 0, false, false, 200, 503, 503, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := &ledger{status: reviewed()}
			if tc.broken {
				l.err = errors.New("disk full")
			}
			c := newCollector(t, l, tc.after)
			synctest.Test(t, func(t *testing.T) {
				health := &metrics.Health{}
				health.Attach(c, registry(t, c))
				if !tc.attached {
					health.Detach()
				}
				if tc.beat != never {
					health.Beat()
					time.Sleep(tc.beat)
				}
				h := health.Handler()
				if code, body := get(t, h, "/healthz"); code != tc.healthz {
					t.Errorf("/healthz: %d %s, want %d", code, body, tc.healthz)
				}
				if code, body := get(t, h, "/readyz"); code != tc.readyz {
					t.Errorf("/readyz: %d %s, want %d", code, body, tc.readyz)
				}
				if code, body := get(t, h, "/metrics"); code != tc.metrics || code == 200 && !strings.Contains(body, `tokenaudit_job_overdue{job_name="weekly"} `+tc.isOverdue) {
					t.Errorf("/metrics: %d %s, want %d", code, body, tc.metrics)
				}
			})
		})
	}
}

func TestOnlyReads(t *testing.T) {
	h := (&metrics.Health{}).Handler()
	for _, path := range []string{"/healthz", "/readyz"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, w.Code)
		}
	}
	if code, _ := get(t, h, "/debug/pprof/"); code != http.StatusNotFound {
		t.Errorf("/debug/pprof/: %d", code)
	}
}
