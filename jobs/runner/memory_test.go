package runner_test

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
)

// memory is a ledger and a snapshot store for tests in fake time, where real
// files and databases would block the clock. The real ones are tested elsewhere.
type memory struct {
	mu        sync.Mutex
	reached   map[string]time.Time
	runs      map[string]*memoryRun
	snapshots map[string][]audit.Record
	leases    map[string]memoryLease // by job
	notices   []audit.CampaignDelivery
}

type memoryLease struct {
	holder string
	until  time.Time
}

type memoryRun struct {
	run        audit.Run
	pending    []string
	items      []audit.Item
	summary    *audit.Summary
	deliveries []audit.Delivery
}

func serving(t *testing.T) *world {
	m := &memory{reached: map[string]time.Time{}, runs: map[string]*memoryRun{}, snapshots: map[string][]audit.Record{}, leases: map[string]memoryLease{}}
	schedule, err := schedule.Parse("0 9 * * 1", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, prod: &source{tokens: tokens("a1")}}
	w.runner = &runner.Runner{Ledger: m, Snapshots: m, Now: m.Now, Holder: "me", Log: slog.New(slog.DiscardHandler)}
	w.job = runner.Job{
		Name: "weekly", Schedule: schedule, CatchUp: 24 * time.Hour, Deadline: time.Hour,
		Targets: []runner.Target{{Name: "prod", Source: w.prod}}, DeliverWithin: 24 * time.Hour,
		Report: func(context.Context, string, runner.Evidence) (audit.Link, audit.Highlights, error) {
			return audit.Link{}, audit.Highlights{}, nil
		},
	}
	return w
}

func (m *memory) Reached(_ context.Context, job, _ string, now time.Time) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.reached[job]; !ok {
		m.reached[job] = now
	}
	return m.reached[job], nil
}

func (m *memory) Begin(_ context.Context, run audit.Run, targets []string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runs[run.ID()] != nil {
		return false, nil
	}
	m.runs[run.ID()] = &memoryRun{run: run, pending: targets}
	return true, nil
}

func (m *memory) WriteRequests(context.Context, audit.Run, string, []audit.Request) error { return nil }

func (m *memory) Sealed(context.Context, audit.Run) (bool, error) { return false, nil }

func (m *memory) Pass(ctx context.Context, job string, slot time.Time) error {
	return m.Reach(ctx, job, slot)
}

func (m *memory) Reach(_ context.Context, job string, slot time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reached[job] = slot
	return nil
}

func (m *memory) Dealt(_ context.Context, job string) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reached[job], nil
}

func (m *memory) Rewind(_ context.Context, job string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reached[job] = at
	return nil
}

func (m *memory) Running(_ context.Context, job string) (audit.Run, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.runs {
		if r.run.Job == job && r.summary == nil {
			return r.run, true, nil
		}
	}
	return audit.Run{}, false, nil
}

func (m *memory) Pending(_ context.Context, run audit.Run) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs[run.ID()].pending, nil
}

func (m *memory) SaveItem(_ context.Context, run audit.Run, item audit.Item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[run.ID()]
	r.items = append(r.items, item)
	r.pending = slices.DeleteFunc(slices.Clone(r.pending), func(name string) bool { return name == item.Coverage.Target })
	return nil
}

func (m *memory) Items(_ context.Context, run audit.Run) ([]audit.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs[run.ID()].items, nil
}

func (m *memory) Baselines(_ context.Context, run audit.Run, target string, _ []string) (out []audit.Baseline, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.runs {
		for _, it := range r.items {
			if r.run.Job == run.Job && r.summary != nil && r.run.Started.Before(run.Started) && it.Coverage.Target == target {
				out = append(out, audit.Baseline{Run: r.run, Own: true, Coverage: it.Coverage, Policy: it.Policy})
			}
		}
	}
	slices.SortFunc(out, func(x, y audit.Baseline) int { return y.Run.Started.Compare(x.Run.Started) })
	return out, nil
}

func (m *memory) PolicyOf(context.Context, audit.Run) (audit.AppliedPolicy, error) {
	return audit.AppliedPolicy{}, nil
}

func (m *memory) Retired(context.Context) (map[string]audit.Retirement, error) { return nil, nil }

func (m *memory) Head(context.Context, audit.Run) (*audit.Link, error) { return nil, nil }

func (m *memory) Trend(context.Context, audit.Run) ([]audit.TrendPoint, error) { return nil, nil }

func (m *memory) Previous(context.Context, audit.Run) (*audit.Previous, error) { return nil, nil }

func (m *memory) Now(context.Context) (time.Time, error) { return time.Now(), nil }

func (m *memory) Acquire(_ context.Context, job, holder string, now, until time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l, ok := m.leases[job]; ok && l.holder != holder && !l.until.Before(now) {
		return false, nil
	}
	m.leases[job] = memoryLease{holder, until}
	return true, nil
}

func (m *memory) Release(_ context.Context, job, holder string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.leases[job].holder == holder {
		delete(m.leases, job)
	}
	return nil
}

func (m *memory) Finish(_ context.Context, o audit.Conclusion) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[o.Run.ID()]
	r.summary = &o.Summary
	for _, p := range o.Deliveries {
		p.Run, p.State = o.Run, audit.DeliveryNew
		r.deliveries = append(r.deliveries, p)
	}
	return nil
}

func (m *memory) Conclusion(_ context.Context, run audit.Run) (audit.Summary, audit.Highlights, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *m.runs[run.ID()].summary, audit.Highlights{}, nil
}

func (m *memory) Unsent(_ context.Context, job string) ([]audit.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []audit.Delivery
	for _, r := range m.runs {
		if r.run.Job != job {
			continue
		}
		for _, p := range r.deliveries {
			if p.State != audit.DeliverySent && p.State != audit.DeliveryExpired {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

func (m *memory) SaveDelivery(_ context.Context, _ string, p audit.Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, q := range m.runs[p.Run.ID()].deliveries {
		if q.Name == p.Name {
			m.runs[p.Run.ID()].deliveries[i] = p
		}
	}
	return nil
}

func (m *memory) Newest(_ context.Context, job string) (s audit.Summary, pack audit.Link, found bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.runs {
		if r.run.Job == job && r.summary != nil && (!found || r.run.Started.After(s.Started)) {
			s, pack, found = *r.summary, audit.Link{Run: r.run.ID()}, true
		}
	}
	return s, pack, found, nil
}

func (m *memory) Announce(_ context.Context, all []audit.CampaignDelivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range all {
		if !slices.ContainsFunc(m.notices, func(o audit.CampaignDelivery) bool { return o.Name == d.Name && o.Notifier == d.Notifier }) {
			m.notices = append(m.notices, d)
		}
	}
	return nil
}

func (m *memory) Unsaid(_ context.Context, job string) (out []audit.CampaignDelivery, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.notices {
		if d.Job == job && !slices.Contains([]audit.DeliveryState{audit.DeliverySent, audit.DeliveryExpired, audit.DeliveryWithdrawn}, d.State) {
			out = append(out, d)
		}
	}
	return out, nil
}

func (m *memory) SaveCampaignDelivery(_ context.Context, _ string, d audit.CampaignDelivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range m.notices {
		if o.Name == d.Name && o.Notifier == d.Notifier {
			m.notices[i] = d
		}
	}
	return nil
}

func (m *memory) Folder(run audit.Run) string { return run.ID() }

func (m *memory) Location(run audit.Run) string { return run.ID() }

func (m *memory) Forget(string) error { return nil }

func (m *memory) Write(_ context.Context, run audit.Run, target string, records iter.Seq2[audit.Record, error]) error {
	var all []audit.Record
	for r, err := range records {
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.snapshots[run.ID()+target] = all
	return nil
}

func (m *memory) Read(_ context.Context, run audit.Run, target string) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for _, r := range m.snapshots[run.ID()+target] {
			if !yield(r, nil) {
				return
			}
		}
	}
}
