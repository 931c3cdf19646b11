// Package notify holds what the channels share: the Message that a run leaves to
// be told, the Notifier that each channel is, the words of the summary (Content),
// errors without secrets, the HTTP client, and the backoff after a failure.
//
// The runner opens deliveries for a run and hands each to a Notifier: slack,
// email and webhook are packages below this one. ping tells a dead man's switch.
package notify

import (
	"cmp"
	"context"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// Notifier tells people or programs what a run found.
type Notifier interface {
	// Deliveries names the messages of a run, in the order in which they are sent; the
	// others wait for the first.
	Deliveries(s audit.Summary, n audit.Highlights) []string
	// Send sends one of them, and returns a reference to what was posted, if the
	// receiving side gives one. Its errors never hold a token, a URL that is a secret,
	// or a password; ErrNotPosted and ErrGiveUp say what may follow.
	Send(ctx context.Context, m Message) (ref string, err error)
}

// Message is what there is to say about one run, and which delivery of it is to be
// made now.
type Message struct {
	Summary    audit.Summary
	Highlights audit.Highlights
	// Evidence is where a reader opens the reports: a URL, or else a path and the host.
	Evidence string
	// Location is where the reports are, for a program: a folder, or the URL of a bucket.
	Location string
	// Zone is the time zone of the job; nil is UTC.
	Zone *time.Location
	// Open opens a file of the evidence by its name.
	Open func(ctx context.Context, name string) (io.ReadCloser, error)

	// Delivery is one of those that Deliveries names.
	Delivery string
	// Root is the reference of the first delivery, for all others.
	Root string
	// Again: an earlier attempt, not before Since, may have arrived.
	Again bool
	Since time.Time
	// Repeats is set by a notifier that cannot see whether an earlier attempt arrived:
	// the message warns of it.
	Repeats bool
}

// Time is a moment in the time zone of the job.
func (m Message) Time(t time.Time) string { return t.In(m.zone()).Format("Mon 2 Jan 2006 15:04 MST") }

// Day is a date in the time zone of the job; empty for none.
func (m Message) Day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(m.zone()).Format("2 Jan 2006")
}

func (m Message) zone() *time.Location { return cmp.Or(m.Zone, time.UTC) }

// Age is for how long something stands at the time of the review: "3 days", "9 weeks". Empty
// for what this review is the first to find.
func (m Message) Age(since time.Time) string {
	const day = 24 * time.Hour
	switch age := m.Summary.Started.Sub(since); {
	case since.IsZero() || age < day:
		return ""
	case age < 7*day:
		return audit.Plural(int(age/day), "day")
	default:
		return audit.Plural(int(age/(7*day)), "week")
	}
}

// oldest is ", oldest 9 weeks", or empty; see Age.
func (m Message) oldest(since time.Time) string {
	if age := m.Age(since); age != "" {
		return ", oldest " + age
	}
	return ""
}

// Owner is the person whom the delivery is for, if it is for one. In the ledger of an earlier
// version owners have no key, and go by their ID.
func (m Message) Owner() (audit.OwnerHighlights, bool) {
	key, ok := strings.CutPrefix(m.Delivery, OwnerDelivery)
	at := slices.IndexFunc(m.Highlights.Owners, func(o audit.OwnerHighlights) bool { return ok && key == cmp.Or(o.Key, o.Owner.ID) })
	if at < 0 {
		return audit.OwnerHighlights{}, false
	}
	return m.Highlights.Owners[at], true
}

// EvidenceURL is Evidence, if a reader can open that with a browser.
func (m Message) EvidenceURL() string {
	u, err := url.Parse(m.Evidence)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}

// SummaryDelivery is the first delivery of a run, and for most notifiers the only
// one.
const SummaryDelivery = "summary"

// OwnerDelivery and the key of an owner name the message to them.
const OwnerDelivery = "owner:"

// Workbook is the file of the evidence that is sent where files are.
const Workbook = "review.xlsx"

// ID is the same whenever a delivery is tried. The start of the run is in it, for
// jobs of one name in several installations. It holds no full stop, which separates
// what a webhook signs.
func (m Message) ID() string {
	id := m.Summary.ID + "/" + m.Delivery + "/" + strconv.FormatInt(m.Summary.Started.UnixNano(), 36)
	return strings.ReplaceAll(id, ".", "~")
}
