package audit

import "time"

// PartState says how far a part has come.
type PartState string

const (
	PartNew     PartState = "new"
	PartSending PartState = "sending"
	PartSent    PartState = "sent"
)

// Part is one message of a run on its way out. One that is found sending may
// have arrived: the program ended in between.
type Part struct {
	Run   Run
	Name  string // "summary"
	State PartState
	Ref   string    // what the receiving side calls it
	Error string    // of the last attempt
	Since time.Time // the first attempt
}
