package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"tokenaudit/jobs/audit"
)

// errDeadline is the cause when a run took longer than it may.
var errDeadline = errors.New("the deadline of the run has passed")

// collectAll collects the targets of a run that are not done.
func (r *Runner) collectAll(ctx context.Context, j Job, run audit.Run) error {
	pending, err := r.Ledger.Pending(ctx, run)
	if err != nil {
		return err
	}
	return r.eachTarget(ctx, j, pending, func(asking context.Context, _ int, name string) error {
		return r.collect(ctx, asking, j, run, name)
	})
}

// eachTarget does work for targets of a job, several at a time. One that fails does not
// stop the others. Servers are asked under asking, which ends with the deadline.
func (r *Runner) eachTarget(ctx context.Context, j Job, names []string, work func(asking context.Context, i int, name string) error) error {
	asking, cancel := context.WithTimeoutCause(ctx, j.Deadline, errDeadline)
	defer cancel()
	gate := r.newGate(j)
	errs := make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			err := r.guard(j, "target "+name, func() error {
				leave, err := gate.enter(ctx, name)
				if err != nil {
					return err
				}
				defer leave()
				return work(asking, i, name)
			})
			if err != nil {
				errs[i] = fmt.Errorf("target %q: %w", name, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// gate lets so many targets through at a time, and so many of the same host.
type gate struct {
	all   chan struct{}
	hosts map[string]chan struct{} // by target
}

func (r *Runner) newGate(j Job) gate {
	most := cmp.Or(r.Parallel, 8)
	g := gate{make(chan struct{}, most), map[string]chan struct{}{}}
	byHost := map[string]chan struct{}{}
	for _, t := range j.Targets {
		if byHost[t.Host] == nil {
			byHost[t.Host] = make(chan struct{}, cmp.Or(r.PerHost, most))
		}
		g.hosts[t.Name] = byHost[t.Host]
	}
	return g
}

// enter waits until the target may be collected, or ctx ends. It waits for the host
// first: a target that waits for a busy one must not keep out those of others.
func (g gate) enter(ctx context.Context, target string) (leave func(), err error) {
	host := g.hosts[target]
	if host == nil { // no longer configured
		host = make(chan struct{}, 1)
	}
	for _, place := range []chan struct{}{host, g.all} {
		select {
		case place <- struct{}{}:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return func() { <-g.all; <-host }, nil
}
