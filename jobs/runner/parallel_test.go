package runner_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tokenaudit/jobs/runner"
)

// crowd counts how many targets are collected at the same time, in all and of the
// same host.
type crowd struct {
	mu        sync.Mutex
	now, most map[string]int
}

func (c *crowd) add(host string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range []string{"", host} {
		c.now[key] += n
		c.most[key] = max(c.most[key], c.now[key])
	}
}

// TestParallel: 120 targets on three servers, one of which is slow: it keeps nobody
// else waiting, and the report has the order of the configuration.
func TestParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, c := newWorld(t), &crowd{now: map[string]int{}, most: map[string]int{}}
		w.job.Targets = nil
		w.runner.Parallel, w.runner.PerHost = 8, 4
		for i := range 120 {
			host, takes := fmt.Sprintf("host-%d", i%3), time.Second
			if i%3 == 0 {
				takes = time.Minute
			}
			w.job.Targets = append(w.job.Targets, runner.Target{Name: fmt.Sprintf("target-%03d", i), Host: host, Source: &source{collect: func(context.Context) error {
				c.add(host, 1)
				time.Sleep(takes)
				c.add(host, -1)
				return nil
			}}})
		}
		began := time.Now()
		s, err := w.runner.ReviewNow(t.Context(), w.job)
		if err != nil {
			t.Fatal(err)
		}
		if c.most[""] != 8 || c.most["host-0"] != 4 || c.most["host-1"] > 4 {
			t.Errorf("at the same time: %v; want 8 in all, 4 of a host", c.most)
		}
		if took := time.Since(began); took > 11*time.Minute {
			t.Errorf("took %s; the slow host alone takes 10 minutes", took)
		}
		for i, target := range s.Coverage.Targets {
			if want := fmt.Sprintf("target-%03d", i); target.Target != want {
				t.Fatalf("target %d is %s", i, target.Target)
			}
		}
	})
}
