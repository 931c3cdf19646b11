package runner

import (
	"context"
	"iter"
	"time"

	"tokenaudit/jobs/audit"
)

// Earlier is what is known of earlier reviews.
type Earlier interface {
	// Baselines are the reviews that a target can be compared with, newest first: its
	// own, and those of any job that had one of the sources.
	Baselines(ctx context.Context, run audit.Run, target string, sources []string) ([]audit.Baseline, error)
	// PolicyOf is the policy that an earlier run applied, as far as it is known.
	PolicyOf(ctx context.Context, run audit.Run) (audit.AppliedPolicy, error)
	// Previous is the newest run of the job before this one that saw anything, nil if
	// there is none.
	Previous(ctx context.Context, run audit.Run) (*audit.Previous, error)
	// Retired are the sources that are not followed any more, by name.
	Retired(ctx context.Context) (map[string]audit.Retirement, error)
}

// Ledger remembers runs; the one in jobs/ledger is the only one. Records of earlier
// runs that are damaged are an *audit.DamagedError beside those that are not.
type Ledger interface {
	Earlier

	// Acquire leases the job to holder until then, unless another one has it leased
	// now. Release ends a lease.
	Acquire(ctx context.Context, job, holder string, now, until time.Time) (bool, error)
	Release(ctx context.Context, job, holder string) error

	// Reached is the time up to which the slots of a job are dealt with; Reach moves it
	// to a slot that has a run, and Pass to one that has none. Begin opens a run, unless there is one of that slot or
	// one is running.
	Reached(ctx context.Context, job, schedule string, now time.Time) (time.Time, error)
	Begin(ctx context.Context, run audit.Run, targets []string) (opened bool, err error)
	Reach(ctx context.Context, job string, slot time.Time) error
	Pass(ctx context.Context, job string, slot time.Time) error
	// Dealt is Reached of a job as it is noted, zero if it was never seen. Rewind starts the
	// schedule anew at a moment, after a clock that was ahead.
	Dealt(ctx context.Context, job string) (time.Time, error)
	Rewind(ctx context.Context, job string, at time.Time) error
	Running(ctx context.Context, job string) (run audit.Run, found bool, err error)

	// Pending are the targets of a run that have no item yet.
	Pending(ctx context.Context, run audit.Run) ([]string, error)
	SaveItem(ctx context.Context, run audit.Run, item audit.Item) error
	Items(ctx context.Context, run audit.Run) ([]audit.Item, error)

	// Trend and Head are of the runs before: the figures of the last ones, the newest
	// evidence pack. Finish closes a run and opens its deliveries, in one step.
	Trend(ctx context.Context, run audit.Run) ([]audit.TrendPoint, error)
	Head(ctx context.Context, run audit.Run) (*audit.Link, error)
	Finish(ctx context.Context, o audit.Conclusion) error
	Conclusion(ctx context.Context, run audit.Run) (audit.Summary, audit.Highlights, error)

	// Newest is the newest run of a job that saw something, with its evidence pack; found is
	// false if there is none.
	Newest(ctx context.Context, job string) (s audit.Summary, pack audit.Link, found bool, err error)

	// Unsent are the deliveries of a job that are neither sent nor expired: oldest run
	// first, and in each run and notifier in the order in which they are sent.
	Unsent(ctx context.Context, job string) ([]audit.Delivery, error)
	// SaveDelivery stores how far a delivery has come. It is an error unless holder has
	// the lease of the job: another process may be sending it by now.
	SaveDelivery(ctx context.Context, holder string, d audit.Delivery) error

	// Announce notes what has to be said of campaigns, unless it is noted. Unsaid are the
	// messages of the campaigns of a job that are still to be sent, oldest first.
	// SaveCampaignDelivery is SaveDelivery of one.
	Announce(ctx context.Context, all []audit.CampaignDelivery) error
	Unsaid(ctx context.Context, job string) ([]audit.CampaignDelivery, error)
	SaveCampaignDelivery(ctx context.Context, holder string, d audit.CampaignDelivery) error
}

// Snapshots hold what the targets held.
type Snapshots interface {
	// Folder is where the evidence of a run lies on this machine, Location where
	// people find it.
	Folder(run audit.Run) string
	Location(run audit.Run) string
	// Sealed tells whether there is an evidence pack of the run, whoever made it.
	Sealed(ctx context.Context, run audit.Run) (bool, error)
	// Forget lets go of what this process remembers of a job, where another may have
	// gone on with it.
	Forget(job string) error
	// Write makes a snapshot appear whole or not at all, where every process sees it.
	Write(ctx context.Context, run audit.Run, target string, records iter.Seq2[audit.Record, error]) error
	// WriteRequests keeps what a target was asked beside its snapshot, likewise.
	WriteRequests(ctx context.Context, run audit.Run, target string, requests []audit.Request) error
	// Read ends in an error with a method Unreachable if the snapshot may be whole,
	// but could not be had at the moment.
	Read(ctx context.Context, run audit.Run, target string) iter.Seq2[audit.Record, error]
}
