package notify

import (
	"context"
	"errors"
	"io"
	"time"

	"tokenaudit/jobs/audit"
)

// ErrNotPosted is in the errors of Send after which surely nothing was posted, so
// that trying again cannot repeat the message. Any other error leaves it open.
var ErrNotPosted = errors.New("nothing was posted")

// ErrLetBe is in the errors of Send after which the message may have arrived more
// than once already, and is better not tried again.
var ErrLetBe = errors.New("it may have been posted, and is not tried again")

// Message is what there is to say about one run, and the part of it that is to be
// said now.
type Message struct {
	Summary audit.Summary
	News    audit.News
	// Evidence is where the reports lie: a folder or a URL, for people.
	Evidence string
	// Open opens a file of the evidence by its name.
	Open func(ctx context.Context, name string) (io.ReadCloser, error)

	// Part is one of those that Parts names.
	Part string
	// Root is the reference of the first part, for all others.
	Root string
	// Again: an earlier attempt, not before Since, may have arrived.
	Again bool
	Since time.Time

	repeats bool // an earlier attempt may be there for all that could be seen
}

// Notifier delivers messages.
type Notifier interface {
	// Parts names what is to be delivered of a run, in that order; the others wait
	// for the first.
	Parts(s audit.Summary, n audit.News) []string
	// Send delivers one part, and returns a reference to what was posted, if the
	// receiving side gives one; its errors never hold a token, a URL that is a secret,
	// or a password.
	Send(ctx context.Context, m Message) (ref string, err error)
}
