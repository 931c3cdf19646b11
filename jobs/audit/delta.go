package audit

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// DeltaKind is what differs between a review and an earlier one, in the order in
// which the kinds are shown.
type DeltaKind int

const (
	TokenGone DeltaKind = iota
	TokenHidden
	TokenUnseen
	TokenNew
	FieldChanged
	TokenTouched
	FindingNew
	FindingReopened
	FindingByPolicy
	FindingResolved
	FindingNotJudged
)

// deltaKinds has the words for people and the ID for programs.
var deltaKinds = [...]struct{ words, id string }{
	{"Gone", "gone"}, {"Hidden", "hidden"}, {"Not seen", "unseen"}, {"New token", "new"}, {"Changed", "changed"}, {"Touched", "touched"},
	{"New finding", "finding-new"}, {"Finding is back", "finding-reopened"}, {"Found by policy", "finding-by-policy"},
	{"Finding resolved", "finding-resolved"}, {"Not judged", "finding-not-judged"},
}

func (k DeltaKind) String() string { return deltaKinds[k].words }

// ID names the kind for programs.
func (k DeltaKind) ID() string { return deltaKinds[k].id }

// Delta is one line of what changed since an earlier review. A token that is hidden
// or not seen is a line in every review.
type Delta struct {
	Kind     DeltaKind
	Field    string // of a change of the authorization
	Check    string // of a finding
	Severity Severity
	From, To string // To is the detail of a finding
	worst    Severity
}

// Deltas are those since the review before, by the record of the review at the given
// time. Its first review has nothing to compare with: then they mean nothing.
func (r *Record) Deltas(at time.Time) []Delta {
	var out []Delta
	switch {
	case r.IsServer():
	case r.Presence == Gone:
		out = append(out, Delta{Kind: TokenGone, From: string(r.Status)})
	case r.Presence == Hidden:
		out = append(out, Delta{Kind: TokenHidden})
	case r.Presence == Unseen:
		out = append(out, Delta{Kind: TokenUnseen})
	case r.FirstSeen.Equal(at):
		out = append(out, Delta{Kind: TokenNew, To: AccessOf(r.Authorization).WriteScope()})
	}
	for _, c := range r.Changes {
		kind, field := FieldChanged, c.Field
		if c.Field == Touched {
			kind, field = TokenTouched, "time of the last update, and nothing else"
		}
		out = append(out, Delta{Kind: kind, Field: field, From: c.From, To: c.To})
	}
	for _, f := range r.Findings {
		d := Delta{Check: f.Check, To: f.Detail, Severity: f.Severity}
		switch {
		case f.State == New:
			d.Kind = FindingNew
		case f.State == Reopened:
			d.Kind = FindingReopened
		case f.State == ByPolicy:
			d.Kind = FindingByPolicy
		case f.State == Resolved && f.Since.Equal(at):
			d.Kind = FindingResolved
		case f.State == NotJudged && f.Since.Equal(at):
			d.Kind = FindingNotJudged
		default:
			continue
		}
		out = append(out, d)
	}
	if len(out) > 0 {
		worst := r.Worst()
		for i := range out {
			out[i].worst = cmp.Or(out[i].Severity, worst)
		}
	}
	return out
}

// What is the field that changed, or the title of the check.
func (d Delta) What() string {
	if d.Check != "" {
		return CheckOf(d.Check).Title
	}
	return d.Field
}

// Rank is least for those that are kept where not all fit: the worst, by the finding or
// else by what the authorization has; then what stands in every review, and what ended.
func (d Delta) Rank() int {
	severity := slices.Index(Severities(), d.worst)
	if severity < 0 {
		severity = len(Severities())
	}
	rank := severity*len(deltaKinds) + int(d.Kind)
	switch d.Kind {
	case TokenHidden, TokenUnseen:
		rank += 1000
	case FindingResolved, FindingNotJudged:
		rank += 2000
	}
	return rank
}

// Since walks the records of a review of one target as they would be, had the review of
// earlier been the one before it: presence, changes and states of findings are since
// then. Both ascend. What only the earlier one has is told to lost and not walked: nobody
// can say what became of it.
func (s Summary) Since(earlier Summary, before, now iter.Seq2[Record, error], lost func(Record)) iter.Seq2[Record, error] {
	var policy *Policy
	if JudgedUnder(earlier.Policy, s.Policy) != nil {
		p := s.Policy.Policy()
		policy = &p
	}
	return func(yield func(Record, error) bool) {
		nextBefore, stop := iter.Pull2(before)
		defer stop()
		nextNow, stop := iter.Pull2(now)
		defer stop()
		b, errB, okB := nextBefore()
		n, errN, okN := nextNow()
		for okB || okN {
			if err := cmp.Or(errB, errN); err != nil {
				yield(Record{}, err)
				return
			}
			var out Record
			keep := true
			switch {
			case okB && okN && b.key() == n.key():
				out, keep = n.since(&b, policy, earlier.Started, s.Started)
				b, errB, okB = nextBefore()
				n, errN, okN = nextNow()
			case !okN || okB && b.key() < n.key():
				if out, keep = b.ended(s.Started); b.Exists() {
					lost(b)
				}
				b, errB, okB = nextBefore()
			default:
				out, keep = n.since(nil, policy, earlier.Started, s.Started)
				n, errN, okN = nextNow()
			}
			if keep && !yield(out, nil) {
				return
			}
		}
	}
}

// since is the record as it would be had before been that of the review before, which
// began at the time from. It reports whether there is anything to say of it.
func (r Record) since(before *Record, policy *Policy, from, at time.Time) (Record, bool) {
	existed := before != nil && before.Exists()
	if r.wasGone() {
		if !existed { // it came and went in between, or was gone then
			return r, false
		}
		r.Presence = Gone
	}
	if (before == nil || before.FirstSeen.IsZero()) && r.FirstSeen.After(from) { // zero: from an imported list
		r.FirstSeen = at
		if before == nil {
			r.Changes = nil
		}
	}
	if before == nil {
		before = &Record{Findings: known(r.Findings, from)}
	} else {
		r.Changes = nil
		if before.wasGone() && r.Exists() {
			r.Changes = []Change{{Field: "presence", From: string(Gone), To: string(r.Presence)}}
		}
		if r.Exists() {
			r.Changes = append(r.Changes, changes(before.Authorization, r.Authorization)...)
		}
	}
	var would []Finding // what the earlier review would have found under the policy of now
	if policy != nil && existed {
		would = Replay(*before, *policy, from)
	}
	current := func(in []Finding, check string) bool {
		return slices.ContainsFunc(in, func(f Finding) bool { return f.Check == check && f.Current() })
	}
	r.Findings = slices.Clone(r.Findings)
	for i := range r.Findings {
		f := &r.Findings[i]
		place := CheckPlace(f.Check)
		was := current(before.Findings, f.Check)
		again := place >= 0 && checks[place].Event && f.Since.After(from)
		switch {
		case f.State == Excepted:
		case f.Current() && was && !again:
			f.State = Open
		case f.State == Open && place >= 0 && !checks[place].Momentary && current(would, f.Check):
			f.State = ByPolicy
		case f.State == Open && slices.ContainsFunc(before.Findings, func(b Finding) bool { return b.Check == f.Check && b.State == Resolved }):
			f.State = Reopened
		case f.State == Open:
			f.State = New
		case !f.Current() && was:
			f.Since = at
		case !f.Current():
			f.Since = from // not since then
		}
	}
	for _, f := range before.Findings {
		if f.Current() && !slices.ContainsFunc(r.Findings, func(n Finding) bool { return n.Check == f.Check }) {
			r.Findings = append(r.Findings, f.end(NotJudged, at)) // of another version
		}
	}
	return r, true
}

// known are the findings that stood at the time from already, by their own word: of a
// token that the earlier review of this target did not have.
func known(fs []Finding, from time.Time) []Finding {
	return slices.DeleteFunc(slices.Clone(fs), func(f Finding) bool { return f.Since.After(from) })
}

// ended is a record about no token that is there no more: nobody judged its findings.
func (r Record) ended(at time.Time) (Record, bool) {
	if !r.IsServer() {
		return r, false
	}
	r.Findings, r.Changes = each(r.Findings, func(f Finding) Finding { return f.end(NotJudged, at) }), nil
	return r, true
}
