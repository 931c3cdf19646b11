package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// Highlights is what the messages and the first page of a review say besides its figures.
// It is bounded, whatever was found.
type Highlights struct {
	New        []Highlight       `json:"new"`         // the tokens of ActionCounts.New, or of a first review all that need action; worst first, at most MaxWorst
	NewWrites  []Highlight       `json:"new_writes"`  // new active write tokens, at most MaxNewWrites
	Server     []Highlight       `json:"server"`      // findings that need action and are about no token, at most MaxServer
	Owners     []OwnerHighlights `json:"owners"`      // those with a token that needs action, worst first, at most MaxOwners
	MoreOwners int               `json:"more_owners"` // how many are left out of Owners
	// Replaced are tokens that others took the place of in this review, at most MaxReplaced,
	// and MoreReplaced counts those that are left out. None of a first review.
	Replaced     []Replacement `json:"replaced,omitempty"`
	MoreReplaced int           `json:"more_replaced,omitempty"`
	// Renewed are the tokens whose secret was replaced in this review without need of action, as
	// it was due or allowed, at most MaxReplaced, and MoreRenewed counts those that are left out.
	Renewed     []Highlight `json:"renewed,omitempty"`
	MoreRenewed int         `json:"more_renewed,omitempty"`
}

// Replacement is a token that is gone or was set inactive since the review before, while a
// newer active one may do the same: of the same owner, or of a service user. No token takes
// the place of two.
type Replacement struct {
	Target        string `json:"target"`
	Authorization string `json:"authorization"`
	Description   string `json:"description"`
	User          string `json:"user"`
	Gone          bool   `json:"gone"` // and not only inactive
	By            string `json:"by"`   // ID of the new one
	ByUser        string `json:"by_user"`
}

// Limits of what Highlights holds; the rest is in the evidence.
const (
	MaxWorst       = 15
	MaxNewWrites   = 5
	MaxServer      = 15
	MaxReplaced    = 20
	MaxOwners      = 5000
	MaxOwnerTokens = 20
)

// Highlight is an authorization with findings that somebody should hear of, worst
// first; never without any. Of its record only what a message shows is there.
type Highlight struct {
	Record   Record    `json:"record"`
	Findings []Finding `json:"findings"`
	New      bool      `json:"new"` // needed no action at the review before
}

// Oldest is since when the oldest of the findings stands.
func (h Highlight) Oldest() time.Time {
	var oldest time.Time
	for _, f := range h.Findings {
		oldest = Earlier(oldest, f.Since)
	}
	return oldest
}

// OwnerHighlights is what one person has to act on. Users of InfluxDB are told apart by
// target and ID; those that one person answers for are taken together.
type OwnerHighlights struct {
	// Key names the person, or else the user, among those of the run.
	Key     string          `json:"key"`
	Owner   Owner           `json:"owner"`  // the user; of several, the one with the worst token
	Target  string          `json:"target"` // of that user
	Contact Contact         `json:"contact"`
	Users   int             `json:"users"`  // that the person answers for and that have such a token
	Tokens  int             `json:"tokens"` // that need action
	New     int             `json:"new"`    // of them: needed none at the review before
	Overdue int             `json:"overdue"`
	Oldest  time.Time       `json:"oldest"` // since when the oldest finding stands
	Worst   []Highlight     `json:"worst"`  // new ones first, then the worst, at most MaxOwnerTokens
	users   map[string]bool // by target and ID
	worst   int             // rank of the worst finding
}

// ReplacedWords say in one line which tokens were replaced, at most so many of them by name;
// empty if none were.
func (h Highlights) ReplacedWords(most int) string {
	words := h.renewedWords(most)
	all := len(h.Replaced) + h.MoreReplaced
	if all == 0 {
		return words
	}
	var names []string
	for _, r := range h.Replaced[:min(len(h.Replaced), most)] {
		ended := "set inactive"
		if r.Gone {
			ended = "deleted"
		}
		names = append(names, fmt.Sprintf("%s of %s (%s) by %s of %s", Line(cmp.Or(r.Description, r.Authorization), 60), Line(r.User, 40), ended, Line(r.By, 40), Line(r.ByUser, 40)))
	}
	replaced := Plural(all, "token") + " replaced: " + strings.Join(names, "; ")
	if more := all - len(names); more > 0 {
		replaced += "; and " + Number(more) + " more"
	}
	return strings.TrimSuffix(replaced+". "+words, ". ")
}

// renewedWords say which tokens got a new secret by plan, as far as the review knows.
func (h Highlights) renewedWords(most int) string {
	all := len(h.Renewed) + h.MoreRenewed
	if all == 0 {
		return ""
	}
	var names []string
	for _, r := range h.Renewed[:min(len(h.Renewed), most)] {
		why := "due, or approved"
		if r.Findings[0].State == Excepted {
			why = "allowed by an exception"
		}
		names = append(names, fmt.Sprintf("%s in %s (%s)", Line(cmp.Or(r.Record.Description, r.Record.ID), 60), Line(r.Record.Target, 40), why))
	}
	words := Plural(all, "secret") + " replaced: " + strings.Join(names, "; ")
	if more := all - len(names); more > 0 {
		words += "; and " + Number(more) + " more"
	}
	return words + ". Make sure that somebody did so by plan"
}

// Where names the targets that a decision about servers is for, the worst first; it is empty for
// one about tokens.
func (h Highlights) Where(d Decision) string {
	if !d.Check.Server {
		return ""
	}
	var targets []string
	found := 0
	for _, s := range h.Server {
		for _, f := range s.Findings {
			if f.Check != d.Check.ID {
				continue
			}
			if found++; !slices.Contains(targets, s.Record.Target) {
				targets = append(targets, s.Record.Target)
			}
		}
	}
	if found > 0 && found < d.Tokens { // h leaves some out
		return Names(targets[:min(len(targets), 3)], 3) + " and others"
	}
	return Names(targets, 3)
}

// HighlightsOf walks the records of a review.
func HighlightsOf(rows iter.Seq2[Record, error], s Summary, contacts Contacts) (Highlights, error) {
	b := NewHighlightsBuilder(s, contacts)
	for r, err := range rows {
		if err != nil {
			return Highlights{}, err
		}
		b.Add(&r)
	}
	return b.Highlights(), nil
}

// HighlightsBuilder makes Highlights of records that come one by one.
type HighlightsBuilder struct {
	contacts Contacts
	at       time.Time       // of the review
	first    map[string]bool // targets that nothing could be compared in
	later    bool            // it is not the first review of the job

	sum    Highlights
	pairs  pairs
	owners map[string]*OwnerHighlights // by key; grows with the owners, not with the tokens
	held   int                         // highlights of owners
	most   int                         // of them for one owner, 0 for MaxOwnerTokens
}

// NewHighlightsBuilder is for the records of a review.
func NewHighlightsBuilder(s Summary, contacts Contacts) *HighlightsBuilder {
	b := &HighlightsBuilder{contacts: contacts, at: s.Started, first: map[string]bool{}, later: s.Previous != nil}
	b.pairs.policy.ServiceUsers, b.pairs.at = s.Policy.ServiceUsers, s.Started
	for _, t := range s.Coverage.Targets {
		b.first[t.Target] = !t.Comparable()
	}
	return b
}

// Add keeps what there is to say of a record.
func (b *HighlightsBuilder) Add(r *Record) {
	needs := func(f Finding) bool { return f.NeedsAction(b.at) }
	if r.IsServer() {
		if slices.ContainsFunc(r.Findings, needs) {
			b.sum.Server = insert(b.sum.Server, highlight(r, needs), MaxServer)
		}
		return
	}
	if !b.first[r.Target] {
		b.pairs.add(r)
	}
	renewed := func(f Finding) bool {
		return f.Check == SecretReplaced && !needs(f) && (f.Fresh() || f.State == Excepted && f.Since.Equal(b.at))
	}
	switch {
	case !slices.ContainsFunc(r.Findings, renewed):
	case len(b.sum.Renewed) < MaxReplaced:
		b.sum.Renewed = append(b.sum.Renewed, highlight(r, renewed))
	default:
		b.sum.MoreRenewed++
	}
	write := func(f Finding) bool { return f.Check == InventoryCheck && f.Fresh() }
	if len(b.sum.NewWrites) < MaxNewWrites && slices.ContainsFunc(r.Findings, write) {
		b.sum.NewWrites = append(b.sum.NewWrites, highlight(r, write))
	}
	if !r.NeedsAction(b.at) {
		return
	}
	h := highlight(r, needs)
	if h.New && !(b.later && b.first[r.Target]) {
		b.sum.New = insert(b.sum.New, h, MaxWorst)
	}
	b.addOwner(h)
}

// Highlights is what was added so far.
func (b *HighlightsBuilder) Highlights() Highlights {
	n := b.sum
	all := b.ranked()
	for _, o := range all[:min(len(all), MaxOwners)] {
		o.Users = len(o.users)
		n.Owners = append(n.Owners, *o)
	}
	n.MoreOwners = len(all) - len(n.Owners)
	replaced := b.pairs.replaced()
	n.Replaced = replaced[:min(len(replaced), MaxReplaced)]
	n.MoreReplaced = len(replaced) - len(n.Replaced)
	return n
}

// Fresh reports whether no review before had it, or one had it and it came back.
func (f Finding) Fresh() bool { return f.State == New || f.State == Reopened }

func highlight(r *Record, wanted func(Finding) bool) Highlight {
	h := Highlight{Record: brief(*r), New: !r.NeededAction}
	for _, f := range r.Findings {
		if wanted(f) {
			h.Findings = append(h.Findings, f)
		}
	}
	slices.SortStableFunc(h.Findings, func(a, b Finding) int { return rank(a) - rank(b) })
	return h
}

// longest is the longest text of a brief record, in bytes.
const longest = 400

// brief leaves out what no message shows: a description may have 200 kB.
func brief(r Record) Record {
	r.Permissions, r.Findings, r.Changes, r.Evidence, r.Owner.Evidence = nil, nil, nil, "", ""
	for _, text := range []*string{&r.Description, &r.User, &r.Org, &r.Owner.Name} {
		*text = strings.ToValidUTF8((*text)[:min(len(*text), longest)], "�")
	}
	return r
}

// insert keeps the worst highlights, in order.
func insert(worst []Highlight, h Highlight, max int) []Highlight {
	if len(worst) == max && compareHighlights(worst[max-1], h) <= 0 { // nearly all, once it is full
		return worst
	}
	at, _ := slices.BinarySearchFunc(worst, h, compareHighlights)
	worst = slices.Insert(worst, at, h)
	return worst[:min(len(worst), max)]
}

// compareHighlights orders new ones first, then by the worst finding, then by how many there
// are, then by target and ID, so that the same review always reads the same.
func compareHighlights(a, b Highlight) int {
	switch {
	case a.New && !b.New:
		return -1
	case b.New && !a.New:
		return 1
	}
	return cmp.Or(
		rank(a.Findings[0])-rank(b.Findings[0]),
		len(b.Findings)-len(a.Findings),
		strings.Compare(a.Record.Target+a.Record.ID, b.Record.Target+b.Record.ID),
	)
}

// rank orders findings by severity, then by the order of the checks.
func rank(f Finding) int {
	return slices.Index(Severities(), f.Severity)*1000 + CheckPlace(f.Check)
}

// mostHeld is how many highlights of owners are held before each owner keeps fewer of
// them. Those that are dropped stay counted.
const mostHeld = 5000

// longestID bounds the IDs and names in the keys of owners, which name deliveries: a server
// that is not InfluxDB may send anything. The hash of a longer one tells it from others.
const longestID = 64

// addOwner adds a token that needs action to those of the person who answers for it.
func (b *HighlightsBuilder) addOwner(h Highlight) {
	owner, target := h.Record.Owner, h.Record.Target
	owner.ID, owner.Name = bounded(cmp.Or(h.Record.UserID, owner.ID)), cmp.Or(owner.Name, h.Record.User)
	contact := b.contacts.Of(&h.Record)
	user := target + "/" + owner.ID
	key := user
	switch {
	case contact.Responsible != "":
		key = "person/" + bounded(strings.ToLower(contact.Responsible))
	case owner.IsNone() && contact != Contact{}: // not one with those of somebody else
		key += bounded(contact.Slack + " " + contact.Team)
	}
	o := b.owners[key]
	if o == nil {
		if b.owners == nil {
			b.owners = map[string]*OwnerHighlights{}
		}
		o = &OwnerHighlights{Key: key, users: map[string]bool{}}
		b.owners[key] = o
	}
	if worst := rank(h.Findings[0]); o.Tokens == 0 || worst < o.worst {
		o.worst, o.Owner, o.Target, o.Contact = worst, owner, target, contact
	}
	o.users[user] = true
	o.Tokens++
	if h.New && !b.first[target] {
		o.New++
	}
	if slices.ContainsFunc(h.Findings, func(f Finding) bool { return f.Overdue(b.at) }) {
		o.Overdue++
	}
	o.Oldest = Earlier(o.Oldest, h.Oldest())
	before := len(o.Worst)
	o.Worst = insert(o.Worst, h, cmp.Or(b.most, MaxOwnerTokens))
	if b.held += len(o.Worst) - before; b.held > mostHeld && b.most != 1 {
		b.thin()
	}
}

// thin halves what each owner keeps.
func (b *HighlightsBuilder) thin() {
	b.most, b.held = cmp.Or(b.most, MaxOwnerTokens)/2, 0
	for _, o := range b.owners {
		o.Worst = slices.Clip(o.Worst[:min(len(o.Worst), b.most)])
		b.held += len(o.Worst)
	}
}

// ranked are the owners, the one with the worst finding first.
func (b *HighlightsBuilder) ranked() []*OwnerHighlights {
	all := make([]*OwnerHighlights, 0, len(b.owners))
	for _, o := range b.owners {
		all = append(all, o)
	}
	slices.SortFunc(all, func(x, y *OwnerHighlights) int {
		return cmp.Or(x.worst-y.worst, y.Tokens-x.Tokens, strings.Compare(x.Key, y.Key))
	})
	return all
}

func bounded(text string) string {
	if len(text) > longestID {
		sum := sha256.Sum256([]byte(text))
		text = text[:longestID-17] + "~" + hex.EncodeToString(sum[:8])
	}
	return strings.ToValidUTF8(text, "�")
}

// pairs finds the tokens that others took the place of, among records in any order. It holds
// the newest active tokens and the first that ended, however many there are.
type pairs struct {
	policy Policy    // its service users
	at     time.Time // of the review
	active []pairable
	ended  []pairable
}

// Limits of what pairs holds.
const (
	mostActive = 5000
	mostEnded  = 1000
)

// takesPlaceWithin is how long before another one ended a token may have come to have taken
// its place: two that worked side by side for longer only may do the same.
const takesPlaceWithin = 90 * 24 * time.Hour

// pairable is what pairs keeps of a token.
type pairable struct {
	target, id, description, userID, user string
	key                                   AccessKey
	came                                  arrival
	service                               bool // its owner is a service user
	gone                                  bool
}

// arrival says when a token came: either may be zero.
type arrival struct{ created, seen time.Time }

// time is when it was created, or where that is not known, when a review first saw it.
func (a arrival) time() time.Time {
	if a.created.IsZero() {
		return a.seen
	}
	return a.created
}

// Newer reports whether one token came after another: it was created later, or a review saw it
// first later.
func Newer(a, b *Record) bool {
	return arrival{a.CreatedAt, a.FirstSeen}.after(arrival{b.CreatedAt, b.FirstSeen})
}

func (a arrival) after(b arrival) bool {
	return !a.created.IsZero() && !b.created.IsZero() && a.created.After(b.created) || a.seen.After(b.seen)
}

func (p *pairs) add(r *Record) {
	deactivated := r.Status == Inactive && slices.ContainsFunc(r.Changes, func(c Change) bool { return c.Field == "status" && c.From == string(Active) })
	works := r.Presence == Listed && r.StatusAt(p.at) == Active && r.Owner.State != OwnerDeleted && r.Owner.State != OwnerInactive
	ended := r.Presence == Gone || r.Presence == Listed && deactivated
	if !works && (!ended || len(p.ended) == mostEnded) {
		return
	}
	key, ok := AccessKeyOf(r.Authorization)
	if !ok {
		return
	}
	b := brief(*r)
	owner := Owner{ID: cmp.Or(b.UserID, b.Owner.ID), Name: cmp.Or(b.Owner.Name, b.User)}
	t := pairable{
		target: b.Target, id: b.ID, description: b.Description, userID: owner.ID, user: cmp.Or(owner.Name, owner.ID), key: key,
		came: arrival{b.CreatedAt, b.FirstSeen}, service: p.policy.IsServiceUser(&owner), gone: b.Presence == Gone,
	}
	if ended {
		p.ended = append(p.ended, t)
		return
	}
	if p.active = append(p.active, t); len(p.active) == 2*mostActive {
		slices.SortFunc(p.active, newestFirst)
		p.active = slices.Clip(p.active[:mostActive])
	}
}

// newestFirst orders what is kept where not all is, so that the same review always finds the
// same.
func newestFirst(a, b pairable) int {
	return cmp.Or(b.came.newest().Compare(a.came.newest()), b.came.time().Compare(a.came.time()), strings.Compare(a.target, b.target), strings.Compare(a.id, b.id))
}

func (a arrival) newest() time.Time {
	if a.created.After(a.seen) || a.seen.IsZero() {
		return a.created
	}
	return a.seen
}

// likeliest says which of the tokens that may have taken the place of another one did, best
// first: a copy, one of the same owner, any.
var likeliest = [...]func(old, t pairable) bool{
	func(old, t pairable) bool { return t.description == old.description && t.description != "" },
	func(old, t pairable) bool { return t.userID == old.userID },
	func(_, _ pairable) bool { return true },
}

// replaced pairs tokens that ended with those that took their place, one to one: of two that
// may be meant, the newest that ended with the newest that came.
func (p *pairs) replaced() []Replacement {
	type access struct {
		target string
		key    AccessKey
	}
	free := map[access][]pairable{}
	slices.SortFunc(p.active, newestFirst)
	for _, t := range p.active {
		free[access{t.target, t.key}] = append(free[access{t.target, t.key}], t)
	}
	slices.SortFunc(p.ended, newestFirst)
	by := make([]*pairable, len(p.ended))
	for _, likely := range likeliest {
		for i, old := range p.ended {
			if by[i] != nil {
				continue
			}
			same := free[access{old.target, old.key}]
			at := slices.IndexFunc(same, func(t pairable) bool {
				return t.id != old.id && t.userID != "" && (t.service || t.userID == old.userID) && t.came.after(old.came) && p.at.Sub(t.came.time()) <= takesPlaceWithin && likely(old, t)
			})
			if at >= 0 {
				next := same[at]
				by[i], free[access{old.target, old.key}] = &next, slices.Delete(same, at, at+1)
			}
		}
	}
	var out []Replacement
	for i, old := range p.ended {
		if by[i] != nil {
			out = append(out, Replacement{old.target, old.id, old.description, old.user, old.gone, by[i].id, by[i].user})
		}
	}
	return out
}
