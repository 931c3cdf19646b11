package audit

import (
	"fmt"
	"strings"
	"time"
)

// Roster is who belongs to the house, by the word of HR or of an identity provider: a
// second source for owners, of which the API tells only what it has.
type Roster struct {
	Name   string    // of the file
	SHA256 string    // of its bytes
	Of     time.Time // the moment that it is of
	OfFile bool      // which is that of the file: no date stands in it
	Users  int
	// Unusable says why nobody is judged by it; "" if it can be used.
	Unusable string
	// Unclear says which users have a status that is none that is known; "" if none has.
	Unclear string

	ids, names map[string]RosterState // names in lower case
}

// RosterState is what the roster says of an owner.
type RosterState string

const (
	RosterActive   RosterState = "active"
	RosterInactive RosterState = "inactive" // there, and said to be inactive or to have left
	RosterAbsent   RosterState = "absent"   // in no row
	RosterUnclear  RosterState = "unclear"  // there, with a status that is none that is known
)

// Add adds a user. Of several rows with one ID or one name an active one counts: names
// are given to others when people leave.
func (r *Roster) Add(id string, names []string, state RosterState) {
	if r.ids == nil {
		r.ids, r.names = map[string]RosterState{}, map[string]RosterState{}
	}
	r.Users++
	add := func(to map[string]RosterState, key string) {
		if held := to[key]; key != "" && held != RosterActive && (held == "" || state != RosterInactive) {
			to[key] = state
		}
	}
	add(r.ids, id)
	for _, name := range names {
		add(r.names, strings.ToLower(name))
	}
}

// Note says in the coverage what the roster is and is worth; r is nil where none is
// configured.
func (r *Roster) Note(cov *Coverage) {
	switch {
	case r == nil:
		cov.NoNeed(RosterFresh, "no roster is configured")
		return
	case r.Unusable != "":
		cov.RosterUnusable = true
		cov.Gap(RosterFresh, Partial, "no owner was compared with the roster: %s", r.Unusable)
		return
	}
	if r.Unclear != "" {
		cov.Gap(RosterFresh, Partial, "%s", r.Unclear)
	}
	whence := "the newest date in it"
	if r.OfFile {
		whence = "the time of the file"
	}
	cov.Hold(RosterFresh, "%s, of %s (%s), %s, SHA-256 %s", r.Name, r.Of.UTC().Format(time.DateOnly), whence, Plural(r.Users, "user"), r.SHA256)
}

// judge notes what the roster says of an owner. IDs compare exactly, names in either
// case. A user that the API does not find and the roster does not have was deleted.
func (r *Roster) judge(o *Owner) {
	if r == nil || r.Unusable != "" || o.ID == "" && o.Name == "" {
		return
	}
	state := r.ids[o.ID]
	if state == "" && o.Name != "" {
		state = r.names[strings.ToLower(o.Name)]
	}
	if state == "" {
		state = RosterAbsent
	}
	o.Roster = state
	if o.NotFound && state == RosterAbsent {
		o.State = OwnerDeleted
		o.Evidence += fmt.Sprintf("; and the roster %s of %s does not have it either", r.Name, r.Of.UTC().Format(time.DateOnly))
	}
}

// matchRoster: what no roster was asked about, or a stale one, proves nothing.
func matchRoster(s *Subject) (string, Outcome) {
	exempt := s.Owner.State == OwnerDeleted || s.Policy.isServiceUser(&s.Owner)
	switch {
	case exempt || s.Owner.Roster == RosterActive:
		return "", Pass
	case s.Owner.Roster == RosterAbsent:
		return "not in the roster", Fail
	case s.Owner.Roster == RosterInactive:
		return "in the roster as inactive", Fail
	}
	return "", Unknown
}
