package campaign

import (
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// Book is all that is known of a campaign.
type Book struct {
	Campaign
	Items       []Item
	Imports     []Import
	Decisions   []Decision
	Refused     []Refusal
	Assignments []Assignment
	Exports     []Export
	Remediation []Remediation
	Closing     *Closing // nil while it is open
}

// Assignment gives an item to another reviewer: a line of assignments.jsonl.
type Assignment struct {
	At     time.Time `json:"at"`
	Item   string    `json:"item"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Reason string    `json:"reason"`
	By     string    `json:"by"` // who ran the command, as the system names them
	// Resolves a conflict, or takes a signed decision back: what others than To decided
	// before does not count any more.
	Resolves bool `json:"resolves,omitempty"`
}

// Export is a file that was made for a reviewer: a line of exports.jsonl.
type Export struct {
	At       time.Time `json:"at"`
	Reviewer string    `json:"reviewer"`
	Items    int       `json:"items"`
	SHA256   string    `json:"sha256"`
}

// State of an item.
type State string

const (
	Pending    State = "pending"
	Decided    State = "decided" // in a draft
	Signed     State = "signed"
	Reassigned State = "reassigned" // pending with another reviewer than at first
	InConflict State = "conflict"
	Changed    State = "stale" // pending again: the token changed
	Gone       State = "gone"  // before a decision, proven
)

// Open reports whether somebody still has to do something about an item in the state.
func (s State) Open() bool { return s != Signed && s != Gone }

// StateWords are the state as people read it.
func (s *Status) StateWords() string {
	switch {
	case s.State.Open() && s.Reviewer == "":
		return "without a reviewer"
	case s.State == InConflict:
		return "in conflict"
	case s.State.Open() && s.NotMine:
		return "not theirs"
	case s.State == Pending:
		return "open"
	case s.State == Decided:
		return "draft, not signed"
	case s.State == Changed:
		return "token changed"
	}
	return string(s.State)
}

// Status is how an item stands.
type Status struct {
	Item     Item // with the facts of now, should the token have changed
	State    State
	Reviewer string // "" if nobody may decide
	// Decision counts; nil without one. Others differ from it, in a conflict.
	Decision *Decision
	Others   []Decision
	// NotMine: the reviewer says that somebody else has to decide.
	NotMine bool
	// Seen is what the newest review that had something to say saw; nil if none had.
	Seen *Remediation

	all       []Decision // the newest of each person
	wasAway   bool       // a review saw that it was gone or inactive, after the decision
	successor string     // the token that took its place, as far as is known
	// wasOverdue: a review saw that it was, after the decision.
	wasOverdue bool
}

// Status gives every item as it stands, in the order of the items.
func (b *Book) Status() []Status {
	at := make(map[string]int, len(b.Items))
	out := make([]Status, len(b.Items))
	for i, it := range b.Items {
		at[it.ID] = i
		out[i] = Status{Item: it, State: Pending, Reviewer: it.Reviewer}
	}
	for i := range b.Remediation {
		m := &b.Remediation[i]
		if n, ok := at[m.Item]; ok {
			out[n].see(m)
		}
	}
	decisions := make(map[string][]Decision, len(b.Decisions))
	for _, d := range b.Decisions {
		decisions[d.Item] = append(decisions[d.Item], d)
	}
	assignments := map[string][]Assignment{}
	for _, a := range b.Assignments {
		assignments[a.Item] = append(assignments[a.Item], a)
	}
	for i := range out {
		out[i].decide(decisions[out[i].Item.ID], assignments[out[i].Item.ID])
	}
	return out
}

// see takes in what a review saw, in the order of the reviews.
func (s *Status) see(m *Remediation) {
	s.Seen = m
	if m.State != Unproven {
		s.successor = ""
	}
	if m.State == Replaced {
		s.successor = m.By
	}
	s.wasOverdue = s.wasOverdue || m.Overdue
	s.wasAway = s.wasAway || m.Decision != "" && (m.State == Done || m.State == Ended || m.State == Deactivated || m.State == Replaced)
	if m.State == TokenChanged && m.Facts != nil {
		reviewer, last := s.Item.Reviewer, s.Item.Last
		s.Item = *m.Facts // in no group any more
		s.Item.Reviewer, s.Item.Last = reviewer, last
	}
}

// decide finds the decision that counts.
func (s *Status) decide(decisions []Decision, assignments []Assignment) {
	for _, a := range assignments {
		s.Reviewer = a.To
		if a.Resolves {
			decisions = slices.DeleteFunc(slices.Clone(decisions), func(d Decision) bool { return !Same(d.By, a.To) && !d.At.After(a.At) })
		}
	}
	for _, d := range decisions {
		// A change of the token voids what keeps it. It is still to be revoked.
		if d.Fingerprint != s.Item.Fingerprint && (d.Decision == Keep || !d.Signed) {
			continue
		}
		if i := slices.IndexFunc(s.all, func(o Decision) bool { return Same(o.By, d.By) }); i >= 0 {
			s.all[i] = d
		} else {
			s.all = append(s.all, d)
		}
	}
	s.conclude(len(decisions) > 0 && len(s.all) == 0 || s.Seen != nil && s.Seen.State == TokenChanged, len(assignments) > 0)
}

func (s *Status) conclude(changed, reassigned bool) {
	counted := slices.DeleteFunc(slices.Clone(s.all), func(d Decision) bool { return d.Decision == NotMine })
	s.NotMine = slices.ContainsFunc(s.all, func(d Decision) bool { return d.Decision == NotMine && Same(d.By, s.Reviewer) })
	if slices.ContainsFunc(counted, func(d Decision) bool { return d.Signed }) {
		counted = slices.DeleteFunc(counted, func(d Decision) bool { return !d.Signed })
	}
	if len(counted) > 0 {
		s.Decision = &counted[len(counted)-1]
		for _, d := range counted {
			if d.Decision != s.Decision.Decision {
				s.Others = append(s.Others, d)
			}
		}
	}
	switch {
	case len(s.Others) > 0:
		s.State = InConflict
	case s.Decision != nil && s.Decision.Signed:
		s.State = Signed
	case s.Seen != nil && s.Seen.State == TokenGone:
		s.State = Gone
	case s.Decision != nil:
		s.State = Decided
	case changed:
		s.State = Changed
	case reassigned:
		s.State = Reassigned
	}
}

// by is what a person decided, nil if nothing.
func (s *Status) by(who string) *Decision {
	if i := slices.IndexFunc(s.all, func(d Decision) bool { return Same(d.By, who) }); i >= 0 {
		return &s.all[i]
	}
	return nil
}

// otherwise is what somebody else decided that contradicts d; nil if nothing does. What was
// signed counts against a draft, and not the other way round.
func (s *Status) otherwise(d Decision) *Decision {
	if d.Decision == NotMine {
		return nil
	}
	for i, o := range s.all {
		if !Same(o.By, d.By) && o.Decision != NotMine && o.Decision != d.Decision && (o.Signed || !d.Signed) {
			return &s.all[i]
		}
	}
	return nil
}

// byReviewer are the items that somebody may decide on, as they stand.
func byReviewer(all []Status) map[string][]Item {
	out := map[string][]Item{}
	for _, s := range all {
		if s.Reviewer != "" && s.State != Gone {
			out[s.Reviewer] = append(out[s.Reviewer], s.Item)
		}
	}
	return out
}

// OpenFor are the items that a reviewer still has to decide, or has decided in a draft.
func (b *Book) OpenFor(reviewer string) []Status {
	return slices.DeleteFunc(b.Status(), func(s Status) bool { return !Same(s.Reviewer, reviewer) || !s.State.Open() })
}

// ItemsOf are all that a reviewer may decide on, for the rows of their file.
func (b *Book) ItemsOf(reviewer string) []Item { return itemsOf(b.Status(), reviewer) }

func itemsOf(all []Status, reviewer string) []Item {
	var out []Item
	for _, s := range all {
		if s.Reviewer != "" && Same(s.Reviewer, reviewer) && s.State != Gone {
			out = append(out, s.Item)
		}
	}
	return out
}

// Reviewers are those who have items now, by name.
func (b *Book) ReviewersNow() []string {
	var out []string
	for who := range byReviewer(b.Status()) {
		if !slices.ContainsFunc(out, func(o string) bool { return Same(o, who) }) {
			out = append(out, who)
		}
	}
	slices.Sort(out)
	return out
}

// Overdue reports whether decisions are missing after the due date.
func (b *Book) Overdue(now time.Time) bool {
	return b.Closing == nil && now.After(b.Due) && slices.ContainsFunc(b.Status(), func(s Status) bool { return s.State.Open() })
}

// Earlier are the signed decisions of earlier campaigns, of each item the newest, by the key of
// its token.
type Earlier map[string][]earlierDecision

// Add takes in those of a campaign that was opened later than the ones before.
func (e Earlier) Add(b *Book) {
	for _, s := range b.Status() {
		if s.State == Signed {
			key := s.Item.tokenKey()
			older := slices.DeleteFunc(e[key], func(d earlierDecision) bool { return d.item.ID == s.Item.ID })
			e[key] = append(older, earlierDecision{s.Item, LastDecision{Campaign: b.ID(), Decision: s.Decision.Decision, By: s.Decision.By, At: s.Decision.At}, s.Decision.Fingerprint})
		}
	}
}

// of is the newest decision on the token of a record, whose item is it now; nil if there is
// none. A user of 1.x who was seen for the first time since then is another one of that name.
func (e Earlier) of(it Item, r *audit.Record) *LastDecision {
	for _, d := range slices.Backward(e[it.tokenKey()]) {
		if !d.item.isOf(&r.Authorization) || r.Product == audit.ProductV1 && r.FirstSeen.After(d.last.At) {
			continue
		}
		d.last.Changed = d.fingerprint != it.Fingerprint
		return &d.last
	}
	return nil
}

type earlierDecision struct {
	item        Item
	last        LastDecision
	fingerprint string
}

// Assign gives an item to another reviewer. The error says why that cannot be.
func (b *Book) Assign(item, to, reason, by string, at time.Time) (Assignment, error) {
	i := slices.IndexFunc(b.Items, func(it Item) bool { return it.ID == item })
	var of []string // items of an authorization: several servers may have one ID
	for at, it := range b.Items {
		if it.Authorization == item && (i < 0 || len(of) > 0) {
			i, of = at, append(of, it.ID)
		}
	}
	switch {
	case b.Closing != nil:
		return Assignment{}, &AssignError{Closed, "the campaign was closed on " + day(b.Closing.At)}
	case i < 0:
		return Assignment{}, &AssignError{UnknownItem, "the campaign has no item " + audit.Line(item, 100)}
	case len(of) > 1:
		return Assignment{}, &AssignError{UnknownItem, "the campaign has several tokens with this ID; name the item: " + audit.Line(strings.Join(of, ", "), 1000)}
	}
	s := b.statusOf(i)
	return s.Assign(to, reason, by, at)
}

// statusOf is how one item stands.
func (b *Book) statusOf(i int) Status {
	id := b.Items[i].ID
	one := Book{Items: b.Items[i : i+1]}
	for _, m := range b.Remediation {
		if m.Item == id {
			one.Remediation = append(one.Remediation, m)
		}
	}
	for _, d := range b.Decisions {
		if d.Item == id {
			one.Decisions = append(one.Decisions, d)
		}
	}
	for _, a := range b.Assignments {
		if a.Item == id {
			one.Assignments = append(one.Assignments, a)
		}
	}
	return one.Status()[0]
}

// Assign gives the item to another reviewer, as Book.Assign does.
func (s *Status) Assign(to, reason, by string, at time.Time) (Assignment, error) {
	a := Assignment{At: at.UTC(), Item: s.Item.ID, From: s.Reviewer, To: folded(to), Reason: reason, By: by}
	a.Resolves = s.State == InConflict || s.State == Signed
	if s.Item.isSelf(to) {
		return a, &AssignError{SelfReview, to + " is the owner, or responsible: nobody reviews a token of their own"}
	}
	return a, nil
}

// AssignError is an assignment that cannot be.
type AssignError struct {
	Code Code
	Text string
}

func (e *AssignError) Error() string { return e.Text }
