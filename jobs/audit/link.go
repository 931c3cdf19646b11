package audit

// Link points to the evidence pack of a run. It is what the next pack of the job
// holds of it, so that the packs form a chain.
type Link struct {
	Sequence int    `json:"sequence"` // without a gap, from 1
	Run      string `json:"run"`
	Manifest string `json:"manifest_sha256"`
}
