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
	// OrgDeleted tells whether the org of a listed authorization is gone; nil where a
	// list never shows such a one.
	OrgDeleted func(Authorization) bool
	// Known are authorizations known from elsewhere, ascending, that a first review
	// asks for as later ones ask for those of the review before. Nil if there are none.
	Known iter.Seq2[Record, error]
	// Close frees what the collection holds.
	Close func()
}
