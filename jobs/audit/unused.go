package audit

import "slices"

// unused finds the exceptions of a target that no finding used. An exception for
// an authorization that could not be asked for now is not called unused.
type unused struct {
	review Review
	open   map[int]bool // by position in the policy
	before *Record      // the record that said so in the previous review
}

func newUnused(rv Review) *unused {
	u := &unused{review: rv, open: map[int]bool{}}
	for i, e := range rv.Policy.Exceptions {
		if e.Target == rv.Target {
			u.open[i] = true
		}
	}
	return u
}

// met strikes off what a record used, and what is said of it elsewhere: expired
// and void exceptions have findings of their own.
func (u *unused) met(r *Record) {
	if len(u.open) == 0 {
		return
	}
	for i, e := range u.review.Policy.Exceptions {
		if !u.open[i] || e.Authorization != r.ID || r.Legacy {
			continue
		}
		if r.Presence == Unseen || r.Exists() && (!e.valid(r.Authorization, u.review.Now) || e.usedBy(r)) {
			delete(u.open, i)
		}
	}
}

func (e Exception) usedBy(r *Record) bool {
	for _, f := range r.Findings {
		if f.State == Excepted && e.covers(f.Check) {
			return true
		}
	}
	return false
}

// record says which are left, if any are or were.
func (u *unused) record() (Record, bool) {
	switch {
	case u.review.Probe == nil && u.before != nil: // nothing could be asked: what was said stands
		u.before.Findings = standAll(u.before.Findings)
		return *u.before, true
	case u.review.Probe == nil, len(u.open) == 0 && u.before == nil:
		return Record{}, false
	}
	r := exceptionsRecord(u.review.Target)
	r.FirstSeen, r.LastSeen = u.review.Now, u.review.Now
	s := Subject{Authorization: r.Authorization, Owner: r.Owner, Policy: u.review.Policy, Scope: u.review.Scope, Now: u.review.Now}
	for i, e := range u.review.Policy.Exceptions {
		if u.open[i] {
			s.Exceptions = append(s.Exceptions, e)
		}
	}
	var old []Finding
	if u.before != nil {
		old, r.FirstSeen = u.before.Findings, u.before.FirstSeen
	}
	r.Findings = carry(judge(nil, &s, old), u.review.Now)
	reported := func(f Finding) bool { return f.Reported(u.review.Now) }
	return r, slices.ContainsFunc(r.Findings, reported)
}
