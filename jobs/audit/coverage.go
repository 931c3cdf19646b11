package audit

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// Verdict says how much of what was asked for a review could see.
type Verdict string

const (
	Complete Verdict = "complete" // everything that was asked for was seen
	Partial  Verdict = "partial"  // something was seen, and something is known to be missing
	NotKnown Verdict = "unknown"  // nothing can be said; an empty answer proves nothing
)

// worseThan orders verdicts: complete, partial, unknown.
func (v Verdict) worseThan(o Verdict) bool {
	order := []Verdict{Complete, Partial, NotKnown}
	return slices.Index(order, v) > slices.Index(order, o)
}

// Asked is one question put to a target and what came back.
type Asked struct {
	What    string  `json:"what"`              // in words: "authorizations of org acme", "user iot_user_1"
	Request string  `json:"request"`           // method and path with query; never a credential
	Status  int     `json:"status,omitempty"`  // HTTP status; 0 when no answer came
	Rows    int     `json:"rows"`              // authorizations or users in the answer
	Foreign int     `json:"foreign,omitempty"` // rows of another user or org than was asked for
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason,omitempty"` // why the verdict is not complete
	// SHA256 is that of the body of the answer, for a list of authorizations.
	SHA256 string `json:"sha256,omitempty"`
	// Credential is whose a list was asked for with; see Credential.Of.
	Credential string `json:"credential,omitempty"`
	// Kept is what of a list is part of the review, as a query, where that is less than
	// what was asked for.
	Kept string `json:"kept,omitempty"`
}

// Request is one that a review sent to a target, and what came back; or, with Further, how
// many more of one kind were sent than are kept one by one.
type Request struct {
	At time.Time `json:"at,omitzero"` // when it was sent, by the clock of the review
	// Credential is whose it was asked with; see Credential.Of.
	Credential string `json:"credential,omitempty"`
	Request    string `json:"request"`          // method and path with query; of a kind, with {id} in place of IDs
	Status     int    `json:"status,omitempty"` // HTTP status; 0 when no answer came
	Rows       int    `json:"rows,omitempty"`   // authorizations, users or orgs in the answer, as far as it was read
	// ServerDate is the header Date of the answer.
	ServerDate time.Time `json:"server_date,omitzero"`
	// SHA256 is that of the body as it was received, with "" in place of the values of
	// tokens; empty if it was not read to its end.
	SHA256 string `json:"sha256,omitempty"`
	Error  string `json:"error,omitempty"` // why no answer came

	Further  int         `json:"further,omitempty"`
	Statuses map[int]int `json:"statuses,omitempty"` // of the further ones, how many by HTTP status
}

// Coverage of one target in one review.
type Coverage struct {
	Target string `json:"name"`
	// Source is where the answers come from: the URL and the org, or a file.
	Source string `json:"source,omitempty"`
	// Sources are what answered, one for each org, by the kind of store and the ID of the
	// org; see SourceOf. What is known of tokens belongs to them; the URL and the names
	// are labels. None where nothing answered, or an earlier version reviewed.
	Sources []string `json:"sources,omitempty"`
	// Credentials that were used, and whether they were accepted.
	Credentials []Credential `json:"credentials,omitempty"`
	Verdict     Verdict      `json:"verdict"`
	Listed      int          `json:"listed"`           // authorizations that the list showed
	Hidden      int          `json:"hidden"`           // known to exist, though the list left them out
	Unseen      int          `json:"unseen"`           // of earlier reviews, could not be asked for now
	Legacy      int          `json:"legacy,omitempty"` // 1.x authorizations that their list showed
	// Elsewhere are tokens of other orgs, which the list of the whole instance showed and
	// which are no part of this review.
	Elsewhere int `json:"elsewhere,omitempty"`
	// Stored are the server's own counts of the whole instance, where it gives them
	// and the list covers the whole instance too (/metrics of OSS).
	Stored *Stored `json:"stored,omitempty"`
	// Premises are those that this target was held against, and Gaps what does not hold
	// of them. Reasons are those of the gaps that nobody accepted.
	Premises []Premise `json:"premises,omitempty"`
	Gaps     []Gap     `json:"gaps,omitempty"`
	Reasons  []string  `json:"reasons"`
	// AcceptedUnused are decisions about gaps that the target does not have.
	AcceptedUnused []AcceptedGap `json:"accepted_unused,omitempty"`
	// BlindSpots are what this kind of server or credential cannot show to any
	// review; they do not lower the verdict, and they are always said.
	BlindSpots []string `json:"blind_spots,omitempty"`
	Asked      []Asked  `json:"asked,omitempty"`
	// ClockSkewSeconds is how far the server's clock is ahead of ours, by ServerDate, the
	// header Date of its newest answer, zero where none has one.
	ClockSkewSeconds int       `json:"clock_skew_seconds,omitempty"`
	ServerDate       time.Time `json:"server_date,omitzero"`
	// AsOf is the moment that a copy of the database file is of.
	AsOf time.Time `json:"as_of,omitzero"`
	// LastSeen is when the newest review began that saw anything of a target of which this
	// one saw nothing; zero if it saw some, or no earlier review is known that did.
	LastSeen time.Time `json:"last_seen,omitzero"`
	// Retired are the sources whose tokens earlier reviews followed and this one does not,
	// because somebody retired them since.
	Retired []RetiredSource `json:"retired,omitempty"`
	// Dropped: the target is configured no more, and its last state is in its gap.
	Dropped bool `json:"dropped,omitempty"`
	// Product is what the target is, and Server what answered, as far as it says so: product
	// and version.
	Product Product `json:"product,omitempty"`
	Server  string  `json:"server,omitempty"`
	// RosterUnusable: a roster is configured, and no owner was compared with it.
	RosterUnusable bool `json:"roster_unusable,omitempty"`
}

// ProductWords are the product of the target and its version, as far as they are known.
func (c Coverage) ProductWords() string {
	name := c.Product.Name()
	switch {
	case c.Product == ProductUnknown, c.Server != "" && c.Product.V2():
		return c.Server
	case c.Server == "":
		return name
	case strings.HasPrefix(c.Server, name): // which names itself
		return c.Server
	}
	return name + ", " + c.Server
}

// Products is of how many products the targets are, as far as that is known.
func (c TotalCoverage) Products() int {
	known := map[Product]bool{}
	for _, t := range c.Targets {
		if t.Product != "" {
			known[t.Product] = true
		}
	}
	return len(known)
}

// ProductsWords say which target is of which product, at most so many of them; empty where all
// are of InfluxDB 2.
func (c TotalCoverage) ProductsWords(most int) string {
	var out []string
	after := false
	for _, t := range c.Targets {
		after = after || !t.Product.V2()
		out = append(out, Line(t.Target, 60)+" "+cmp.Or(Line(t.ProductWords(), 60), "not known"))
	}
	if !after {
		return ""
	}
	words := strings.Join(out[:min(len(out), most)], "; ")
	if more := len(out) - most; more > 0 {
		words += "; and " + Number(more) + " more"
	}
	return words
}

// Credential is one that a review asked with.
type Credential struct {
	Of string `json:"of"` // "the target", or "user" and the name or ID that is configured
	// ID is that of its authorization, UserID that of its user, and Permissions what it may
	// do, at most MaxPermissions, as far as the answers tell. Earlier versions do not say.
	ID          string   `json:"id,omitempty"`
	UserID      string   `json:"user_id,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
	// MorePermissions are those beyond.
	MorePermissions int  `json:"more_permissions,omitempty"`
	Accepted        bool `json:"accepted"`
	// Refused: InfluxDB itself said no. A credential that nobody answered, or that was not
	// asked with, is neither accepted nor refused.
	Refused bool   `json:"refused,omitempty"`
	Answer  string `json:"answer,omitempty"` // why it was not accepted
	// LastAccepted is the time of the newest review that it was accepted in; see
	// RememberCredentials.
	LastAccepted time.Time `json:"last_accepted,omitzero"`
}

// MaxPermissions bounds the permissions of a credential that are told one by one.
const MaxPermissions = 60

// Words say which authorization it is, and what it may do.
func (c Credential) Words() string {
	text := "its ID is not known"
	switch {
	case c.ID != "" && c.UserID != "":
		text = c.ID + " of user " + c.UserID
	case c.ID != "":
		text = c.ID
	case c.UserID != "":
		text = "one of the tokens of user " + c.UserID + ", which one is not known"
	}
	switch {
	case len(c.Permissions) == 0:
		return text + "; its permissions are not known"
	case c.MorePermissions > 0:
		return fmt.Sprintf("%s: %s and %d more", text, strings.Join(c.Permissions, ", "), c.MorePermissions)
	}
	return text + ": " + strings.Join(c.Permissions, ", ")
}

// MembersUnread is the blind spot of a review that could not read who is in an org.
const MembersUnread = "members and owners of the org could not be read, so owner-not-member was not checked. If the product has them, the credential needs read on orgs"

// ClockJump is the first target whose server's clock differs from that of the review by more
// than that, and by how much in words; empty if none does.
func (c TotalCoverage) ClockJump(most time.Duration) (target, words string) {
	for _, t := range c.Targets {
		skew := time.Duration(t.ClockSkewSeconds) * time.Second
		switch {
		case skew > most:
			return t.Target, SpanWords(skew.Round(24*time.Hour)) + " ahead"
		case -skew > most:
			return t.Target, SpanWords((-skew).Round(24*time.Hour)) + " behind"
		}
	}
	return "", ""
}

// NotSeenWords say since when nothing of a target was seen; "" if this review saw some, or
// no earlier one is known that did.
func (c Coverage) NotSeenWords() string {
	if c.LastSeen.IsZero() {
		return ""
	}
	return "not seen since " + c.LastSeen.UTC().Format("2 Jan 2006")
}

// NotSeenSince notes of a target of which nothing was seen when an earlier review last saw
// any, and begins with it each reason for which nothing was: those stand in every output.
func (c *Coverage) NotSeenSince(last time.Time) {
	if c.Verdict != NotKnown || last.IsZero() {
		return
	}
	c.LastSeen = last
	rename := func(all []string, from, to string) {
		if at := slices.Index(all, from); at >= 0 {
			all[at] = to
		}
	}
	for i := range c.Gaps {
		g := &c.Gaps[i]
		if g.Verdict != NotKnown {
			continue
		}
		words := c.NotSeenWords() + ": " + g.Reason
		rename(c.Reasons, g.Reason, words)
		for _, p := range c.Premises {
			rename(p.Evidence, g.Reason, words)
		}
		g.Reason = words
	}
}

// Kinds of stores, of which a source is one.
const (
	ServerStore = "server" // that answers for itself
	FileStore   = "file"   // a copy of the database file, of some earlier moment
)

// SourceOf names the source of the authorizations of an org: the ID of an org is drawn at
// random, survives a rename and a move of the server, and does not survive a new set-up.
func SourceOf(store, orgID string) string { return store + "/" + orgID }

// URLSource begins the ID, in place of that of an org, of a server that tells none: its
// address stands for it.
const URLSource = "url-"

// SameServer gives the records of an earlier review the OrgID of now, where the server tells
// its own since then: InfluxDB 3 does so since 3.7, and its sources are both. They ascend.
func (c Coverage) SameServer(before iter.Seq2[Record, error]) iter.Seq2[Record, error] {
	former := slices.IndexFunc(c.Sources, func(s string) bool { return strings.HasPrefix(s, SourceOf(ServerStore, URLSource)) })
	if !c.Product.V3() || len(c.Sources) != 2 || former < 0 {
		return before
	}
	now := strings.TrimPrefix(c.Sources[1-former], SourceOf(ServerStore, ""))
	return func(yield func(Record, error) bool) {
		var same []Record // of one ID, of several servers
		flush := func() bool {
			slices.SortFunc(same, func(a, b Record) int { return strings.Compare(a.key(), b.key()) })
			for _, r := range same {
				if !yield(r, nil) {
					return false
				}
			}
			same = same[:0]
			return true
		}
		for r, err := range before {
			if err != nil || len(same) > 0 && same[0].Key() != r.Key() {
				if !flush() || err != nil && !yield(r, err) {
					return
				}
			}
			if SourceOf(ServerStore, r.OrgID) == c.Sources[former] {
				r.OrgID = now
			}
			if err == nil {
				same = append(same, r)
			}
		}
		flush()
	}
}

// NewCoverage starts as complete: the zero value would claim nothing.
func NewCoverage(target string) Coverage {
	return Coverage{Target: target, Verdict: Complete, Reasons: []string{}}
}

// AddBlindSpot names a blind spot, once.
func (c *Coverage) AddBlindSpot(spot string) {
	if !slices.Contains(c.BlindSpots, spot) {
		c.BlindSpots = append(c.BlindSpots, spot)
	}
}

// Count counts a record. A hidden authorization whose owner is known to be deleted
// is accounted for: it is known, it is judged, and so it does not lower the verdict.
func (c *Coverage) Count(r Record) {
	if r.Exists() && r.Presence != Unseen && r.Owner.State == OwnerUnknown && !r.OrgDeleted {
		c.Gap(OwnersKnown, Partial, "the owner of some authorizations could not be read and may have been deleted")
	}
	if r.Exists() && r.Owner.State == OwnerNone {
		c.NoNeed(OwnersKnown, "the product has no owners, or does not show whether one was deleted")
	}
	if r.Exists() && r.Owner.State == OwnerPresent && !r.Owner.MembershipKnown {
		c.AddBlindSpot(MembersUnread)
	}
	switch {
	case r.IsServer() && r.Presence != Unseen:
	case r.IsServer():
		c.Gap(EarlierSeen, Partial, "earlier findings about the server or about tokens of other orgs could not be checked again; they stay open")
	case r.Presence == Listed && r.Legacy:
		c.Legacy++
	case r.Presence == Listed:
		c.Listed++
	case r.Presence == Hidden:
		if !r.Legacy {
			c.Hidden++
		}
		if r.Owner.State != OwnerDeleted && !r.OrgDeleted {
			g := Gap{ID: CredentialSeesAll, Verdict: Partial, Reason: "the list left out existing authorizations whose owner was not deleted; a filter or a permission hides them"}
			if !r.Product.V2() {
				g.Reason, g.Fix = "the list left out existing tokens; it is cut off or filtered", "Look for a proxy that cuts or filters the list. If there is none, report it to InfluxData."
			}
			c.AddGap(g)
		}
	case r.Presence == Unseen:
		if !r.Legacy {
			c.Unseen++
		}
		if r.LastSeen.IsZero() { // no review ever saw it
			g := Gap{
				ID: ImportCurrent, Verdict: Partial, Reason: "tokens of the imported list could not be looked up, so their state is not known",
				Fix: "Give the credential read access to the tokens of every org and user (tokenaudit help credential). If the list is from another server, import the list of this one.",
			}
			if !r.Product.V2() {
				g.Fix = "Allow the credential to read a token by its ID. If the list is from another cluster, import the list of this one."
			}
			c.AddGap(g)
			return
		}
		if r.Elsewhere != "" { // there is a gap for the source
			return
		}
		c.Gap(EarlierSeen, Partial, "authorizations of earlier reviews could not be looked up; their findings stay open")
	}
}

// Stored counts what a server holds, whoever may see it. Legacy authorizations
// are not in it.
type Stored struct {
	Authorizations int `json:"authorizations"`
	Users          int `json:"users"`
	Orgs           int `json:"orgs"`
}

// Reconcile compares what was met with what is stored, when every record was met.
// What is stored and neither listed nor known is hidden from this review.
func (c *Coverage) Reconcile() {
	noted := slices.ContainsFunc(c.Premises, func(p Premise) bool { return p.ID == OwnersKnown })
	if seen := c.Listed + c.Legacy + c.Hidden; seen > 0 && !noted {
		c.Hold(OwnersKnown, "the owners of %s", Plural(seen, "authorization"))
	}
	if !c.Product.V2() { // which has no users that can be deleted
		return
	}
	if c.Stored == nil {
		c.AddBlindSpot("tokens of users that were deleted before the first review are in no list. Without the counts of the server, it is not known whether there are any")
		return
	}
	stored, listed, ofOthers := c.Stored.Authorizations, c.Listed+c.Elsewhere, ""
	if c.Elsewhere > 0 {
		ofOthers = fmt.Sprintf(" (%d of them of other orgs)", c.Elsewhere)
	}
	switch unknown := c.Unaccounted(); {
	case stored < listed:
		c.Gap(StoredListed, Partial, "%s stored, and %d listed%s", Plural(stored, "authorization"), listed, ofOthers)
		c.Gap(ListsAgree, Partial, "the server reports fewer stored authorizations (%d) than it lists (%d)%s: one answer is outdated or from another server", stored, listed, ofOthers)
	case unknown > 0:
		g := Gap{ID: StoredListed, Verdict: Partial, Reason: fmt.Sprintf("%d of %d stored authorizations are neither listed nor known from an earlier review. Their user or org was deleted, or the credential may not read them", unknown, stored)}
		if c.hasGap(CredentialSeesAll) { // then it lists less than is stored, whatever else hides
			g.Fix = "Fix " + CredentialSeesAll + " first."
		}
		c.AddGap(g)
	default:
		c.Hold(StoredListed, "%d stored, %d listed%s, %d hidden but known", stored, listed, ofOthers, c.Hidden)
	}
	c.Hidden = max(c.Hidden, stored-listed-c.Unseen)
}

// HiddenWords say of the authorizations, called by that noun, that a list leaves out
// whether the review found them all the same. Empty without any.
func (c Coverage) HiddenWords(noun string) string {
	switch {
	case c.Hidden == 0:
		return ""
	case c.hasGap(StoredListed):
		return Plural(c.Hidden, noun) + " that InfluxDB leaves out of its list; not all of them are known"
	}
	return Plural(c.Hidden, noun) + " that InfluxDB leaves out of its list: found and checked"
}

// Unaccounted counts what is stored and neither listed nor known to be hidden. What an
// earlier review had and this one could not ask for may be among it, or no longer exist.
func (c *Coverage) Unaccounted() int {
	if c.Stored == nil {
		return 0
	}
	return c.Stored.Authorizations - c.Listed - c.Elsewhere - c.Hidden
}

// VerdictOf is the verdict over all targets: complete if all are, unknown if none
// was seen at all, else partial. No targets is unknown.
func VerdictOf(targets []Coverage) Verdict {
	all := func(v Verdict) bool {
		return !slices.ContainsFunc(targets, func(t Coverage) bool { return t.Verdict != v })
	}
	switch {
	case all(NotKnown): // or there are none
		return NotKnown
	case all(Complete):
		return Complete
	}
	return Partial
}

// Survey counts, while authorizations go by, what cannot be read of them: what is left
// out or of another form may be anything.
type Survey struct {
	rows, undated       int
	permissions, status few
}

// few is a number of authorizations and the IDs of the first of them.
type few struct {
	n   int
	ids []string
}

const fewNamed = 5

func (f *few) add(id string) {
	if f.n++; len(f.ids) < fewNamed {
		f.ids = append(f.ids, Line(id, 40))
	}
}

func (f few) String() string {
	more := ""
	if f.n > len(f.ids) {
		more = fmt.Sprintf(" and %d more", f.n-len(f.ids))
	}
	return fmt.Sprintf("%s (%s%s)", Plural(f.n, "token"), strings.Join(f.ids, ", "), more)
}

// Of passes seq on. Each walk counts anew.
func (s *Survey) Of(seq iter.Seq2[Authorization, error]) iter.Seq2[Authorization, error] {
	return func(yield func(Authorization, error) bool) {
		*s = Survey{}
		for a, err := range seq {
			if err == nil && !a.IsServer() {
				s.look(&a)
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

func (s *Survey) look(a *Authorization) {
	s.rows++
	if !a.PermissionsKnown() {
		s.permissions.add(a.ID)
	}
	if !a.StatusKnown() {
		s.status.add(a.ID)
	}
	if _, dated := a.Product.Judges("not-rotated"); dated && a.CreatedAt.IsZero() {
		s.undated++
	}
}

// Conclude says it in the coverage, once the walk has ended.
func (s *Survey) Conclude(c *Coverage) {
	if s.permissions.n > 0 {
		c.Gap(RowsReadable, Partial, "the permissions of %s are left out or cannot be read, so what they allow is not known", s.permissions)
	}
	if s.status.n > 0 {
		c.Gap(RowsReadable, Partial, "the status of %s is neither active nor inactive", s.status)
	}
	if s.rows > 0 {
		c.Hold(RowsReadable, "permissions and status of %s can be read", Plural(s.rows, "listed token"))
	}
	if s.undated > 0 {
		c.AddBlindSpot("no date of creation is known of " + Plural(s.undated, "token") + ", as InfluxDB did not always keep one: not-rotated is not judged there")
	}
}
