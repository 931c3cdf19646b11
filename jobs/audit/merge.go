package audit

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Collection is what a target answered in one review. Its functions are called in
// the order of the authorizations, one at a time.
type Collection struct {
	// Authorizations that the server showed, ascending by ID, each once.
	Authorizations iter.Seq2[Authorization, error]
	Coverage       Coverage
	Scope          Scope
	// Owner looks up the user of an authorization.
	Owner func(context.Context, Authorization) Owner
	// OrgDeleted tells whether the org of a listed authorization is gone; nil where a
	// list never shows such a one.
	OrgDeleted func(Authorization) bool
	// Probe asks for an authorization that the previous review had and the list now
	// lacks. Nil where the target could not be asked at all.
	Probe func(context.Context, Authorization) Probe
	// Known are authorizations known from elsewhere, ascending, that a review asks for as
	// it does for those of earlier reviews. Nil if there are none.
	Known iter.Seq2[Record, error]
	// KnownElsewhere: nothing that is listed is among Known, so that no answer here says
	// what became of those.
	KnownElsewhere bool
	// AsOf is the moment that a copy is of; zero for what answers for itself.
	AsOf time.Time
	// Conclude adds to the coverage what is known only when all authorizations were
	// walked. Nil if there is nothing.
	Conclude func(*Coverage)
	// Requests are those that were sent so far. Nil where none are.
	Requests func() []Request
	// Close frees what the collection holds.
	Close func()
}

// Probe is the answer to asking for one authorization by its ID.
type Probe struct {
	// Presence is Hidden, Gone or Unseen.
	Presence Presence
	// Evidence is the request and the answer, in words.
	Evidence string
	// Request is the one that asked for it, with {id} in place of its ID: method and path, or the
	// file. It is "" where nothing was asked, as what was read before is the proof.
	Request string
	// Authorization is what the server showed, for one that it hid from the list
	// without a reason.
	Authorization *Authorization
	// Owner replaces the owner where the answer says what became of it.
	Owner *Owner
	// OrgDeleted: it lives on though its org was deleted.
	OrgDeleted bool
}

// Review judges what a target answered against earlier reviews.
type Review struct {
	Collection
	Target string
	Now    time.Time // the time of the review, the same for all of its targets
	Policy Policy
	// Roster is a second source for owners. Nil if there is none.
	Roster *Roster
	// Before are the credentials of the review before, as its coverage has them.
	Before []Credential
	// Sources are those that the target can be asked about; see Coverage. Of what belongs
	// to others nothing is known now. Nil for all.
	Sources map[string]bool
	// DeletedOrgs: orgs that an earlier review saw deleted are among the sources. That
	// review, by an earlier version, does not say which it had.
	DeletedOrgs bool
	// Store is the kind of store of the target.
	Store string
	// Retired are the sources that are not followed any more.
	Retired map[string]Retirement
	// Label is the address of the target. Left, if not empty, is the one that it had before,
	// of whose authorizations none is there: they are taken for those of another server.
	Label, Left string
	// Here counts the authorizations of earlier reviews at the address before: those that
	// are listed and those that are gone. Merge fills it, if it is not nil.
	Here *Here
	// Elsewhere counts the authorizations of other sources, by source: Merge fills it.
	Elsewhere map[string]int
	// Soon is a time within which a token that expires is pointed out; zero for 14 days from
	// now.
	Soon time.Time
	// Probed counts the authorizations that were asked for one by one, by request and answer:
	// Merge fills it, if it is not nil.
	Probed map[string]map[Presence]int
	// SeveritiesBefore counts the findings of the reviews before, as Policy has them: Merge
	// fills it. Nil where nobody wants to know.
	SeveritiesBefore map[Severity]int

	subject Subject // of the newest authorization; only the room is used again
}

// Here counts what became of the authorizations of one address.
type Here struct{ Listed, Gone int }

// Merge walks the authorizations and the records of the previous review together and
// yields the records of this one. Both must ascend by ID without repeating one; the
// first error ends the walk, and so does the end of ctx. Owner and Probe are called
// under asking. The previous review is prefetched in a goroutine, which has ended when
// the walk has.
func (rv Review) Merge(ctx, asking context.Context, before iter.Seq2[Record, error]) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		nextNow, stopNow := iter.Pull2(ascending(rv.Authorizations, (*Authorization).key))
		defer stopNow()
		nextBefore, stopBefore := iter.Pull2(ascending(rv.Coverage.SameServer(Prefetch(before)), (*Record).key))
		defer stopBefore()

		unused, admins, credentials := newUnused(rv), admins{review: rv}, map[string]Record{}
		a, errA, okA := nextNow()
		b, errB, okB := nextBefore()
		for okA || okB {
			if err := cmp.Or(ctx.Err(), errA, errB); err != nil {
				yield(Record{}, err)
				return
			}
			if okB && b.Judged != nil {
				admins.judged = b.Judged
			}
			var out Record
			keep := true
			switch {
			case okB && b.IsExceptions():
				held := b
				rv.noteBefore(b.Findings)
				unused.before = &held
				b, errB, okB = nextBefore()
				continue
			case okB && b.IsAdmins():
				held := b
				rv.noteBefore(b.Findings)
				admins.before = &held
				b, errB, okB = nextBefore()
				continue
			case okB && b.IsCredential():
				credentials[b.ID] = b
				rv.noteBefore(b.Findings)
				b, errB, okB = nextBefore()
				continue
			case okA && okB && a.key() == b.key():
				out = rv.seen(asking, &a, &b)
				a, errA, okA = nextNow()
				b, errB, okB = nextBefore()
			case !okB || okA && a.key() < b.key():
				out = rv.seen(asking, &a, nil)
				a, errA, okA = nextNow()
			default:
				out, keep = rv.missing(asking, &b)
				b, errB, okB = nextBefore()
			}
			unused.met(&out)
			admins.met(&out)
			if keep && !yield(out, nil) {
				return
			}
		}
		if out, ok := admins.record(); ok && !yield(out, nil) {
			return
		}
		for _, out := range rv.refused(credentials) {
			if !yield(out, nil) {
				return
			}
		}
		if out, ok := unused.record(); ok {
			yield(out, nil)
		}
	}
}

// seen is an authorization that the server showed.
func (rv *Review) seen(ctx context.Context, a *Authorization, before *Record) Record {
	r := Record{Target: rv.Target, Authorization: *a, Presence: Listed, Owner: rv.Owner(ctx, *a), FirstSeen: rv.Now, LastSeen: rv.Now}
	r.OfReview = rv.Scope.Credentials[a.ID]
	r.DatabasesUnknown = rv.Scope.DatabasesUnknown && !a.IsServer()
	r.OrgDeleted = rv.OrgDeleted != nil && rv.OrgDeleted(*a)
	if rv.Here != nil && before != nil && before.Elsewhere == "" {
		rv.Here.Listed++
	}
	switch {
	case before != nil && a.Product == ProductV1 && before.wasGone():
		r.UsedAgain = rv.Now
	case before != nil:
		r.UsedAgain = before.UsedAgain
	}
	if before != nil && another(before, a) {
		rv.judged(&r, nil)
		if !before.wasGone() {
			r.Changes = append(r.Changes, Change{"created", timeWords(before.CreatedAt), timeWords(a.CreatedAt)})
			rv.compare(&r, before, rv.was(before))
		}
		return r
	}
	rv.judged(&r, before)
	return r
}

// rememberFor is how long the ID of an authorization that is gone is remembered.
const rememberFor = 400 * 24 * time.Hour

// missing is an authorization of an earlier review that the list now lacks.
func (rv *Review) missing(ctx context.Context, before *Record) (Record, bool) {
	r := *before
	r.Target, r.Changes, r.Judged, r.JudgedIn, r.NeededAction, r.Unreported = rv.Target, nil, nil, "", false, false
	if before.wasGone() {
		r.Presence = Remembered
		return r, rv.Now.Sub(r.LastSeen) < rememberFor
	}
	imported := before.LastSeen.IsZero() // no review ever saw it
	p := Probe{Presence: Unseen}
	if imported && rv.KnownElsewhere {
		p.Evidence = "the imported list is from another server or org"
	} else if source := rv.elsewhere(before); source != "" {
		rv.Elsewhere[source]++
		if _, retired := rv.Retired[source]; retired {
			return Record{}, false
		}
		p.Evidence = "its org did not answer"
		r.Elsewhere = source
	} else if rv.Probe != nil {
		p = rv.Probe(ctx, before.Authorization)
	}
	if p.Request != "" && rv.Probed != nil {
		if rv.Probed[p.Request] == nil {
			rv.Probed[p.Request] = map[Presence]int{}
		}
		rv.Probed[p.Request][p.Presence]++
	}
	if imported && !before.isKnown() && before.OrgID == "" && p.Presence == Gone {
		p = Probe{Presence: Unseen, Evidence: p.Evidence + ", which proves nothing: its imported list is no longer configured"}
	}
	if rv.Here != nil && p.Presence == Gone && before.Elsewhere == "" {
		rv.Here.Gone++
	}
	if p.Presence != Unseen {
		r.Elsewhere = ""
	}
	if imported && p.Presence != Unseen {
		r.FirstSeen, r.LastSeen = rv.Now, rv.Now
	}
	if imported && p.Presence == Gone {
		r.Presence, r.Evidence = Remembered, p.Evidence
		return r, true
	}
	r.Presence, r.Evidence, r.OrgDeleted = p.Presence, p.Evidence, p.OrgDeleted
	switch p.Presence {
	case Gone:
		rv.compare(&r, before, rv.was(before))
		r.Findings = each(before.Findings, func(f Finding) Finding { return f.end(Resolved, rv.Now) })
	case Hidden:
		r.LastSeen = rv.Now
		if p.Authorization != nil {
			r.Authorization = *p.Authorization
		}
		if p.Owner != nil {
			r.Owner = *p.Owner
			r.Owner.ID, r.Owner.Name = r.UserID, before.Owner.Name
		} else {
			r.Owner = rv.Owner(ctx, r.Authorization)
		}
		rv.judged(&r, before)
	default:
		r.Owner = before.Owner.unseen(before)
		r.Findings, r.JudgedIn = each(before.Findings, rv.stand), before.JudgedIn
		rv.Policy.setDue(r.Findings)
		if before.Unreported {
			r.Findings = each(r.Findings, Finding.firstReport)
			break
		}
		r.NeededAction = r.NeedsAction(rv.Now) // nothing is known of what changed
		rv.noteBefore(r.Findings)
	}
	return r, true
}

// compare notes what a record of an earlier review was, by its findings as the policy of this
// review has them. What no review of the job reported counts as not there before.
func (rv *Review) compare(r, before *Record, was []Finding) {
	if before.Unreported {
		return
	}
	rv.noteBefore(was)
	r.NeededAction = neededAction(was, before)
}

// elsewhere is the source of an authorization that the target cannot be asked about, ""
// if it can.
func (rv *Review) elsewhere(r *Record) string {
	switch {
	case r.IsServer() || r.isKnown(): // see KnownElsewhere
		return ""
	case r.Elsewhere != "" && r.Elsewhere != rv.Label && !rv.Sources[r.Elsewhere]:
		return r.Elsewhere
	case r.Elsewhere == "" && rv.Left != "":
		return rv.Left
	}
	if rv.Sources == nil || r.OrgID == "" || rv.DeletedOrgs && r.OrgDeleted {
		return ""
	}
	if source := SourceOf(rv.Store, r.OrgID); !rv.Sources[source] {
		return source
	}
	return ""
}

func (rv *Review) judged(r *Record, before *Record) {
	if !r.IsServer() {
		rv.Roster.judge(&r.Owner)
	}
	var deleted []string
	if before != nil {
		deleted = before.DeletedDatabases
	}
	r.DeletedDatabases = deletedDatabases(r.Authorization, deleted, rv.Scope.DatabasesUnknown)
	s := &rv.subject
	*s = Subject{
		Authorization: r.Authorization, Access: AccessOf(r.Authorization), Owner: r.Owner, OrgDeleted: r.OrgDeleted, DeletedDatabases: r.DeletedDatabases,
		Exceptions: rv.Policy.exceptionsFor(rv.Target, r.Authorization), Policy: rv.Policy, Scope: rv.Scope, Now: rv.Now, Soon: rv.Soon,
	}
	var old []Finding
	if before != nil {
		if r.SecretSum == "" && !secretDiffers(&before.Authorization, &r.Authorization) { // the server shows none now
			r.SecretSum = before.SecretSum
		}
		old = before.Findings
		if !before.FirstSeen.IsZero() {
			r.FirstSeen = before.FirstSeen
		}
		if before.wasGone() {
			r.Changes = []Change{{Field: "presence", From: string(Gone), To: string(r.Presence)}}
		}
		r.Changes = append(r.Changes, changes(before.Authorization, r.Authorization)...)
		s.Changes = r.Changes
		s.before, s.was = before, rv.was(before)
		rv.compare(r, before, s.was)
	}
	r.Findings = s.judge(old)
	if before != nil && before.Unreported {
		r.Findings = each(r.Findings, Finding.firstReport)
	}
}

// neededAction reports whether a record of an earlier review needed action at that time, by
// its findings as the policy of this review has them. Exceptions are those of that time.
func neededAction(was []Finding, before *Record) bool {
	return before.Exists() && slices.ContainsFunc(was, func(f Finding) bool {
		if at := slices.IndexFunc(before.Findings, func(b Finding) bool { return b.Check == f.Check && b.Current() }); at >= 0 && f.Current() {
			f.State = before.Findings[at].State
		}
		return f.NeedsAction(before.LastSeen)
	})
}

// each is what becomes of every one of the findings.
func each(fs []Finding, becomes func(Finding) Finding) []Finding {
	var out []Finding
	for _, f := range fs {
		out = append(out, becomes(f))
	}
	return out
}

// Union walks the records of several earlier reviews as one, ascending. Of those with
// one ID the first review that saw it counts, else the last that has it.
func Union(reviews ...iter.Seq2[Record, error]) iter.Seq2[Record, error] {
	if len(reviews) == 1 {
		return reviews[0]
	}
	return func(yield func(Record, error) bool) {
		heads := make([]*unionHead, len(reviews))
		for i, review := range reviews {
			next, stop := iter.Pull2(ascending(review, (*Record).key))
			defer stop()
			heads[i] = &unionHead{next: next}
			heads[i].step()
		}
		for {
			least := -1
			for i, h := range heads {
				if h.ok && h.err != nil {
					yield(Record{}, h.err)
					return
				}
				if h.ok && (least < 0 || h.r.key() < heads[least].r.key()) {
					least = i
				}
			}
			if least < 0 {
				return
			}
			r := heads[least].r
			for _, h := range heads {
				if h.ok && h.r.key() == r.key() {
					if r.LastSeen.IsZero() {
						r = h.r
						r.Unreported = false // the first review has it, too
					}
					h.step()
				}
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

type unionHead struct {
	next func() (Record, error, bool)
	r    Record
	err  error
	ok   bool
}

func (h *unionHead) step() { h.r, h.err, h.ok = h.next() }

// ascending passes seq on and ends it with an error where IDs do not ascend.
func ascending[T any](seq iter.Seq2[T, error], key func(*T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		last := ""
		var v T // one for all: its address goes to key
		for next, err := range seq {
			v = next
			id := key(&v)
			if err == nil && id <= last {
				err = fmt.Errorf("ids do not ascend: %q after %q", id, last)
			}
			if !yield(v, err) || err != nil {
				return
			}
			last = id
		}
	}
}

// Replay judges a stored record again under another policy, as of the time of its
// review. Checks that cannot be replayed keep the findings that they had. States
// compare with the stored findings: new is what only this policy finds, resolved
// what only the stored one did.
func Replay(r Record, p Policy, at time.Time) []Finding {
	s := Subject{
		Authorization: r.Authorization, Access: AccessOf(r.Authorization), Owner: r.Owner, OrgDeleted: r.OrgDeleted, DeletedDatabases: r.DeletedDatabases,
		Exceptions: p.exceptionsFor(r.Target, r.Authorization), Policy: p, Scope: Scope{Credentials: map[string]bool{r.ID: r.OfReview}, DatabasesUnknown: r.DatabasesUnknown}, Now: at, replayed: true,
	}
	before := slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return !f.Current() })
	out := s.judge(before)
	for _, f := range before { // whose check does not run under the policy
		if !slices.ContainsFunc(out, func(o Finding) bool { return o.Check == f.Check }) {
			out = append(out, f.end(Resolved, at))
		}
	}
	return out
}
