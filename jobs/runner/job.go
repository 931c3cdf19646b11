package runner

import (
	"context"
	"iter"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/schedule"
)

// Job is a review that repeats.
type Job struct {
	Name     string
	Schedule *schedule.Schedule
	// CatchUp is how late a slot may be opened. One that is older is not reviewed
	// any more; the next run says that it was missed.
	CatchUp time.Duration
	// Jitter spreads jobs of the same slot: each starts later by a fixed part of it.
	Jitter time.Duration
	// Deadline is how long a run may take. Targets that are not done by then are
	// reported as not seen.
	Deadline time.Duration
	Targets  []Target
	// Reviewed are the names of the targets of all jobs. What one of them showed is its own
	// history.
	Reviewed []string
	Policy   audit.Policy
	// Basis is why it is reviewed that often, Retention how long its packs are kept, and
	// where: texts for the summary.
	Basis, Retention string
	// Roster is the one to judge owners by, as it is at the time of a review. Nil if there
	// is none.
	Roster func(now time.Time) *audit.Roster
	// Contacts answer for the users of InfluxDB.
	Contacts audit.Contacts
	// Campaigns are opened on the reviews of the job, for People, who may decide.
	Campaigns []Campaign
	People    func(now time.Time) campaign.People
	// Report writes the reports of a run into a folder and makes them stand where every
	// process sees them. It returns what the pack of the next run has to hold of this one,
	// and what the messages say besides the summary.
	Report func(ctx context.Context, folder string, e Evidence) (audit.Link, audit.Highlights, error)
	// Sealed reads back what Report made of a run, and finishes what it left undone beside
	// the pack. It is called where Snapshots.Sealed says that there is a pack.
	Sealed func(ctx context.Context, run audit.Run) (audit.Summary, audit.Link, error)
	// Notifiers tell people and programs what a run found.
	Notifiers []Notifier
	// DeliverWithin is how long after the start of a run its messages are tried. One
	// that did not arrive by then is given up, and shown as expired.
	DeliverWithin time.Duration
	// Ping tells a dead man's switch how a run goes. Optional.
	Ping PingFunc

	tried string // ID of a run whose beginning is in the log already
	watch *watch // of its campaigns; nil looks every time
}

func (j Job) targetNames() []string {
	var names []string
	for _, t := range j.Targets {
		names = append(names, t.Name)
	}
	return names
}

// nextButOne is the slot after the next one: what expires before it, the review before that
// may be too late to tell. Zero for what has no schedule.
func (j Job) nextButOne(now time.Time) time.Time {
	if j.Schedule == nil {
		return time.Time{}
	}
	next := j.Schedule.Next(now)
	if next.IsZero() {
		return next
	}
	return j.Schedule.Next(next)
}

// Target is something that holds authorizations, under its name in the reports.
type Target struct {
	Name   string
	Host   string // that it asks, "" for none
	Source Source
}

// Source is asked what a target holds.
type Source interface {
	// Collect asks for everything there is. What could not be had is said in the
	// coverage; an error means that the review of the target was broken off.
	Collect(ctx context.Context, progress func()) (audit.Collection, error)
}

// Evidence is what the reports of a run are made of.
type Evidence struct {
	Summary audit.Summary
	// Rows are the records of the run, target by target in the order of the
	// configuration, ascending by ID. Each walk reads the snapshots; one is enough.
	Rows     iter.Seq2[audit.Record, error]
	Trend    []audit.TrendPoint // the runs before it, oldest first
	Previous *audit.Link        // the pack before it, nil for the first
	// Campaigns are the files of those that the review was compared with.
	Campaigns []CampaignEvidence
}

// Notifier tells people or programs what a run found.
type Notifier struct {
	Name string // its key in the configuration
	// Deliveries names the messages of a run, in the order in which they are sent. The
	// others wait for the first, their root.
	Deliveries func(audit.Summary, audit.Highlights) []string
	// Send sends one of them, and returns what the receiving side calls it. An error
	// after which it may have arrived all the same is an *UncertainError.
	Send func(context.Context, Message) (ref string, err error)
	// SendCampaign does the same with a message about a campaign, and Tells reports whether
	// a recipient can be told by it. Both are nil where it tells nobody of campaigns.
	SendCampaign func(context.Context, CampaignMessage) (ref string, err error)
	Tells        func(recipient string) bool
}

// Message is a delivery with all that it can say.
type Message struct {
	audit.Delivery // as it was before this attempt
	Summary        audit.Summary
	Highlights     audit.Highlights
}

// Again reports whether an earlier attempt may have arrived.
func (m Message) Again() bool { return m.State != audit.DeliveryNew }

// CampaignMessage is a message about a campaign with all that it can say.
type CampaignMessage struct {
	audit.CampaignDelivery // as it was before this attempt
	Book                   *campaign.Book
	Left                   []string // reviewers of open items who have left
}

// Again reports whether an earlier attempt may have arrived.
func (m CampaignMessage) Again() bool { return m.State != audit.DeliveryNew }
