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
	Probe func(context.Context, Authorization) Probe
	// Known are authorizations known from elsewhere, ascending, that a first review
	// asks for as later ones ask for those of the review before. Nil if there are none.
	Known iter.Seq2[Record, error]
	// Close frees what the collection holds.
	Close func()
}
