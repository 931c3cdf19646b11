package runner

import (
	"context"
	"errors"
	"time"
)

// ErrLeased is the error when another process works on the job.
var ErrLeased = errors.New("another tokenaudit works on this job")

// errLost is the cause when the lease could not be renewed.
var errLost = errors.New("the lease of the job was lost: the ledger could not be reached, or another process took over")

// lease is how long a crashed process keeps others from its job. It is renewed after a
// third of that, and given up where that failed until two thirds have passed: what is
// under way then has ended when another process takes the job up. A statement to
// PostgreSQL may take less than a lease (jobs/ledger/postgres.go).
const lease = 45 * time.Second

// withLease does work on a job that no other process is at, and renews the lease while
// it lasts. The lease is released on return, however the work ended.
func (r *Runner) withLease(ctx context.Context, j Job, work func(context.Context) error) (err error) {
	asked := time.Now()
	if err := r.acquire(ctx, j); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		if r.guard(j, "renewing the lease", func() error { return r.renew(ctx, j, asked) }) != nil {
			cancel(errLost)
		}
	}()
	defer func() {
		lost := context.Cause(ctx)
		cancel(nil)
		<-renewed
		if errors.Is(lost, errLost) {
			err = lost
		}
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), lease/3)
		defer cancel()
		err = errors.Join(err, r.Ledger.Release(ending, j.Name, r.Holder))
	}()
	return r.guard(j, "the run", func() error { return work(ctx) })
}

func (r *Runner) acquire(ctx context.Context, j Job) error {
	now, err := r.Now(ctx)
	if err != nil {
		return err
	}
	leased, err := r.Ledger.Acquire(ctx, j.Name, r.Holder, now, now.Add(lease))
	if err == nil && !leased {
		err = ErrLeased
	}
	return err
}

// renew renews the lease until ctx ends. A ledger that is away for a moment does no
// harm; one that is away for two thirds of the lease does.
func (r *Runner) renew(ctx context.Context, j Job, last time.Time) error {
	ticker := time.NewTicker(lease / 9)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		asked := time.Now()
		if asked.Sub(last) < lease/3 {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, lease/9)
		err := r.acquire(asking, j)
		cancel()
		switch {
		case err == nil:
			last = asked
		case errors.Is(err, ErrLeased), time.Since(last) > 2*lease/3:
			return errLost
		}
	}
}
