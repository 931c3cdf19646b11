package audit

import "time"

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
)

// Delivery is one message of a run to one notifier.
type Delivery struct {
	Run      Run
	Notifier string // the notifier, by its key in the configuration: slack, webhook, email
	Name     string // summary, owner:ID, file:NAME
	// Position is the place among the deliveries of the run to this notifier. The one at 0 is
	// the root of the others.
	Position int
	State    DeliveryState
	Ref      string    // what the receiving side calls it
	Root     string    // the Ref of the root, if that is sent
	Error    string    // of the last attempt
	Since    time.Time // the first attempt
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
