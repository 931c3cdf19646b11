package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
)

// TestServe runs the scheduler for three weeks of fake time, over a ledger in memory.
func TestServe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var sent atomic.Int32
		w := serving(t)
		w.job.Notifiers = []runner.Notifier{summaryNotifier(func(context.Context, runner.Message) (string, error) {
			sent.Add(1)
			return "", nil
		})}
		ended := make(chan struct{})
		go func() {
			w.runner.Serve(ctx, nil, []runner.Job{w.job})
			close(ended)
		}()
		time.Sleep(21*24*time.Hour + time.Hour)
		stop()
		<-ended
		if sent.Load() != 3 || w.prod.calls.Load() != 3 {
			t.Errorf("%d messages, %d reviews in three weeks; want 3", sent.Load(), w.prod.calls.Load())
		}
	})
}

// TestServeHandsOver: while a review is under way, another runner takes the jobs over. The
// review goes on to its end where it began, is made once, and keeps no other job waiting.
func TestServeHandsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		w := serving(t)
		var earlier, later []string // what each of them reported
		var mu sync.Mutex
		reporting := func(to *[]string) func(context.Context, string, runner.Evidence) (audit.Link, audit.Highlights, error) {
			return func(_ context.Context, _ string, e runner.Evidence) (audit.Link, audit.Highlights, error) {
				mu.Lock()
				defer mu.Unlock()
				*to = append(*to, fmt.Sprintf("%s at %s", e.Summary.ID, time.Now().UTC().Format("15:04")))
				return audit.Link{}, audit.Highlights{}, nil
			}
		}
		w.job.Report = reporting(&earlier)
		slot := w.job.Schedule.Next(time.Now()) // a Monday at 9:00
		w.prod.collect = func(ctx context.Context) error { time.Sleep(30 * time.Minute); return ctx.Err() }
		retired, ended := make(chan struct{}), make(chan time.Time, 2)
		serve := func(r *runner.Runner, retired <-chan struct{}, jobs ...runner.Job) {
			r.Serve(ctx, retired, jobs)
			ended <- time.Now()
		}
		go serve(w.runner, retired, w.job)
		time.Sleep(time.Until(slot) + 10*time.Minute)

		second := *w.runner
		second.Holder = "another"
		weekly, quick := w.job, w.job
		quickSource := &source{tokens: tokens("b2")}
		quick.Name, quick.Targets, quick.Report = "quick", []runner.Target{{Name: "edge", Source: quickSource}}, reporting(&later)
		quick.Schedule = mustSchedule(t, "15 9 * * 1")
		weekly.Report = reporting(&later)
		close(retired)
		go serve(&second, nil, weekly, quick)
		time.Sleep(time.Hour)
		if at := <-ended; !at.Equal(slot.Add(30 * time.Minute)) {
			t.Errorf("the first one ended at %s, want at the end of its review", at.UTC().Format("15:04"))
		}
		time.Sleep(7 * 24 * time.Hour)
		stop()
		<-ended
		week := func(job, clock string, n int) string {
			at, _ := time.Parse("15:04", clock)
			return audit.Run{Job: job, Slot: slot.Truncate(24*time.Hour).AddDate(0, 0, 7*n).Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)}.ID()
		}
		if diff := cmp.Diff([]string{week("weekly", "09:00", 0) + " at 09:30"}, earlier); diff != "" {
			t.Errorf("the first one (-want +got):\n%s", diff)
		}
		want := []string{week("quick", "09:15", 0) + " at 09:15", week("quick", "09:15", 1) + " at 09:15", week("weekly", "09:00", 1) + " at 09:30"}
		if diff := cmp.Diff(want, later); diff != "" {
			t.Errorf("the second one (-want +got):\n%s", diff)
		}
	})
}

func mustSchedule(t *testing.T, spec string) *schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(spec, "UTC")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestServeSaysEachReasonOnce: a fault that shows other digits at each heartbeat, or two
// texts in turn, is logged once; after a review that worked it is said again.
func TestServeSaysEachReasonOnce(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		text    func(try int) string
		reasons int
	}{
		{"the same", func(int) string { return "disk full" }, 1},
		{"another temporary file each time", func(try int) string { return fmt.Sprintf("write /tmp/rows-%d: disk full", 4711*try) }, 1},
		{"another port each time", func(try int) string { return fmt.Sprintf("read 10.0.0.1:%d: reset", 40000+try) }, 1},
		{"two reasons in turn", func(try int) string { return []string{"disk full", "database is full"}[try%2] }, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				w := serving(t)
				var log bytes.Buffer
				w.runner.Log = slog.New(slog.NewTextHandler(&log, nil))
				tries := 0
				var broken atomic.Bool
				w.job.Report = func(context.Context, string, runner.Evidence) (audit.Link, audit.Highlights, error) {
					if tries++; broken.Load() {
						return audit.Link{}, audit.Highlights{}, errors.New(tc.text(tries))
					}
					return audit.Link{}, audit.Highlights{}, nil
				}
				ended := make(chan struct{})
				go func() {
					w.runner.Serve(ctx, nil, []runner.Job{w.job})
					close(ended)
				}()
				slot := w.job.Schedule.Next(time.Now())
				for week := 1; week <= 2; week++ { // fails for an hour, and works
					broken.Store(true)
					time.Sleep(time.Until(slot) + time.Hour)
					broken.Store(false)
					time.Sleep(time.Hour)
					synctest.Wait()
					if n := strings.Count(log.String(), "level=ERROR"); n != week*tc.reasons {
						t.Errorf("week %d: %d errors in the log after %d attempts, want %d:\n%s", week, n, tries, week*tc.reasons, &log)
					}
					if n := strings.Count(log.String(), "msg=reviewing "); n != week {
						t.Errorf("week %d: said %d times that it reviews", week, n)
					}
					if n := strings.Count(log.String(), "works again"); n != week {
						t.Errorf("week %d: said %d times that it works again", week, n)
					}
					slot = w.job.Schedule.Next(slot)
				}
				stop()
				<-ended
			})
		})
	}
}
