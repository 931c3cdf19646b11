package audit

// Lost is the trigger of a run of which only the chain of packs tells: its evidence pack
// is gone, or is not what the chain holds. It has no figures and nothing is compared with
// it; the next pack follows on it, so that the loss stays visible.
const Lost Trigger = "lost"

// Pack is the evidence pack of a run, as the ledger or the evidence knows it.
type Pack struct {
	Run  Run
	Link Link
	// Running is true in the ledger while the run is not closed: its pack may be there or
	// not.
	Running bool
	// Damaged is why what the manifest says cannot be read, "" if it can. Of the run only
	// job and slot are known then, and of the link only the hash.
	Damaged string
}
