package campaign

import (
	"fmt"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
)

// Seen is what a review saw of a token that was decided on.
type Seen string

const (
	Done        Seen = "done"        // the server says that there is no such authorization
	Deactivated Seen = "deactivated" // set inactive; done only if the campaign says so
	Ended       Seen = "ended"       // listed, and does not work any more: it expired or was revoked
	StillThere  Seen = "still-there"
	Hidden      Seen = "hidden"   // exists, though lists leave it out: its user or org was deleted
	Unproven    Seen = "unproven" // the review could not see it
	Undone      Seen = "undone"   // was done or deactivated, and works again
	// Replaced is gone or inactive, and a newer token of the same owner may do the same.
	Replaced Seen = "replaced"

	TokenChanged Seen = "changed" // before a decision, or after keep: it is to be decided again
	TokenGone    Seen = "gone"    // before a decision, or though it was kept
)

// Remediation is what one review saw of one item: a line of remediation.jsonl.
type Remediation struct {
	Run      string    `json:"run"`
	At       time.Time `json:"at"` // when the review began
	Item     string    `json:"item"`
	Decision Kind      `json:"decision,omitempty"` // the signed one
	State    Seen      `json:"state"`
	Evidence string    `json:"evidence,omitempty"` // the answer behind it
	// Settled: nothing is left to do.
	Settled bool      `json:"settled"`
	Due     time.Time `json:"due,omitzero"` // when it has to be settled
	Overdue bool      `json:"overdue,omitempty"`
	Late    bool      `json:"late,omitempty"` // settled after a review saw that it was overdue
	// Days are the whole days from the decision to this review.
	Days int `json:"days"`
	// By is the authorization that took its place.
	By string `json:"by,omitempty"`
	// Facts are those of a token that changed.
	Facts *Item `json:"facts,omitempty"`
}

// Follows reports whether reviews have something to compare with the campaign: it is open,
// or has a revocation that is not settled, or is the newest of its name.
func (b *Book) Follows(newest bool) bool {
	if newest || b.Closing == nil {
		return true
	}
	for _, s := range b.Status() {
		if s.ToRemove() && !s.Settled() {
			return true
		}
	}
	return false
}

// ToRemove reports whether the token has to go, by a signed decision.
func (s *Status) ToRemove() bool {
	return s.State == Signed && (s.Decision.Decision == Revoke || s.Decision.Decision == Modify)
}

// Settled reports whether a review proved that a token went which had to.
func (s *Status) Settled() bool {
	return s.ToRemove() && s.Seen != nil && s.Seen.Decision != "" && s.Seen.Settled
}

// RevokeBy is when a token that has to go must be gone.
func (c Campaign) RevokeBy(s *Status) time.Time {
	return s.Decision.At.Add(c.within(s.Item.Severity))
}

// Sighting is what a review saw of the items of campaigns, and of newer tokens of their
// owners: one walk over its records serves all of them.
type Sighting struct {
	run      audit.Run
	contacts audit.Contacts
	items    map[string][]*audit.Record // by the key of their tokens; none: the review has no record
	owners   map[string][]newToken      // tokens, newer than the oldest of the campaigns
	since    time.Time
}

// newToken may have taken the place of another one.
type newToken struct {
	id          string
	firstSeen   time.Time
	active      bool // and its permissions are known
	away        bool // gone, or inactive; what is neither was not seen
	permissions map[string]bool
}

func ownerKey(target, org, user string) string { return target + "\x00" + org + "\x00" + user }

// NewSighting is that of a review which is to be compared with books. What is decided later
// on their items can be compared with it, too.
func NewSighting(run audit.Run, contacts audit.Contacts, books ...*Book) *Sighting {
	s := &Sighting{run: run, contacts: contacts, items: map[string][]*audit.Record{}, owners: map[string][]newToken{}}
	for _, b := range books {
		s.since = audit.Earlier(s.since, b.Opened)
		for _, it := range b.Items {
			s.items[it.tokenKey()], s.owners[ownerKey(it.Target, it.OrgID, it.UserID)] = nil, nil
		}
	}
	return s
}

// Add takes in a line of a snapshot. All of them are needed, with what is only remembered.
func (s *Sighting) Add(r *audit.Record) {
	if r.IsServer() {
		return
	}
	token := tokenKey(r.Target, &r.Authorization)
	if _, wanted := s.items[token]; wanted {
		record := *r
		s.items[token] = append(s.items[token], &record)
	}
	key := ownerKey(r.Target, r.OrgID, r.UserID)
	if _, wanted := s.owners[key]; !wanted || !r.FirstSeen.After(s.since) {
		return
	}
	listed := r.Presence == audit.Listed
	t := newToken{id: r.ID, firstSeen: r.FirstSeen, permissions: map[string]bool{}}
	status := r.StatusAt(s.run.Started)
	t.active = listed && status == audit.Active && r.PermissionsKnown()
	t.away = listed && (status == audit.Inactive || status == audit.Expired || status == audit.Revoked) || r.Presence == audit.Gone || r.Presence == audit.Remembered
	for i := range r.Permissions {
		t.permissions[r.Permissions[i].String()] = true
	}
	s.owners[key] = append(s.owners[key], t)
}

// find is the record that stands for an item, nil if there is none: that of its server, which
// may be of another token by now, or else that of the same token at another address.
func (s *Sighting) find(it Item) *audit.Record {
	records := s.items[it.tokenKey()]
	at := slices.IndexFunc(records, func(r *audit.Record) bool { return r.OrgID == it.OrgID })
	if at < 0 {
		at = slices.IndexFunc(records, func(r *audit.Record) bool { return it.isOf(&r.Authorization) })
	}
	if at < 0 {
		return nil
	}
	return records[at]
}

// Compare holds the book against what a review saw. It gives a line for each token that has
// to go, until it is settled, for each one that is to be decided and changed or went, and for
// each one that was kept and changed, went or came back. A review that was compared before
// gives nothing.
func (b *Book) Compare(s *Sighting) []Remediation {
	if slices.ContainsFunc(b.Remediation, func(m Remediation) bool { return m.Run == s.run.ID() }) {
		return nil
	}
	c := comparing{Book: b, Sighting: s, successors: map[string]string{}}
	all := b.Status()
	for _, it := range all {
		if it.successor != "" {
			c.successors[it.successor] = it.Item.ID
		}
	}
	lines := make([]*Remediation, len(all))
	for _, settled := range []bool{false, true} { // a token that just went is the first to be replaced
		for i := range all {
			if all[i].Settled() != settled {
				continue
			}
			if m, ok := c.conclude(&compared{&all[i], s.find(all[i].Item)}); ok {
				lines[i] = &m
			}
		}
	}
	var out []Remediation
	for _, m := range lines {
		if m != nil {
			out = append(out, *m)
		}
	}
	return out
}

type comparing struct {
	*Book
	*Sighting
	// successors are tokens that took the place of an item, each of one.
	successors map[string]string
}

// compared is an item and its record, as far as the review has one.
type compared struct {
	*Status
	record *audit.Record
}

// conclude gives the line of an item; ok is false where there is nothing to say.
func (c *comparing) conclude(it *compared) (m Remediation, ok bool) {
	m = Remediation{Run: c.run.ID(), At: c.run.Started.UTC(), Item: it.Item.ID}
	if !it.ToRemove() {
		return c.watch(it, m)
	}
	m.Decision, m.Due = it.Decision.Decision, c.RevokeBy(it.Status)
	m.Days = int(m.At.Sub(it.Decision.At) / (24 * time.Hour))
	m.State, m.Evidence = c.state(it)
	before := Seen("")
	if it.Seen != nil {
		before = it.Seen.State
	}
	if m.State == Done || m.State == Ended || m.State == Deactivated {
		c.successor(it, &m)
	}
	m.Settled = m.State == Done || m.State == Ended || m.State == Deactivated && c.InactiveCountsAsDone
	m.Overdue, m.Late = !m.Settled && m.At.After(m.Due), m.Settled && it.wasOverdue
	if it.Settled() && (m.State == before || m.State == Unproven) {
		return m, false // proven before, and nothing says otherwise
	}
	return m, true
}

// state is what the record of a token that has to go says.
func (c *comparing) state(it *compared) (Seen, string) {
	r, at := it.record, c.run.Started
	switch {
	case r == nil:
		return Unproven, "the review has no record of it"
	case r.Presence == audit.Gone || r.Presence == audit.Remembered:
		return Done, r.Evidence
	case r.Presence == audit.Hidden:
		return Hidden, r.Evidence
	case r.Presence == audit.Unseen:
		return Unproven, r.Evidence
	case !it.Item.isOf(&r.Authorization):
		return Unproven, anotherToken(r)
	case r.Status == audit.Inactive:
		return Deactivated, "in the list as inactive"
	case r.StatusAt(at) == audit.Revoked:
		return Ended, "in the list as revoked on " + r.RevokedAt.UTC().Format(time.DateOnly)
	case r.StatusAt(at) == audit.Expired:
		return Ended, "in the list as expired on " + r.ExpiresAt.UTC().Format(time.DateOnly)
	case r.Status != audit.Active:
		return Unproven, fmt.Sprintf("in the list with the status %.40q", r.Status)
	case it.wasAway:
		return Undone, "in the list as active again"
	}
	return StillThere, "in the list as active"
}

// anotherToken is the evidence that an ID was used again: a server was restored.
func anotherToken(r *audit.Record) string {
	return "another token has its ID, created on " + r.CreatedAt.UTC().Format(time.DateOnly)
}

// successor looks for a newer token of the owner: one that may do the same is no
// revocation, one that may do less is what modify asks for.
func (c *comparing) successor(it *compared, m *Remediation) {
	if it.Item.UserID == "" { // all tokens of a product without owners would be of the same one
		return
	}
	old := map[string]bool{}
	for _, p := range it.Item.Permissions {
		old[p] = true
	}
	narrower := ""
	tokens := c.owners[ownerKey(it.Item.Target, it.Item.OrgID, it.Item.UserID)]
	seen := func(t newToken) bool { return t.id == it.successor && (t.active || t.away) }
	if it.successor != "" && !slices.ContainsFunc(tokens, seen) {
		m.State, m.By, m.Evidence = Unproven, it.successor, it.successor+" took its place, and could not be seen"
		return
	}
	for _, t := range tokens {
		if !t.active || !t.firstSeen.After(c.Opened) || t.id == it.Item.Authorization {
			continue
		}
		inside := len(t.permissions) > 0
		for p := range t.permissions {
			inside = inside && old[p]
		}
		switch {
		case inside && len(t.permissions) == len(old):
			if of, taken := c.successors[t.id]; taken && of != it.Item.ID {
				continue
			}
			c.successors[t.id] = it.Item.ID
			m.State, m.By = Replaced, t.id
			m.Evidence += "; " + t.id + " of the same owner may do the same"
			return
		case inside:
			narrower = t.id
		}
	}
	if m.Decision != Modify {
		return
	}
	if m.By = narrower; narrower == "" {
		m.Evidence += "; no narrower token of the owner was found"
	} else {
		m.Evidence += "; " + narrower + " may do less"
	}
}

// watch says that a token that is open, or was kept, is not as it was.
func (c *comparing) watch(it *compared, m Remediation) (Remediation, bool) {
	r, went := it.record, it.Seen != nil && it.Seen.State == TokenGone
	if r == nil {
		return m, false
	}
	kept := it.State == Signed
	gone, listed := r.Presence == audit.Gone || r.Presence == audit.Remembered, r.Presence == audit.Listed
	if kept && (gone || listed && went) {
		m.Decision, m.Days = it.Decision.Decision, int(m.At.Sub(it.Decision.At)/(24*time.Hour))
	}
	switch {
	case gone && (kept || c.Closing == nil):
		m.State, m.Evidence, m.Settled = TokenGone, r.Evidence, true
		return m, !went
	case kept && listed && went:
		m.State, m.Evidence = StillThere, "in the list again"
		return m, true
	case c.Closing != nil || !listed || !r.PermissionsKnown() || !r.StatusKnown():
		return m, false
	case r.Fingerprint() != it.Item.Fingerprint, it.State == Gone:
		facts := newItem(r, c.contacts)
		facts.ID = it.Item.ID // also where the server has another ID by now
		m.State, m.Facts, m.Evidence = TokenChanged, &facts, "permissions, owner or status differ from what was decided on"
		if !it.Item.isOf(&r.Authorization) {
			m.Evidence = anotherToken(r)
		}
		return m, true
	}
	return m, false
}
