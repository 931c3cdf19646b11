package runner_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tokenaudit/jobs/runner"
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
			w.runner.Serve(ctx, []runner.Job{w.job})
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
