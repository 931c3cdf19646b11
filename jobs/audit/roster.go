package audit

import (
	"cmp"
	"fmt"
	"net/mail"
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

// HasLeft reports whether somebody is in the roster as inactive, or in no row of one that
// knows people by their addresses. Without a roster that can be used nobody has.
func (r *Roster) HasLeft(address string) bool {
	if r == nil || r.Unusable != "" {
		return false
	}
	switch r.names[strings.ToLower(address)] {
	case RosterInactive:
		return true
	case "":
		for name := range r.names {
			if strings.Contains(name, "@") {
				return true
			}
		}
	}
	return false
}

// matchRoster: what no roster was asked about, or a stale one, proves nothing.
func matchRoster(s *Subject) (string, Outcome) {
	exempt := s.Owner.State == OwnerDeleted || s.Policy.IsServiceUser(&s.Owner)
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

// Contact is who answers for an InfluxDB user and its tokens, or for a token.
type Contact struct {
	Responsible string `json:"responsible,omitempty"` // a person, by e-mail address or name
	Team        string `json:"team,omitempty"`
	Purpose     string `json:"purpose,omitempty"` // what the user is for
	// Slack is who is told there: a user ID, a channel ID or an e-mail address.
	Slack string `json:"slack,omitempty"`
	// Reviewer decides on the tokens of the user in campaigns: an e-mail address.
	Reviewer string `json:"reviewer,omitempty"`
}

// Contacts are the contacts by the name or ID of a user; TARGET/NAME and TARGET/ID, for
// that target alone, come first. Of a token without an owner these are the name, or the
// description, and the ID of the token. TARGET/* is for all tokens that nobody else is named
// for.
type Contacts map[string]Contact

// EveryToken stands after TARGET/ for all of its tokens.
const EveryToken = "*"

// Of is the contact for a token, empty if nobody is named. A user whose name is an e-mail
// address is responsible itself, unless it was deleted or is inactive.
func (c Contacts) Of(r *Record) Contact {
	id, name := cmp.Or(r.UserID, r.Owner.ID), cmp.Or(r.Owner.Name, r.User)
	keys := []string{r.Target + "/" + id, r.Target + "/" + name, id, name}
	if (Owner{ID: id, Name: name, State: r.Owner.State}).IsNone() {
		keys = []string{r.Target + "/" + r.Description, r.Target + "/" + r.ID}
	}
	isAnswering := r.Owner.State != OwnerDeleted && r.Owner.State != OwnerInactive && IsAddress(name)
	if !isAnswering {
		keys = append(keys, r.Target+"/"+EveryToken)
	}
	var found Contact
	for _, key := range keys {
		if contact, ok := c[key]; ok && !strings.HasSuffix(key, "/") && key != "" {
			found = contact
			break
		}
	}
	if isAnswering {
		found.Responsible = cmp.Or(found.Responsible, name)
	}
	return found
}

// IsNone reports whether it is that of a token of a product that does not record owners.
func (o Owner) IsNone() bool { return o.State == OwnerNone && o.ID == "" && o.Name == "" }

// IsAddress reports whether text is an e-mail address and nothing else.
func IsAddress(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text
}
