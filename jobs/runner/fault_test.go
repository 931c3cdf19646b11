package runner_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/runner"
)

// TestPanicEndsTheLease: after a panic in a run another process can take the job up.
func TestPanicEndsTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		w := serving(t)
		w.job.Report = func(context.Context, string, runner.Evidence) (audit.Link, audit.Highlights, error) {
			panic("a broken report")
		}
		func() {
			defer func() {
				if value := recover(); value != nil {
					t.Errorf("panicked with %v", value)
				}
			}()
			if _, err := w.runner.ReviewNow(ctx, w.job); err == nil || !strings.Contains(err.Error(), "a broken report") {
				t.Errorf("error %v", err)
			}
		}()
		time.Sleep(5 * time.Minute)
		now := time.Now()
		if ok, err := w.runner.Ledger.Acquire(ctx, w.job.Name, "another", now, now.Add(time.Minute)); err != nil || !ok {
			t.Errorf("another process was refused, %v", err)
		}
	})
}

// TestServeSurvivesPanic: a report that panics is logged with its stack, and tried
// again until it is written.
func TestServeSurvivesPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		w := serving(t)
		var log bytes.Buffer
		w.runner.Log = slog.New(slog.NewTextHandler(&log, nil))
		panics := 0
		w.job.Report = func(context.Context, string, runner.Evidence) (audit.Link, audit.Highlights, error) {
			if panics++; panics < 3 {
				panic("a broken report")
			}
			return audit.Link{}, audit.Highlights{}, nil
		}
		ended := make(chan struct{})
		go func() {
			w.runner.Serve(ctx, nil, []runner.Job{w.job})
			close(ended)
		}()
		time.Sleep(7 * 24 * time.Hour)
		stop()
		<-ended
		if panics != 3 || !strings.Contains(log.String(), "fault_test.go") || !strings.Contains(log.String(), "panic: a broken report") {
			t.Errorf("%d reports; log:\n%s", panics, &log)
		}
	})
}

// TestPanicOfOneTarget: whatever panics for one target, it is reported as not seen, and
// the other one is reviewed.
func TestPanicOfOneTarget(t *testing.T) {
	t.Parallel()
	list := func(a ...audit.Authorization) iter.Seq2[audit.Authorization, error] {
		return func(yield func(audit.Authorization, error) bool) {
			for _, a := range a {
				if !yield(a, nil) {
					return
				}
			}
		}
	}
	owner := func(context.Context, audit.Authorization) audit.Owner {
		return audit.Owner{State: audit.OwnerPresent, MembershipKnown: true}
	}
	probe := func(context.Context, audit.Authorization) audit.Probe { return audit.Probe{Presence: audit.Gone} }
	complete := audit.Collection{Authorizations: list(tokens("a1")...), Coverage: audit.NewCoverage(""), Owner: owner, Probe: probe}
	for name, breaks := range map[string]func(*audit.Collection){
		"collecting": nil,
		"the list": func(c *audit.Collection) {
			c.Authorizations = func(func(audit.Authorization, error) bool) { panic("broken") }
		},
		"a list of which nothing can be asked": func(c *audit.Collection) {
			c.Probe, c.Authorizations = nil, func(func(audit.Authorization, error) bool) { panic("broken") }
		},
		"its owner": func(c *audit.Collection) {
			c.Owner = func(context.Context, audit.Authorization) audit.Owner { panic("broken") }
		},
		"what is known from elsewhere": func(c *audit.Collection) {
			c.Known = func(func(audit.Record, error) bool) { panic("broken") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := serving(t)
				c := complete
				if breaks != nil {
					breaks(&c)
				}
				w.job.Targets = append(w.job.Targets, runner.Target{Name: "broken", Source: collects(func() audit.Collection {
					if breaks == nil {
						panic("broken")
					}
					return c
				})})
				s, err := w.runner.ReviewNow(t.Context(), w.job)
				if err != nil {
					t.Fatal(err)
				}
				verdicts := map[string]audit.Verdict{}
				for _, target := range s.Coverage.Targets {
					verdicts[target.Target] = target.Verdict
				}
				if verdicts["broken"] != audit.NotKnown || verdicts["prod"] == audit.NotKnown || s.Authorizations.Total != 1 {
					t.Errorf("verdicts %v, %d authorizations, reasons %q", verdicts, s.Authorizations.Total, s.Coverage.Reasons)
				}
			})
		})
	}
}

type collects func() audit.Collection

func (c collects) Collect(context.Context, func()) (audit.Collection, error) { return c(), nil }

// TestPanicInSnapshot: a snapshot whose reading panics is one that cannot be read.
func TestPanicInSnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick()
	w.now = at("2026-11-23 09:00")
	first := w.tick()
	w.runner.Snapshots = brokenRead{w.runner.Snapshots, first.ID}
	w.now = at("2026-11-30 09:00")
	s := w.tick()
	if s == nil || s.Coverage.Verdict != audit.Partial || !strings.Contains(s.Coverage.Reasons[0], "earlier snapshot could not be read") {
		t.Errorf("summary %+v", s)
	}
}

type brokenRead struct {
	runner.Snapshots
	run string
}

func (b brokenRead) Read(ctx context.Context, run audit.Run, target string) iter.Seq2[audit.Record, error] {
	if run.ID() == b.run {
		return func(func(audit.Record, error) bool) { panic("broken") }
	}
	return b.Snapshots.Read(ctx, run, target)
}

// TestReviewNowWaitsNoLonger: a review that waits for a free slot ends with its caller.
func TestReviewNowWaitsNoLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := serving(t)
		for range 2 { // the minute and the second are taken
			if _, err := w.runner.ReviewNow(t.Context(), w.job); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := w.runner.ReviewNow(ctx, w.job)
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 10*time.Millisecond {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// TestEndAtTheGate: a target that waits for its turn is not asked when the process
// ends meanwhile.
func TestEndAtTheGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := serving(t)
		w.runner.Parallel = 1
		ctx, cancel := context.WithCancel(t.Context())
		busy := &source{collect: func(context.Context) error {
			time.Sleep(time.Hour)
			cancel()
			synctest.Wait()
			return nil
		}}
		w.job.Targets = []runner.Target{{Name: "a", Source: busy}, {Name: "b", Source: busy}}
		if _, err := w.runner.ReviewNow(ctx, w.job); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if n := busy.calls.Load(); n != 1 {
			t.Errorf("%d targets were asked", n)
		}
	})
}

// TestSlowReceiverHoldsNobodyUp: a receiver that is waited for all day is waited for
// for minutes, and the next message goes out the next time.
func TestSlowReceiverHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := serving(t)
		waits := true
		w.job.Notifiers = []runner.Notifier{{
			Name: "slack", Deliveries: func(audit.Summary, audit.Highlights) []string { return []string{"summary", "owner:a"} },
			Send: func(ctx context.Context, m runner.Message) (string, error) {
				if !waits {
					w.sent = append(w.sent, m.Name)
					return "ref", nil
				}
				select {
				case <-ctx.Done():
				case <-time.After(24 * time.Hour):
				}
				return "", &runner.UncertainError{Err: ctx.Err()}
			},
		}}
		began := time.Now()
		s, err := w.runner.ReviewNow(t.Context(), w.job)
		if took := time.Since(began); took > 10*time.Minute || s == nil || !errors.As(err, new(*runner.DeliveryError)) {
			t.Errorf("after %s: %v, %v", took, s, err)
		}
		waits = false
		if _, err := w.runner.Tick(t.Context(), w.job); err != nil {
			t.Error(err)
		}
		if got := strings.Join(w.sent, " "); got != "summary owner:a" {
			t.Errorf("sent %s", got)
		}
	})
}

// TestPanicWhileRenewing: a lease whose renewal panics is lost, and its run ends.
func TestPanicWhileRenewing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := serving(t)
		w.runner.Ledger = &panicsLater{Ledger: w.runner.Ledger}
		w.prod.collect = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		began := time.Now()
		_, err := w.runner.ReviewNow(t.Context(), w.job)
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "the lease of the job was lost") || took > time.Minute {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// panicsLater is a ledger that gives a lease and panics when it is renewed.
type panicsLater struct {
	runner.Ledger
	given bool
}

func (p *panicsLater) Acquire(ctx context.Context, job, holder string, now, until time.Time) (bool, error) {
	if p.given {
		panic("broken")
	}
	p.given = true
	return p.Ledger.Acquire(ctx, job, holder, now, until)
}
