package audit

import "time"

// PartState says how far a part has come.
type PartState string

const (
	PartNew     PartState = "new"
	PartSending PartState = "sending"
	// PartUncertain may have arrived: the line was cut, or the program ended, while
	// it was sent. Where the receiving side can be asked, it is; elsewhere the part is
	// sent again, since a double is better than a lost report.
	PartUncertain PartState = "uncertain"
	PartSent      PartState = "sent"
	// PartExpired was not delivered within the time that the job allows, and is not
	// tried any more.
	PartExpired PartState = "expired"
)

// Part is one message of a run on its way out.
type Part struct {
	Run    Run
	Outlet string // the way out, by its key in the configuration: slack, webhook, email
	Name   string // summary, owner:ID, file:NAME
	// Position is the place among the parts of the run on this way out. The one at 0 is
	// the root of the others.
	Position int
	State    PartState
	Ref      string    // what the receiving side calls it
	Root     string    // the Ref of the root, if that is sent
	Error    string    // of the last attempt
	Since    time.Time // the first attempt
}

// Conclusion is what a run ends with: it goes into the ledger in one step.
type Conclusion struct {
	Run     Run
	Summary Summary
	// News is what the messages say besides the summary. It is kept, so that they can
	// be delivered, and shown again, without the evidence at hand.
	News  News
	Pack  Link
	Parts []Part // to be delivered, in this order; Outlet and Name are set
}
