package audit

import "time"

// PartState says how far a part has come.
type PartState string

const (
	PartNew     PartState = "new"
	PartSending PartState = "sending"
	// PartUncertain may have arrived: the line was cut, or the program ended, while
	// it was sent. It is sent once more, since a double is better than a lost report.
	PartUncertain PartState = "uncertain"
	PartSent      PartState = "sent"
)

// Part is one message of a run on its way out.
type Part struct {
	Run   Run
	Name  string // "summary"
	State PartState
	Ref   string    // what the receiving side calls it
	Error string    // of the last attempt
	Since time.Time // the first attempt
}
