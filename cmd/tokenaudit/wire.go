package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/metrics"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
	"tokenaudit/notify"
	"tokenaudit/notify/email"
	"tokenaudit/notify/ping"
	"tokenaudit/notify/slack"
	"tokenaudit/notify/webhook"
)

// app is a configuration turned into objects.
type app struct {
	runner    *runner.Runner
	jobs      []runner.Job
	ledger    *ledger.Ledger
	snapshots evidence.Archive
	traffic   *metrics.Traffic
	retention *retention
	file      *configs.File
	secrets   *secret.Redactor
}

func (a *app) close() error { return errors.Join(a.ledger.Close(), a.snapshots.Close()) }

// wire is one straight line from configuration to objects, on purpose: its
// parts would share most of its variables. It sends nothing. The clock is that of the
// ledger, unless now is one.
func wire(ctx context.Context, f *configs.File, now runner.Clock, log *slog.Logger, secrets *secret.Redactor) (*app, error) {
	return wireOver(ctx, nil, f, now, log, secrets)
}

// wireOver is wire with the ledger, the evidence and the counters of another app, which
// stays as it is; nil for none.
func wireOver(ctx context.Context, over *app, f *configs.File, now runner.Clock, log *slog.Logger, secrets *secret.Redactor) (*app, error) {
	bind(f, secrets)
	jobs, err := jobsOf(f, log, secrets)
	if err != nil {
		return nil, err
	}
	traffic := metrics.NewTraffic()
	if over != nil {
		traffic = over.traffic
	}
	for _, j := range jobs {
		for _, t := range j.Targets {
			if server, ok := t.Source.(asking); ok {
				traffic.Expect(t.Name)
				server.Count(traffic)
			}
		}
	}
	controls, err := f.RelatedControls()
	if err != nil {
		return nil, usageError{err}
	}
	ledger, snapshots, err := openPlaces(ctx, over, f)
	if err != nil {
		return nil, err
	}
	if now == nil {
		now = ledger.Now
	}
	a := &app{file: f, secrets: secrets, ledger: ledger, snapshots: snapshots, traffic: traffic, retention: &retention{why: map[string]string{}}, runner: &runner.Runner{
		Ledger: cleanLedger{ledger, secrets}, Snapshots: cleanSnapshots{snapshots, secrets}, Tool: tool(), Now: now, Log: log, Holder: rand.Text(),
		Parallel: int(f.Parallel), PerHost: int(f.ParallelPerHost), Campaigns: campaignFolders{f, snapshots},
		Agree: func(ctx context.Context, job string) error { return runner.Agree(ctx, ledger, snapshots, job) },
	}}
	for i, cfg := range f.Jobs {
		reports, job := reporter{f, cfg, controls, snapshots, secrets, log, a.retention}, &jobs[i]
		job.Report, job.Sealed, job.Notifiers = reports.write, reports.sealed, a.notifiers(cfg, log)
		for _, old := range f.OldKeys(cfg) {
			log.WarnContext(ctx, old, "job", cfg.Name)
		}
		if !cfg.Ping.IsZero() {
			pinger := ping.New(cfg.Ping, notify.NewClient())
			job.Ping = func(ctx context.Context, run audit.Run, event runner.PingEvent, text string) {
				if err := pinger.Send(ctx, run.ID(), string(event), secrets.Clean(text)); err != nil { // a failed ping is only logged
					log.Warn("a ping could not be sent", "job", run.Job, "run", run.ID(), "error", err)
				}
			}
		}
	}
	a.jobs = jobs
	return a, nil
}

// openPlaces opens the ledger and the evidence, or gives those of another app.
func openPlaces(ctx context.Context, over *app, f *configs.File) (*ledger.Ledger, evidence.Archive, error) {
	if over != nil {
		return over.ledger, over.snapshots, nil
	}
	l, err := ledger.Open(ctx, f.Store, f.StorePassword)
	if err != nil {
		return nil, evidence.Archive{}, err
	}
	err = l.Stamp(ctx, version)
	var snapshots evidence.Archive
	if err == nil {
		snapshots, err = evidence.Open(f.Evidence, f.EvidenceLock)
	}
	if err != nil {
		err = errors.Join(err, l.Close())
	}
	return l, snapshots, err
}

// jobsOf are the jobs without what they write and send. It sends nothing.
func jobsOf(f *configs.File, log *slog.Logger, secrets *secret.Redactor) (jobs []runner.Job, err error) {
	var targets []runner.Target
	for _, cfg := range f.Targets {
		source, err := sourceOf(cfg, log)
		if err != nil {
			return nil, err
		}
		targets = append(targets, runner.Target{Name: cfg.Name, Host: cfg.Host(), Source: source})
	}
	roster := f.RosterAt() // read once for all that is reviewed at one time
	for _, cfg := range f.Jobs {
		j, err := jobOf(f, cfg, targets, roster, secrets)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

func jobOf(f *configs.File, cfg configs.Job, targets []runner.Target, roster func(time.Time) *audit.Roster, secrets *secret.Redactor) (runner.Job, error) {
	schedule, err := schedule.Parse(cfg.Schedule, cfg.Timezone)
	if err != nil {
		return runner.Job{}, fmt.Errorf("job %q: %w", cfg.Name, err)
	}
	j := runner.Job{
		Name: cfg.Name, Schedule: schedule, Reviewed: f.Reviewed(), Policy: f.JobPolicy(cfg), Roster: roster, Contacts: f.Contacts(cfg),
		Basis: secrets.Clean(cfg.Basis), Retention: secrets.Clean(f.Retention(cfg)),
		CatchUp: time.Duration(cfg.CatchUp), Jitter: time.Duration(cfg.Jitter), Deadline: time.Duration(cfg.Deadline), DeliverWithin: time.Duration(cfg.DeliverWithin),
	}
	j.People = f.People(cfg, roster)
	if j.Campaigns, err = campaignsOf(f, cfg); err != nil {
		return j, err
	}
	for _, t := range targets {
		if len(cfg.Targets) == 0 || slices.Contains(cfg.Targets, t.Name) {
			j.Targets = append(j.Targets, t)
		}
	}
	return j, nil
}

// metrics are those of the jobs, from the ledger, and of the requests to InfluxDB.
func (a *app) metrics() (*metrics.Collector, *prometheus.Registry) {
	c := &metrics.Collector{Ledger: a.ledger, Now: a.runner.Now, Jobs: a.jobs, Version: version, Go: runtime.Version()}
	r := prometheus.NewRegistry()
	r.MustRegister(c, a.traffic)
	return c, r
}

// channel is a notifier and the key that configures it, which the ledger remembers.
type channel struct {
	name string
	notify.Notifier
}

func channels(cfg configs.Job, log *slog.Logger) []channel {
	var out []channel
	if cfg.Slack != nil {
		out = append(out, channel{"slack", slack.New(*cfg.Slack, notify.NewClient(), log)})
	}
	if cfg.Webhook != nil {
		out = append(out, channel{"webhook", webhook.New(*cfg.Webhook, notify.NewClient())})
	}
	if cfg.Email != nil {
		out = append(out, channel{"email", email.New(*cfg.Email, log)})
	}
	return out
}

func (a *app) notifiers(cfg configs.Job, log *slog.Logger) []runner.Notifier {
	var out []runner.Notifier
	for _, n := range channels(cfg, log) {
		out = append(out, a.notifier(n.name, notify.Backoff(n.Notifier)))
	}
	return out
}

// notifier lets the runner send by a channel.
func (a *app) notifier(name string, n notify.Notifier) runner.Notifier {
	out := runner.Notifier{Name: name, Deliveries: n.Deliveries}
	out.Send = func(ctx context.Context, m runner.Message) (string, error) {
		said := messageOf(a.file, a.snapshots, m.Summary, m.Highlights)
		said.Delivery, said.Root, said.Again, said.Since = m.Name, m.Root, m.Again(), m.Since
		ref, err := n.Send(ctx, said)
		return ref, doubt(err, said.Again)
	}
	if of, can := n.(notify.CampaignNotifier); can {
		out.Tells = of.Tells
		out.SendCampaign = func(ctx context.Context, m runner.CampaignMessage) (string, error) {
			said := a.campaignMessage(m)
			a.secrets.CleanAll(&said.Worst)
			ref, err := of.SendCampaign(ctx, said)
			return ref, doubt(err, said.Again)
		}
	}
	return out
}

// doubt makes an error uncertain after which the message may have arrived. One that an
// earlier attempt may have delivered stays in doubt until one succeeds, whatever is sure
// about the attempts between.
func doubt(err error, again bool) error {
	if err != nil && (again || !errors.Is(err, notify.ErrNotPosted)) {
		return &runner.UncertainError{Err: err, GiveUp: errors.Is(err, notify.ErrGiveUp)}
	}
	return err
}

// messageOf is what there is to say about a run.
func messageOf(f *configs.File, snapshots evidence.Archive, s audit.Summary, h audit.Highlights) notify.Message {
	run := s.Run()
	open := func(ctx context.Context, name string) (io.ReadCloser, error) {
		return snapshots.Open(ctx, run, name)
	}
	m := notify.Message{Summary: s, Highlights: h, Evidence: snapshots.Location(run), Location: snapshots.Location(run), Open: open}
	if !evidence.IsBucket(m.Evidence) {
		if host, err := os.Hostname(); err == nil {
			m.Evidence += " on " + host
		}
	}
	job := jobNamed(f, s.Job)
	m.Zone = zoneOf(job)
	m.Evidence = cmp.Or(job.EvidenceAt(run), m.Evidence)
	return m
}

// zoneOf is the time zone of a job, nil if it is not known.
func zoneOf(job configs.Job) *time.Location {
	zone, err := time.LoadLocation(job.Timezone)
	if err != nil {
		return nil
	}
	return zone
}

// jobNamed is a job as it is configured; of one that is not any more, the name.
func jobNamed(f *configs.File, name string) configs.Job {
	at := slices.IndexFunc(f.Jobs, func(j configs.Job) bool { return j.Name == name })
	if at < 0 {
		return configs.Job{Name: name}
	}
	return f.Jobs[at]
}

// messageFrom is what there is to say about a finished run, read from its evidence.
func messageFrom(ctx context.Context, f *configs.File, snapshots evidence.Archive, s audit.Summary) (notify.Message, error) {
	h, err := audit.HighlightsOf((&runner.Runner{Snapshots: snapshots}).Rows(ctx, s), s, f.Contacts(jobNamed(f, s.Job)))
	return messageOf(f, snapshots, s, h), err
}

// messageWith is what there is to say about a finished run, of which the ledger kept those
// highlights. It keeps none where nobody is told; then they come from the evidence. With an
// error the message is without them.
func messageWith(ctx context.Context, f *configs.File, snapshots evidence.Archive, s audit.Summary, kept audit.Highlights) (notify.Message, error) {
	none := len(kept.Owners)+len(kept.NewWrites)+len(kept.Replaced) == 0 && s.Previous != nil
	if none || len(kept.Owners) == 0 && s.NeedsAction.Tokens > 0 || len(kept.NewWrites) == 0 && s.Inventory.New > 0 {
		return messageFrom(ctx, f, snapshots, s)
	}
	return messageOf(f, snapshots, s, kept), nil
}

// find finds a job by name; "" finds all.
func find(jobs []runner.Job, name string) ([]runner.Job, error) {
	if name == "" {
		return jobs, nil
	}
	for _, j := range jobs {
		if j.Name == name {
			return []runner.Job{j}, nil
		}
	}
	return nil, usagef("--job: %s", setting.Unknown("job", name, namesOf(jobs, func(j runner.Job) string { return j.Name })))
}
