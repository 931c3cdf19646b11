package runner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/robfig/cron/v3"

	"tokenaudit/jobs/audit"
)

// Heartbeat is how often every job is looked at besides its own fires: it bounds
// how late a slot can be after the machine slept, the clock was set, or the store
// was away at the fire.
const Heartbeat = 15 * time.Second

// Serve runs the jobs on their schedules until ctx ends or retired is closed, then
// waits for runs that are under way. They see the same ctx: after its end they stop
// soon, and what they leave is taken up at the next start. After retired they go on to
// their end. A Runner with another Holder may serve the same jobs by then, as the lease
// of a job keeps them apart.
func (r *Runner) Serve(ctx context.Context, retired <-chan struct{}, js []Job) {
	c := cron.New(cron.WithLocation(time.UTC))
	var starting sync.WaitGroup
	for _, j := range js {
		// One wrapped job serves both entries, so that they share the lock. It must not
		// panic, or the lock stays held for ever (robfig/cron#366).
		job := cron.NewChain(cron.SkipIfStillRunning(cron.DiscardLogger)).Then(r.ticker(ctx, j))
		c.Schedule(j.Schedule, job)
		c.Schedule(cron.Every(Heartbeat), job)
		r.Log.Info("scheduled", "job", j.Name, "schedule", j.Schedule.String(), "next", j.Schedule.Next(time.Now()))
		for _, of := range j.Campaigns {
			if of.Schedule != nil {
				c.Schedule(of.Schedule, job)
				r.Log.Info("scheduled", "campaign", of.Terms.Name, "job", j.Name, "schedule", of.Schedule.String(), "next", of.Schedule.Next(time.Now()))
			}
		}
		starting.Go(job.Run) // what became due while nothing ran
	}
	c.Start()
	if r.Beat != nil { // an entry like the others: without the loop there is no beat
		c.Schedule(cron.Every(Heartbeat), cron.FuncJob(r.Beat))
		r.Beat()
	}
	select {
	case <-ctx.Done():
	case <-retired:
	}
	<-c.Stop().Done()
	starting.Wait()
}

// mostReasons bounds what a ticker remembers of a fault that shows ever new texts.
const mostReasons = 100

// ticker ticks. It logs each reason for which it fails once, until it works again, and
// pings likewise.
func (r *Runner) ticker(ctx context.Context, j Job) cron.Job {
	said, log := map[string]bool{}, newTickLog(r.Log, j.Name)
	j.watch = newWatch()
	j.Ping, j.Notifiers = j.Ping.once(), slices.Clone(j.Notifiers)
	for i, n := range j.Notifiers {
		j.Notifiers[i] = log.watch(n)
	}
	return cron.FuncJob(func() {
		var s *audit.Summary
		err := r.guard(j, "the tick", func() (err error) { s, err = r.Tick(ctx, j); return err })
		if ctx.Err() != nil || errors.Is(err, ErrLeased) {
			return
		}
		err = log.tick(s, err)
		switch {
		case err == nil:
			if len(said) > 0 {
				r.Log.Info("works again", "job", j.Name)
			}
			clear(said)
			j.tried = ""
		default:
			log, run := r.Log.With("job", j.Name), ""
			if of, ok := errors.AsType[runError](err); ok {
				log, run = log.With("run", of.run), of.run
				j.tried = run
			}
			why := run + "\n" + reason(err.Error())
			if said[why] {
				return
			}
			if len(said) >= mostReasons {
				clear(said)
			}
			said[why] = true
			log.Error("failed; it will be tried again", "error", err)
		}
	})
}

// reason is a text without its digits: each lost connection has a port of its own, and
// each temporary file a name.
func reason(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, text)
}
