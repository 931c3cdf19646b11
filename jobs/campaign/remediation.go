package campaign

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
)

// Seen is what a review saw of a token that was decided on.
type Seen string

const (
	Done        Seen = "done"        // the server says that there is no such authorization
	Deactivated Seen = "deactivated" // set inactive; done only if the campaign says so
	StillThere  Seen = "still-there"
	Hidden      Seen = "hidden"   // exists, though lists leave it out: its user or org was deleted
	Unproven    Seen = "unproven" // the review could not see it
	Undone      Seen = "undone"   // was done or deactivated, and works again
	// Replaced is gone or inactive, and a newer token of the same owner may do the same.
	Replaced Seen = "replaced"

	TokenChanged Seen = "changed" // before a decision, or after keep: it is to be decided again
	TokenGone    Seen = "gone"    // before a decision
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
	Late    bool      `json:"late,omitempty"` // settled after it was due
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
		if s.toRemove() && (s.Seen == nil || !s.Seen.Settled) {
			return true
		}
	}
	return false
}

// toRemove reports whether the token has to go, by a signed decision.
func (s *Status) toRemove() bool {
	return s.State == Signed && (s.Decision.Decision == Revoke || s.Decision.Decision == Modify)
}

// Compare holds the book against the records of a review: all lines of its snapshots, with
// what is only remembered. It gives a line for each token that has to go, until it is
// settled, and for each one that is to be decided and changed or went. A review that was
// compared before gives nothing.
func (b *Book) Compare(run audit.Run, contacts audit.Contacts, records iter.Seq2[audit.Record, error]) ([]Remediation, error) {
	if slices.ContainsFunc(b.Remediation, func(m Remediation) bool { return m.Run == run.ID() }) {
		return nil, nil
	}
	c := comparing{Book: b, run: run, contacts: contacts, items: map[string]*compared{}, owners: map[string][]newToken{}}
	all := b.Status()
	for i := range all {
		c.items[all[i].Item.ID] = &compared{Status: &all[i]}
		if all[i].toRemove() {
			c.owners[ownerKey(all[i].Item.Target, all[i].Item.OrgID, all[i].Item.UserID)] = nil
		}
	}
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		c.take(&r)
	}
	var out []Remediation
	for i := range all {
		if m, ok := c.conclude(c.items[all[i].Item.ID]); ok {
			out = append(out, m)
		}
	}
	return out, nil
}

type comparing struct {
	*Book
	run      audit.Run
	contacts audit.Contacts
	items    map[string]*compared
	owners   map[string][]newToken // active tokens of owners whose tokens have to go, newer than the campaign
}

// compared is an item and its record, as far as the review has one.
type compared struct {
	*Status
	record *audit.Record
}

type newToken struct {
	id          string
	permissions map[string]bool
}

func ownerKey(target, org, user string) string { return target + "\x00" + org + "\x00" + user }

func (c *comparing) take(r *audit.Record) {
	if r.IsServer() {
		return
	}
	id := itemID(r.Target, &r.Authorization)
	if it, ok := c.items[id]; ok {
		record := *r
		it.record = &record
		return
	}
	key := ownerKey(r.Target, r.OrgID, r.UserID)
	if _, wanted := c.owners[key]; !wanted || r.Presence != audit.Listed || r.Status != audit.Active || !r.PermissionsKnown() || !r.FirstSeen.After(c.Opened) {
		return
	}
	t := newToken{id: r.ID, permissions: map[string]bool{}}
	for i := range r.Permissions {
		t.permissions[r.Permissions[i].String()] = true
	}
	c.owners[key] = append(c.owners[key], t)
}

// conclude gives the line of an item; ok is false where there is nothing to say.
func (c *comparing) conclude(it *compared) (m Remediation, ok bool) {
	m = Remediation{Run: c.run.ID(), At: c.run.Started.UTC(), Item: it.Item.ID}
	if !it.toRemove() {
		return c.watch(it, m)
	}
	m.Decision, m.Due = it.Decision.Decision, it.Decision.At.Add(c.within(it.Item.Severity))
	m.Days = int(m.At.Sub(it.Decision.At) / (24 * time.Hour))
	m.State, m.Evidence = c.state(it)
	before := Seen("")
	if it.Seen != nil {
		before = it.Seen.State
	}
	if m.State == Done || m.State == Deactivated {
		c.successor(it, &m)
	}
	m.Settled = m.State == Done || m.State == Deactivated && c.InactiveCountsAsDone
	m.Overdue, m.Late = !m.Settled && m.At.After(m.Due), m.Settled && m.At.After(m.Due)
	if it.Seen != nil && it.Seen.Settled && it.Seen.Decision != "" && (m.State == before || m.State == Unproven) {
		return m, false // proven before, and nothing says otherwise
	}
	return m, true
}

// state is what the record of a token that has to go says.
func (c *comparing) state(it *compared) (Seen, string) {
	r := it.record
	wasAway := it.Seen != nil && (it.Seen.State == Done || it.Seen.State == Deactivated || it.Seen.State == Replaced || it.Seen.State == Undone)
	switch {
	case r == nil:
		return Unproven, "the review has no record of it"
	case r.Presence == audit.Gone || r.Presence == audit.Remembered:
		return Done, r.Evidence
	case r.Presence == audit.Hidden:
		return Hidden, r.Evidence
	case r.Presence == audit.Unseen:
		return Unproven, r.Evidence
	case r.Status == audit.Inactive:
		return Deactivated, "in the list as inactive"
	case r.Status != audit.Active:
		return Unproven, fmt.Sprintf("in the list with the status %.40q", r.Status)
	case wasAway:
		return Undone, "in the list as active again"
	}
	return StillThere, "in the list as active"
}

// successor looks for a newer token of the owner: one that may do the same is no
// revocation, one that may do less is what modify asks for.
func (c *comparing) successor(it *compared, m *Remediation) {
	old := map[string]bool{}
	for _, p := range it.Item.Permissions {
		old[p] = true
	}
	narrower := ""
	for _, t := range c.owners[ownerKey(it.Item.Target, it.Item.OrgID, it.Item.UserID)] {
		inside := len(t.permissions) > 0
		for p := range t.permissions {
			inside = inside && old[p]
		}
		switch {
		case inside && len(t.permissions) == len(old):
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
	r := it.record
	switch {
	case r == nil || c.Closing != nil:
		return m, false
	case r.Presence == audit.Gone && it.State != Signed, r.Presence == audit.Remembered && it.State.Open():
		m.State, m.Evidence, m.Settled = TokenGone, r.Evidence, true
		return m, it.State != Gone
	case r.Presence != audit.Listed || !r.PermissionsKnown() || !r.StatusKnown():
		return m, false
	case r.Fingerprint() != it.Item.Fingerprint, it.State == Gone:
		facts := newItem(r, c.contacts, c.Opened)
		m.State, m.Facts, m.Evidence = TokenChanged, &facts, "permissions, owner or status differ from what was decided on"
		return m, true
	}
	return m, false
}
