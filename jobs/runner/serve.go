package runner

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// Heartbeat is how often every job is looked at besides its own fires: it bounds
// how late a slot can be after the machine slept, the clock was set, or the store
// was away at the fire.
const Heartbeat = 15 * time.Second

// Serve runs the jobs on their schedules until ctx ends, then waits for runs
// that are under way; they see the same ctx and stop soon. What they leave is
// taken up at the next start.
func (r *Runner) Serve(ctx context.Context, js []Job) {
	c := cron.New(cron.WithLocation(time.UTC))
	var starting sync.WaitGroup
	for _, j := range js {
		// One wrapped job serves both entries, so that they share the lock. It must not
		// panic, or the lock stays held for ever (robfig/cron#366).
		job := cron.NewChain(cron.SkipIfStillRunning(cron.DiscardLogger)).Then(r.ticker(ctx, j))
		c.Schedule(j.Schedule, job)
		c.Schedule(cron.Every(Heartbeat), job)
		r.Log.Info("scheduled", "job", j.Name, "schedule", j.Schedule.String(), "next", j.Schedule.Next(time.Now()))
		starting.Go(job.Run) // what became due while nothing ran
	}
	c.Start()
	if r.Beat != nil { // an entry like the others: without the loop there is no beat
		c.Schedule(cron.Every(Heartbeat), cron.FuncJob(r.Beat))
		r.Beat()
	}
	<-ctx.Done()
	<-c.Stop().Done()
	starting.Wait()
}

// ticker ticks. It logs an error once, until it changes or goes away, and pings
// likewise.
func (r *Runner) ticker(ctx context.Context, j Job) cron.Job {
	last := ""
	j.Ping = j.Ping.once()
	return cron.FuncJob(func() {
		err := r.guard(j, "the tick", func() error { _, err := r.Tick(ctx, j); return err })
		switch {
		case ctx.Err() != nil || errors.Is(err, ErrLeased):
			return
		case err == nil:
			last = ""
		case err.Error() != last:
			last = err.Error()
			log := r.Log.With("job", j.Name)
			if of, ok := errors.AsType[runError](err); ok {
				log = log.With("run", of.run)
			}
			log.Error("failed; it will be tried again", "error", err)
		}
	})
}
