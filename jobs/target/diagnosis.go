package target

// Diagnosis is one thing that a review of a target depends on, with what to do
// if it is not well.
type Diagnosis struct {
	What   string
	OK     bool
	Result string
	Fix    string // empty if there is nothing to do
}
