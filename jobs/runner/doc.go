// Package runner takes a review from its slot to the messages about it.
//
// A run is a straight line, and each step can be repeated, so that what a killed
// process left is taken up where it stopped:
//
//	tick     a cron fire, a heartbeat or a start looks at a job; if a slot is due, a
//	         row (job, slot) in the ledger opens its run, which only one can insert
//	collect  every target, several at a time: ask for everything, compare it with the
//	         snapshot of the run before, judge it, write the new snapshot
//	report   add up, compare with what campaigns decided, write the reports from the
//	         snapshots, close the run
//	deliver  send what the ledger's outbox holds, of earlier runs too
//	tend     open the campaigns that are due on the newest review, note in the ledger
//	         what has to be said of them, and say it
//
// One process at a time works on a job: it holds a lease of the ledger and renews it
// while it works. What breaks one target, a panic included, is said in the coverage
// of that target and stops no other. An error ends the step; the next tick takes it
// up again.
package runner
