package audit

import (
	"context"
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Trigger says why a run began.
type Trigger string

const (
	Scheduled Trigger = "schedule" // its slot was due
	CatchUp   Trigger = "catch-up" // its slot had passed while nothing ran
	Manual    Trigger = "manual"   // somebody asked for it
	DryRun    Trigger = "dry-run"  // somebody tried it; no later review is compared with it
	Sample    Trigger = "sample"   // made up, to show what a message looks like; never in a ledger
)

// When goes before the slot of a review: no slot was due for one that somebody asked for.
func (t Trigger) When() string {
	if t == Manual || t == DryRun {
		return "of"
	}
	return "due"
}

// Tool is what made a report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Build   string `json:"build,omitempty"` // commit and Go version
	Host    string `json:"host,omitempty"`  // the machine that it ran on; earlier versions do not say
}

// Run is one review of one job. Job and Slot together are its identity.
type Run struct {
	Job     string    `json:"job"`
	Slot    time.Time `json:"slot"` // the time it was due, not the time it began
	Trigger Trigger   `json:"trigger"`
	Missed  int       `json:"missed"` // slots before this one that nobody reviewed
	Started time.Time `json:"started"`
}

// Late is how long after its slot the run began. It is 0 where no slot was due. What a
// job spreads by jitter is part of it.
func (r Run) Late() time.Duration {
	if r.Trigger != Scheduled && r.Trigger != CatchUp {
		return 0
	}
	return max(0, r.Started.Sub(r.Slot))
}

// LateWords say how late the run began: "on time", "35 minutes late"; "" where no slot was
// due.
func (r Run) LateWords() string {
	switch late := r.Late(); {
	case r.Trigger != Scheduled && r.Trigger != CatchUp:
		return ""
	case late < time.Minute:
		return "on time"
	case late < 2*time.Hour:
		return Plural(int(late.Minutes()), "minute") + " late"
	case late < 48*time.Hour:
		return Plural(int(late.Hours()), "hour") + " late"
	default:
		return Plural(int(late.Hours()/24), "day") + " late"
	}
}

const (
	slotMinutes = "2006-01-02T1504Z"
	slotSeconds = "2006-01-02T150405Z"
)

// SlotName is the slot as it stands in folder names: 2026-11-23T0800Z, with the
// seconds where there are any.
func (r Run) SlotName() string {
	if r.Slot.Second() == 0 {
		return r.Slot.UTC().Format(slotMinutes)
	}
	return r.Slot.UTC().Format(slotSeconds)
}

// ID names the run: weekly-review/2026-11-23T0800Z.
func (r Run) ID() string { return r.Job + "/" + r.SlotName() }

// ParseRunID is the run of an ID: job and slot. Only IDs as Run.ID makes them are taken.
func ParseRunID(id string) (run Run, ok bool) {
	job, slot, _ := strings.Cut(id, "/")
	for _, form := range []string{slotMinutes, slotSeconds} {
		if at, err := time.Parse(form, slot); err == nil {
			run = Run{Job: job, Slot: at.UTC()}
			return run, job != "" && run.ID() == id
		}
	}
	return Run{}, false
}

// DamagedError names a run whose record in the ledger cannot be read. What does not
// need it goes on without.
type DamagedError struct {
	Run string
	Err error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the record of run %s in the ledger is damaged: %v", e.Run, e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }

// Baseline is an earlier review that a target can be compared with.
type Baseline struct {
	Run      Run
	Own      bool // of the same job and target
	Coverage Coverage
	Policy   string // the hash of what it was judged by, "" of an earlier version
}

// Retirement is the word of somebody that a source is not followed any more: what was
// known of it is dropped, and nothing is said to be gone by it.
type Retirement struct {
	Source string    `json:"source"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Item is the outcome of one target in one run.
type Item struct {
	Coverage Coverage `json:"coverage"`
	Counts   Counts   `json:"counts"`
	// SeveritiesBefore count the findings of the reviews that it was compared with, as the
	// policy of this one has them.
	SeveritiesBefore map[Severity]int `json:"severities_before,omitempty"`
	Policy           string           `json:"policy_sha256,omitempty"` // see AppliedPolicy
	// Requests are those that the target was sent. They are kept beside the snapshot.
	Requests []Request `json:"-"`
}

type runKey struct{}

// WithRun notes in ctx which run is under way, for what is logged on its behalf.
func WithRun(ctx context.Context, run Run) context.Context {
	return context.WithValue(ctx, runKey{}, run)
}

// RunOf is the run that is under way in ctx; found is false outside of any.
func RunOf(ctx context.Context) (run Run, found bool) {
	run, found = ctx.Value(runKey{}).(Run)
	return run, found
}

// JobStatus is what the ledger has of a job. Dry runs are left out of it.
type JobStatus struct {
	Schedule    string    // the one that Reached goes by; "" for a job that was never seen
	Reached     time.Time // slots up to here are dealt with
	Running     *Run      // opened and not reported
	LastSlot    time.Time // the newest slot of the schedule that was reviewed, zero without one
	LastSuccess time.Time // the end of the newest review that saw anything, zero without one
	Missed      int       // slots that nobody reviewed, by the runs that found them missed
	Runs        map[Verdict]int
	Deliveries  map[DeliveryState]int
	Last        *Summary // of the newest review, whatever it saw
	Damaged     error    // why Last cannot be read, if it cannot
}

// DeliveryState says how far a delivery has come.
type DeliveryState string

const (
	DeliveryNew     DeliveryState = "new"
	DeliverySending DeliveryState = "sending"
	// DeliveryUncertain may have arrived: the line was cut, or the program ended, while
	// it was sent. Where the receiving side can be asked, it is; elsewhere the message is
	// sent again, since a double is better than a lost report.
	DeliveryUncertain DeliveryState = "uncertain"
	DeliverySent      DeliveryState = "sent"
	// DeliveryExpired was not delivered within the time that the job allows, and is not
	// tried any more.
	DeliveryExpired DeliveryState = "expired"
	// DeliveryWithdrawn is of a campaign: before it was sent, it was no longer true.
	DeliveryWithdrawn DeliveryState = "withdrawn"
)

// Delivery is one message of a run to one notifier.
type Delivery struct {
	Run      Run    `json:"-"`
	Notifier string `json:"outlet"` // the notifier, by its key in the configuration: slack, webhook, email
	Name     string `json:"name"`   // summary, owner:ID, file:NAME
	// Position is the place among the deliveries of the run to this notifier. The one at 0 is
	// the root of the others.
	Position int           `json:"-"`
	State    DeliveryState `json:"state"`
	Ref      string        `json:"ref,omitempty"`   // what the receiving side calls it
	Root     string        `json:"-"`               // the Ref of the root, if that is sent
	Error    string        `json:"error,omitempty"` // of the last attempt
	Since    time.Time     `json:"-"`               // the first attempt
}

// Of says what the message is about: a run or a campaign.
func (d Delivery) Of() string {
	if strings.HasPrefix(d.Name, d.Run.ID()+"/") {
		return "campaign"
	}
	return "run"
}

// CampaignDelivery is a message about a campaign. The Run of its Delivery is the campaign:
// its name, its opening as the slot, and as the start the time at which the message was due.
type CampaignDelivery struct {
	Delivery
	Job       string // whose notifiers send it
	Kind      string // open, reminder, overdue, escalation
	Recipient string
}

// Conclusion is what a run ends with: it goes into the ledger in one step.
type Conclusion struct {
	Run     Run
	Summary Summary
	// Highlights is what the messages say besides the summary. It is kept, so that they can
	// be delivered, and shown again, without the evidence at hand.
	Highlights Highlights
	Pack       Link
	Deliveries []Delivery // to be delivered, in this order; Notifier and Name are set
}

// Link points to the evidence pack of a run. It is what the next pack of the job
// holds of it, so that the packs form a chain.
type Link struct {
	Sequence int    `json:"sequence"` // without a gap, from 1
	Run      string `json:"run"`
	Manifest string `json:"manifest_sha256"`
}

// RetiredSource is a source, or a target of which none is known, that is not followed any
// more since the review before.
type RetiredSource struct {
	Source string    `json:"source"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Tokens int       `json:"tokens"` // that earlier reviews followed; 0 where that is not known
}

// Words say what is not followed any more, since when and why.
func (r RetiredSource) Words() string {
	what, are := "tokens", "are"
	switch {
	case r.Tokens == 1:
		what, are = "1 token", "is"
	case r.Tokens > 1:
		what = fmt.Sprintf("%d tokens", r.Tokens)
	}
	return fmt.Sprintf("%s of %s %s not followed any more since %s: %s", what, Line(r.Source, 100), are, r.At.UTC().Format(time.DateOnly), Line(r.Reason, 200))
}

// AllRetired are those of every target, each once, and the targets that were retired.
func (c TotalCoverage) AllRetired() []RetiredSource {
	all := slices.Clone(c.Retired)
	for _, t := range c.Targets {
		for _, r := range t.Retired {
			at := slices.IndexFunc(all, func(o RetiredSource) bool { return o.Source == r.Source })
			if at < 0 {
				all = append(all, r)
			} else {
				all[at].Tokens = max(all[at].Tokens, r.Tokens)
			}
		}
	}
	return all
}

// RetiredWords are the words of AllRetired, at most so many, and how many more there are.
func (c TotalCoverage) RetiredWords(most int) []string {
	var out []string
	all := c.AllRetired()
	for _, r := range all[:min(len(all), most)] {
		out = append(out, r.Words())
	}
	if more := len(all) - most; more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return out
}

// Lost is the trigger of a run of which only the chain of packs tells: its evidence pack
// is gone, or is not what the chain holds. It has no figures and nothing is compared with
// it; the next pack follows on it, so that the loss stays visible.
const Lost Trigger = "lost"

// Pack is the evidence pack of a run, as the ledger or the evidence knows it.
type Pack struct {
	Run  Run
	Link Link
	// Running is true in the ledger while the run is not closed: its pack may be there or
	// not.
	Running bool
	// Damaged is why what the manifest says cannot be read, "" if it can. Of the run only
	// job and slot are known then, and of the link only the hash.
	Damaged string
}

// PanicError is a panic, as an error to those who wait for the code that panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Guard does work, and returns a panic in it as a *PanicError. One that was handed on
// from another goroutine, by a panic with it, stays as it is.
func Guard(work func() error) (err error) {
	defer func() {
		switch value := recover().(type) {
		case nil:
		case *PanicError:
			err = value
		default:
			err = &PanicError{value, debug.Stack()}
		}
	}()
	return work()
}

// Limits of what is fetched before it is asked for.
const (
	prefetchBatch   = 128 // values that are handed over together
	prefetchBatches = 4
)

// Prefetch walks seq in a goroutine of its own, a bounded number of values in
// advance. The goroutine has ended when the walk has. A panic in seq ends the walk
// with a *PanicError.
func Prefetch[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type batch struct {
		values []T
		err    error // that ended the walk after them
	}
	return func(yield func(T, error) bool) {
		batches, done := make(chan batch, prefetchBatches), make(chan struct{})
		go func() {
			defer close(batches)
			var values []T
			send := func(err error) bool {
				select {
				case batches <- batch{values, err}:
					values = make([]T, 0, prefetchBatch)
					return true
				case <-done:
					return false
				}
			}
			err := Guard(func() error {
				for v, err := range seq {
					if err != nil {
						return err
					}
					if values = append(values, v); len(values) == prefetchBatch && !send(nil) {
						return nil
					}
				}
				return nil
			})
			send(err)
		}()
		defer func() {
			close(done)
			for range batches { // closed when the goroutine ends
			}
		}()
		for b := range batches {
			for _, v := range b.values {
				if !yield(v, nil) {
					return
				}
			}
			if b.err != nil {
				yield(*new(T), b.err)
				return
			}
		}
	}
}
