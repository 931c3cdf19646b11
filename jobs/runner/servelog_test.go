package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/runner"
)

// TestServeLogs: what happened is said once and at the right level, and nothing more.
func TestServeLogs(t *testing.T) {
	t.Parallel()
	const run = `job=weekly run=weekly/2000-01-03T0900Z`
	reviewed := func(verdict string) []string {
		return []string{
			`INFO reviewing ` + run + ` trigger=schedule targets=1 missed=0`,
			`INFO reviewed ` + run + ` verdict=` + verdict + ` authorizations=1 findings=1 evidence=weekly/2000-01-03T0900Z`,
		}
	}
	half := func() audit.Coverage {
		c := audit.NewCoverage("")
		c.AddGap(audit.Gap{ID: "instance-seen/org", Verdict: audit.Partial, Reason: "of another org", Fix: "Give the credential all orgs."})
		return c
	}
	for _, tc := range []struct {
		name  string
		set   func(w *world)
		send  func(since time.Duration) error // of the slot
		after time.Duration
		want  []string
	}{
		{"fine", nil, nil, time.Hour, append(reviewed("complete"), `INFO delivered `+run+` notifier=slack messages=1 after_failures=false`)},
		{"partial", func(w *world) { w.prod.cover = half }, nil, time.Hour, append(reviewed("partial"),
			`WARN "not seen" `+run+` coverage=partial gap=instance-seen/org targets=prod reason="of another org" remedy="Give the credential all orgs."`,
			`INFO delivered `+run+` notifier=slack messages=1 after_failures=false`)},
		{"the target is away for half an hour", func(w *world) {
			since := w.job.Schedule.Next(time.Now())
			w.prod.collect = func(context.Context) error {
				if time.Since(since) < 30*time.Minute {
					return errors.New("refused")
				}
				return nil
			}
		}, nil, time.Hour, []string{
			reviewed("complete")[0],
			`ERROR "failed; it will be tried again" ` + run + ` error="run weekly/2000-01-03T0900Z: target \"prod\": nothing could be read; trying again until 2000-01-03T10:00:00Z: not reviewed: refused"`,
			reviewed("complete")[1],
			`INFO delivered ` + run + ` notifier=slack messages=1 after_failures=false`,
			`INFO "works again" job=weekly`,
		}},
		{"Slack is down for an hour", nil, func(since time.Duration) error {
			if since < time.Hour {
				return fmt.Errorf("dial 127.0.0.1:%d: refused", int(since.Seconds())) // each attempt has a port of its own
			}
			return nil
		}, 2 * time.Hour, append(reviewed("complete"),
			`WARN "not delivered; it will be tried again" `+run+` notifier=slack messages=1 arrived=0 error="dial 127.0.0.1:0: refused"`,
			`INFO delivered `+run+` notifier=slack messages=1 after_failures=true`)},
		{"the reason changes", nil, func(since time.Duration) error {
			switch {
			case since < time.Hour:
				return errors.New("refused")
			case since < 2*time.Hour:
				return errors.New("channel_not_found")
			}
			return nil
		}, 3 * time.Hour, append(reviewed("complete"),
			`WARN "not delivered; it will be tried again" `+run+` notifier=slack messages=1 arrived=0 error=refused`,
			`WARN "not delivered; it will be tried again" `+run+` notifier=slack messages=1 arrived=0 error=channel_not_found`,
			`INFO delivered `+run+` notifier=slack messages=1 after_failures=true`)},
		{"it never arrives", func(w *world) { w.job.DeliverWithin = time.Hour }, func(time.Duration) error { return errors.New("refused") }, 3 * time.Hour, append(reviewed("complete"),
			`WARN "not delivered; it will be tried again" `+run+` notifier=slack messages=1 arrived=0 error=refused`,
			`ERROR "a message was cancelled" `+run+` notifier=slack message=summary error="not delivered within 1 hour and cancelled: refused"`)},
		{"it is given up", nil, func(time.Duration) error { return &runner.UncertainError{Err: errors.New("timeout"), GiveUp: true} }, 3 * time.Hour, append(reviewed("complete"),
			`ERROR "a message may not have arrived, and is not sent again" `+run+` notifier=slack error=timeout`)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, out := serving(t), &bytes.Buffer{}
				w.runner.Log = slog.New(slog.NewTextHandler(out, nil))
				if tc.set != nil {
					tc.set(w)
				}
				slot := w.job.Schedule.Next(time.Now())
				w.job.Notifiers = []runner.Notifier{summaryNotifier(func(context.Context, runner.Message) (string, error) {
					if tc.send == nil {
						return "", nil
					}
					return "", tc.send(time.Since(slot))
				})}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() {
					w.runner.Serve(ctx, nil, []runner.Job{w.job})
					close(ended)
				}()
				time.Sleep(time.Until(slot.Add(tc.after)))
				stop()
				<-ended
				var got []string
				for line := range strings.Lines(out.String()) {
					_, line, _ = strings.Cut(strings.TrimSuffix(line, "\n"), " level=")
					if line = strings.Replace(line, " msg=", " ", 1); !strings.HasPrefix(line, "INFO scheduled ") {
						got = append(got, line)
					}
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}
