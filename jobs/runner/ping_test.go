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
)

// switchboard is a dead man's switch that notes what it hears.
type switchboard struct {
	mu    sync.Mutex
	heard []string
	texts []string
}

func (s *switchboard) ping(_ context.Context, run audit.Run, event runner.PingEvent, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard, s.texts = append(s.heard, run.ID()+" "+string(event)), append(s.texts, text)
}

func TestPings(t *testing.T) {
	t.Parallel()
	const first = "weekly/2026-11-23T0900Z"
	for _, tc := range []struct {
		name string
		work func(w *world)
		want []string
		says string // the last one
	}{
		{"nothing due", func(w *world) {
			w.now = at("2026-11-23 08:59")
			w.tick()
		}, nil, ""},
		{"done", func(w *world) { w.tick() }, []string{first + " start", first + " success"}, "coverage complete\ntokens that need action 0, new 0, fixed 0, overdue 0\nActive write tokens 0\ntokens 2, with findings 2\n"},
		{"its first line", func(w *world) { w.tick() }, []string{first + " start", first + " success"}, "No token needs action\n" + first + ": "},
		{"done once", func(w *world) {
			w.tick()
			w.tick()
		}, []string{first + " start", first + " success"}, ""},
		{"nothing seen until the deadline", func(w *world) {
			w.prod.err = errors.New("away")
			w.runner.Tick(w.t.Context(), w.job)
			w.now = at("2026-11-23 10:00")
			w.tick()
		}, []string{first + " start", first + " fail", first + " start", first + " fail"}, "coverage unknown"},
		{"no reports", func(w *world) {
			w.job.Report = func(context.Context, string, runner.Evidence) (audit.Link, audit.Highlights, error) {
				return audit.Link{}, audit.Highlights{}, errors.New("disk full")
			}
			w.runner.Tick(w.t.Context(), w.job)
		}, []string{first + " start", first + " fail"}, "disk full"},
		{"no message", func(w *world) {
			w.refuse = errors.New("channel_not_found")
			w.runner.Tick(w.t.Context(), w.job)
		}, []string{first + " start", first + " success"}, ""},
		{"by hand", func(w *world) {
			w.now = at("2026-11-22 11:11")
			w.runner.ReviewNow(w.t.Context(), w.job)
		}, []string{"weekly/2026-11-22T1111Z start", "weekly/2026-11-22T1111Z success"}, ""},
		{"dry", func(w *world) {
			if _, err := w.dryRun(w.t.Context()); err != nil {
				w.t.Error(err)
			}
		}, nil, ""},
		{"cut off", func(w *world) {
			ctx, cancel := context.WithCancel(w.t.Context())
			w.prod.collect = func(context.Context) error { cancel(); return ctx.Err() }
			w.runner.Tick(ctx, w.job)
		}, []string{first + " start"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, s := newWorld(t), &switchboard{}
			w.tick()
			w.now, w.job.Ping = at("2026-11-23 09:00"), s.ping
			tc.work(w)
			if diff := cmp.Diff(tc.want, s.heard); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tc.says != "" && !strings.Contains(s.texts[len(s.texts)-1], tc.says) {
				t.Errorf("the last ping says %q, want %q in it", s.texts[len(s.texts)-1], tc.says)
			}
		})
	}
}

// TestServePingsOnce: a run that fails at every heartbeat starts once and fails
// once for each reason, and the next week begins anew.
func TestServePingsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		w, s := serving(t), &switchboard{}
		w.job.Ping = s.ping
		var broken atomic.Value
		broken.Store("disk full")
		var tries, beats atomic.Int32
		w.job.Report = func(context.Context, string, runner.Evidence) (audit.Link, audit.Highlights, error) {
			if try := tries.Add(1); broken.Load() != "" {
				return audit.Link{}, audit.Highlights{}, fmt.Errorf("%s, try %d", broken.Load(), try)
			}
			return audit.Link{}, audit.Highlights{}, nil
		}
		var log bytes.Buffer
		w.runner.Log = slog.New(slog.NewTextHandler(&log, nil))
		w.runner.Beat = func() { beats.Add(1) }
		ended := make(chan struct{})
		go func() {
			w.runner.Serve(ctx, nil, []runner.Job{w.job})
			close(ended)
		}()
		slot := w.job.Schedule.Next(time.Now())
		time.Sleep(time.Until(slot) + time.Hour)
		broken.Store("read-only file system")
		time.Sleep(time.Hour)
		broken.Store("")
		time.Sleep(7 * 24 * time.Hour)
		stop()
		<-ended
		var got []string
		for _, h := range s.heard {
			run, event, _ := strings.Cut(h, " ")
			if run == (audit.Run{Job: "weekly", Slot: slot}).ID() {
				run = "first"
			}
			got = append(got, run+" "+event)
		}
		next := audit.Run{Job: "weekly", Slot: w.job.Schedule.Next(slot)}.ID()
		if diff := cmp.Diff([]string{"first start", "first fail", "first fail", "first success", next + " start", next + " success"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if least := int32(7 * 24 * time.Hour / runner.Heartbeat); beats.Load() < least {
			t.Errorf("%d beats in a week, want one at each heartbeat: %d", beats.Load(), least)
		}
		checkLog(t, log.String())
	})
}

// checkLog wants the job in every line, and the run where there is one.
func checkLog(t *testing.T, log string) {
	t.Helper()
	if !strings.Contains(log, "failed; it will be tried again") {
		t.Error("the log does not tell of the failed run")
	}
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "job=weekly") || !strings.Contains(line, "run=weekly/") && !strings.Contains(line, "msg=scheduled") && !strings.Contains(line, "works again") {
			t.Errorf("a line without job or run: %s", line)
		}
	}
}

// TestPingText: what a success says of the review, the headline first.
func TestPingText(t *testing.T) {
	t.Parallel()
	counts := audit.NewCounts()
	counts.NeedsAction.Tokens, counts.NeedsAction.New, counts.NeedsAction.Fixed = 1117, 8, 3
	run := audit.Run{Job: "weekly", Slot: at("2026-11-23 09:00"), Started: at("2026-11-23 09:00")}
	s := audit.Summarize(run, []audit.Item{{Coverage: audit.NewCoverage("prod"), Counts: counts}}, run.Started, audit.Tool{}, audit.Policy{}, &audit.Previous{})
	s.Coverage.Retired = []audit.RetiredSource{{Source: "server/aaaa", Reason: "taken down", At: at("2026-11-20 09:00"), Tokens: 3}}
	text := runner.PingText(s)
	for _, want := range []string{
		"tokens that need action 1117, new 8, fixed 3, overdue 0\n", "Active write tokens 0: 0 new, 0 gone\n",
		"retired: 3 tokens of server/aaaa are not followed any more since 2026-11-20: taken down\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if !strings.HasPrefix(text, s.Headline()+"\n") {
		t.Errorf("does not begin with %q:\n%s", s.Headline(), text)
	}
}
