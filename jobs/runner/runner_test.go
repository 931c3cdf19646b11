package runner_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
)

// source is a target whose answers a test sets.
type source struct {
	tokens  []audit.Authorization
	place   string // the org that answers
	url     string
	store   string // "" for a server
	asOf    time.Time
	known   iter.Seq2[audit.Record, error]                         // from elsewhere
	probe   func(context.Context, audit.Authorization) audit.Probe // nil: gone
	cover   func() audit.Coverage                                  // in place of a complete one
	err     error
	calls   atomic.Int32
	collect func(context.Context) error // runs first, if set
}

func (s *source) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	s.calls.Add(1)
	if s.collect != nil {
		if err := s.collect(ctx); err != nil {
			return audit.Collection{}, err
		}
	}
	if s.err != nil {
		return audit.Collection{}, s.err
	}
	return audit.Collection{
		Authorizations: func(yield func(audit.Authorization, error) bool) {
			for _, a := range s.tokens {
				progress()
				if !yield(a, nil) {
					return
				}
			}
		},
		Coverage: s.coverage(),
		Owner: func(context.Context, audit.Authorization) audit.Owner {
			return audit.Owner{State: audit.OwnerPresent, MembershipKnown: true}
		},
		AsOf:  s.asOf,
		Known: s.known,
		Probe: func(ctx context.Context, a audit.Authorization) audit.Probe {
			if s.probe != nil {
				return s.probe(ctx, a)
			}
			return audit.Probe{Presence: audit.Gone}
		},
	}, nil
}

func (s *source) coverage() audit.Coverage {
	if s.cover != nil {
		return s.cover()
	}
	c := audit.NewCoverage("")
	c.Source = s.url
	if s.place != "" {
		c.Sources = []string{audit.SourceOf(audit.ServerStore, s.place)}
		if s.store != "" {
			c.Sources[0] = audit.SourceOf(s.store, s.place)
		}
	}
	return c
}

// world is a runner with a real ledger, a clock and one weekly job.
type world struct {
	t      *testing.T
	now    time.Time
	runner *runner.Runner
	ledger *ledger.Ledger
	job    runner.Job
	prod   *source
	dir    string

	reports int
	sent    []string // run IDs
	refuse  error    // what sending answers
	tries   int      // of sending
	stop    func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: at("2026-11-20 12:00"), prod: &source{tokens: tokens("a1", "b2")}, dir: t.TempDir()}
	schedule, err := schedule.Parse("0 9 * * 1", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	w.job = runner.Job{
		Name: "weekly", Schedule: schedule, CatchUp: 6 * 24 * time.Hour, Deadline: time.Hour,
		Targets: []runner.Target{{Name: "prod", Source: w.prod}},
		Report: func(context.Context, string, runner.Evidence) (audit.Link, audit.Highlights, error) {
			w.reports++
			return audit.Link{Sequence: w.reports}, audit.Highlights{}, nil
		},
		DeliverWithin: 6 * 24 * time.Hour,
		Notifiers: []runner.Notifier{summaryNotifier(func(_ context.Context, m runner.Message) (string, error) {
			w.tries++
			if w.refuse != nil {
				return "", w.refuse
			}
			w.sent = append(w.sent, m.Summary.ID)
			return "ts", nil
		})},
	}
	w.start()
	return w
}

// summaryNotifier says one message about each run.
func summaryNotifier(send func(context.Context, runner.Message) (string, error)) runner.Notifier {
	return runner.Notifier{Name: "slack", Deliveries: func(audit.Summary, audit.Highlights) []string { return []string{"summary"} }, Send: send}
}

// start opens the ledger as a new process would.
func (w *world) start() {
	w.t.Helper()
	if w.stop != nil {
		w.stop()
	}
	ledger, err := ledger.Open(w.t.Context(), "sqlite:"+filepath.Join(w.dir, "ledger.db"), secret.Ref{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.ledger, w.stop = ledger, func() { ledger.Close() }
	w.t.Cleanup(w.stop)
	w.runner = &runner.Runner{
		Ledger: ledger, Snapshots: evidence.Archive{Root: w.dir}, Now: func(context.Context) (time.Time, error) { return w.now, nil }, Holder: rand.Text(),
		Log: slog.New(slog.DiscardHandler),
	}
}

func (w *world) tick() *audit.Summary {
	w.t.Helper()
	s, err := w.runner.Tick(w.t.Context(), w.job)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func at(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

func tokens(ids ...string) []audit.Authorization {
	var out []audit.Authorization
	for _, id := range ids {
		out = append(out, audit.Authorization{ID: id, Status: audit.Active})
	}
	return out
}

func TestTick(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if s := w.tick(); s != nil {
		t.Fatalf("a first start reviewed %s, which is past", s.ID)
	}
	w.now = at("2026-11-23 08:59")
	if s := w.tick(); s != nil {
		t.Fatalf("reviewed %s before it was due", s.ID)
	}
	w.now = at("2026-11-23 09:00")
	s := w.tick()
	if s == nil || s.ID != "weekly/2026-11-23T0900Z" || s.Trigger != audit.Scheduled || s.Authorizations.Total != 2 {
		t.Fatalf("summary %+v", s)
	}
	if s := w.tick(); s != nil {
		t.Fatalf("reviewed %s twice", s.ID)
	}
	w.now = at("2026-11-30 11:00")
	if s := w.tick(); s == nil || s.Trigger != audit.CatchUp || s.Missed != 0 || s.Previous == nil {
		t.Fatalf("two hours late: %+v", s)
	}
	w.now = at("2026-12-22 09:00") // Tuesday; the 7th and the 14th were missed
	if s := w.tick(); s == nil || s.ID != "weekly/2026-12-21T0900Z" || s.Missed != 2 {
		t.Fatalf("after three weeks: %+v", s)
	}
	if diff := cmp.Diff([]string{"weekly/2026-11-23T0900Z", "weekly/2026-11-30T0900Z", "weekly/2026-12-21T0900Z"}, w.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestTooLateIsMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	w.now = at("2026-11-29 12:00") // Sunday, more than six days after the slot
	if s := w.tick(); s != nil {
		t.Fatalf("reviewed %s, which is too late", s.ID)
	}
	w.now = at("2026-11-30 09:01")
	if s := w.tick(); s == nil || s.Missed != 1 {
		t.Fatalf("summary %+v, want one missed", s)
	}
}

func TestJitterMovesTheStartNotTheSlot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.job.Jitter = time.Hour
	w.tick()
	started := time.Time{}
	for w.now = at("2026-11-23 09:00"); w.now.Before(at("2026-11-23 10:01")); w.now = w.now.Add(time.Minute) {
		if s := w.tick(); s != nil {
			started = s.Started
			if s.ID != "weekly/2026-11-23T0900Z" || s.Trigger != audit.Scheduled {
				t.Errorf("summary %+v", s)
			}
		}
	}
	if !started.After(at("2026-11-23 09:00")) || w.reports != 1 {
		t.Errorf("started %s, %d reports", started, w.reports)
	}
}

func TestReviewNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.now = at("2026-11-23 09:00").Add(20 * time.Second) // the scheduled slot of this minute is not taken
		for _, want := range []string{"weekly/2026-11-23T090020Z", "weekly/2026-11-23T0901Z", "weekly/2026-11-23T090130Z"} {
			s, err := w.runner.ReviewNow(t.Context(), w.job)
			if err != nil || s.ID != want || s.Trigger != audit.Manual {
				t.Fatalf("%+v, %v; want %s", s, err, want)
			}
			w.now = at("2026-11-23 09:01").Add(30 * time.Second)
		}
		if _, err := w.runner.ReviewNow(t.Context(), w.job); err == nil {
			t.Error("a third review in the same second")
		}
		w.now = at("2026-11-30 09:00")
		if s := w.tick(); s != nil { // the job is first ticked now
			t.Errorf("summary %+v", s)
		}
	})
}

// TestResumedAfterTheDeadline: a machine that was away for longer than a run may
// take still makes its review.
func TestResumedAfterTheDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	w.now = at("2026-11-23 09:00")
	ctx, kill := context.WithCancel(t.Context())
	w.prod.collect = func(ctx context.Context) error { kill(); return ctx.Err() }
	if _, err := w.runner.Tick(ctx, w.job); err == nil {
		t.Fatal("not cut off")
	}
	w.prod.collect = nil
	w.now = at("2026-11-23 11:00")
	if s := w.tick(); s == nil || s.Coverage.Verdict != audit.Complete || s.Authorizations.Total != 2 {
		t.Errorf("summary %+v", s)
	}
}

func TestAnotherScheduleOwesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	hourly, err := schedule.Parse("@hourly", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	w.job.Schedule = hourly
	w.now = at("2026-11-22 10:30")
	if s := w.tick(); s != nil {
		t.Errorf("reviewed %s, which was never due", s.ID)
	}
	w.now = at("2026-11-22 11:00")
	if s := w.tick(); s == nil || s.Missed != 0 {
		t.Errorf("summary %+v", s)
	}
}

func TestFailedTargetResolvesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	w.now = at("2026-11-23 09:00")
	first := w.tick()
	w.prod.err = errors.New("no route to host")
	w.now = at("2026-11-30 09:00")
	if _, err := w.runner.Tick(t.Context(), w.job); err == nil || !strings.Contains(err.Error(), "trying again until 2026-11-30T10:00:00Z") {
		t.Fatalf("error %v", err)
	}
	w.now = at("2026-11-30 10:00")
	second := w.tick()
	if second.Coverage.Verdict != audit.NotKnown || second.Findings.ByState[audit.Resolved] != 0 {
		t.Errorf("verdict %s, %v", second.Coverage.Verdict, second.Findings.ByState)
	}
	if second.Findings.Total != first.Findings.Total || second.Coverage.Targets[0].Unseen != 2 {
		t.Errorf("%d findings, then %d; %d unseen", first.Findings.Total, second.Findings.Total, second.Coverage.Targets[0].Unseen)
	}
	w.prod.err, w.prod.tokens = nil, tokens("a1")
	w.now = at("2026-12-07 09:00")
	third := w.tick()
	if third.Coverage.Verdict != audit.Complete || third.Authorizations.Gone != 1 || third.Findings.ByState[audit.Resolved] != 1 {
		t.Errorf("after it is back: %+v", third)
	}
}

func TestInterruptedRunIsTakenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := &source{tokens: tokens("c3")}
	w.job.Targets = append(w.job.Targets, runner.Target{Name: "second", Source: second})
	w.tick()
	ctx, kill := context.WithCancel(t.Context())
	second.collect = func(ctx context.Context) error {
		for w.prod.calls.Load() == 0 || !w.done("prod") {
			time.Sleep(time.Millisecond)
		}
		kill()
		return ctx.Err()
	}
	w.now = at("2026-11-23 09:00")
	if _, err := w.runner.Tick(ctx, w.job); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want canceled", err)
	}
	second.collect = nil
	w.start()
	w.now = at("2026-11-23 09:10")
	s := w.tick()
	if s == nil || s.ID != "weekly/2026-11-23T0900Z" || s.Authorizations.Total != 3 {
		t.Fatalf("summary %+v", s)
	}
	if w.prod.calls.Load() != 1 || second.calls.Load() != 2 {
		t.Errorf("asked prod %d times, the other %d; want 1 and 2", w.prod.calls.Load(), second.calls.Load())
	}
}

// done reports whether a target of the running run is done.
func (w *world) done(target string) bool {
	run, _, err := w.runner.Ledger.Running(context.Background(), w.job.Name)
	if err != nil {
		w.t.Error(err)
		return true
	}
	pending, _ := w.runner.Ledger.Pending(context.Background(), run)
	return !strings.Contains(strings.Join(pending, " "), target)
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.job.Deadline = 50 * time.Millisecond
	w.prod.collect = func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	s, err := w.runner.ReviewNow(t.Context(), w.job)
	if err != nil {
		t.Fatal(err)
	}
	if s.Coverage.Verdict != audit.NotKnown || !strings.Contains(s.Coverage.Reasons[0], "deadline") {
		t.Errorf("coverage %+v", s.Coverage)
	}
}

func TestUndeliveredIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	w.refuse = errors.New("channel_not_found")
	w.now = at("2026-11-23 09:00")
	s, err := w.runner.Tick(t.Context(), w.job)
	if s == nil || !errors.As(err, new(*runner.DeliveryError)) {
		t.Fatalf("summary %v, error %v; want both", s, err)
	}
	w.refuse = nil
	w.start()
	if s := w.tick(); s != nil || len(w.sent) != 1 || w.reports != 1 {
		t.Errorf("summary %v, sent %v, %d reports", s, w.sent, w.reports)
	}
	if w.tick(); len(w.sent) != 1 {
		t.Errorf("sent %v", w.sent)
	}
}

func TestReportThatFailsIsWrittenLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	report := w.job.Report
	w.job.Report = func(context.Context, string, runner.Evidence) (audit.Link, audit.Highlights, error) {
		return audit.Link{}, audit.Highlights{}, errors.New("disk full")
	}
	w.now = at("2026-11-23 09:00")
	if _, err := w.runner.Tick(t.Context(), w.job); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Fatalf("error %v", err)
	}
	w.job.Report = report
	if s := w.tick(); s == nil || w.prod.calls.Load() != 1 || len(w.sent) != 1 {
		t.Errorf("summary %v, asked %d times, sent %v", s, w.prod.calls.Load(), w.sent)
	}
}

// TestDamagedSnapshot: what it held is taken from the one before, and said.
func TestDamagedSnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	for _, monday := range []string{"2026-11-23 09:00", "2026-11-30 09:00"} {
		w.now = at(monday)
		w.tick()
	}
	w.damage("2026-11-30T0900Z")
	w.now = at("2026-12-07 09:00")
	s := w.tick()
	if s.Coverage.Verdict != audit.Partial || !strings.Contains(s.Coverage.Reasons[0], "earlier snapshot could not be read") {
		t.Errorf("coverage %+v", s.Coverage)
	}
	if s.Findings.ByState[audit.Open] != 2 || s.Authorizations.New != 0 {
		t.Errorf("findings %v, %d new tokens; want those of two weeks ago", s.Findings.ByState, s.Authorizations.New)
	}
	for _, slot := range []string{"2026-11-23T0900Z", "2026-12-07T0900Z"} {
		w.damage(slot)
	}
	w.now = at("2026-12-14 09:00")
	if s := w.tick(); s.Coverage.Verdict != audit.Partial || s.Authorizations.New != 2 {
		t.Errorf("nothing to compare with: %+v", s)
	}
}

func (w *world) damage(slot string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, "weekly", slot, "snapshot-prod.jsonl.gz"), []byte("x"), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// TestDamagedLedger: records of earlier runs that are damaged keep no later run from
// its report, which says what it cannot be compared with.
func TestDamagedLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	for _, monday := range []string{"2026-11-23 09:00", "2026-11-30 09:00"} {
		w.now = at(monday)
		w.tick()
	}
	w.stop()
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	newest := at("2026-11-30 09:00").Unix()
	_, err = db.Exec(`UPDATE run SET summary = '{"run": tru' WHERE slot = $1; UPDATE item SET result = '' WHERE slot = $1`, newest)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.now = at("2026-12-07 09:00")
	s := w.tick()
	const damaged = "the record of run weekly/2026-11-30T0900Z in the ledger is damaged"
	if s == nil || s.Coverage.Verdict != audit.Partial || s.Previous != nil || strings.Count(strings.Join(s.Coverage.Reasons, "\n"), damaged) != 2 {
		t.Fatalf("summary %+v", s)
	}
	if s.Findings.ByState[audit.Open] != 2 || s.Authorizations.New != 0 { // by the snapshot of two weeks ago
		t.Errorf("findings %v, %d new tokens", s.Findings.ByState, s.Authorizations.New)
	}
	status, err := w.ledger.Status(t.Context(), w.job.Name)
	if err != nil || status.Damaged != nil || status.Last.ID != s.ID {
		t.Errorf("status %+v, %v", status, err)
	}
}

// TestUncertainMessage is tried until it is certain, unless it is given up.
func TestUncertainMessage(t *testing.T) {
	t.Parallel()
	for giveUp, want := range map[bool]int{false: 5, true: 1} {
		w := newWorld(t)
		w.tick()
		w.refuse = &runner.UncertainError{Err: errors.New("line cut"), GiveUp: giveUp}
		w.now = at("2026-11-23 09:00")
		for range 5 {
			w.runner.Tick(t.Context(), w.job)
		}
		if w.tries != want {
			t.Errorf("give up %t: tried %d times, want %d", giveUp, w.tries, want)
		}
	}
}

// TestUndeliveredExpires: what did not arrive in time is said once and given up.
func TestUndeliveredExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	w.refuse = errors.New("channel_not_found")
	w.now = at("2026-11-23 09:00")
	w.runner.Tick(t.Context(), w.job)
	w.now = w.now.Add(w.job.DeliverWithin)
	if _, err := w.runner.Tick(t.Context(), w.job); err == nil || !strings.Contains(err.Error(), "cancelled: channel_not_found") {
		t.Errorf("error %v", err)
	}
	w.refuse = nil
	if w.tick(); len(w.sent) != 0 || w.tries != 1 {
		t.Errorf("sent %v, tried %d times", w.sent, w.tries)
	}
}

// TestThread: what belongs below a message waits for it, and learns what it is called.
func TestThread(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	var said []string
	refuse := map[string]error{"summary": errors.New("not_in_channel")}
	w.job.Notifiers = []runner.Notifier{{
		Name:       "slack",
		Deliveries: func(audit.Summary, audit.Highlights) []string { return []string{"summary", "owner:b", "owner:a"} },
		Send: func(_ context.Context, m runner.Message) (string, error) {
			said = append(said, m.Name+" under "+m.Root)
			return "ref-" + m.Name, refuse[m.Name]
		},
	}}
	w.now = at("2026-11-23 09:00")
	w.runner.Tick(t.Context(), w.job)
	refuse = map[string]error{"owner:b": errors.New("user_not_found")}
	w.runner.Tick(t.Context(), w.job)
	refuse = nil
	w.tick()
	w.tick()
	want := []string{"summary under ", "summary under ", "owner:b under ref-summary", "owner:a under ref-summary", "owner:b under ref-summary"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// reads counts how often what a run ended with is read.
type reads struct {
	runner.Ledger
	of map[string]int
}

func (r *reads) Conclusion(ctx context.Context, run audit.Run) (audit.Summary, audit.Highlights, error) {
	r.of[run.ID()]++
	return r.Ledger.Conclusion(ctx, run)
}

// TestConclusionIsReadOnce: what a run ended with is read once for all its deliveries, in each
// pass, however many runs and notifiers have some left.
func TestConclusionIsReadOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	read := &reads{w.ledger, map[string]int{}}
	w.runner.Ledger = read
	sent, broken := map[string]int{}, true
	for _, name := range []string{"slack", "webhook"} {
		w.job.Notifiers = append(w.job.Notifiers[:len(w.job.Notifiers):len(w.job.Notifiers)], runner.Notifier{
			Name: name,
			Deliveries: func(audit.Summary, audit.Highlights) []string {
				out := []string{"summary"}
				for i := range 20 {
					out = append(out, fmt.Sprint("owner:", i))
				}
				return out
			},
			Send: func(_ context.Context, m runner.Message) (string, error) {
				if broken {
					return "", errors.New("channel_not_found")
				}
				sent[m.Summary.ID]++
				return "ref", nil
			},
		})
	}
	w.job.Notifiers, w.job.DeliverWithin = w.job.Notifiers[1:], 14*24*time.Hour
	for _, monday := range []string{"2026-11-23 09:00", "2026-11-30 09:00"} {
		w.now = at(monday)
		w.runner.Tick(t.Context(), w.job)
	}
	broken = false
	clear(read.of)
	w.tick()
	first, second := "weekly/2026-11-23T0900Z", "weekly/2026-11-30T0900Z"
	if diff := cmp.Diff(map[string]int{first: 1, second: 1}, read.of); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{first: 42, second: 42}, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestTargetNoLongerConfigured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	w.now = at("2026-11-23 09:00")
	ctx, kill := context.WithCancel(t.Context())
	w.prod.collect = func(ctx context.Context) error { kill(); return ctx.Err() }
	if _, err := w.runner.Tick(ctx, w.job); err == nil {
		t.Fatal("the run was not cut off")
	}
	w.job.Targets = nil
	s := w.tick()
	if s == nil || s.Coverage.Verdict != audit.NotKnown || !strings.Contains(s.Coverage.Reasons[0], "no longer configured") {
		t.Errorf("summary %+v", s)
	}
}
