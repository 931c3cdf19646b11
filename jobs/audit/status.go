package audit

import "time"

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
