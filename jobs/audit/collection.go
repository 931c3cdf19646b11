package audit

import (
	"context"
	"iter"
)

// Collection is what a target answered in one review.
type Collection struct {
	// Authorizations that the server showed, ascending by ID, each once. To be
	// walked once.
	Authorizations iter.Seq2[Authorization, error]
	Coverage       Coverage
	Scope          Scope
	// Owner and Probe ask further; see Review. Probe is nil where the target
	// could not be asked at all.
	Owner func(context.Context, Authorization) Owner
	Probe func(context.Context, string) Probe
	// Close frees what the collection holds.
	Close func()
}
