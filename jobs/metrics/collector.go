// Package metrics shows how the reviews are getting on: as metrics for Prometheus,
// and as answers to who asks whether the process is well. What it says of a job
// comes from the ledger, so that it survives a restart.
package metrics

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/runner"
)

// Ledger knows how the jobs stand; the one in jobs/ledger is the only one.
type Ledger interface {
	Status(ctx context.Context, job string) (audit.JobStatus, error)
}

// Collector gives the state of the jobs as metrics. A state that cannot be read is
// an error of the scrape, never an old value or a zero.
type Collector struct {
	Ledger  Ledger
	Now     runner.Clock
	Jobs    []runner.Job
	Version string // of this program
	Go      string // version of Go that it was built with
}

// ledgerTimeout is how long a scrape or a probe waits for the ledger.
const ledgerTimeout = 8 * time.Second

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("tokenaudit_"+name, help, labels, nil)
}

// The label is job_name, as Prometheus has a label job of its own.
var (
	buildInfo      = describe("build_info", "Version of this program, always 1.", "version", "goversion")
	lastSuccess    = describe("job_last_success_timestamp_seconds", "When the newest review that could read anything ended; absent before the first.", "job_name")
	lastSlot       = describe("job_last_slot_timestamp_seconds", "Newest slot of the schedule that was reviewed; absent before the first.", "job_name")
	nextSlot       = describe("job_next_slot_timestamp_seconds", "Next slot of the schedule.", "job_name")
	lateness       = describe("job_lateness_seconds", "How long the oldest slot that is not reviewed has been due; 0 if none is.", "job_name")
	overdue        = describe("job_overdue", "1 if a slot waits, or its review runs, longer than the deadline of the job.", "job_name")
	missedSlots    = describe("job_missed_slots_total", "Slots that were not reviewed and will not be.", "job_name")
	runs           = describe("runs_total", "Finished reviews, by coverage: complete, partial, unknown.", "job_name", "verdict")
	findings       = describe("findings", "Tokens with a current finding in the newest review, with or without an exception.", "job_name", "check", "severity")
	needAction     = describe("tokens_need_action", "Tokens that need action in the newest review, by their worst finding; absent where an earlier version did not count.", "job_name", "severity")
	newAction      = describe("tokens_need_action_new", "Of these, tokens that needed no action at the review before.", "job_name")
	fixedAction    = describe("tokens_need_action_fixed", "Tokens that needed action at the review before, and need none in the newest.", "job_name")
	overdueAction  = describe("tokens_need_action_overdue", "Of these, tokens with a finding whose due date is over.", "job_name")
	serverAction   = describe("server_findings_need_action", "Findings in the newest review that need action and are not about a token of the org, such as server settings.", "job_name")
	activeWrite    = describe("active_write_tokens", "Active tokens that can write, in the newest review; absent if the check active-write is off.", "job_name")
	authorizations = describe("authorizations", "Authorizations in the newest review.", "job_name", "status")
	coverage       = describe("coverage", "1 for the coverage of the target in the newest review (complete, partial or unknown), else 0.", "job_name", "target", "verdict")
	lastSeen       = describe("target_last_seen_timestamp_seconds", "When the newest review began that saw anything of the target; absent before the first.", "job_name", "target")
	campaignItems  = describe("campaign_items", "Items of a campaign in the newest review, by state: decided (and signed, or gone), undecided, conflict.", "job_name", "campaign", "state")
	campaignDue    = describe("campaign_due_timestamp_seconds", "Until when the items of a campaign are to be decided.", "job_name", "campaign")
	revocations    = describe("campaign_revocations", "Tokens that must be removed after signed decisions, in the newest review: done, outstanding, and of these overdue and unproven.", "job_name", "campaign", "state")
	outboxParts    = describe("outbox_parts", "Messages of all reviews and campaigns, by state: new, sending, uncertain, sent, expired, withdrawn.", "job_name", "state")
)

// Describe names every metric of Collect.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{buildInfo, lastSuccess, lastSlot, nextSlot, lateness, overdue, missedSlots, runs, needAction, newAction, fixedAction, overdueAction, serverAction, activeWrite, findings, authorizations, coverage, lastSeen, campaignItems, campaignDue, revocations, outboxParts} {
		out <- d
	}
}

// Collect reads the state of every job.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	gauge(out, buildInfo, 1, c.Version, c.Go)
	ctx, cancel := context.WithTimeout(context.Background(), ledgerTimeout)
	defer cancel()
	for _, j := range c.Jobs {
		status, schedule, err := c.look(ctx, j)
		if err != nil {
			out <- prometheus.NewInvalidMetric(overdue, err)
			return
		}
		timestamp(out, lastSuccess, status.LastSuccess, j.Name)
		timestamp(out, lastSlot, status.LastSlot, j.Name)
		timestamp(out, nextSlot, schedule.Next, j.Name)
		gauge(out, lateness, schedule.Late.Seconds(), j.Name)
		gauge(out, overdue, indicator(schedule.Overdue), j.Name)
		counter(out, missedSlots, schedule.Missed, j.Name)
		for _, v := range verdicts {
			counter(out, runs, status.Runs[v], j.Name, string(v))
		}
		for _, state := range []audit.DeliveryState{audit.DeliveryNew, audit.DeliverySending, audit.DeliveryUncertain, audit.DeliverySent, audit.DeliveryExpired, audit.DeliveryWithdrawn} {
			gauge(out, outboxParts, float64(status.Deliveries[state]), j.Name, string(state))
		}
		if status.Last != nil {
			collectLast(out, j.Name, *status.Last)
			collectCampaigns(out, j.Name, status.Last.Campaigns)
		}
	}
}

func (c *Collector) look(ctx context.Context, j runner.Job) (status audit.JobStatus, schedule runner.Status, err error) {
	now, err := c.Now(ctx)
	if err != nil {
		return status, schedule, fmt.Errorf("the clock: %w", err)
	}
	if status, err = c.Ledger.Status(ctx, j.Name); err != nil {
		return status, schedule, err
	}
	return status, j.Status(status, now), nil
}

// collectLast gives the newest review: every check that was judged, so that a rule
// can tell 0 from not judged.
func collectLast(out chan<- prometheus.Metric, job string, s audit.Summary) {
	for _, c := range s.Policy.Checks {
		if c.Severity != audit.Off {
			gauge(out, findings, float64(s.Findings.ByCheck[c.Check]), job, c.Check, string(c.Severity))
		}
	}
	if a := s.NeedsAction; a.Known() {
		for severity, n := range a.BySeverity {
			gauge(out, needAction, float64(n), job, string(severity))
		}
		gauge(out, newAction, float64(a.New), job)
		gauge(out, fixedAction, float64(a.Fixed), job)
		gauge(out, overdueAction, float64(a.Overdue), job)
		gauge(out, serverAction, float64(a.Server), job)
		if s.InventoryWords() != "" {
			gauge(out, activeWrite, float64(s.Inventory.ActiveWrite), job)
		}
	}
	gauge(out, authorizations, float64(s.Authorizations.Active), job, string(audit.Active))
	gauge(out, authorizations, float64(s.Authorizations.Inactive), job, string(audit.Inactive))
	gauge(out, authorizations, float64(s.Authorizations.Expired), job, string(audit.Expired))
	gauge(out, authorizations, float64(s.Authorizations.Revoked), job, string(audit.Revoked))
	for _, t := range s.Coverage.Targets {
		for _, v := range verdicts {
			gauge(out, coverage, indicator(t.Verdict == v), job, t.Target, string(v))
		}
		timestamp(out, lastSeen, s.LastSeen(t), job, t.Target)
	}
}

// collectCampaigns gives those that the newest review was compared with, by their IDs. Of
// one that cannot be read there is nothing.
func collectCampaigns(out chan<- prometheus.Metric, job string, all []audit.CampaignStatus) {
	for _, c := range all {
		if c.Problem != "" {
			continue
		}
		for state, n := range map[string]int{"decided": c.Items - c.Undecided, "undecided": c.Undecided - c.Conflicts, "conflict": c.Conflicts} {
			gauge(out, campaignItems, float64(n), job, c.ID, state)
		}
		timestamp(out, campaignDue, c.Due, job, c.ID)
		r := c.Revocations
		for state, n := range map[string]int{"done": r.Done, "outstanding": r.Outstanding, "overdue": r.Overdue, "unproven": r.Unproven} {
			gauge(out, revocations, float64(n), job, c.ID, state)
		}
	}
}

var verdicts = [...]audit.Verdict{audit.Complete, audit.Partial, audit.NotKnown}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func counter(out chan<- prometheus.Metric, d *prometheus.Desc, n int, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

// timestamp leaves out a time that there is not: 0 would be 1970.
func timestamp(out chan<- prometheus.Metric, d *prometheus.Desc, at time.Time, labels ...string) {
	if !at.IsZero() {
		gauge(out, d, float64(at.UnixMilli())/1000, labels...)
	}
}

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
