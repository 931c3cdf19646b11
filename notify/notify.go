package notify

import (
	"context"
	"errors"

	"tokenaudit/jobs/audit"
)

// MaxRows is how many tokens with news a message shows; the rest is in the evidence.
const MaxRows = 15

// ErrNotPosted is in the errors of Send after which surely nothing was posted, so
// that trying again cannot repeat the message. Any other error leaves it open.
var ErrNotPosted = errors.New("nothing was posted")

// Message is what there is to say about one run.
type Message struct {
	Summary audit.Summary
	// News is what is new or reopened; at most MaxRows of it is shown.
	News audit.News
	// Evidence is where the reports lie: a folder or a URL, for people.
	Evidence string
}

// Notifier delivers messages. Send returns a reference to what was posted, if
// the receiving side gives one; its errors never hold a token or a webhook URL.
type Notifier interface {
	Send(ctx context.Context, m Message) (ref string, err error)
}
